package workload

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// StatefulSet judges a StatefulSet. kubectl rollout status asks neither whether
// the pods are available nor whether all are of one revision; both are asked here.
//
// With a partition, only some pods are ever updated: that is a canary, and never
// complete. With OnDelete a rollout is complete when somebody has deleted every
// old pod; the current revision may then stay behind for ever. The strategy
// Recreate is judged like RollingUpdate, and must not say that it is under way.
func StatefulSet(s *appsv1.StatefulSet) State {
	return State{WaitingFor: statefulSet(s)}
}

func statefulSet(s *appsv1.StatefulSet) string {
	want, st := Replicas(s.Spec.Replicas), s.Status
	switch {
	case s.DeletionTimestamp != nil:
		return "the StatefulSet is being deleted"
	case !observed(st.ObservedGeneration, s.Generation):
		return unseen("StatefulSet")
	case want <= 0:
		return "the StatefulSet is scaled to zero"
	}
	if why := ordinals(s); why != "" {
		return why
	}
	switch {
	case st.UpdateRevision == "":
		return "the revision is not assigned yet"
	case st.UpdatedReplicas != want:
		return of(st.UpdatedReplicas, want, "replicas", "updated")
	case st.Replicas != want:
		return counted(st.Replicas, want)
	case st.AvailableReplicas != want:
		return of(st.AvailableReplicas, want, "replicas", "available")
	case st.CurrentRevision != st.UpdateRevision && s.Spec.UpdateStrategy.Type != appsv1.OnDeleteStatefulSetStrategyType:
		return fmt.Sprintf("the current revision is %q and not yet %q", st.CurrentRevision, st.UpdateRevision)
	}
	return ""
}

// ordinals says why the update strategy does not lead to all pods being updated.
func ordinals(s *appsv1.StatefulSet) string {
	switch u := s.Spec.UpdateStrategy; u.Type {
	case appsv1.RollingUpdateStatefulSetStrategyType, "": // the API's default
		if u.RollingUpdate != nil && u.RollingUpdate.Partition != nil && *u.RollingUpdate.Partition != 0 {
			return fmt.Sprintf("the partition holds the pods below ordinal %d back", *u.RollingUpdate.Partition)
		}
	case appsv1.OnDeleteStatefulSetStrategyType:
	case appsv1.RecreateStatefulSetStrategyType:
		for _, c := range s.Status.Conditions {
			if c.Type == appsv1.StatefulSetProgressing && c.Status != corev1.ConditionFalse {
				return "the pods are being recreated"
			}
		}
	default:
		return fmt.Sprintf("the update strategy %q is not known", u.Type)
	}
	return ""
}
