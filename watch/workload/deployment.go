package workload

import (
	"cmp"
	"fmt"
	"math"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// Reasons of the Progressing condition, from k8s.io/kubernetes
// pkg/controller/deployment/util.
const (
	reasonDeadline = "ProgressDeadlineExceeded"
	reasonComplete = "NewReplicaSetAvailable"
)

// Deployment judges a Deployment. The equalities are those of the Deployment
// controller's DeploymentComplete, which is stricter than kubectl rollout status:
// without "replicas == updated", available pods may be old ones. The ReplicaSet
// that carries the release must be asked besides.
func Deployment(d *appsv1.Deployment) State {
	return State{WaitingFor: deployment(d), Stalled: stalled(d), RolledOutAt: rolledOut(d)}
}

func deployment(d *appsv1.Deployment) string {
	want, st := Replicas(d.Spec.Replicas), d.Status
	switch {
	case d.DeletionTimestamp != nil:
		return "the Deployment is being deleted"
	case d.Spec.Paused:
		return "the Deployment is paused"
	case !observed(st.ObservedGeneration, d.Generation):
		return unseen("Deployment")
	case want <= 0:
		return "the Deployment is scaled to zero"
	case stalled(d):
		return "the rollout exceeded its progress deadline"
	case st.UpdatedReplicas != want:
		return of(st.UpdatedReplicas, want, "replicas", "updated")
	case st.Replicas != want:
		return counted(st.Replicas, want)
	case st.AvailableReplicas != want:
		return of(st.AvailableReplicas, want, "replicas", "available")
	}
	return contradicted(d)
}

// contradicted says which condition does not fit counters that are complete. The
// controller writes both at once, except that it leaves Progressing for its next
// look after a pause or a scaling; kstatus waits for that too. Without a deadline
// there is no such condition.
func contradicted(d *appsv1.Deployment) string {
	if c := condition(d, appsv1.DeploymentAvailable); c != nil && c.Status != corev1.ConditionTrue {
		return fmt.Sprintf("the condition Available is %q", c.Status)
	}
	c, limit := condition(d, appsv1.DeploymentProgressing), d.Spec.ProgressDeadlineSeconds
	switch {
	case c == nil && limit != nil && *limit != math.MaxInt32:
		return "the Deployment controller has not said yet how the rollout goes"
	case c != nil && (c.Reason != reasonComplete || c.Status != corev1.ConditionTrue):
		return fmt.Sprintf("the condition Progressing is %q because of %s", c.Status, cmp.Or(c.Reason, "nothing"))
	}
	return ""
}

func condition(d *appsv1.Deployment, name appsv1.DeploymentConditionType) *appsv1.DeploymentCondition {
	for i := range d.Status.Conditions {
		if d.Status.Conditions[i].Type == name {
			return &d.Status.Conditions[i]
		}
	}
	return nil
}

func stalled(d *appsv1.Deployment) bool {
	c := condition(d, appsv1.DeploymentProgressing)
	return c != nil && c.Reason == reasonDeadline
}

// rolledOut is when the controller last found the rollout complete; zero if the
// Deployment has no progress deadline and so no such condition. The transition
// time would be wrong: it does not move while the condition stays true. A rollout
// without replicas is complete before anything runs, and its condition stays when
// it is scaled up: so it is not before enough pods were available, either.
func rolledOut(d *appsv1.Deployment) time.Time {
	c := condition(d, appsv1.DeploymentProgressing)
	if c == nil || c.Reason != reasonComplete {
		return time.Time{}
	}
	up := condition(d, appsv1.DeploymentAvailable)
	if up != nil && up.Status == corev1.ConditionTrue && up.LastTransitionTime.After(c.LastUpdateTime.Time) {
		return up.LastTransitionTime.Time
	}
	return c.LastUpdateTime.Time
}
