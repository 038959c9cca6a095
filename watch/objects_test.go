package watch

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch/workload"
)

// trackingID is where Argo CD says which Application tracks an object.
const trackingID = "argocd.argoproj.io/tracking-id"

func subject(name string) release.Subject {
	return release.Subject{Cluster: "c", Kind: "Deployment", Namespace: "shop", Name: name}
}

// changed is a Deployment as its controller shows it after a rollout.
func changed(name, image, revision string, generation int64) *appsv1.Deployment {
	d := deployment(name, image, revision)
	d.Generation, d.Status.ObservedGeneration = generation, generation
	return d
}

// midway takes back how far a rollout has come.
func midway(d *appsv1.Deployment) *appsv1.Deployment {
	d.Status.Replicas, d.Status.UpdatedReplicas, d.Status.Conditions[0].Reason = 4, 1, "ReplicaSetUpdated"
	return d
}

// settled is the record of a Deployment's release.
func settled(d *appsv1.Deployment, hash string) release.Past {
	t, err := describe(hash, &replicaSet(d, hash).Spec.Template)
	if err != nil {
		panic(err)
	}
	return release.Past{Phase: release.Passed, Settled: true, Release: release.Release{
		Subject: subject(d.Name), UID: string(d.UID), Revision: d.Annotations[revisionAnnotation],
		Template: t, Kind: release.Image, Generation: d.Generation, Sequence: 4,
	}}
}

// owned is a Deployment that an Application of its name tracks.
func owned(d *appsv1.Deployment) *appsv1.Deployment {
	d.Annotations[trackingID] = d.Name + ":apps/Deployment:shop/" + d.Name
	return d
}

var epoch = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// template is a pod template with one container for each image.
func template(images ...string) corev1.PodTemplateSpec {
	t := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}}}
	for i, image := range images {
		t.Spec.Containers = append(t.Spec.Containers, corev1.Container{Name: fmt.Sprint("c", i), Image: image})
	}
	return t
}

// deployment is one in shop whose rollout is complete.
func deployment(name, image, revision string) *appsv1.Deployment {
	three := int32(3)
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: name, UID: types.UID("uid-" + name), Generation: 1,
			CreationTimestamp: metav1.NewTime(epoch),
			Labels:            map[string]string{"app": "web"},
			Annotations:       map[string]string{revisionAnnotation: revision},
		},
		Spec: appsv1.DeploymentSpec{
			Replicas: &three, Template: template(image),
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
		},
		Status: appsv1.DeploymentStatus{
			ObservedGeneration: 1, Replicas: 3, UpdatedReplicas: 3, AvailableReplicas: 3,
			Conditions: []appsv1.DeploymentCondition{{
				Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: "NewReplicaSetAvailable",
				LastTransitionTime: metav1.NewTime(epoch), LastUpdateTime: metav1.NewTime(epoch.Add(time.Minute)),
			}},
		},
	}
}

// replicaSet is the one that carries a Deployment's template, complete.
func replicaSet(d *appsv1.Deployment, hash string) *appsv1.ReplicaSet {
	rs := &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: d.Namespace, Name: d.Name + "-" + hash, UID: types.UID("rs-" + hash), Generation: 1,
			CreationTimestamp: metav1.NewTime(epoch),
			Labels:            map[string]string{"app": "web", appsv1.DefaultDeploymentUniqueLabelKey: hash},
			Annotations:       map[string]string{revisionAnnotation: d.Annotations[revisionAnnotation]},
			OwnerReferences:   []metav1.OwnerReference{*metav1.NewControllerRef(d, appsv1.SchemeGroupVersion.WithKind("Deployment"))},
		},
		Spec: appsv1.ReplicaSetSpec{Template: *d.Spec.Template.DeepCopy()},
		Status: appsv1.ReplicaSetStatus{
			ObservedGeneration: 1, Replicas: workload.Replicas(d.Spec.Replicas), AvailableReplicas: workload.Replicas(d.Spec.Replicas),
		},
	}
	rs.Spec.Template.Labels[appsv1.DefaultDeploymentUniqueLabelKey] = hash
	return rs
}
