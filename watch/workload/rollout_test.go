package workload_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/watch/lean"
	"github.com/rollcall-dev/rollcall/watch/workload"
)

// argoRollout is a canary whose rollout is complete.
func argoRollout() *lean.Rollout {
	three := lean.Count(3)
	return &lean.Rollout{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", Generation: 4},
		Spec:       lean.RolloutSpec{Replicas: &three, Strategy: lean.RolloutStrategy{Canary: &lean.CanaryStrategy{}}},
		Status: lean.RolloutStatus{
			ObservedGeneration: "4", Phase: "Healthy", CurrentPodHash: "b", StableRS: "b",
			Replicas: 3, UpdatedReplicas: 3, ReadyReplicas: 3, AvailableReplicas: 3,
			Conditions: []lean.RolloutCondition{
				{Type: "Healthy", Status: "True", LastUpdateTime: metav1.NewTime(epoch.Add(time.Hour))},
				{Type: "Completed", Status: "True", LastUpdateTime: metav1.NewTime(epoch.Add(time.Minute)), LastTransitionTime: metav1.NewTime(epoch)},
			},
		},
	}
}

func routed(r *lean.Rollout) { r.Spec.Strategy.Canary.TrafficRouting = &lean.Present{} }

func blueGreen(r *lean.Rollout) {
	r.Spec.Strategy = lean.RolloutStrategy{BlueGreen: &lean.Present{}}
	r.Status.BlueGreen.ActiveSelector = "b"
}

// referring has the Rollout take its template from a workload.
func referring(r *lean.Rollout, at, is string) {
	r.Spec.WorkloadRef = &lean.WorkloadRef{Kind: "Deployment", Name: "web"}
	r.Annotations = map[string]string{"rollout.argoproj.io/workload-generation": at}
	r.Status.WorkloadObservedGeneration = is
}

