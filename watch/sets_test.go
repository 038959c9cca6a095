package watch

import (
	"encoding/json"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rollcall-dev/rollcall/release"
)

// of is a subject in shop of any kind.
func of(kind, name string) release.Subject {
	return release.Subject{Cluster: "c", Kind: kind, Namespace: "shop", Name: name}
}

// statefulSet is one in shop whose rollout is complete. Its revision is named by a
// letter.
func statefulSet(name, image, revision string, generation int64) *appsv1.StatefulSet {
	three, zero := int32(3), int32(0)
	return &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: name, UID: types.UID("uid-" + name), Generation: generation,
			CreationTimestamp: metav1.NewTime(epoch), Labels: map[string]string{"app": "web"}, Annotations: map[string]string{},
		},
		Spec: appsv1.StatefulSetSpec{
			Replicas: &three, Template: template(image), Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
			UpdateStrategy: appsv1.StatefulSetUpdateStrategy{
				Type:          appsv1.RollingUpdateStatefulSetStrategyType,
				RollingUpdate: &appsv1.RollingUpdateStatefulSetStrategy{Partition: &zero},
			},
		},
		Status: appsv1.StatefulSetStatus{
			ObservedGeneration: generation, Replicas: 3, ReadyReplicas: 3, CurrentReplicas: 3, UpdatedReplicas: 3, AvailableReplicas: 3,
			CurrentRevision: name + "-" + revision, UpdateRevision: name + "-" + revision,
		},
	}
}

// from takes back how far a StatefulSet has come from an earlier revision.
func from(revision string, s *appsv1.StatefulSet) *appsv1.StatefulSet {
	s.Status.CurrentRevision, s.Status.UpdatedReplicas, s.Status.AvailableReplicas = s.Name+"-"+revision, 1, 2
	return s
}

// daemonSet is one in shop whose rollout is complete.
func daemonSet(name, image, templateGeneration string, generation int64) *appsv1.DaemonSet {
	return &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: name, UID: types.UID("uid-" + name), Generation: generation,
			CreationTimestamp: metav1.NewTime(epoch), Labels: map[string]string{"app": "web"},
			Annotations: map[string]string{appsv1.DeprecatedTemplateGeneration: templateGeneration},
		},
		Spec: appsv1.DaemonSetSpec{
			Template: template(image), Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
			UpdateStrategy: appsv1.DaemonSetUpdateStrategy{Type: appsv1.RollingUpdateDaemonSetStrategyType},
		},
		Status: appsv1.DaemonSetStatus{
			ObservedGeneration: generation, DesiredNumberScheduled: 3, CurrentNumberScheduled: 3, UpdatedNumberScheduled: 3,
			NumberReady: 3, NumberAvailable: 3,
		},
	}
}

// controllerRevision is one that holds a template, made so many minutes after the
// first.
func controllerRevision(o metav1.Object, kind, letter string, number int64, minutes int, t corev1.PodTemplateSpec) *appsv1.ControllerRevision {
	raw, err := json.Marshal(map[string]any{"spec": map[string]any{"template": t}})
	if err != nil {
		panic(err)
	}
	return &appsv1.ControllerRevision{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: o.GetName() + "-" + letter, UID: types.UID("rev-" + letter),
			CreationTimestamp: metav1.NewTime(epoch.Add(time.Duration(minutes) * time.Minute)),
			Labels:            map[string]string{"app": "web", appsv1.ControllerRevisionHashLabelKey: letter},
			OwnerReferences:   []metav1.OwnerReference{*metav1.NewControllerRef(o, appsv1.SchemeGroupVersion.WithKind(kind))},
		},
		Data: runtime.RawExtension{Raw: raw}, Revision: number,
	}
}

// revise writes a StatefulSet or a DaemonSet, and the revision that holds its
// template.
func (w *world) revise(o metav1.Object, letter string, number int64, minutes int) {
	switch o := o.(type) {
	case *appsv1.StatefulSet:
		w.api.put("controllerrevisions", controllerRevision(o, "StatefulSet", letter, number, minutes, o.Spec.Template))
		w.api.put("statefulsets", o)
	case *appsv1.DaemonSet:
		w.api.put("controllerrevisions", controllerRevision(o, "DaemonSet", letter, number, minutes, o.Spec.Template))
		w.api.put("daemonsets", o)
	}
}
