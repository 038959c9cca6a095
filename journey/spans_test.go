package journey

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

func TestSpansOfAWholeJourney(t *testing.T) {
	rec := recorded(nil)
	golden(t, "ready.txt", described(Ready(rec)))
	golden(t, "run.txt", described(Run(rec, rec.Status.Deliveries[0])))
}

func TestReadyIsTheSameBytesEverywhere(t *testing.T) {
	rec := recorded(nil)
	want := marshal(t, Ready(rec))
	assert.Equal(t, want, marshal(t, Ready(rec)), "twice")
	assert.Equal(t, want, marshal(t, Ready(stored(t, rec))), "after a restart")
	local := rec.DeepCopy()
	local.Status.Timeline.Ready = new(metav1.NewMicroTime(readyAt.In(time.FixedZone("here", 7200))))
	local.Status.Timeline.SyncStarted.Time = local.Status.Timeline.SyncStarted.In(time.FixedZone("here", 7200))
	assert.Equal(t, want, marshal(t, Ready(local)), "in another time zone")
}

func TestReadyDoesNotDependOnWhatStillChanges(t *testing.T) {
	want := marshal(t, Ready(recorded(nil)))
	changes := map[string]func(*v1alpha1.Release){
		"drawn":             func(rec *v1alpha1.Release) { rec.Status.Trace.Drawn = true },
		"phase":             func(rec *v1alpha1.Release) { rec.Status.Phase = "Failed" },
		"another attempt":   func(rec *v1alpha1.Release) { rec.Status.Deliveries[1].Attempts = 9 },
		"next attempt":      func(rec *v1alpha1.Release) { rec.Status.Deliveries[1].NextAttempt = after(time.Hour) },
		"last error":        func(rec *v1alpha1.Release) { rec.Status.Deliveries[1].LastError = "refused" },
		"given up":          func(rec *v1alpha1.Release) { rec.Status.Deliveries[1].State = "Dead" },
		"created at last":   func(rec *v1alpha1.Release) { rec.Status.Deliveries[0].Object = nil },
		"URL at last":       func(rec *v1alpha1.Release) { rec.Status.Deliveries[0].URL = "" },
		"outcome":           func(rec *v1alpha1.Release) { rec.Status.Deliveries[0].Outcome = nil },
		"another condition": func(rec *v1alpha1.Release) { rec.Status.Conditions = []metav1.Condition{{Type: "Passed"}} },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, want, marshal(t, Ready(recorded(change))))
		})
	}
}

func TestRunIsTheSameBytesEverywhere(t *testing.T) {
	rec := recorded(nil)
	want := marshal(t, Run(rec, rec.Status.Deliveries[0]))
	again := stored(t, rec)
	again.Status.Deliveries[0].Outcome.Drawn = true
	assert.Equal(t, want, marshal(t, Run(again, again.Status.Deliveries[0])))
}

func TestAttributesAreSorted(t *testing.T) {
	rec := recorded(nil)
	for _, s := range append(Ready(rec), Run(rec, rec.Status.Deliveries[0])...) {
		for i := 1; i < len(s.Attributes); i++ {
			assert.Less(t, s.Attributes[i-1].Key, s.Attributes[i].Key, s.Name)
		}
	}
}

func TestReadyIsEmptyWithoutTraceOrReady(t *testing.T) {
	assert.Empty(t, Ready(recorded(func(rec *v1alpha1.Release) { rec.Status.Trace = nil })))
	assert.Empty(t, Ready(recorded(func(rec *v1alpha1.Release) { rec.Status.Timeline.Ready = nil })))
}

func TestReleaseSpanBounds(t *testing.T) {
	tests := map[string]struct {
		change   func(*v1alpha1.Release)
		from, to time.Duration
		clamped  bool
	}{
		"from the sync to the last delivery": {nil, -42 * time.Second, 130 * time.Millisecond, false},
		"no sync": {
			func(rec *v1alpha1.Release) { rec.Status.Timeline.SyncStarted = nil }, -38 * time.Second, 130 * time.Millisecond, false,
		},
		"only ready": {
			func(rec *v1alpha1.Release) {
				rec.Status.Timeline = v1alpha1.Timeline{Ready: after(0)}
				rec.Status.Deliveries = nil
			}, 0, time.Microsecond, false,
		},
		"a sync that ended long before is not the cause": {
			func(rec *v1alpha1.Release) {
				rec.Status.Timeline.SyncStarted, rec.Status.Timeline.SyncFinished = after(-3*time.Hour), after(-2*time.Hour)
			}, -38 * time.Second, 130 * time.Millisecond, false,
		},
		"at most a day": {
			func(rec *v1alpha1.Release) { rec.Status.Timeline.RolloutStarted = after(-72 * time.Hour) },
			-24 * time.Hour, 130 * time.Millisecond, true,
		},
		"sync ends within the second after ready": {
			func(rec *v1alpha1.Release) { rec.Status.Timeline.SyncFinished = after(700 * time.Millisecond) },
			-42 * time.Second, 700 * time.Millisecond, false,
		},
		"a child far outside does not widen it": {
			func(rec *v1alpha1.Release) { rec.Status.Timeline.RolloutFinished = after(time.Hour) },
			-42 * time.Second, 130 * time.Millisecond, false,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := named(Ready(recorded(tt.change)), "release web")
			require.NotNil(t, s)
			assert.Equal(t, tt.from, relative(s.StartTimeUnixNano))
			assert.Equal(t, tt.to, relative(s.EndTimeUnixNano))
			assert.Equal(t, tt.clamped, attributesOf(s)["clamped"] == "true")
		})
	}
}

