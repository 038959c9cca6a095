package journey

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

// Whatever a record says: children inside their parents, no id twice, no span
// shorter than the least, no run before its event, and the same bytes when it was stored.
func TestPropertiesOfAnyRecord(t *testing.T) {
	for seed := range uint64(3000) {
		rec := randomRecord(rand.New(rand.NewPCG(seed, 1)))
		spans := Ready(rec)
		again := stored(t, rec)
		require.True(t, bytes.Equal(marshal(t, spans), marshal(t, Ready(again))), "seed %d", seed)
		checkTree(t, seed, spans)
		for i, v := range rec.Status.Deliveries {
			run := Run(rec, v)
			require.True(t, bytes.Equal(marshal(t, run), marshal(t, Run(again, again.Status.Deliveries[i]))), "seed %d", seed)
			checkTree(t, seed, run)
			if len(run) > 0 {
				require.GreaterOrEqual(t, run[0].StartTimeUnixNano, nanos(at(&v.Created)), "seed %d: %s", seed, run[0].Name)
			}
		}
	}
}

func checkTree(t *testing.T, seed uint64, spans []*tracepb.Span) {
	t.Helper()
	byID := map[string]*tracepb.Span{}
	for _, s := range spans {
		require.NotContains(t, byID, string(s.SpanId), "seed %d: id twice", seed)
		byID[string(s.SpanId)] = s
		require.LessOrEqual(t, s.StartTimeUnixNano+uint64(least), s.EndTimeUnixNano, "seed %d: %s", seed, s.Name)
	}
	for i, s := range spans {
		parent, ok := byID[string(s.ParentSpanId)]
		require.Equal(t, i > 0, ok, "seed %d: %s", seed, s.Name)
		if ok {
			require.GreaterOrEqual(t, s.StartTimeUnixNano, parent.StartTimeUnixNano, "seed %d: %s", seed, s.Name)
			require.LessOrEqual(t, s.EndTimeUnixNano, parent.EndTimeUnixNano, "seed %d: %s", seed, s.Name)
		}
	}
}
