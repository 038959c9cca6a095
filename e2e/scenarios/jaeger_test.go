package scenarios

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// span is a span as Jaeger's query API tells it; times are in microseconds.
type span struct {
	TraceID       string `json:"traceID"`
	SpanID        string `json:"spanID"`
	OperationName string `json:"operationName"`
	References    []struct {
		RefType string `json:"refType"`
		SpanID  string `json:"spanID"`
		TraceID string `json:"traceID"`
	} `json:"references"`
	StartTime int64    `json:"startTime"`
	Duration  int64    `json:"duration"`
	Warnings  []string `json:"warnings"`
	Tags      []struct {
		Key   string `json:"key"`
		Value any    `json:"value"`
	} `json:"tags"`
}

func (s span) tag(key string) any {
	for _, t := range s.Tags {
		if t.Key == key {
			return t.Value
		}
	}
	return nil
}

// trace reads a trace back from Jaeger, once it holds a span of that name.
func (s *stage) trace(id, name string) []span {
	s.Helper()
	var spans []span
	s.eventually("Jaeger has "+name, func() bool {
		spans = nil
		resp, err := http.Get(cluster.JaegerQuery + "/api/traces/" + id) //nolint:noctx // a test on loopback
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		var answer struct {
			Data []struct {
				Spans []span `json:"spans"`
			} `json:"data"`
		}
		if json.NewDecoder(resp.Body).Decode(&answer) != nil || len(answer.Data) != 1 {
			return false
		}
		spans = answer.Data[0].Spans
		return index(spans, name) >= 0
	})
	return spans
}

func index(spans []span, name string) int {
	return slices.IndexFunc(spans, func(s span) bool { return s.OperationName == name })
}

func names(spans []span) []string {
	out := make([]string, 0, len(spans))
	for _, s := range spans {
		out = append(out, s.OperationName)
	}
	return out
}

// table writes a trace for the message of an assertion.
func table(spans []span) string {
	var b strings.Builder
	for _, s := range spans {
		fmt.Fprintf(&b, "%s %d +%d %s %v\n", s.SpanID, s.StartTime, s.Duration, s.OperationName, s.References)
	}
	return b.String()
}

// checkTrace asserts that a trace is sound: one trace id, no span twice, every
// parent there, every child inside of its parent, and no warning of Jaeger's.
func checkTrace(t *testing.T, spans []span) {
	t.Helper()
	byID := map[string]span{}
	for _, s := range spans {
		require.NotContains(t, byID, s.SpanID, "%s is there twice", s.OperationName)
		byID[s.SpanID] = s
	}
	for _, s := range spans {
		require.Equal(t, spans[0].TraceID, s.TraceID)
		require.Empty(t, s.Warnings, "%s\n%s", s.OperationName, table(spans))
		for _, ref := range s.References {
			if ref.RefType != "CHILD_OF" {
				continue
			}
			parent, ok := byID[ref.SpanID]
			require.True(t, ok, "the parent of %s is missing", s.OperationName)
			require.GreaterOrEqual(t, s.StartTime, parent.StartTime, "%s starts before %s", s.OperationName, parent.OperationName)
			require.LessOrEqual(t, s.StartTime+s.Duration, parent.StartTime+parent.Duration, "%s outlives %s", s.OperationName, parent.OperationName)
		}
	}
}
