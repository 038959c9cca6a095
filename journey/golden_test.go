package journey

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), got, "run go test ./journey -update if this is what you want")
}

// described writes spans so that a person can check every one of their parts.
func described(spans []*tracepb.Span) string {
	var b strings.Builder
	for _, s := range spans {
		fmt.Fprintf(&b, "%s  %s\n", s.Name, strings.TrimPrefix(s.Kind.String(), "SPAN_KIND_"))
		fmt.Fprintf(&b, "  trace %x span %x parent %x flags %#x\n", s.TraceId, s.SpanId, s.ParentSpanId, s.Flags)
		fmt.Fprintf(&b, "  from %v to %v\n", relative(s.StartTimeUnixNano), relative(s.EndTimeUnixNano))
		if s.Status.Code != 0 {
			fmt.Fprintf(&b, "  status %v %q\n", s.Status.Code, s.Status.Message)
		}
		for _, l := range s.Links {
			fmt.Fprintf(&b, "  link %x %x\n", l.TraceId, l.SpanId)
		}
		for _, a := range s.Attributes {
			fmt.Fprintf(&b, "  %s = %v\n", a.Key, text(a.Value.GetStringValue(), a.Value.GetBoolValue()))
		}
	}
	return b.String()
}

func text(s string, b bool) string {
	if s == "" {
		return fmt.Sprint(b)
	}
	return s
}

func relative(n uint64) time.Duration {
	return time.Unix(0, int64(n)).Sub(readyAt.Truncate(time.Microsecond))
}

func marshal(t *testing.T, spans []*tracepb.Span) []byte {
	t.Helper()
	env := environment(func(string) string { return "" })
	out, err := proto.MarshalOptions{Deterministic: true}.Marshal(&tracepb.TracesData{ResourceSpans: batch(env, "prod", spans)})
	require.NoError(t, err)
	return out
}

func named(spans []*tracepb.Span, name string) *tracepb.Span {
	for _, s := range spans {
		if s.Name == name {
			return s
		}
	}
	return nil
}

func attributesOf(s *tracepb.Span) map[string]string {
	out := map[string]string{}
	for _, a := range s.GetAttributes() {
		out[a.Key] = text(a.Value.GetStringValue(), a.Value.GetBoolValue())
	}
	return out
}
