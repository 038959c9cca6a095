package journey

import (
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

// slack is how far a span may grow to hold its children: Kubernetes cuts most of
// its times to whole seconds. What sticks out further is clamped.
const slack = time.Second

// least is the shortest span: backends take one of no length for a mistake.
const least = time.Microsecond

// node is a span to be, with those inside it.
type node struct {
	// step identifies the span among those of its release.
	step string
	// id is the span's id where it is not derived from step.
	id         trace.SpanID
	name       string
	kind       tracepb.Span_SpanKind
	start, end time.Time
	attributes []attribute.KeyValue
	// failed and message are the span's status.
	failed  bool
	message string
	// link is a span of the release's trace that this one follows from.
	link trace.SpanID
	// firm says that the start is not moved, even for a child that began earlier.
	firm bool
	// clamped says that the times are not quite what was recorded.
	clamped  bool
	children []*node
}

// fit makes every child lie inside its parent.
func (n *node) fit() {
	n.grow()
	n.clamp(n.start, n.end)
}

// grow widens a span around its children, from the leaves up.
func (n *node) grow() {
	if n.end.Before(n.start) {
		n.end, n.clamped = n.start, true
	}
	if n.end.Equal(n.start) {
		n.end = n.start.Add(least)
	}
	from, to := n.start.Add(-slack), n.end.Add(slack)
	for _, c := range n.children {
		c.grow()
		if !n.firm && c.start.Before(n.start) && !c.start.Before(from) {
			n.start = c.start
		}
		if c.end.After(n.end) && !c.end.After(to) {
			n.end = c.end
		}
	}
}

// clamp cuts a span to the given bounds, from the root down.
func (n *node) clamp(from, to time.Time) {
	start := between(n.start, from, to.Add(-least))
	end := between(n.end, start.Add(least), to)
	n.clamped = n.clamped || !start.Equal(n.start) || !end.Equal(n.end)
	n.start, n.end = start, end
	for _, c := range n.children {
		c.clamp(start, end)
	}
}

// walk visits a node and all below it, parents first.
func (n *node) walk(parent *node, visit func(n, parent *node)) {
	visit(n, parent)
	for _, c := range n.children {
		c.walk(n, visit)
	}
}

func between(t, from, to time.Time) time.Time {
	if t.Before(from) {
		return from
	}
	if t.After(to) {
		return to
	}
	return t
}

// earliest is the first of the times that are known.
func earliest(times ...time.Time) time.Time {
	var out time.Time
	for _, t := range times {
		if !t.IsZero() && (out.IsZero() || t.Before(out)) {
			out = t
		}
	}
	return out
}

// latest is the last of the times.
func latest(times ...time.Time) time.Time {
	var out time.Time
	for _, t := range times {
		if t.After(out) {
			out = t
		}
	}
	return out
}
