package workload_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/watch/workload"
)

// statefulSet is one whose rollout is complete.
func statefulSet() *appsv1.StatefulSet {
	three := int32(3)
	return &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "db", Generation: 2},
		Spec: appsv1.StatefulSetSpec{
			Replicas:       &three,
			UpdateStrategy: appsv1.StatefulSetUpdateStrategy{Type: appsv1.RollingUpdateStatefulSetStrategyType},
		},
		Status: appsv1.StatefulSetStatus{
			ObservedGeneration: 2, Replicas: 3, UpdatedReplicas: 3, ReadyReplicas: 3, AvailableReplicas: 3,
			CurrentReplicas: 3, CurrentRevision: "db-b", UpdateRevision: "db-b",
		},
	}
}

func partition(s *appsv1.StatefulSet, at *int32) {
	s.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateStatefulSetStrategy{Partition: at}
}

// recreate gives a StatefulSet the strategy Recreate, and what its controller
// says about it; "" is nothing.
func recreate(s *appsv1.StatefulSet, underWay corev1.ConditionStatus) {
	s.Spec.UpdateStrategy.Type = appsv1.RecreateStatefulSetStrategyType
	if underWay != "" {
		s.Status.Conditions = []appsv1.StatefulSetCondition{{Type: appsv1.StatefulSetProgressing, Status: underWay}}
	}
}

