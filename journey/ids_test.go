package journey

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"
)

const (
	sha1Commit   = "3f9c2d1a5b7e8f90112233445566778899aabbcc"
	sha256Commit = "0000000000000000000000000000000000000000000000000000000000000007"
	repo         = "https://github.com/acme/shop"
)

// The expected ids were printed by the command in the comment of TraceIDForCommit.
func TestTraceIDForCommitIsWhatSha256sumPrints(t *testing.T) {
	tests := map[string]struct{ repo, sha, want string }{
		"SHA-1":                {repo, sha1Commit, "dcc4b80b28cb0a9b30bfe239b249f8b6"},
		"SHA-256":              {repo, sha256Commit, "7f61d364f3204dff8e0a560704399f5f"},
		"SHA in upper case":    {repo, strings.ToUpper(sha1Commit), "dcc4b80b28cb0a9b30bfe239b249f8b6"},
		"ssh address":          {"git@github.com:acme/shop.git", sha1Commit, "dcc4b80b28cb0a9b30bfe239b249f8b6"},
		"address with a token": {"https://x:secret@GitHub.com/acme/shop.git/", sha1Commit, "dcc4b80b28cb0a9b30bfe239b249f8b6"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := TraceIDForCommit(tt.repo, tt.sha)
			require.NoError(t, err)
			assert.Equal(t, tt.want, got.String())
		})
	}
}

func TestTraceIDForCommitRefusesWhatIsNoCommit(t *testing.T) {
	tests := map[string]struct{ repo, sha, want string }{
		"short SHA":     {repo, "3f9c2d1", `derive trace id: "3f9c2d1" is not a full commit SHA of 40 or 64 hex digits`},
		"branch":        {repo, "main", `derive trace id: "main" is not a full commit SHA of 40 or 64 hex digits`},
		"no SHA":        {repo, "", `derive trace id: "" is not a full commit SHA of 40 or 64 hex digits`},
		"not hex":       {repo, strings.Repeat("g", 40), `derive trace id: "` + strings.Repeat("g", 40) + `" is not a full commit SHA of 40 or 64 hex digits`},
		"no repository": {"", sha1Commit, `derive trace id: "" is not a repository URL`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := TraceIDForCommit(tt.repo, tt.sha)
			assert.EqualError(t, err, tt.want)
		})
	}
}

func TestSpanIDIsWhatSha256sumPrints(t *testing.T) {
	id, err := trace.TraceIDFromHex("4bf92f3577b34da6a3ce929d0e0e4736")
	require.NoError(t, err)
	assert.Equal(t, "dcf2514b5d7b7dd6", spanID(id, "key", "release").String())
	assert.NotEqual(t, spanID(id, "key", "release"), spanID(id, "key", "rollout"))
	assert.NotEqual(t, spanID(id, "key", "release"), spanID(id, "other", "release"))
}

// No input is known whose hash begins with zeros; an id of no length is all
// zeros for ever, so one byte is what can be tested.
func TestFillNeverLeavesZeros(t *testing.T) {
	zero := ""
	for i := 0; zero == "" && i < 1<<16; i++ {
		if in := hex.EncodeToString([]byte{byte(i >> 8), byte(i)}); sha256.Sum256([]byte(in))[0] == 0 {
			zero = in
		}
	}
	require.NotEmpty(t, zero)
	id := make([]byte, 1)
	fill(id, []string{zero})
	assert.NotZero(t, id[0])
}

func TestTraceparent(t *testing.T) {
	got := Traceparent(trace.TraceID{1}, trace.SpanID{2})
	assert.Equal(t, "00-01000000000000000000000000000000-0200000000000000-01", got)
	id, span, ok := ParseTraceparent(got)
	assert.True(t, ok)
	assert.Equal(t, trace.TraceID{1}, id)
	assert.Equal(t, trace.SpanID{2}, span)
}
