package journey

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"go.opentelemetry.io/otel/trace"
)

// TraceIDForCommit derives the trace id of a commit. Anybody who knows the
// repository and the full SHA computes the same one, for example a CI job:
//
//	printf 'trace\0%s\0%s' https://github.com/acme/shop $SHA | sha256sum | cut -c1-32
//
// The repository is written as [CanonicalRepoURL] gives it, the SHA in lower case.
func TraceIDForCommit(repo, sha string) (trace.TraceID, error) {
	url := CanonicalRepoURL(repo)
	if url == "" {
		return trace.TraceID{}, fmt.Errorf("derive trace id: %q is not a repository URL", repo)
	}
	sha = strings.ToLower(sha)
	if !fullSHA(sha) {
		return trace.TraceID{}, fmt.Errorf("derive trace id: %q is not a full commit SHA of 40 or 64 hex digits", sha)
	}
	return traceID(url, sha), nil
}

// CommitSpan derives the span of a commit itself: what a CI job may take for its
// parent so that all of its spans stand together.
func CommitSpan(t trace.TraceID) trace.SpanID { return spanID(t, "", "commit") }

// Traceparent writes the W3C trace context of a span, sampled.
func Traceparent(t trace.TraceID, s trace.SpanID) string {
	return "00-" + t.String() + "-" + s.String() + "-01"
}

// traceID derives a trace id from what is the same for everybody in the trace.
func traceID(parts ...string) trace.TraceID {
	var id trace.TraceID
	fill(id[:], append([]string{"trace"}, parts...))
	return id
}

// spanID derives the id of one step of one release in a trace.
func spanID(t trace.TraceID, releaseKey, step string) trace.SpanID {
	var id trace.SpanID
	fill(id[:], []string{"span", t.String(), releaseKey, step})
	return id
}

// fill hashes the parts into id. An id of zeros is invalid: then the parts are
// hashed with one more zero byte.
func fill(id []byte, parts []string) {
	in := strings.Join(parts, "\x00")
	for {
		sum := sha256.Sum256([]byte(in))
		copy(id, sum[:])
		if strings.Trim(string(id), "\x00") != "" {
			return
		}
		in += "\x00"
	}
}

// fullSHA reports whether s is a complete commit id in lower case.
func fullSHA(s string) bool {
	return (len(s) == 40 || len(s) == 64) && lowerHex(s)
}

func lowerHex(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && s == strings.ToLower(s)
}
