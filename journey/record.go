package journey

import (
	"encoding/hex"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// FromRecord gives the spans of a release for a [Waterfall]: the same as are
// exported, and, while the release is on its way, as many as are known.
func FromRecord(rec *v1alpha1.Release) []Span {
	d := newDrawing(rec)
	drawn := d.story(rec)
	for _, v := range rec.Status.Deliveries {
		drawn = append(drawn, d.run(v, d.origin(rec, v))...)
	}
	out := make([]Span, 0, len(drawn))
	for _, s := range drawn {
		out = append(out, shown(s))
	}
	return out
}

func shown(s *tracepb.Span) Span {
	return Span{
		Name:   s.GetName(),
		ID:     hex.EncodeToString(s.GetSpanId()),
		Parent: hex.EncodeToString(s.GetParentSpanId()),
		Start:  time.Unix(0, int64(s.GetStartTimeUnixNano())).UTC(),
		End:    time.Unix(0, int64(s.GetEndTimeUnixNano())).UTC(),
		Error:  s.GetStatus().GetCode() == tracepb.Status_STATUS_CODE_ERROR,
	}
}
