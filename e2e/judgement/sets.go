package judgement

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// strategies are the ways in which a StatefulSet may replace its pods.
func strategies() []appsv1.StatefulSetUpdateStrategy {
	rolling := func(partition *int32) appsv1.StatefulSetUpdateStrategy {
		return appsv1.StatefulSetUpdateStrategy{
			Type:          appsv1.RollingUpdateStatefulSetStrategyType,
			RollingUpdate: &appsv1.RollingUpdateStatefulSetStrategy{Partition: partition},
		}
	}
	return []appsv1.StatefulSetUpdateStrategy{
		{Type: appsv1.RollingUpdateStatefulSetStrategyType},
		rolling(nil), rolling(new(int32(0))), rolling(new(int32(1))), rolling(new(int32(3))),
		{Type: appsv1.OnDeleteStatefulSetStrategyType},
		{Type: appsv1.RecreateStatefulSetStrategyType},
		{Type: "Sideways"},
		{},
	}
}

// revisions are pairs of the current revision and the updated one.
func revisions() [][2]string { return [][2]string{{"b", "b"}, {"a", "b"}, {"", ""}} }

// StatefulSets hands on every StatefulSet of the space.
func StatefulSets(add func(kind string, typed any)) {
	for triple := range counters() {
		for _, want := range sizes() {
			for _, ready := range readies(triple[2]) {
				for _, u := range strategies() {
					for _, r := range revisions() {
						s := statefulSet(age{2, 2}, triple, ready, r)
						s.Spec.Replicas, s.Spec.UpdateStrategy = want, u
						add("StatefulSet", s)
					}
				}
			}
		}
	}
	for triple := range telling() {
		for _, a := range ages() {
			for _, u := range strategies() {
				for _, underWay := range []corev1.ConditionStatus{"", corev1.ConditionTrue, corev1.ConditionFalse} {
					for _, deleted := range noYes() {
						s := statefulSet(a, triple, triple[2], [2]string{"b", "b"})
						s.Spec.Replicas, s.Spec.UpdateStrategy, s.DeletionTimestamp = new(int32(2)), u, deletion(deleted)
						if underWay != "" {
							s.Status.Conditions = []appsv1.StatefulSetCondition{{Type: appsv1.StatefulSetProgressing, Status: underWay}}
						}
						add("StatefulSet", s)
					}
				}
			}
		}
	}
}

func statefulSet(a age, triple [3]int32, ready int32, revision [2]string) *appsv1.StatefulSet {
	s := &appsv1.StatefulSet{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "StatefulSet"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "db", Generation: a.generation},
		Status: appsv1.StatefulSetStatus{
			ObservedGeneration: a.observed, Replicas: triple[0], UpdatedReplicas: triple[1], AvailableReplicas: triple[2], ReadyReplicas: ready,
			CurrentRevision: revision[0], UpdateRevision: revision[1],
		},
	}
	if s.Status.CurrentReplicas = max(0, triple[0]-triple[1]); revision[0] == revision[1] {
		s.Status.CurrentReplicas = triple[1]
	}
	return s
}

// DaemonSets hands on every DaemonSet of the space.
func DaemonSets(add func(kind string, typed any)) {
	for triple := range counters() {
		for _, want := range upTo[int32](3) {
			for _, ready := range readies(triple[2]) {
				for _, a := range ages() {
					for _, u := range []appsv1.DaemonSetUpdateStrategyType{appsv1.RollingUpdateDaemonSetStrategyType, appsv1.OnDeleteDaemonSetStrategyType, "Sideways", ""} {
						d := daemonSet(a, want, triple, ready)
						d.Spec.UpdateStrategy.Type = u
						add("DaemonSet", d)
						if u == appsv1.RollingUpdateDaemonSetStrategyType {
							d = d.DeepCopy()
							d.DeletionTimestamp, d.Status.NumberMisscheduled = deletion(true), 1
							add("DaemonSet", d)
						}
					}
				}
			}
		}
	}
}

func daemonSet(a age, want int32, triple [3]int32, ready int32) *appsv1.DaemonSet {
	return &appsv1.DaemonSet{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "DaemonSet"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "agent", Generation: a.generation},
		Status: appsv1.DaemonSetStatus{
			ObservedGeneration: a.observed, DesiredNumberScheduled: want, CurrentNumberScheduled: triple[0],
			UpdatedNumberScheduled: triple[1], NumberAvailable: triple[2], NumberReady: ready,
		},
	}
}
