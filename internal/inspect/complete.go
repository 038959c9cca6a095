package inspect

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rollcall-dev/rollcall/watch/gitops"
)

// Annotations and labels by which controllers mark the versions of a template.
const (
	deploymentRevision = "deployment.kubernetes.io/revision"
	rolloutRevision    = "rollout.argoproj.io/revision"
	rolloutHash        = "rollouts-pod-template-hash"
)

// complete makes up what controllers keep beside a workload, where none of it is
// there: the one version that the workload's own status speaks of.
func (f *Files) complete() error {
	for _, o := range f.objects {
		var err error
		switch o.GetKind() {
		case "Deployment":
			err = f.deployment(o)
		case "Rollout":
			err = f.rollout(o)
		case "StatefulSet":
			err = f.statefulSet(o)
		case "DaemonSet":
			err = f.daemonSet(o)
		}
		if err != nil {
			return err
		}
		f.owner(o)
	}
	return nil
}

func (f *Files) deployment(o *unstructured.Unstructured) error {
	if status(o, "observedGeneration") == 0 || len(f.controlled("ReplicaSet", o)) > 0 {
		return nil
	}
	revision := o.GetAnnotations()[deploymentRevision]
	if revision == "" {
		revision = "1"
		mark(o, deploymentRevision, revision)
		if err := f.Server.Put(o); err != nil {
			return fmt.Errorf("complete Deployment %s: %w", o.GetName(), err)
		}
	}
	return f.replicaSet(o, appsv1.DefaultDeploymentUniqueLabelKey, digest(template(o)), deploymentRevision, revision)
}

func (f *Files) rollout(o *unstructured.Unstructured) error {
	hash, _, _ := unstructured.NestedString(o.Object, "status", "currentPodHash") // without one, there is nothing to make up
	if hash == "" || len(f.controlled("ReplicaSet", o)) > 0 {
		return nil
	}
	return f.replicaSet(o, rolloutHash, hash, rolloutRevision, o.GetAnnotations()[rolloutRevision])
}

// replicaSet makes up the ReplicaSet that carries a workload's template, with the
// pods that the workload counts as updated.
func (f *Files) replicaSet(o *unstructured.Unstructured, label, hash, annotation, revision string) error {
	t := template(o)
	labels, _, _ := unstructured.NestedStringMap(t, "metadata", "labels") // absent is none
	labels = maps.Clone(labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels[label] = hash
	if err := unstructured.SetNestedStringMap(t, labels, "metadata", "labels"); err != nil {
		return fmt.Errorf("complete %s %s: %w", o.GetKind(), o.GetName(), err)
	}
	updated := status(o, "updatedReplicas")
	available := min(updated, status(o, "availableReplicas"))
	rs := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": map[string]any{"generation": int64(1)},
		"spec":   map[string]any{"replicas": updated, "template": t},
		"status": map[string]any{"observedGeneration": int64(1), "replicas": updated, "availableReplicas": available},
	}}
	rs.SetName(o.GetName() + "-" + hash)
	rs.SetLabels(labels)
	rs.SetAnnotations(map[string]string{annotation: revision})
	return f.makeUp(rs, o)
}

func (f *Files) statefulSet(o *unstructured.Unstructured) error {
	name, _, _ := unstructured.NestedString(o.Object, "status", "updateRevision") // without one, there is nothing to make up
	if name == "" || len(f.controlled("ControllerRevision", o)) > 0 {
		return nil
	}
	return f.controllerRevision(o, name)
}

func (f *Files) daemonSet(o *unstructured.Unstructured) error {
	if status(o, "observedGeneration") == 0 || len(f.controlled("ControllerRevision", o)) > 0 {
		return nil
	}
	if o.GetAnnotations()[appsv1.DeprecatedTemplateGeneration] == "" {
		mark(o, appsv1.DeprecatedTemplateGeneration, "1")
		if err := f.Server.Put(o); err != nil {
			return fmt.Errorf("complete DaemonSet %s: %w", o.GetName(), err)
		}
	}
	return f.controllerRevision(o, o.GetName()+"-"+digest(template(o)))
}

// controllerRevision makes up the revision that carries a workload's template.
func (f *Files) controllerRevision(o *unstructured.Unstructured, name string) error {
	number, err := strconv.ParseInt(o.GetAnnotations()[appsv1.DeprecatedTemplateGeneration], 10, 64)
	if err != nil {
		number = 1
	}
	cr := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": number,
		"data": map[string]any{"spec": map[string]any{"template": template(o)}},
	}}
	cr.SetName(name)
	labels, _, _ := unstructured.NestedStringMap(o.Object, "spec", "selector", "matchLabels") // absent is none
	labels = maps.Clone(labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels[appsv1.ControllerRevisionHashLabelKey] = digest(template(o))
	cr.SetLabels(labels)
	return f.makeUp(cr, o)
}

// makeUp stores an object that a workload controls.
func (f *Files) makeUp(made, owner *unstructured.Unstructured) error {
	made.SetNamespace(owner.GetNamespace())
	made.SetCreationTimestamp(owner.GetCreationTimestamp())
	made.SetOwnerReferences([]metav1.OwnerReference{*metav1.NewControllerRef(owner, owner.GroupVersionKind())})
	if err := f.Server.Put(made); err != nil {
		return fmt.Errorf("complete %s %s: %w", owner.GetKind(), owner.GetName(), err)
	}
	f.Notes = append(f.Notes, fmt.Sprintf("no %s of %s %s/%s is among the objects: it is taken from its own status",
		made.GetKind(), owner.GetKind(), owner.GetNamespace(), owner.GetName()))
	return nil
}

// trackingAnnotation is Argo CD's. Its instance label is Helm's as well, and says
// nothing for certain.
const trackingAnnotation = "argocd.argoproj.io/tracking-id"

// owner notes that an engine's object is missed.
func (f *Files) owner(o *unstructured.Unstructured) {
	object := gitops.Object{
		Group: o.GroupVersionKind().Group, Kind: o.GetKind(), Namespace: o.GetNamespace(), Name: o.GetName(),
		Labels: o.GetLabels(), Annotations: o.GetAnnotations(),
	}
	for _, r := range (gitops.Settings{}).Claims(object) {
		certain := r.Kind != "Application" || o.GetAnnotations()[trackingAnnotation] != ""
		if certain && !f.has(r) {
			f.Notes = append(f.Notes, fmt.Sprintf("%s %s/%s says that it belongs to %s %s, which is not among the objects, and so is not asked",
				o.GetKind(), o.GetNamespace(), o.GetName(), r.Kind, r.Name))
		}
	}
}

func (f *Files) has(r gitops.Ref) bool {
	for _, o := range f.Server.List(r.Kind) {
		if o.GetName() == r.Name && (r.Namespace == "" || o.GetNamespace() == r.Namespace) {
			return true
		}
	}
	return false
}

func template(o *unstructured.Unstructured) map[string]any {
	t, _, _ := unstructured.NestedMap(o.Object, "spec", "template") // a copy; absent is none
	if t == nil {
		t = map[string]any{}
	}
	return t
}

func status(o *unstructured.Unstructured, field string) int64 {
	n, _, _ := unstructured.NestedInt64(o.Object, "status", field) // what is no number is none
	return n
}

func mark(o *unstructured.Unstructured, key, value string) {
	all := o.GetAnnotations()
	if all == nil {
		all = map[string]string{}
	}
	all[key] = value
	o.SetAnnotations(all)
}

// digest stands for a template.
func digest(v any) string {
	raw, _ := json.Marshal(v) // it came as JSON
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])[:10]
}
