package journey

import (
	"go.opentelemetry.io/otel/trace"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// The steps of a release whose spans have an id that others must know.
const (
	stepRelease = "release"
	stepSync    = "sync"
	stepRollout = "rollout"
)

func stepReady(rule string) string                 { return "ready\x00" + rule }
func stepSend(eventID, sink string) string         { return "send\x00" + eventID + "\x00" + sink }
func stepRun(eventID, sink string) string          { return "run\x00" + eventID + "\x00" + sink }
func stepPart(parent, name string) string          { return parent + "\x00part\x00" + name }
func (t Trace) span(key, step string) trace.SpanID { return spanID(t.ID, key, step) }

// EventTraceparent is the trace context that a sink is handed with a delivery. A
// run that is followed continues from its own span RUN, which is drawn once it
// has ended; anything else continues from the span that announced the release. What
// is told again has a trace of its own: backends lose one that spans weeks.
func EventTraceparent(t Trace, r release.Release, d v1alpha1.Delivery) string {
	id := t.ID
	if d.Repeat > 0 {
		id = traceID(r.Key(), d.EventID)
	}
	step := stepReady(d.Rule)
	if d.Follows {
		step = stepRun(d.EventID, d.Sink)
	}
	return Traceparent(id, spanID(id, r.Key(), step))
}
