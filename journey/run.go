package journey

import (
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// Run draws the run that a delivery started. It is empty unless the release has
// a trace, or the run has one of its own, and the run was followed and has ended.
func Run(rec *v1alpha1.Release, v v1alpha1.Delivery) []*tracepb.Span {
	if rec.Status.Trace == nil && v.Repeat == 0 {
		return nil
	}
	d := newDrawing(rec)
	return d.run(v, d.origin(rec, v))
}

// origin is the span that a run follows from: the announcement that started it, or,
// of a run that came again, the release itself. What was never drawn is none.
func (d drawing) origin(rec *v1alpha1.Release, v v1alpha1.Delivery) trace.SpanID {
	switch {
	case v.Repeat > 0 && rec.Status.Trace != nil:
		return d.trace.span(d.key, stepRelease)
	case prompt(rec, v):
		return d.trace.span(d.key, stepReady(v.Rule))
	}
	return trace.SpanID{}
}

func (d drawing) run(v v1alpha1.Delivery, origin trace.SpanID) []*tracepb.Span {
	if v.Outcome == nil || !v.Follows {
		return nil
	}
	root := d.verdict(v)
	if root.start.IsZero() {
		return nil
	}
	root.link = origin
	if t, id, ok := ParseTraceparent(v.Traceparent); ok {
		d.trace.ID, root.id = t, id
	}
	if n := queued(root, v.Outcome); n != nil {
		root.children = append(root.children, n)
	}
	for _, s := range v.Outcome.Steps {
		if n := part(root, s); n != nil {
			root.children = append(root.children, n)
		}
	}
	return d.spans(root, trace.SpanID{})
}

// verdict draws the run itself. Its name is the sink's: that of the object
// differs at every run, and could not be searched for.
func (d drawing) verdict(v v1alpha1.Delivery) *node {
	o := v.Outcome
	// The run cannot be older than the event: its own time is cut to the second.
	created := latest(at(&o.Created), at(&v.Created))
	started, finished := at(o.Started), at(&o.Finished)
	n := &node{
		step: stepRun(v.EventID, v.Sink), name: "RUN " + v.Sink, kind: tracepb.Span_SPAN_KIND_SERVER,
		start: created, end: latest(created, started, finished), firm: true,
		attributes: []attribute.KeyValue{
			semconv.CICDPipelineActionNameRun, semconv.CICDPipelineName(v.Sink),
			semconv.CICDPipelineResultKey.String(o.Result), semconv.CICDPipelineRunID(runID(v)),
			semconv.TestSuiteName(v.Sink), suiteStatus(o.Result),
			keyRule.String(v.Rule), keySink.String(v.Sink), semconv.CloudEventsEventID(v.EventID),
		},
	}
	if v.Event != "" {
		n.attributes = append(n.attributes, semconv.CloudEventsEventType(release.Occasion(v.Event).EventType()))
	}
	if v.URL != "" {
		n.attributes = append(n.attributes, semconv.CICDPipelineRunURLFull(v.URL))
	}
	n.judge(o.Result, o.Message)
	return n
}

// judge marks a span that did not succeed.
func (n *node) judge(result, message string) {
	if result == string(release.Success) {
		return
	}
	n.failed, n.message = true, message
	n.attributes = append(n.attributes, semconv.ErrorTypeKey.String(result))
}

func runID(v v1alpha1.Delivery) string {
	if v.Object != nil && v.Object.UID != "" {
		return v.Object.UID
	}
	return v.EventID
}

// suiteStatus puts a result into the words of test.suite.run.status.
func suiteStatus(result string) attribute.KeyValue {
	switch release.Result(result) {
	case release.Success:
		return semconv.TestSuiteRunStatusSuccess
	case release.Failure:
		return semconv.TestSuiteRunStatusFailure
	default:
		return semconv.TestSuiteRunStatusAborted
	}
}

func queued(root *node, o *v1alpha1.Outcome) *node {
	started := at(o.Started)
	if at(&o.Created).IsZero() || !started.After(root.start) {
		return nil
	}
	return &node{
		step: stepPart(root.step, "queued"), name: "queued", kind: tracepb.Span_SPAN_KIND_INTERNAL,
		start: root.start, end: started,
	}
}

// part draws a step of a run, unless it never began.
func part(root *node, s v1alpha1.Step) *node {
	start, end := at(&s.Started), at(&s.Finished)
	if start.IsZero() {
		return nil
	}
	n := &node{
		step: stepPart(root.step, "step\x00"+s.ID+"\x00"+s.Name), name: s.Name, kind: tracepb.Span_SPAN_KIND_INTERNAL,
		start: start, end: end,
		attributes: []attribute.KeyValue{
			semconv.CICDPipelineTaskName(s.Name), semconv.CICDPipelineTaskRunID(s.ID),
			semconv.CICDPipelineTaskRunResultKey.String(s.Result),
		},
	}
	n.judge(s.Result, s.Message)
	return n
}
