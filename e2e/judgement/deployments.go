package judgement

import (
	"math"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// progress is a condition Progressing; the reason is empty if there is none.
type progress struct {
	status corev1.ConditionStatus
	reason string
}

func progresses() []progress {
	return []progress{
		{},
		{corev1.ConditionTrue, "NewReplicaSetAvailable"},
		{corev1.ConditionTrue, "ReplicaSetUpdated"},
		{corev1.ConditionFalse, "ProgressDeadlineExceeded"},
		{corev1.ConditionUnknown, "DeploymentPaused"},
		{corev1.ConditionUnknown, "DeploymentResumed"},
	}
}

// Deployments hands on every numbers that a Deployment may have, and then, for
// those that differ in kind, everything else that it may say.
func Deployments(add func(kind string, typed any)) {
	for triple := range counters() {
		for _, want := range sizes() {
			for _, ready := range readies(triple[2]) {
				for _, p := range progresses()[:4] {
					d := deployment(age{2, 2}, want, triple, ready)
					progressing(d, p, new(int32(600)))
					available(d, triple[2] >= size(want))
					add("Deployment", d)
				}
			}
		}
	}
	for triple := range telling() {
		for _, a := range ages() {
			for _, p := range progresses() {
				for _, limit := range []*int32{nil, new(int32(600)), new(int32(math.MaxInt32))} {
					for _, is := range noYes() {
						flagged(add, deployment(a, new(int32(2)), triple, triple[2]), func(d *appsv1.Deployment) {
							progressing(d, p, limit)
							available(d, is)
						})
					}
				}
			}
		}
	}
}

// flagged adds a Deployment with what somebody may want of it besides.
func flagged(add func(string, any), d *appsv1.Deployment, say func(*appsv1.Deployment)) {
	for _, paused := range noYes() {
		for _, deleted := range noYes() {
			c := d.DeepCopy()
			say(c)
			c.Spec.Paused, c.DeletionTimestamp = paused, deletion(deleted)
			add("Deployment", c)
		}
	}
}

func deployment(a age, want *int32, triple [3]int32, ready int32) *appsv1.Deployment {
	return &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", Generation: a.generation},
		Spec:       appsv1.DeploymentSpec{Replicas: want},
		Status: appsv1.DeploymentStatus{
			ObservedGeneration: a.observed, Replicas: triple[0], UpdatedReplicas: triple[1], AvailableReplicas: triple[2], ReadyReplicas: ready,
		},
	}
}

func progressing(d *appsv1.Deployment, p progress, limit *int32) {
	d.Spec.ProgressDeadlineSeconds = limit
	if p.reason != "" {
		d.Status.Conditions = append(d.Status.Conditions, appsv1.DeploymentCondition{
			Type: appsv1.DeploymentProgressing, Status: p.status, Reason: p.reason,
		})
	}
}

func available(d *appsv1.Deployment, is bool) {
	c := appsv1.DeploymentCondition{Type: appsv1.DeploymentAvailable, Status: corev1.ConditionFalse}
	if is {
		c.Status = corev1.ConditionTrue
	}
	d.Status.Conditions = append(d.Status.Conditions, c)
}

func size(want *int32) int32 {
	if want == nil {
		return 1
	}
	return *want
}
