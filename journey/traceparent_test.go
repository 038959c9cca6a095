package journey

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

const (
	someTrace  = "4bf92f3577b34da6a3ce929d0e0e4736"
	someSpan   = "00f067aa0ba902b7"
	someParent = "00-" + someTrace + "-" + someSpan + "-01"
)

func TestParseTraceparent(t *testing.T) {
	tests := map[string]struct {
		in   string
		want bool
	}{
		"sampled":                     {someParent, true},
		"not sampled":                 {"00-" + someTrace + "-" + someSpan + "-00", true},
		"sampled and random":          {"00-" + someTrace + "-" + someSpan + "-03", true},
		"unknown flags":               {"00-" + someTrace + "-" + someSpan + "-ff", true},
		"later version":               {"01-" + someTrace + "-" + someSpan + "-01", true},
		"later version with more":     {"cc-" + someTrace + "-" + someSpan + "-01-what-else", true},
		"later version, more unsplit": {"cc-" + someTrace + "-" + someSpan + "-01what", false},
		"version 00 with more":        {someParent + "-more", false},
		"version ff":                  {"ff-" + someTrace + "-" + someSpan + "-01", false},
		"version no hex":              {"zz-" + someTrace + "-" + someSpan + "-01", false},
		"upper case":                  {strings.ToUpper(someParent), false},
		"upper case version":          {"CC-" + someTrace + "-" + someSpan + "-01", false},
		"trace of zeros":              {"00-" + strings.Repeat("0", 32) + "-" + someSpan + "-01", false},
		"span of zeros":               {"00-" + someTrace + "-" + strings.Repeat("0", 16) + "-01", false},
		"trace no hex":                {"00-" + strings.Repeat("x", 32) + "-" + someSpan + "-01", false},
		"flags no hex":                {"00-" + someTrace + "-" + someSpan + "-0x", false},
		"wrong dashes":                {"00_" + someTrace + "_" + someSpan + "_01", false},
		"parts of wrong length":       {"00-" + someTrace + "0-" + someSpan[1:] + "-01", false},
		"blank before":                {" " + someParent, false},
		"blank after":                 {someParent + " ", false},
		"too short":                   {"00-1-2-01", false},
		"nothing":                     {"", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			id, span, ok := ParseTraceparent(tt.in)
			assert.Equal(t, tt.want, ok)
			if tt.want {
				assert.Equal(t, someTrace, id.String())
				assert.Equal(t, someSpan, span.String())
			}
		})
	}
}

// What is accepted is what OpenTelemetry's own propagator finds there too.
func FuzzParseTraceparent(f *testing.F) {
	for _, s := range []string{someParent, strings.ToUpper(someParent), someParent + "-", "cc" + someParent[2:] + "-x", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, span, ok := ParseTraceparent(s)
		if !ok {
			return
		}
		assert.Equal(t, id.String(), s[3:35])
		assert.Equal(t, span.String(), s[36:52])
		if s[:2] != "00" || s[53] != '0' || s[54] > '3' {
			return // otel-go is stricter than the standard about flags.
		}
		ctx := propagation.TraceContext{}.Extract(t.Context(), propagation.MapCarrier{"traceparent": s})
		assert.Equal(t, id, trace.SpanContextFromContext(ctx).TraceID())
	})
}
