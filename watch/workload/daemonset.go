package workload

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
)

// DaemonSet judges a DaemonSet. What is wanted is what its controller counts: one
// pod for each node that fits. Pods on nodes that do not fit any more are no
// matter. With OnDelete the rollout is complete when somebody has deleted every
// old pod.
func DaemonSet(d *appsv1.DaemonSet) State {
	return State{WaitingFor: daemonSet(d)}
}

func daemonSet(d *appsv1.DaemonSet) string {
	st := d.Status
	want := st.DesiredNumberScheduled
	switch {
	case d.DeletionTimestamp != nil:
		return "the DaemonSet is being deleted"
	case !observed(st.ObservedGeneration, d.Generation):
		return unseen("DaemonSet")
	case want <= 0:
		return "no node fits the DaemonSet"
	}
	switch d.Spec.UpdateStrategy.Type {
	case appsv1.RollingUpdateDaemonSetStrategyType, appsv1.OnDeleteDaemonSetStrategyType, "": // the API's default
	default:
		return fmt.Sprintf("the update strategy %q is not known", d.Spec.UpdateStrategy.Type)
	}
	switch {
	case st.UpdatedNumberScheduled != want:
		return of(st.UpdatedNumberScheduled, want, "pods", "updated")
	case st.CurrentNumberScheduled != want:
		return of(st.CurrentNumberScheduled, want, "nodes", "served")
	case st.NumberAvailable != want:
		return of(st.NumberAvailable, want, "pods", "available")
	}
	return ""
}
