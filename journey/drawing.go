package journey

import (
	"encoding/hex"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// The attributes that no convention names.
const (
	keyTraceSource = attribute.Key("trace.id.source")
	keyClamped     = attribute.Key("clamped")
	keyKind        = attribute.Key("rollcall.release.kind")
	keyRule        = attribute.Key("rollcall.rule")
	keySink        = attribute.Key("rollcall.sink")
	keyLate        = attribute.Key("rollcall.late")
)

// The flags of a span: sampled, and whether its parent is known to be remote.
const (
	flagsLocal  = uint32(trace.FlagsSampled) | uint32(tracepb.SpanFlags_SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK)
	flagsRemote = flagsLocal | uint32(tracepb.SpanFlags_SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK)
)

// drawing is what all spans of a release share.
type drawing struct {
	trace Trace
	// home is the trace of the release: a run may have one of its own.
	home    trace.TraceID
	release release.Release
	key     string
	common  []attribute.KeyValue
}

// newDrawing prepares to draw from a record. One without a trace is given the
// release's own, so that it can at least be shown.
func newDrawing(rec *v1alpha1.Release) drawing {
	r := releaseOf(rec)
	t, ok := FromRecorded(rec.Status.Trace)
	if !ok {
		t = ofRelease(r)
	}
	return drawing{trace: t, home: t.ID, release: r, key: r.Key(), common: common(rec, r, t)}
}

// spans draws a tree, whose root has the given parent. Of two spans with the
// same id the first counts: an id must not come with two contents.
func (d drawing) spans(root *node, parent trace.SpanID) []*tracepb.Span {
	root.fit()
	var out []*tracepb.Span
	seen := map[trace.SpanID]bool{}
	root.walk(nil, func(n, above *node) {
		if id := d.id(n); !seen[id] {
			seen[id] = true
			out = append(out, d.span(n, above, parent))
		}
	})
	return out
}

func (d drawing) span(n, above *node, parent trace.SpanID) *tracepb.Span {
	flags := flagsLocal
	if above != nil {
		parent = d.id(above)
	} else if parent.IsValid() {
		flags = flagsRemote
	}
	id := d.id(n)
	return &tracepb.Span{
		TraceId:           d.trace.ID[:],
		SpanId:            id[:],
		ParentSpanId:      spanBytes(parent),
		Flags:             flags,
		Name:              readable(n.name),
		Kind:              n.kind,
		StartTimeUnixNano: nanos(n.start),
		EndTimeUnixNano:   nanos(n.end),
		Attributes:        sorted(d.attributes(n)),
		Links:             d.links(n),
		Status:            status(n),
	}
}

func (d drawing) id(n *node) trace.SpanID {
	if n.id.IsValid() {
		return n.id
	}
	return d.trace.span(d.key, n.step)
}

func (d drawing) attributes(n *node) []attribute.KeyValue {
	out := append(append([]attribute.KeyValue{}, d.common...), n.attributes...)
	if n.clamped {
		out = append(out, keyClamped.Bool(true))
	}
	return out
}

func (d drawing) links(n *node) []*tracepb.Span_Link {
	if !n.link.IsValid() {
		return nil
	}
	return []*tracepb.Span_Link{{TraceId: d.home[:], SpanId: spanBytes(n.link), Flags: flagsLocal}}
}

func status(n *node) *tracepb.Status {
	if !n.failed {
		return &tracepb.Status{}
	}
	return &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR, Message: readable(n.message)}
}

// common lists the attributes that every span of a release carries, so that any
// one of them leads to the others.
func common(rec *v1alpha1.Release, r release.Release, t Trace) []attribute.KeyValue {
	id := traceID("deployment", r.Key())
	out := []attribute.KeyValue{
		semconv.DeploymentID(hex.EncodeToString(id[:8])),
		semconv.DeploymentName(r.Subject.Name),
		semconv.K8SNamespaceName(r.Subject.Namespace),
		keyTraceSource.String(string(t.Source)),
	}
	switch r.Subject.Kind {
	case "Deployment":
		out = append(out, semconv.K8SDeploymentName(r.Subject.Name))
	case "StatefulSet":
		out = append(out, semconv.K8SStatefulSetName(r.Subject.Name))
	case "DaemonSet":
		out = append(out, semconv.K8SDaemonSetName(r.Subject.Name))
	}
	if g := rec.Status.GitOps; g != nil {
		if c := commitOf(g.Source, g.Revision); c != "" {
			out = append(out, semconv.VCSRefHeadRevision(c))
		}
	}
	return out
}

// releaseOf reads the release back from its record.
func releaseOf(rec *v1alpha1.Release) release.Release {
	s := rec.Spec
	kind := release.KindRef{APIVersion: s.Subject.APIVersion, Kind: s.Subject.Kind}
	return release.Release{
		Subject: release.Subject{
			Cluster: s.Cluster, Kind: kind.Subject(), Namespace: rec.Namespace, Name: s.Subject.Name,
		},
		UID:        s.Subject.UID,
		Revision:   s.Revision,
		Template:   release.Template{Hash: s.Template.Hash},
		Kind:       release.Kind(s.Kind),
		Generation: s.Generation,
		Sequence:   s.Sequence,
		Previous:   s.Previous,
	}
}

// at reads a time as it is once it has been stored, whole microseconds, and so
// the same before it was stored; zero if unknown.
func at(t *metav1.MicroTime) time.Time {
	if t == nil || t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

// readable makes text that OTLP accepts, whatever an engine said.
func readable(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func nanos(t time.Time) uint64 { return uint64(max(t.UnixNano(), 0)) }

// spanBytes gives nil for an id of zeros: that is how OTLP says that there is none.
func spanBytes(id trace.SpanID) []byte {
	if !id.IsValid() {
		return nil
	}
	return id[:]
}
