package journey

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

func TestRunHasTheIDThatWasHandedOut(t *testing.T) {
	rec := recorded(nil)
	tr, want, ok := ParseTraceparent(rec.Status.Deliveries[0].Traceparent)
	require.True(t, ok)
	run := Run(rec, rec.Status.Deliveries[0])[0]
	assert.Equal(t, tr[:], run.TraceId)
	assert.Equal(t, want[:], run.SpanId)
	assert.Empty(t, run.ParentSpanId, "it outlives the release")
	assert.Equal(t, named(Ready(rec), "release ready").SpanId, run.Links[0].SpanId)

	rec.Status.Deliveries[0].Traceparent = ""
	assert.Equal(t, want[:], Run(rec, rec.Status.Deliveries[0])[0].SpanId, "derived again")
	rec.Status.Deliveries[0].Traceparent = someParent
	assert.Equal(t, someSpan, fmt.Sprintf("%x", Run(rec, rec.Status.Deliveries[0])[0].SpanId), "exactly what was handed out")
}

func TestRunVerdicts(t *testing.T) {
	tests := map[string]struct{ status, errorType string }{
		"success": {"success", ""}, "failure": {"failure", "failure"}, "error": {"aborted", "error"},
	}
	for result, tt := range tests {
		t.Run(result, func(t *testing.T) {
			rec := recorded(func(rec *v1alpha1.Release) {
				rec.Status.Deliveries[0].Outcome.Result, rec.Status.Deliveries[0].Outcome.Message = result, "the word"
			})
			s := Run(rec, rec.Status.Deliveries[0])[0]
			assert.Equal(t, result, attributesOf(s)["cicd.pipeline.result"])
			assert.Equal(t, tt.status, attributesOf(s)["test.suite.run.status"])
			assert.Equal(t, tt.errorType, attributesOf(s)["error.type"])
			assert.Equal(t, tt.errorType != "", s.Status.Message == "the word")
		})
	}
}

func TestRunIsEmptyUnlessFollowedAndEnded(t *testing.T) {
	changes := map[string]func(*v1alpha1.Release){
		"no trace":     func(rec *v1alpha1.Release) { rec.Status.Trace = nil },
		"not ended":    func(rec *v1alpha1.Release) { rec.Status.Deliveries[0].Outcome = nil },
		"not followed": func(rec *v1alpha1.Release) { rec.Status.Deliveries[0].Follows = false },
		"no time": func(rec *v1alpha1.Release) {
			rec.Status.Deliveries[0].Outcome = &v1alpha1.Outcome{Result: "error"}
			rec.Status.Deliveries[0].Created = metav1.MicroTime{}
		},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			rec := recorded(change)
			assert.Empty(t, Run(rec, rec.Status.Deliveries[0]))
		})
	}
}

func TestRunDoesNotBeginBeforeItsEvent(t *testing.T) {
	tests := map[string]struct {
		created, started, step time.Duration // of the run, counted from ready, when the event was written
		from                   time.Duration
		queued                 bool
	}{
		"created after the event":              {time.Second, 3 * time.Second, 4 * time.Second, time.Second, true},
		"created in the same second":           {-123 * time.Millisecond, 877 * time.Millisecond, 877 * time.Millisecond, 0, true},
		"started in the same second":           {-123 * time.Millisecond, -123 * time.Millisecond, 877 * time.Millisecond, 0, false},
		"a step that began in the same second": {-123 * time.Millisecond, -123 * time.Millisecond, -123 * time.Millisecond, 0, false},
		"a clock that is far behind":           {-time.Hour, -time.Hour, -time.Hour, 0, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			rec := recorded(func(rec *v1alpha1.Release) {
				o := rec.Status.Deliveries[0].Outcome
				o.Created, o.Started, o.Steps[0].Started = *after(tt.created), after(tt.started), *after(tt.step)
			})
			spans := Run(rec, rec.Status.Deliveries[0])
			assert.Equal(t, tt.from, relative(spans[0].StartTimeUnixNano))
			assert.GreaterOrEqual(t, spans[0].StartTimeUnixNano, named(Ready(rec), "release ready").StartTimeUnixNano)
			assert.NotContains(t, attributesOf(spans[0]), "clamped")
			assert.Equal(t, tt.queued, named(spans, "queued") != nil)
			if tt.queued {
				assert.Equal(t, tt.from, relative(named(spans, "queued").StartTimeUnixNano))
			}
		})
	}
}

func TestRunParts(t *testing.T) {
	rec := recorded(func(rec *v1alpha1.Release) {
		o := rec.Status.Deliveries[0].Outcome
		o.Started = &o.Created
		o.Steps[0].Started = metav1.MicroTime{}
		o.Steps[1].Result, o.Steps[1].Message = "failure", "exit 1"
		rec.Status.Deliveries[0].Object = nil
		rec.Status.Deliveries[0].URL = ""
	})
	spans := Run(rec, rec.Status.Deliveries[0])
	assert.Nil(t, named(spans, "queued"), "it did not wait")
	assert.Nil(t, named(spans, "login"), "it never began")
	assert.Equal(t, "exit 1", named(spans, "checkout").Status.Message)
	assert.Equal(t, rec.Status.Deliveries[0].EventID, attributesOf(spans[0])["cicd.pipeline.run.id"])
	assert.NotContains(t, attributesOf(spans[0]), "cicd.pipeline.run.url.full")
}

func TestARuleThatHeldLaterDoesNotChangeWhatWasDrawn(t *testing.T) {
	rec := recorded(nil)
	before := marshal(t, Ready(rec))
	later := delivery(rec, "scan", true)
	later.Rule, later.Created = "later", *after(time.Hour)
	later.First = &v1alpha1.Attempt{Started: *after(time.Hour), Finished: *after(time.Hour + time.Second)}
	later.Outcome = outcome()
	rec.Status.Deliveries = append(rec.Status.Deliveries, later)
	assert.Equal(t, before, marshal(t, Ready(rec)))
	assert.Empty(t, Run(rec, later)[0].Links, "its announcement is not drawn, so nothing can follow from it")
}
