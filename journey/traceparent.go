package journey

import (
	"encoding/hex"
	"strings"

	"go.opentelemetry.io/otel/trace"
)

// The length of a version 00 traceparent, and where its parts end.
const (
	versionEnd = 2
	traceEnd   = versionEnd + 1 + 32
	spanEnd    = traceEnd + 1 + 16
	flagsEnd   = spanEnd + 1 + 2
)

// ParseTraceparent reads a W3C traceparent, as strictly as the standard asks:
// lower case, ids that are not zero, version 00 exactly, a later version by the
// part that it shares with version 00. Flags are read and not used: whoever may
// annotate an object must not be able to mute its trace.
func ParseTraceparent(s string) (trace.TraceID, trace.SpanID, bool) {
	var (
		t  trace.TraceID
		id trace.SpanID
	)
	if !wellFormed(s) {
		return t, id, false
	}
	decode(t[:], s[versionEnd+1:traceEnd])
	decode(id[:], s[traceEnd+1:spanEnd])
	return t, id, t.IsValid() && id.IsValid()
}

func wellFormed(s string) bool {
	if len(s) < flagsEnd || !known(s) {
		return false
	}
	parts := strings.Split(s[:flagsEnd], "-")
	if len(parts) != 4 || len(parts[0]) != 2 || len(parts[1]) != 32 || len(parts[2]) != 16 {
		return false
	}
	return lowerHex(strings.Join(parts, ""))
}

// known reports whether the version allows what comes after the flags.
func known(s string) bool {
	switch rest := s[flagsEnd:]; s[:versionEnd] {
	case "00":
		return rest == ""
	case "ff":
		return false
	default:
		return rest == "" || rest[0] == '-'
	}
}

// decode fills id from as many hex digits, and leaves it zero if they are none.
func decode(id []byte, s string) {
	if b, err := hex.DecodeString(s); err == nil && len(b) == len(id) {
		copy(id, b)
	}
}
