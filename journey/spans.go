package journey

import (
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

const (
	// longest is how far back of ready a journey begins at most: backends lose a
	// trace that spans weeks.
	longest = 24 * time.Hour
	// syncLead is how long before the rollout a sync may have ended and still be
	// its cause. One that ended earlier rolled out something else.
	syncLead = time.Minute
)

// prompt reports whether a delivery came with the release's becoming ready. Of a
// rule that held only later, the announcement is not drawn: what was drawn at
// ready must not change. Nor is one of anything else that happened.
func prompt(rec *v1alpha1.Release, v v1alpha1.Delivery) bool {
	return v.Event == "" && at(&v.Created).Equal(at(rec.Status.Timeline.Ready))
}

// Ready draws the spans up to the announcement of a release. It is empty for a
// release that has no trace or is not ready.
func Ready(rec *v1alpha1.Release) []*tracepb.Span {
	if rec.Status.Trace == nil || rec.Status.Timeline.Ready == nil {
		return nil
	}
	return newDrawing(rec).story(rec)
}

// story draws as much of the way as is known.
func (d drawing) story(rec *v1alpha1.Release) []*tracepb.Span {
	t := timesOf(rec)
	root := d.root(rec, t)
	if root.start.IsZero() {
		return nil
	}
	if n := d.sync(rec, t); n != nil {
		root.children = append(root.children, n)
	}
	if n := d.rollout(t); n != nil {
		root.children = append(root.children, n)
	}
	root.children = append(root.children, d.announcements(rec, t)...)
	return d.spans(root, d.trace.Parent)
}

// times is a record's timeline, zero where unknown.
type times struct {
	syncStarted, syncFinished       time.Time
	rolloutStarted, rolloutFinished time.Time
	seen, ready, told               time.Time
}

func timesOf(rec *v1alpha1.Release) times {
	l := rec.Status.Timeline
	out := times{
		syncStarted: at(l.SyncStarted), syncFinished: at(l.SyncFinished),
		rolloutStarted: at(l.RolloutStarted), rolloutFinished: at(l.RolloutFinished),
		seen: at(l.Seen), ready: at(l.Ready),
	}
	if !out.causal() {
		out.syncStarted, out.syncFinished = time.Time{}, time.Time{}
	}
	for _, v := range rec.Status.Deliveries {
		if v.First != nil && prompt(rec, v) {
			out.told = latest(out.told, at(&v.First.Finished))
		}
	}
	return out
}

// causal reports whether the sync is known and can have caused the rollout.
func (t times) causal() bool {
	return !t.syncStarted.IsZero() && !t.syncFinished.IsZero() && !t.syncFinished.Add(syncLead).Before(t.rolloutStarted)
}

func (d drawing) root(rec *v1alpha1.Release, t times) *node {
	n := &node{
		step: stepRelease, name: "release " + d.release.Subject.Name, kind: tracepb.Span_SPAN_KIND_INTERNAL,
		start:      earliest(t.syncStarted, t.rolloutStarted, t.seen, t.ready),
		end:        latest(t.ready, t.told),
		attributes: []attribute.KeyValue{keyKind.String(string(d.release.Kind)), keyLate.Bool(rec.Status.Late)},
	}
	if t.ready.IsZero() {
		n.end = latest(t.syncFinished, t.rolloutFinished, t.seen)
		return n
	}
	n.attributes = append(n.attributes, semconv.DeploymentStatusSucceeded)
	if first := t.ready.Add(-longest); n.start.Before(first) {
		n.start, n.clamped = first, true
	}
	return n
}

func (d drawing) sync(rec *v1alpha1.Release, t times) *node {
	g := rec.Status.GitOps
	if g == nil || t.syncStarted.IsZero() {
		return nil
	}
	result := syncResult(g.Operation)
	n := &node{
		step: stepSync, name: "SYNC " + g.Name, kind: tracepb.Span_SPAN_KIND_SERVER,
		start: t.syncStarted, end: t.syncFinished, failed: result != semconv.CICDPipelineResultSuccess,
		attributes: []attribute.KeyValue{
			semconv.CICDPipelineActionNameSync, semconv.CICDPipelineName(g.Name), result,
			semconv.CICDPipelineRunID(g.Namespace + "/" + g.Name + "@" + t.syncStarted.Format(time.RFC3339Nano)),
		},
	}
	if url := CanonicalRepoURL(g.RepoURL); url != "" {
		n.attributes = append(n.attributes, semconv.VCSRepositoryURLFull(url))
	}
	if n.failed {
		n.attributes = append(n.attributes, semconv.ErrorTypeKey.String(result.Value.AsString()))
	}
	return n
}

// syncResult puts the engine's word into those of cicd.pipeline.result.
func syncResult(operation string) attribute.KeyValue {
	switch operation {
	case "Failed":
		return semconv.CICDPipelineResultFailure
	case "Error":
		return semconv.CICDPipelineResultError
	case "Terminating":
		return semconv.CICDPipelineResultCancellation
	default:
		return semconv.CICDPipelineResultSuccess
	}
}

func (d drawing) rollout(t times) *node {
	end := t.rolloutFinished
	if end.IsZero() {
		end = t.ready
	}
	if t.rolloutStarted.IsZero() || end.IsZero() {
		return nil
	}
	s := d.release.Subject
	return &node{
		step: stepRollout, name: fmt.Sprintf("rollout %s/%s rev %s", s.Namespace, s.Name, d.release.Revision),
		kind: tracepb.Span_SPAN_KIND_INTERNAL, start: t.rolloutStarted, end: end,
		attributes: []attribute.KeyValue{
			semconv.CICDPipelineTaskName("rollout"), semconv.CICDPipelineTaskRunID(d.release.Name()),
			semconv.CICDPipelineTaskRunResultSuccess, semconv.CICDPipelineTaskTypeDeploy,
		},
	}
}

// announcements draws one span for each rule that has told anybody, or a single
// one that marks the moment.
func (d drawing) announcements(rec *v1alpha1.Release, t times) []*node {
	if t.ready.IsZero() {
		return nil
	}
	var out []*node
	byRule := map[string]*node{}
	for _, v := range rec.Status.Deliveries {
		if !prompt(rec, v) {
			continue
		}
		n := byRule[v.Rule]
		if n == nil {
			n = d.announcement(v, t.ready)
			byRule[v.Rule], out = n, append(out, n)
		}
		if v.First != nil {
			n.end = latest(n.end, at(&v.First.Finished))
			n.children = append(n.children, send(v))
		}
	}
	if len(out) > 0 {
		return out
	}
	return []*node{{
		step: stepReady(""), name: "release ready", kind: tracepb.Span_SPAN_KIND_INTERNAL, start: t.ready, end: t.ready,
	}}
}

func (d drawing) announcement(v v1alpha1.Delivery, ready time.Time) *node {
	s := d.release.Subject
	return &node{
		step: stepReady(v.Rule), name: "release ready", kind: tracepb.Span_SPAN_KIND_PRODUCER, start: ready, end: ready,
		attributes: []attribute.KeyValue{
			semconv.CloudEventsEventID(v.EventID),
			semconv.CloudEventsEventType(release.BecameReady.EventType()),
			semconv.CloudEventsEventSource("/clusters/" + s.Cluster + "/namespaces/" + s.Namespace),
			semconv.CloudEventsEventSubject(s.Path()),
			keyRule.String(v.Rule),
		},
	}
}

// send draws the first attempt of a delivery. Later ones may still be to come.
func send(v v1alpha1.Delivery) *node {
	n := &node{
		step: stepSend(v.EventID, v.Sink), name: "send " + v.Sink, kind: tracepb.Span_SPAN_KIND_CLIENT,
		start: at(&v.First.Started), end: at(&v.First.Finished),
		attributes: []attribute.KeyValue{keyRule.String(v.Rule), keySink.String(v.Sink)},
	}
	if v.First.Error != "" {
		n.failed, n.message = true, v.First.Error
		n.attributes = append(n.attributes, semconv.ErrorTypeOther)
	}
	return n
}
