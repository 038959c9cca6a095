package watch

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Annotations that the Deployment controller writes.
const (
	revisionAnnotation = "deployment.kubernetes.io/revision"
	historyAnnotation  = "deployment.kubernetes.io/revision-history"
)

// Reasons of the Progressing condition, from k8s.io/kubernetes
// pkg/controller/deployment/util.
const (
	reasonDeadline = "ProgressDeadlineExceeded"
	reasonComplete = "NewReplicaSetAvailable"
)

// rolling says what a Deployment's own counters still lack for its release to be
// completely rolled out; it is empty if nothing is. The equalities are those of
// the Deployment controller's DeploymentComplete, which is stricter than kubectl
// rollout status: without "replicas == updated", available pods may be old ones.
func rolling(d *appsv1.Deployment) string {
	want, st := replicas(d), d.Status
	switch {
	case d.DeletionTimestamp != nil:
		return "the Deployment is being deleted"
	case d.Spec.Paused:
		return "the Deployment is paused"
	case st.ObservedGeneration < d.Generation:
		return "the Deployment controller has not seen the latest change"
	case want <= 0:
		return "the Deployment is scaled to zero"
	case stalled(d):
		return "the rollout exceeded its progress deadline"
	case st.UpdatedReplicas != want:
		return fmt.Sprintf("%d of %d replicas are updated", st.UpdatedReplicas, want)
	case st.Replicas != want:
		return fmt.Sprintf("%d pods still count where %d are wanted", st.Replicas, want)
	case st.AvailableReplicas != want:
		return fmt.Sprintf("%d of %d replicas are available", st.AvailableReplicas, want)
	}
	return ""
}

// carrying says what the ReplicaSet that should carry the release lacks. It may
// be nil: then the controller has not made it, or this view is not yet whole.
func carrying(d *appsv1.Deployment, rs *appsv1.ReplicaSet) string {
	switch {
	case rs == nil:
		return "no ReplicaSet carries the Deployment's template"
	case rs.DeletionTimestamp != nil:
		return "the ReplicaSet is being deleted"
	case rs.Annotations[revisionAnnotation] != d.Annotations[revisionAnnotation]:
		return "the revision is not assigned yet"
	case rs.Status.ObservedGeneration < rs.Generation:
		return "the ReplicaSet controller has not seen the latest change"
	case rs.Status.AvailableReplicas != replicas(d):
		return fmt.Sprintf("%d of %d replicas of the new ReplicaSet are available", rs.Status.AvailableReplicas, replicas(d))
	}
	return ""
}

// current finds the ReplicaSet that carries the Deployment's template: the oldest
// one that it controls and whose template is equal, as the Deployment controller's
// FindNewReplicaSet does.
func current(d *appsv1.Deployment, sets []appsv1.ReplicaSet) *appsv1.ReplicaSet {
	var found *appsv1.ReplicaSet
	for i := range sets {
		rs := &sets[i]
		if !metav1.IsControlledBy(rs, d) || !sameTemplate(d.Spec.Template, rs.Spec.Template) {
			continue
		}
		if found == nil || older(rs, found) {
			found = rs
		}
	}
	return found
}

func older(a, b *appsv1.ReplicaSet) bool {
	if a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.Name < b.Name
	}
	return a.CreationTimestamp.Before(&b.CreationTimestamp)
}

// sameTemplate compares pod templates without the hash label, which is added to
// the ReplicaSet's.
func sameTemplate(a, b corev1.PodTemplateSpec) bool {
	return apiequality.Semantic.DeepEqual(sansHash(a), sansHash(b))
}

func sansHash(t corev1.PodTemplateSpec) *corev1.PodTemplateSpec {
	c := t.DeepCopy()
	delete(c.Labels, appsv1.DefaultDeploymentUniqueLabelKey)
	if len(c.Labels) == 0 {
		c.Labels = nil
	}
	return c
}

// replicas is the wanted number; the API's default is 1.
func replicas(d *appsv1.Deployment) int32 {
	if d.Spec.Replicas == nil {
		return 1
	}
	return *d.Spec.Replicas
}

func progressing(d *appsv1.Deployment) *appsv1.DeploymentCondition {
	for i := range d.Status.Conditions {
		if d.Status.Conditions[i].Type == appsv1.DeploymentProgressing {
			return &d.Status.Conditions[i]
		}
	}
	return nil
}

func stalled(d *appsv1.Deployment) bool {
	c := progressing(d)
	return c != nil && c.Reason == reasonDeadline
}

// rolledOut is when the controller last found the rollout complete; zero if the
// Deployment has no progress deadline and so no such condition. The transition
// time would be wrong: it does not move while the condition stays true.
func rolledOut(d *appsv1.Deployment) time.Time {
	if c := progressing(d); c != nil && c.Reason == reasonComplete {
		return c.LastUpdateTime.Time
	}
	return time.Time{}
}
