package workload

import (
	"cmp"
	"strconv"
	"time"

	"github.com/rollcall-dev/rollcall/watch/lean"
)

// workloadGeneration is the annotation with the generation of the workload that a
// Rollout takes its template from: argo-rollouts utils/annotations.
const workloadGeneration = "rollout.argoproj.io/workload-generation"

// Words that the controller of Argo Rollouts uses, from its
// pkg/apis/rollouts/v1alpha1.
const (
	phaseHealthy  = "Healthy"
	phaseDegraded = "Degraded"
	completed     = "Completed"
)

// Rollout judges a Rollout of Argo Rollouts. Its phase counts, as it does for the
// project's own GetRolloutPhase, only if it is about what is wanted now; and it
// must fit the numbers and the hashes beside it. Right after a change the current
// hash is still the old one and equals the stable one: only the observed
// generation tells. The ReplicaSet that carries the release must be asked besides.
func Rollout(r *lean.Rollout) State {
	why := cmp.Or(r.Unreadable(), steered(r))
	if why == "" {
		why = cmp.Or(promised(r), counters(r), promoted(r))
	}
	return State{WaitingFor: why, Stalled: givenUp(r), RolledOutAt: promotedAt(r)}
}

// steered says what keeps the phase from being about what is wanted.
func steered(r *lean.Rollout) string {
	st := r.Status
	switch {
	case r.DeletionTimestamp != nil:
		return "the Rollout is being deleted"
	case !seen(r):
		return unseen("Rollout")
	case r.Spec.Paused:
		return "the Rollout is paused"
	case len(st.PauseConditions) > 0:
		return "the Rollout is paused: " + st.PauseConditions[0].Reason
	case st.ControllerPause:
		return "the Rollout controller has not seen the end of the pause"
	case st.Abort:
		return "the rollout was aborted"
	}
	return ""
}

// seen reports whether the status is about the latest spec, and with a reference,
// about the latest template. Both numbers are strings.
func seen(r *lean.Rollout) bool {
	if r.Generation <= 0 || r.Status.ObservedGeneration != strconv.FormatInt(r.Generation, 10) {
		return false
	}
	at, is := r.Annotations[workloadGeneration], r.Status.WorkloadObservedGeneration
	return r.Spec.WorkloadRef == nil || at != "" && at == is
}

// promised says what the phase lacks. Without one, the controller has said
// nothing yet, or is older than version 1.0.
func promised(r *lean.Rollout) string {
	switch {
	case r.Spec.RestartAt != nil && !r.Spec.RestartAt.Equal(r.Status.RestartedAt):
		return "the pods are being restarted"
	case r.Status.Phase == "":
		return "the Rollout has no phase yet"
	case r.Status.Phase != phaseHealthy:
		return cmp.Or(r.Status.Message, "the phase is "+r.Status.Phase)
	}
	return ""
}

// counters says what the numbers lack. Old pods may run on after a rollout that
// routes requests, so that more pods than wanted are nothing against it then. Only
// of blue and green are the available ones counted apart.
func counters(r *lean.Rollout) string {
	want, st := lean.Count(1), r.Status
	if r.Spec.Replicas != nil {
		want = *r.Spec.Replicas
	}
	canary := r.Spec.Strategy.Canary
	routed := canary != nil && canary.TrafficRouting != nil
	lingering := routed || r.Spec.Strategy.BlueGreen != nil
	switch {
	case want <= 0:
		return "the Rollout is scaled to zero"
	case st.UpdatedReplicas != want:
		return of(st.UpdatedReplicas, want, "replicas", "updated")
	case st.Replicas < want || st.Replicas > want && !lingering:
		return counted(st.Replicas, want)
	case st.AvailableReplicas < want || st.AvailableReplicas > want && !routed:
		return of(st.AvailableReplicas, want, "replicas", "available")
	}
	return ""
}

// promoted says that the rollout has not come to its end: there are steps left,
// or the analysis after the switch runs.
func promoted(r *lean.Rollout) string {
	st := r.Status
	switch {
	case st.CurrentPodHash == "":
		return "the revision is not assigned yet"
	case r.Spec.Strategy.BlueGreen != nil && st.BlueGreen.ActiveSelector != st.CurrentPodHash:
		return "the active Service does not select the new pods yet"
	case st.StableRS != st.CurrentPodHash:
		return "the new ReplicaSet is not promoted yet"
	}
	return ""
}

// givenUp reports whether the controller gave the rollout up: it was aborted, is
// past its deadline, or its spec is wrong.
func givenUp(r *lean.Rollout) bool {
	return r.Unreadable() == "" && seen(r) && (r.Status.Abort || r.Status.Phase == phaseDegraded)
}

// promotedAt is when the rollout last came to its end. The condition is not
// touched by pods that fail later.
func promotedAt(r *lean.Rollout) time.Time {
	for _, c := range r.Status.Conditions {
		if c.Type == completed && c.Status == "True" {
			return c.LastUpdateTime.Time
		}
	}
	return time.Time{}
}