func TestChildIsClampedAndSaysSo(t *testing.T) {
	spans := Ready(recorded(func(rec *v1alpha1.Release) { rec.Status.Timeline.RolloutFinished = after(time.Hour) }))
	rollout := named(spans, "rollout shop/web rev 7")
	assert.Equal(t, "true", attributesOf(rollout)["clamped"])
	assert.Equal(t, 130*time.Millisecond, relative(rollout.EndTimeUnixNano))
	assert.NotContains(t, attributesOf(named(spans, "SYNC shop")), "clamped")
}

func TestSpanThatEndsBeforeItBeginsIsAsShortAsCanBe(t *testing.T) {
	spans := Ready(recorded(func(rec *v1alpha1.Release) {
		rec.Status.Timeline.RolloutStarted, rec.Status.Timeline.RolloutFinished = after(-10*time.Second), after(-11*time.Second)
	}))
	rollout := named(spans, "rollout shop/web rev 7")
	assert.Equal(t, rollout.StartTimeUnixNano+uint64(least), rollout.EndTimeUnixNano)
	assert.Equal(t, "true", attributesOf(rollout)["clamped"])
}

func TestExplicitParent(t *testing.T) {
	spans := Ready(recorded(func(rec *v1alpha1.Release) { rec.Status.Trace.Parent = someSpan }))
	assert.Equal(t, someSpan, fmt.Sprintf("%x", spans[0].ParentSpanId))
	assert.Equal(t, flagsRemote, spans[0].Flags)
	assert.Equal(t, flagsLocal, spans[1].Flags)
	assert.Equal(t, spans[0].SpanId, spans[1].ParentSpanId)
}

func TestSyncResults(t *testing.T) {
	tests := map[string]struct {
		want   string
		failed bool
	}{
		"Succeeded": {"success", false}, "": {"success", false}, "Failed": {"failure", true},
		"Error": {"error", true}, "Terminating": {"cancellation", true},
	}
	for operation, tt := range tests {
		t.Run(operation, func(t *testing.T) {
			s := named(Ready(recorded(func(rec *v1alpha1.Release) { rec.Status.GitOps.Operation = operation })), "SYNC shop")
			assert.Equal(t, tt.want, attributesOf(s)["cicd.pipeline.result"])
			assert.Equal(t, tt.failed, s.Status.Code == tracepb.Status_STATUS_CODE_ERROR)
			if tt.failed {
				assert.Equal(t, tt.want, attributesOf(s)["error.type"])
			}
		})
	}
}

func TestWithoutOwnerThereIsNoSync(t *testing.T) {
	spans := Ready(recorded(func(rec *v1alpha1.Release) { rec.Status.GitOps = nil }))
	assert.Nil(t, named(spans, "SYNC shop"))
	assert.NotContains(t, attributesOf(spans[0]), "vcs.ref.head.revision")
}

func TestWorkloadIsNamedByItsKind(t *testing.T) {
	for kind, key := range map[string]string{
		"Deployment": "k8s.deployment.name", "StatefulSet": "k8s.statefulset.name", "DaemonSet": "k8s.daemonset.name",
	} {
		spans := Ready(recorded(func(rec *v1alpha1.Release) { rec.Spec.Subject.Kind = kind }))
		assert.Equal(t, "web", attributesOf(spans[0])[key])
	}
}

func TestAnnouncements(t *testing.T) {
	t.Run("one for each rule", func(t *testing.T) {
		spans := Ready(recorded(func(rec *v1alpha1.Release) { rec.Status.Deliveries[1].Rule = "other" }))
		rules := map[string]bool{}
		for _, s := range spans {
			if s.Kind == tracepb.Span_SPAN_KIND_PRODUCER {
				rules[attributesOf(s)["rollcall.rule"]] = true
			}
		}
		assert.Equal(t, map[string]bool{"web-ready": true, "other": true}, rules)
	})
	t.Run("a mark if nobody was told", func(t *testing.T) {
		s := named(Ready(recorded(func(rec *v1alpha1.Release) { rec.Status.Deliveries = nil })), "release ready")
		assert.Equal(t, tracepb.Span_SPAN_KIND_INTERNAL, s.Kind)
		assert.Equal(t, s.StartTimeUnixNano+uint64(least), s.EndTimeUnixNano)
		assert.NotContains(t, attributesOf(s), "rollcall.rule")
	})
	t.Run("has the id that was handed out", func(t *testing.T) {
		rec := recorded(nil)
		_, want, ok := ParseTraceparent(rec.Status.Deliveries[1].Traceparent)
		require.True(t, ok)
		assert.Equal(t, want[:], named(Ready(rec), "release ready").SpanId)
	})
	t.Run("failed attempt", func(t *testing.T) {
		s := named(Ready(recorded(func(rec *v1alpha1.Release) { rec.Status.Deliveries[1].First.Error = "refused\xff" })), "send bus")
		assert.Equal(t, "refused\uFFFD", s.Status.Message)
		assert.Equal(t, "_OTHER", attributesOf(s)["error.type"])
	})
}
