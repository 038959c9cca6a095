package workload_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rollcall-dev/rollcall/watch/lean"
	"github.com/rollcall-dev/rollcall/watch/workload"
)

func FuzzNoObjectPanics(f *testing.F) {
	for _, seed := range []string{
		`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":1},"status":{"observedGeneration":1,"replicas":1}}`,
		`{"apiVersion":"v1","kind":"Pod","status":{"phase":"Running","containerStatuses":[{"name":null,"state":{"waiting":null}}]}}`,
		`{"apiVersion":"x.dev/v1","kind":"Queue","metadata":{"generation":2},"status":{"conditions":[{"type":"Ready","status":"True","observedGeneration":1e3}]}}`,
		`{"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","metadata":{"generation":1,"annotations":null},"spec":{"restartAt":"x"},"status":{"conditions":[null]}}`,
		`{"apiVersion":"batch/v1","kind":"Job","spec":{"completions":-1},"status":{"succeeded":"x"}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var u unstructured.Unstructured
		if u.UnmarshalJSON(raw) != nil {
			return
		}
		holds(t, workload.Any(&u))
	})
}

// FuzzNoStatusPanics takes the same for each kind's own type.
func FuzzNoStatusPanics(f *testing.F) {
	f.Add([]byte(`{"metadata":{"generation":1},"spec":{"replicas":-1,"updateStrategy":{"rollingUpdate":{"partition":-1}}},"status":{"observedGeneration":1,"replicas":-1}}`))
	f.Add([]byte(`{"metadata":{"generation":-9223372036854775808},"spec":{"strategy":{"canary":null}},"status":{"observedGeneration":"1","phase":"Healthy"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var d appsv1.Deployment
		if json.Unmarshal(raw, &d) == nil {
			got := workload.Deployment(&d)
			holds(t, got)
			positive(t, got, d.Status.AvailableReplicas, d.Status.UpdatedReplicas, d.Status.Replicas)
		}
		var s appsv1.StatefulSet
		if json.Unmarshal(raw, &s) == nil {
			got := workload.StatefulSet(&s)
			holds(t, got)
			positive(t, got, s.Status.AvailableReplicas, s.Status.UpdatedReplicas, s.Status.Replicas)
		}
		var ds appsv1.DaemonSet
		if json.Unmarshal(raw, &ds) == nil {
			got := workload.DaemonSet(&ds)
			holds(t, got)
			positive(t, got, ds.Status.NumberAvailable, ds.Status.UpdatedNumberScheduled, ds.Status.DesiredNumberScheduled)
		}
		var r lean.Rollout
		if json.Unmarshal(raw, &r) == nil {
			got := workload.Rollout(&r)
			holds(t, got)
			positive(t, got, r.Status.AvailableReplicas, r.Status.UpdatedReplicas, r.Status.Replicas)
		}
	})
}

func holds(t *testing.T, s workload.State) {
	t.Helper()
	require.False(t, s.Stalled && s.WaitingFor == "", "what is stalled waits")
}

// positive holds that nothing is complete with a counter that is not.
func positive[N int32 | lean.Count](t *testing.T, s workload.State, counters ...N) {
	t.Helper()
	for _, c := range counters {
		require.False(t, s.WaitingFor == "" && c <= 0, "complete with %v", counters)
	}
}
