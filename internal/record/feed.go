package record

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rollcall-dev/rollcall/internal/timeline"
	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch/gitops"
	"github.com/rollcall-dev/rollcall/watch/lean"
)

// Feed is what is listed and watched together.
type Feed struct {
	lean.Kind
	// Namespace is empty for all namespaces.
	Namespace string
	// Object is the name of the only one, Labels selects several.
	Object string
	Labels string
}

// String says in words what it is: "replicasets in shop".
func (f Feed) String() string {
	where := "in all namespaces"
	if f.Namespace != "" {
		where = "in " + f.Namespace
	}
	return f.Plural + " " + where
}

// slight says that only the metadata is read.
func (f Feed) slight() bool { return f.Name == "Pod" }

// required says that a recording without it would be about something else.
func (f Feed) required() bool {
	return f.Name == "ReplicaSet" || f.Name == "ControllerRevision" || slices.Contains(release.Workloads(), f.Name)
}

func builtin(name, plural string) lean.Kind {
	return lean.Kind{GroupVersion: appsv1.SchemeGroupVersion, Name: name, Plural: plural}
}

// kinds are all that may be read.
func kinds() []lean.Kind {
	return append(lean.Sources(),
		builtin("Deployment", "deployments"), builtin("StatefulSet", "statefulsets"), builtin("DaemonSet", "daemonsets"),
		builtin("ReplicaSet", "replicasets"), builtin("ControllerRevision", "controllerrevisions"),
		lean.Kind{GroupVersion: corev1.SchemeGroupVersion, Name: "Pod", Plural: "pods"},
		lean.Rollouts, lean.Applications, lean.Kustomizations, lean.HelmReleases,
	)
}

// Subjects are the kinds that a recording can be about.
func Subjects() []string { return append(release.Workloads(), release.Apps()...) }

// Kind finds the kind that somebody means, with or without its group, and in
// whatever case; false if no recording can be about it.
func Kind(word string) (lean.Kind, bool) {
	for _, k := range kinds() {
		named := strings.EqualFold(word, k.Name) || strings.EqualFold(word, k.Name+"."+k.Group)
		if named && slices.Contains(Subjects(), k.Name) {
			return k, true
		}
	}
	return lean.Kind{}, false
}

// feed reads objects of a kind; false if that kind is never read.
func feed(kind, namespace, name, labels string) []Feed {
	for _, k := range kinds() {
		if k.Name == kind {
			return []Feed{{Kind: k, Namespace: namespace, Object: name, Labels: labels}}
		}
	}
	return nil
}

// wants lists what else has to be read because of an object.
func wants(about timeline.Ref, s gitops.Settings, o *unstructured.Unstructured) ([]Feed, error) {
	is := timeline.Ref{Kind: o.GetKind(), Namespace: o.GetNamespace(), Name: o.GetName()} == about
	switch kind := o.GetKind(); {
	case slices.Contains(release.Workloads(), kind):
		out, err := controlled(o)
		return append(out, claimed(about, s, o)...), err
	case kind == lean.Applications.Name && is:
		return ofApplication(s, o)
	case kind == lean.Kustomizations.Name:
		return ofKustomization(o, is)
	case kind == lean.HelmReleases.Name:
		out := claimed(about, s, o)
		if is || about.Kind == lean.Kustomizations.Name {
			out = append(out, ofHelmRelease(o)...)
		}
		return out, nil
	}
	return nil, nil
}

// controlled reads what a workload controls: the versions of its template, and pods.
func controlled(o *unstructured.Unstructured) ([]Feed, error) {
	versions := "ReplicaSet"
	if o.GetKind() == "StatefulSet" || o.GetKind() == "DaemonSet" {
		versions = "ControllerRevision"
	}
	var fields struct {
		Spec struct {
			Selector *metav1.LabelSelector `json:"selector"`
		} `json:"spec"`
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &fields); err != nil {
		return nil, fmt.Errorf("read the selector of %s: %w", o.GetName(), err)
	}
	selector, err := metav1.LabelSelectorAsSelector(fields.Spec.Selector)
	if err != nil {
		return nil, fmt.Errorf("read the selector of %s: %w", o.GetName(), err)
	}
	text := selector.String()
	if fields.Spec.Selector == nil { // a Rollout that takes another one's template
		text = "rollouts-pod-template-hash"
	}
	return append(feed(versions, o.GetNamespace(), "", text), feed("Pod", o.GetNamespace(), "", text)...), nil
}

// claimed reads the owners that an object names. One that the recording is about is
// read already.
func claimed(about timeline.Ref, s gitops.Settings, o *unstructured.Unstructured) []Feed {
	var out []Feed
	for _, r := range s.Claims(object(o)) {
		if r.Kind != about.Kind || r.Name != about.Name {
			out = append(out, feed(r.Kind, r.Namespace, r.Name, "")...)
		}
	}
	return out
}

func ofApplication(s gitops.Settings, o *unstructured.Unstructured) ([]Feed, error) {
	a, err := as[lean.Application](o)
	if err != nil {
		return nil, err
	}
	var out []Feed
	for _, r := range a.Status.Resources {
		if !r.Hook && s.Here(a) && isWorkload(r.Group, r.Kind) {
			out = append(out, feed(r.Kind, r.Namespace, r.Name, "")...)
		}
	}
	return out, nil
}

func isWorkload(group, kind string) bool {
	return slices.Contains(release.Workloads(), kind) && release.Group(kind) == group
}

func ofKustomization(o *unstructured.Unstructured, whole bool) ([]Feed, error) {
	k, err := as[lean.Kustomization](o)
	if err != nil {
		return nil, err
	}
	from := k.Spec.SourceRef
	out := feed(from.Kind, cmp.Or(from.Namespace, k.Namespace), from.Name, "")
	if !whole || k.Status.Inventory == nil {
		return out, nil
	}
	for _, e := range k.Status.Inventory.Entries {
		p := strings.Split(e.ID, "_") // namespace, name, group, kind: none can hold one
		if len(p) == 4 && (isWorkload(p[2], p[3]) || p[3] == lean.HelmReleases.Name && p[2] == lean.HelmReleases.Group) {
			out = append(out, feed(p[3], p[0], p[1], "")...)
		}
	}
	return out, nil
}

// ofHelmRelease reads the workloads that say they belong to a HelmRelease, which
// itself keeps no list of them.
func ofHelmRelease(o *unstructured.Unstructured) []Feed {
	target, _, _ := unstructured.NestedString(o.Object, "spec", "targetNamespace") // what is something else is absent
	const prefix = "helm.toolkit.fluxcd.io/"
	mark := labels.Set{prefix + "name": o.GetName(), prefix + "namespace": o.GetNamespace()}.String()
	var out []Feed
	for _, kind := range release.Workloads() {
		out = append(out, feed(kind, cmp.Or(target, o.GetNamespace()), "", mark)...)
	}
	return out
}

// as reads an object as one of the lean types.
func as[T any](o *unstructured.Unstructured) (*T, error) {
	raw, err := json.Marshal(o.Object)
	if err != nil {
		return nil, fmt.Errorf("encode %s %s: %w", o.GetKind(), o.GetName(), err)
	}
	out := new(T)
	if err := json.Unmarshal(raw, out); err != nil {
		return nil, fmt.Errorf("read %s %s: %w", o.GetKind(), o.GetName(), err)
	}
	return out, nil
}
