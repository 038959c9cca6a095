package timeline

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"time"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/rand"

	"github.com/rollcall-dev/rollcall/internal/memory"
)

// world writes the objects of a timeline, as those who own them would.
type world struct {
	server    *memory.Server
	now       func() time.Time
	namespace string
	owners    map[Ref]Ref // the engine's object that a workload belongs to
}

// fields of an object, or a part of one.
type object = map[string]any

// place completes a reference.
func (w *world) place(r Ref) Ref {
	if r.Namespace == "" {
		r.Namespace = w.namespace
	}
	return r
}

// take gives an object as it is, or a new one.
func (w *world) take(r Ref) (*unstructured.Unstructured, error) {
	if o, ok := w.server.Get(r.Kind, r.Namespace, r.Name); ok {
		return o, nil
	}
	known, ok := w.server.OfKind("", r.Kind)
	if !ok {
		return nil, fmt.Errorf("%s: unknown kind", r)
	}
	o := &unstructured.Unstructured{Object: object{"apiVersion": known.APIVersion(), "kind": known.Kind}}
	o.SetName(r.Name)
	if !known.Cluster {
		o.SetNamespace(r.Namespace)
	}
	return o, nil
}

// put writes an object as a file gives it.
func (w *world) put(o *unstructured.Unstructured) error {
	r, ok := w.server.OfKind(o.GetAPIVersion(), o.GetKind())
	if ok && !r.Cluster && o.GetNamespace() == "" {
		o.SetNamespace(w.namespace)
	}
	if was, there := w.server.Get(o.GetKind(), o.GetNamespace(), o.GetName()); there && o.GetUID() == "" {
		o.SetUID(was.GetUID())
		if t := o.GetCreationTimestamp(); t.IsZero() {
			o.SetCreationTimestamp(was.GetCreationTimestamp())
		}
	}
	w.mark(o)
	return w.server.Put(o)
}

// own writes down to whom workloads belong, on those that are there as well.
func (w *world) own(owner Ref, owned []Ref) error {
	for _, r := range owned {
		r = w.place(r)
		w.owners[r] = owner
		o, ok := w.server.Get(r.Kind, r.Namespace, r.Name)
		if !ok || !w.mark(o) {
			continue
		}
		if err := w.server.Put(o); err != nil {
			return err
		}
	}
	return nil
}

// mark puts the mark of its owner on a workload. It reports whether it was missing.
func (w *world) mark(o *unstructured.Unstructured) bool {
	owner, ok := w.owners[Ref{o.GetKind(), o.GetNamespace(), o.GetName()}]
	if !ok {
		return false
	}
	if owner.Kind == "Application" {
		id := fmt.Sprintf("%s:%s/%s:%s/%s", owner.Name, o.GroupVersionKind().Group, o.GetKind(), o.GetNamespace(), o.GetName())
		return annotate(o, "argocd.argoproj.io/tracking-id", id)
	}
	prefix := map[string]string{"Kustomization": "kustomize", "HelmRelease": "helm"}[owner.Kind] + ".toolkit.fluxcd.io/"
	labels := o.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	missing := labels[prefix+"name"] != owner.Name
	labels[prefix+"name"], labels[prefix+"namespace"] = owner.Name, owner.Namespace
	o.SetLabels(labels)
	return missing
}

func annotate(o *unstructured.Unstructured, key, value string) bool {
	all := o.GetAnnotations()
	if all == nil {
		all = map[string]string{}
	}
	missing := all[key] != value
	all[key] = value
	o.SetAnnotations(all)
	return missing
}