func TestEachClauseOfAStatefulSetIsNeeded(t *testing.T) {
	now := metav1.Now()
	for _, c := range []struct {
		name   string
		change func(*appsv1.StatefulSet)
		want   string
	}{
		{"a complete rollout lacks nothing", func(*appsv1.StatefulSet) {}, ""},
		{"being deleted", func(s *appsv1.StatefulSet) { s.DeletionTimestamp = &now }, "the StatefulSet is being deleted"},
		{"not observed", func(s *appsv1.StatefulSet) { s.Generation = 3 }, "the StatefulSet controller has not seen the latest change"},
		{"observed in another life", func(s *appsv1.StatefulSet) { s.Status.ObservedGeneration = 9 }, "the StatefulSet controller has not seen the latest change"},
		{"never observed", func(s *appsv1.StatefulSet) { s.Status = appsv1.StatefulSetStatus{} }, "the StatefulSet controller has not seen the latest change"},
		{"never observed, and without a generation", func(s *appsv1.StatefulSet) {
			s.Generation, s.Status.ObservedGeneration = 0, 0
		}, "the StatefulSet controller has not seen the latest change"},
		{"scaled to zero", func(s *appsv1.StatefulSet) {
			*s.Spec.Replicas = 0
			s.Status.Replicas, s.Status.UpdatedReplicas, s.Status.AvailableReplicas = 0, 0, 0
		}, "the StatefulSet is scaled to zero"},
		{"negative counters that agree", func(s *appsv1.StatefulSet) {
			*s.Spec.Replicas = -3
			s.Status.Replicas, s.Status.UpdatedReplicas, s.Status.AvailableReplicas = -3, -3, -3
		}, "the StatefulSet is scaled to zero"},
		{"a partition of zero", func(s *appsv1.StatefulSet) { partition(s, new(int32)) }, ""},
		{"a partition that is absent", func(s *appsv1.StatefulSet) { partition(s, nil) }, ""},
		{"a partition that holds pods back", func(s *appsv1.StatefulSet) { partition(s, new(int32(2))) }, "the partition holds the pods below ordinal 2 back"},
		{"a negative partition", func(s *appsv1.StatefulSet) { partition(s, new(int32(-1))) }, "the partition holds the pods below ordinal -1 back"},
		{"no revision", func(s *appsv1.StatefulSet) {
			s.Status.CurrentRevision, s.Status.UpdateRevision = "", ""
		}, "the revision is not assigned yet"},
		{"no current revision", func(s *appsv1.StatefulSet) { s.Status.CurrentRevision = "" }, `the current revision is "" and not yet "db-b"`},
		{"another current revision", func(s *appsv1.StatefulSet) { s.Status.CurrentRevision = "db-a" }, `the current revision is "db-a" and not yet "db-b"`},
		{"too few updated", func(s *appsv1.StatefulSet) { s.Status.UpdatedReplicas = 2 }, "2 of 3 replicas are updated"},
		{"too many updated", func(s *appsv1.StatefulSet) { s.Status.UpdatedReplicas = 4 }, "4 of 3 replicas are updated"},
		{"old pods count", func(s *appsv1.StatefulSet) { s.Status.Replicas = 4 }, "4 pods still count where 3 are wanted"},
		{"pods are missing", func(s *appsv1.StatefulSet) { s.Status.Replicas = 2 }, "2 pods still count where 3 are wanted"},
		{"ready and not long enough", func(s *appsv1.StatefulSet) {
			s.Spec.MinReadySeconds, s.Status.AvailableReplicas = 30, 2
		}, "2 of 3 replicas are available"},
		{"too many available", func(s *appsv1.StatefulSet) { s.Status.AvailableReplicas = 4 }, "4 of 3 replicas are available"},
		{"negative counters", func(s *appsv1.StatefulSet) { s.Status.UpdatedReplicas = -3 }, "-3 of 3 replicas are updated"},
		{"missing counters", func(s *appsv1.StatefulSet) {
			s.Status = appsv1.StatefulSetStatus{ObservedGeneration: 2, UpdateRevision: "db-b"}
		}, "0 of 3 replicas are updated"},
		{"the default number, not met", func(s *appsv1.StatefulSet) { s.Spec.Replicas = nil }, "3 of 1 replicas are updated"},
		{"the default number, met", func(s *appsv1.StatefulSet) {
			s.Spec.Replicas = nil
			s.Status.Replicas, s.Status.UpdatedReplicas, s.Status.AvailableReplicas = 1, 1, 1
		}, ""},
		{"no strategy, so the API's default", func(s *appsv1.StatefulSet) { s.Spec.UpdateStrategy.Type = "" }, ""},
		{"no strategy, with a partition", func(s *appsv1.StatefulSet) {
			s.Spec.UpdateStrategy.Type = ""
			partition(s, new(int32(1)))
		}, "the partition holds the pods below ordinal 1 back"},
		{"OnDelete, all deleted, the current revision behind", func(s *appsv1.StatefulSet) {
			s.Spec.UpdateStrategy.Type, s.Status.CurrentRevision = appsv1.OnDeleteStatefulSetStrategyType, "db-a"
		}, ""},
		{"OnDelete, one to delete", func(s *appsv1.StatefulSet) {
			s.Spec.UpdateStrategy.Type, s.Status.UpdatedReplicas = appsv1.OnDeleteStatefulSetStrategyType, 2
		}, "2 of 3 replicas are updated"},
		{"Recreate, done", func(s *appsv1.StatefulSet) { recreate(s, corev1.ConditionFalse) }, ""},
		{"Recreate, never begun", func(s *appsv1.StatefulSet) { recreate(s, "") }, ""},
		{"Recreate, under way", func(s *appsv1.StatefulSet) { recreate(s, corev1.ConditionTrue) }, "the pods are being recreated"},
		{"Recreate, not known", func(s *appsv1.StatefulSet) { recreate(s, corev1.ConditionUnknown) }, "the pods are being recreated"},
		{"Recreate, another condition", func(s *appsv1.StatefulSet) {
			recreate(s, corev1.ConditionTrue)
			s.Status.Conditions[0].Type = "Available"
		}, ""},
		{"Recreate, old revision", func(s *appsv1.StatefulSet) {
			recreate(s, "")
			s.Status.CurrentRevision = "db-a"
		}, `the current revision is "db-a" and not yet "db-b"`},
		{"once Recreate, and RollingUpdate now", func(s *appsv1.StatefulSet) {
			recreate(s, corev1.ConditionTrue)
			s.Spec.UpdateStrategy.Type = appsv1.RollingUpdateStatefulSetStrategyType
		}, ""},
		{"a strategy of later times", func(s *appsv1.StatefulSet) { s.Spec.UpdateStrategy.Type = "Sideways" }, `the update strategy "Sideways" is not known`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := statefulSet()
			c.change(s)
			require.Equal(t, workload.State{WaitingFor: c.want}, workload.StatefulSet(s))
		})
	}
}
