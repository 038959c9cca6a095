package scenarios

import (
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// workload is one state of a Deployment, a StatefulSet or a DaemonSet.
type workload struct {
	metav1.Object // of its own type
	kind, image   string
}

// asWorkload reads a state off the wire.
func asWorkload(o *unstructured.Unstructured) workload {
	out := workload{Object: o, kind: o.GetKind()}
	switch o.GetKind() {
	case "Deployment":
		out.Object = &appsv1.Deployment{}
	case "StatefulSet":
		out.Object = &appsv1.StatefulSet{}
	case "DaemonSet":
		out.Object = &appsv1.DaemonSet{}
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, out.Object); err != nil {
		return workload{Object: o, kind: o.GetKind()} // It is never complete.
	}
	containers, _, _ := unstructured.NestedSlice(o.Object, "spec", "template", "spec", "containers")
	if c, ok := containers[0].(map[string]any); ok {
		out.image, _ = c["image"].(string)
	}
	return out
}

// complete reports whether a workload's status says that its template, and nothing
// else, runs and is available: the law that "never early" is held to.
func complete(w workload) bool {
	switch o := w.Object.(type) {
	case *appsv1.Deployment:
		want, st := *o.Spec.Replicas, o.Status
		return want > 0 && st.ObservedGeneration >= o.Generation &&
			st.UpdatedReplicas == want && st.Replicas == want && st.AvailableReplicas == want
	case *appsv1.StatefulSet:
		want, st := *o.Spec.Replicas, o.Status
		rolling := o.Spec.UpdateStrategy.RollingUpdate
		held := rolling != nil && rolling.Partition != nil && *rolling.Partition > 0
		byHand := o.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType
		return want > 0 && !held && st.ObservedGeneration >= o.Generation &&
			(byHand || st.CurrentRevision == st.UpdateRevision) &&
			st.UpdatedReplicas == want && st.Replicas == want && st.AvailableReplicas == want
	case *appsv1.DaemonSet:
		want, st := o.Status.DesiredNumberScheduled, o.Status
		return want > 0 && st.ObservedGeneration >= o.Generation &&
			st.UpdatedNumberScheduled == want && st.CurrentNumberScheduled == want && st.NumberAvailable == want
	}
	return false
}