// remove deletes an object, and what it controls unless that is to stay.
func (w *world) remove(r Ref, orphan bool) error {
	o, ok := w.server.Get(r.Kind, r.Namespace, r.Name)
	if !ok {
		return fmt.Errorf("%s: there is none to delete", r)
	}
	w.server.Remove(r.Kind, r.Namespace, r.Name)
	for _, kind := range []string{"ReplicaSet", "ControllerRevision", "Pod"} {
		for _, c := range w.controlled(kind, o) {
			if orphan {
				c.SetOwnerReferences(nil)
				if err := w.server.Put(c); err != nil {
					return err
				}
			} else if err := w.remove(Ref{kind, c.GetNamespace(), c.GetName()}, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// controlled lists the objects of a kind that another one controls.
func (w *world) controlled(kind string, by *unstructured.Unstructured) []*unstructured.Unstructured {
	return slices.DeleteFunc(w.server.Mentioning(kind, string(by.GetUID())), func(o *unstructured.Unstructured) bool {
		c := metav1.GetControllerOf(o)
		return c == nil || c.UID != by.GetUID() || o.GetNamespace() != by.GetNamespace()
	})
}

// control makes an object controlled by another.
func control(o, by *unstructured.Unstructured) {
	o.SetOwnerReferences([]metav1.OwnerReference{*metav1.NewControllerRef(by, by.GroupVersionKind())})
}

// begin writes what every object has.
func (c common) begin(o *unstructured.Unstructured, now time.Time) {
	o.SetGeneration(c.generation)
	if c.deleting && o.GetDeletionTimestamp() == nil {
		o.SetDeletionTimestamp(&metav1.Time{Time: now.Truncate(time.Second)})
	}
}

// wrote keeps who wrote the template of a workload, if that differs from before.
func (w *world) wrote(o *unstructured.Unstructured, before any, by string) {
	if apiequality.Semantic.DeepEqual(before, part(o.Object, "spec")["template"]) {
		return
	}
	if by == "" {
		owner := w.owners[Ref{o.GetKind(), o.GetNamespace(), o.GetName()}]
		by = map[string]string{
			"": "kubectl-client-side-apply", "Application": "argocd-controller",
			"Kustomization": "kustomize-controller", "HelmRelease": "helm-controller",
		}[owner.Kind]
	}
	at := metav1.NewTime(w.now().Truncate(time.Second))
	o.SetManagedFields([]metav1.ManagedFieldsEntry{{
		Manager: by, Operation: metav1.ManagedFieldsOperationApply, APIVersion: o.GetAPIVersion(), Time: &at,
		FieldsType: "FieldsV1", FieldsV1: &metav1.FieldsV1{Raw: []byte(`{"f:spec":{"f:template":{"f:spec":{}}}}`)},
	}})
}

// part gives a part of an object that is itself an object; it is made if missing.
func part(o object, path ...string) object {
	for _, p := range path {
		next, ok := o[p].(object)
		if !ok {
			next = object{}
			o[p] = next
		}
		o = next
	}
	return o
}

// set sets a number, and leaves out what is none.
func set(o object, key string, n int64) {
	if n < 0 {
		delete(o, key)
		return
	}
	o[key] = n
}

// pod gives the template as an object has it.
func (t template) pod(name string) object {
	labels := object{"app": name}
	for k, v := range t.labels {
		labels[k] = v
	}
	meta := object{"labels": labels}
	if len(t.annotations) > 0 {
		all := object{}
		for k, v := range t.annotations {
			all[k] = v
		}
		meta["annotations"] = all
	}
	spec := object{"containers": t.containers("main", t.images)}
	if len(t.inits) > 0 {
		spec["initContainers"] = t.containers("init", t.inits)
	}
	return object{"metadata": meta, "spec": spec}
}

// containers gives containers of some images; the environment is that of the first.
func (t template) containers(name string, images []string) []any {
	var out []any
	for i, image := range images {
		c := object{"name": name, "image": image}
		if i > 0 {
			c["name"] = fmt.Sprintf("%s-%d", name, i+1)
		}
		if name == "main" && i == 0 && len(t.env) > 0 {
			var env []any
			for _, k := range slices.Sorted(maps.Keys(t.env)) {
				env = append(env, object{"name": k, "value": t.env[k]})
			}
			c["env"] = env
		}
		out = append(out, c)
	}
	return out
}

// hash stands for a template where a label must.
func hash(template object) string {
	raw, err := json.Marshal(template) // maps of strings: it cannot fail
	if err != nil {
		return ""
	}
	h := fnv.New32a()
	_, _ = h.Write(raw) // a hash takes everything
	return rand.SafeEncodeString(fmt.Sprint(h.Sum32()))
}

// say sets a condition, as the controllers do: the time of transition moves with
// the status, that of the update with anything that is new. One without a message
// keeps that of before.
func say(status object, c condition, now time.Time, fresh bool) {
	list, _ := status["conditions"].([]any)
	stamp := now.UTC().Truncate(time.Second).Format(time.RFC3339)
	next := object{"type": c.kind, "status": c.status, "reason": c.reason, "lastTransitionTime": stamp, "lastUpdateTime": stamp}
	if c.message != "" {
		next["message"] = c.message
	}
	for i, item := range list {
		old, ok := item.(object)
		if !ok || old["type"] != c.kind {
			continue
		}
		if c.message == "" && old["message"] != nil {
			next["message"] = old["message"]
		}
		if old["status"] == c.status {
			next["lastTransitionTime"] = old["lastTransitionTime"]
			if old["reason"] == c.reason && old["message"] == next["message"] && !fresh {
				next["lastUpdateTime"] = old["lastUpdateTime"]
			}
		}
		list[i] = next
		return
	}
	status["conditions"] = append(list, next)
}

// unsay removes a condition.
func unsay(status object, kind string) {
	list, _ := status["conditions"].([]any)
	status["conditions"] = slices.DeleteFunc(list, func(item any) bool {
		c, _ := item.(object)
		return c["type"] == kind
	})
}

// TemplateHash is what the controllers of a timeline call a workload's pod template.
func TemplateHash(o *unstructured.Unstructured) string {
	return hash(part(o.Object, "spec", "template"))
}