func TestEachClauseOfARolloutIsNeeded(t *testing.T) {
	now, later := metav1.NewTime(epoch), metav1.NewTime(epoch.Add(time.Hour))
	const unseen = "the Rollout controller has not seen the latest change"
	for _, c := range []struct {
		name    string
		change  func(*lean.Rollout)
		want    string
		stalled bool
	}{
		{"a complete rollout lacks nothing", func(*lean.Rollout) {}, "", false},
		{"being deleted", func(r *lean.Rollout) { r.DeletionTimestamp = &now }, "the Rollout is being deleted", false},
		{"a spec that cannot be read", func(r *lean.Rollout) { r.Spec.Unreadable = "it cannot be read: x" }, "it cannot be read: x", false},
		{"a status that cannot be read", func(r *lean.Rollout) { r.Status.Unreadable = "it cannot be read: y" }, "it cannot be read: y", false},
		{"right after a change, when the hashes still agree", func(r *lean.Rollout) { r.Generation = 5 }, unseen, false},
		{"never observed", func(r *lean.Rollout) { r.Status = lean.RolloutStatus{} }, unseen, false},
		{"a hash in place of the generation", func(r *lean.Rollout) { r.Status.ObservedGeneration = "6f4c" }, unseen, false},
		{"observed in another life", func(r *lean.Rollout) { r.Status.ObservedGeneration = "9" }, unseen, false},
		{"neither a generation nor observed", func(r *lean.Rollout) { r.Generation, r.Status.ObservedGeneration = 0, "0" }, unseen, false},
		{"its template elsewhere, observed", func(r *lean.Rollout) { referring(r, "7", "7") }, "", false},
		{"its template elsewhere, changed", func(r *lean.Rollout) { referring(r, "8", "7") }, unseen, false},
		{"its template elsewhere, not looked up", func(r *lean.Rollout) { referring(r, "", "") }, unseen, false},
		{"paused by its spec", func(r *lean.Rollout) { r.Spec.Paused = true }, "the Rollout is paused", false},
		{"paused by a step", func(r *lean.Rollout) {
			r.Status.ControllerPause = true
			r.Status.PauseConditions = []lean.PauseCondition{{Reason: "CanaryPauseStep"}}
		}, "the Rollout is paused: CanaryPauseStep", false},
		{"a pause that somebody ended", func(r *lean.Rollout) { r.Status.ControllerPause = true }, "the Rollout controller has not seen the end of the pause", false},
		{"aborted", func(r *lean.Rollout) { r.Status.Abort = true }, "the rollout was aborted", true},
		{"aborted, and not about the latest change", func(r *lean.Rollout) {
			r.Generation, r.Status.Abort = 5, true
		}, unseen, false},
		{"a restart that is asked for", func(r *lean.Rollout) { r.Spec.RestartAt = &later }, "the pods are being restarted", false},
		{"an older restart", func(r *lean.Rollout) {
			r.Spec.RestartAt, r.Status.RestartedAt = &later, &now
		}, "the pods are being restarted", false},
		{"a restart that is done", func(r *lean.Rollout) {
			r.Spec.RestartAt, r.Status.RestartedAt = &now, &now
		}, "", false},
		{"no phase", func(r *lean.Rollout) { r.Status.Phase = "" }, "the Rollout has no phase yet", false},
		{"another phase, and why", func(r *lean.Rollout) {
			r.Status.Phase, r.Status.Message = "Progressing", "waiting for analysis to complete"
		}, "waiting for analysis to complete", false},
		{"another phase, without a word", func(r *lean.Rollout) { r.Status.Phase = "Progressing" }, "the phase is Progressing", false},
		{"degraded", func(r *lean.Rollout) {
			r.Status.Phase, r.Status.Message = "Degraded", "ProgressDeadlineExceeded: x"
		}, "ProgressDeadlineExceeded: x", true},
		{"scaled to zero", func(r *lean.Rollout) {
			*r.Spec.Replicas = 0
			r.Status.Replicas, r.Status.UpdatedReplicas, r.Status.AvailableReplicas = 0, 0, 0
		}, "the Rollout is scaled to zero", false},
		{"the default number, met", func(r *lean.Rollout) {
			r.Spec.Replicas = nil
			r.Status.Replicas, r.Status.UpdatedReplicas, r.Status.AvailableReplicas = 1, 1, 1
		}, "", false},
		{"the default number, not met", func(r *lean.Rollout) { r.Spec.Replicas = nil }, "3 of 1 replicas are updated", false},
		{"too few updated", func(r *lean.Rollout) { r.Status.UpdatedReplicas = 2 }, "2 of 3 replicas are updated", false},
		{"too many updated", func(r *lean.Rollout) { r.Status.UpdatedReplicas = 4 }, "4 of 3 replicas are updated", false},
		{"pods are missing", func(r *lean.Rollout) { r.Status.Replicas = 2 }, "2 pods still count where 3 are wanted", false},
		{"old pods count", func(r *lean.Rollout) { r.Status.Replicas = 4 }, "4 pods still count where 3 are wanted", false},
		{"too few available", func(r *lean.Rollout) { r.Status.AvailableReplicas = 2 }, "2 of 3 replicas are available", false},
		{"too many available", func(r *lean.Rollout) { r.Status.AvailableReplicas = 4 }, "4 of 3 replicas are available", false},
		{"no hash", func(r *lean.Rollout) { r.Status.CurrentPodHash, r.Status.StableRS = "", "" }, "the revision is not assigned yet", false},
		{"steps are left", func(r *lean.Rollout) { r.Status.StableRS = "a" }, "the new ReplicaSet is not promoted yet", false},
		{"old pods of a canary that is routed", func(r *lean.Rollout) {
			routed(r)
			r.Status.Replicas, r.Status.AvailableReplicas = 6, 6
		}, "", false},
		{"too few of a canary that is routed", func(r *lean.Rollout) {
			routed(r)
			r.Status.Replicas = 2
		}, "2 pods still count where 3 are wanted", false},
		{"blue and green, complete, the old ones still there", func(r *lean.Rollout) {
			blueGreen(r)
			r.Status.Replicas = 6
		}, "", false},
		{"blue and green, more available than wanted", func(r *lean.Rollout) {
			blueGreen(r)
			r.Status.AvailableReplicas = 6
		}, "6 of 3 replicas are available", false},
		{"blue and green, not switched", func(r *lean.Rollout) {
			blueGreen(r)
			r.Status.BlueGreen.ActiveSelector = "a"
		}, "the active Service does not select the new pods yet", false},
		{"blue and green, the analysis after the switch", func(r *lean.Rollout) {
			blueGreen(r)
			r.Status.StableRS = "a"
		}, "the new ReplicaSet is not promoted yet", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := argoRollout()
			c.change(r)
			got := workload.Rollout(r)
			require.Equal(t, c.want, got.WaitingFor)
			require.Equal(t, c.stalled, got.Stalled)
		})
	}
}

func TestTheTimeOfARolloutIsThatOfItsPromotion(t *testing.T) {
	r := argoRollout()
	require.Equal(t, epoch.Add(time.Minute), workload.Rollout(r).RolledOutAt)
	r.Status.Conditions[1].Status = "False"
	require.Zero(t, workload.Rollout(r).RolledOutAt)
}

func TestARolloutThatCannotBeReadIsNeverComplete(t *testing.T) {
	for _, text := range []string{
		`{"status": []}`, `{"status": {"observedGeneration": 4}}`, `{"spec": {"replicas": -1}, "status": {"phase": "Healthy"}}`,
		`{"spec": {"replicas": 3.5}}`, `{"spec": {"replicas": 99999999999999999999}}`, `{}`,
	} {
		var r lean.Rollout
		require.NoError(t, json.Unmarshal([]byte(text), &r), text)
		require.NotEmpty(t, workload.Rollout(&r).WaitingFor, text)
	}
}
