package timeline

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Writer writes states of real objects as short forms, one after the other: the
// inverse of reading them. What a short form cannot say is left out.
type Writer struct {
	// Commits stand in the lines as c1, c2 and so on.
	Commits []string
	// Ignore names beginnings of keys of a template's annotations and labels.
	Ignore []string

	reconciled map[Ref]string // when its engine looked at an object last
	owned      map[Ref]string // what an engine's object owns, as it was said last
}

// Line is the short form of an object, as a timeline has it. Related are what it
// controls: ReplicaSets or ControllerRevisions, as they are at that moment.
func (w *Writer) Line(o *unstructured.Unstructured, related []*unstructured.Unstructured) (string, error) {
	f := &written{o: o}
	for _, r := range related {
		if c := metav1.GetControllerOf(r); c != nil && c.UID == o.GetUID() {
			f.related = append(f.related, r)
		}
	}
	switch o.GetKind() {
	case "Deployment":
		w.deployment(f)
	case "StatefulSet":
		w.statefulSet(f)
	case "DaemonSet":
		w.daemonSet(f)
	case "Application":
		w.application(f)
	case "Kustomization":
		w.kustomization(f)
	default:
		return "", fmt.Errorf("write %s: there is no way to write a %s", o.GetName(), o.GetKind())
	}
	f.flag(o.GetDeletionTimestamp() != nil, "deleting")
	return fmt.Sprintf("%s/%s %s", o.GetKind(), o.GetName(), strings.Join(f.fields, " | ")), nil
}

// written collects the fields of one line.
type written struct {
	o       *unstructured.Unstructured
	related []*unstructured.Unstructured
	fields  []string
}

func (f *written) add(format string, args ...any) {
	f.fields = append(f.fields, fmt.Sprintf(format, args...))
}

func (f *written) flag(is bool, word string) {
	if is {
		f.add("%s", word)
	}
}

// text gives a text of the object; empty if it is absent.
func (f *written) text(path ...string) string {
	s, _, _ := unstructured.NestedString(f.o.Object, path...) // what is something else is absent
	return s
}

// number gives a number of the object, and whether it is there.
func (f *written) number(path ...string) (int64, bool) {
	v, there, _ := unstructured.NestedFieldNoCopy(f.o.Object, path...) // what is no path is absent
	return number(v), there
}

func (f *written) status(name string) int64 {
	n, _ := f.number("status", name)
	return n
}

func (f *written) generation() {
	f.add("%d/%d", f.o.GetGeneration(), f.status("observedGeneration"))
}

func (f *written) replicas() {
	if n, ok := f.number("spec", "replicas"); ok {
		f.add("%d", n)
		return
	}
	f.add("-")
}

// counts writes three counts, and the words whose counts are not what follows.
func (f *written) counts(total, updated, available string, words ...string) {
	f.add("%s", strings.Join(append([]string{
		fmt.Sprintf("%d/%d/%d", f.status(total), f.status(updated), f.status(available)),
	}, words...), " "))
}

// word writes a count if it is not what follows from the others.
func word(name string, n, otherwise int64) []string {
	if n == otherwise {
		return nil
	}
	return []string{fmt.Sprintf("%s=%d", name, n)}
}

// condition writes STATUS/REASON, as short as can be; "-" if it is absent.
func (f *written) condition(kind string) string {
	list, _, _ := unstructured.NestedSlice(f.o.Object, "status", "conditions") // what is no list is absent
	for _, item := range list {
		c, _ := item.(object)
		if c["type"] != kind {
			continue
		}
		status, _ := c["status"].(string)
		reason, _ := c["reason"].(string)
		if short := readCondition(kind, reason); reason != "" && short.status == status && short.reason == reason {
			return reason
		}
		return strings.TrimSuffix(status+"/"+reason, "/")
	}
	return "-"
}

// engines are the field managers of those who apply what they own.
func engines() []string {
	return []string{"argocd-controller", "kustomize-controller", "helm-controller"}
}

// by writes who wrote the template last, if an engine owns the object and it was
// another.
func (f *written) by() {
	owned := f.o.GetAnnotations()["argocd.argoproj.io/tracking-id"] != ""
	for _, label := range []string{"kustomize.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/name", "app.kubernetes.io/instance"} {
		owned = owned || f.o.GetLabels()[label] != ""
	}
	var last metav1.ManagedFieldsEntry
	for _, e := range f.o.GetManagedFields() {
		if e.Subresource != "" || e.FieldsV1 == nil || !strings.Contains(e.FieldsV1.GetRawString(), `"f:template":`) {
			continue
		}
		if last.Time == nil || e.Time != nil && !e.Time.Before(last.Time) {
			last = e
		}
	}
	if owned && last.Manager != "" && !slices.Contains(engines(), last.Manager) {
		f.add("by %s", last.Manager)
	}
}

// template writes the template of a workload.
func (w *Writer) template(f *written) {
	pod := part(f.o.DeepCopy().Object, "spec", "template")
	meta, spec := part(pod, "metadata"), part(pod, "spec")
	parts := imagesOf(spec["containers"])
	for _, image := range imagesOf(spec["initContainers"]) {
		parts = append(parts, "init "+image)
	}
	annotations, labels := part(meta, "annotations"), part(meta, "labels")
	delete(labels, "app")
	for _, kind := range []struct {
		word string
		all  object
	}{{"annotation", annotations}, {"label", labels}, {"env", environment(spec["containers"])}} {
		for _, k := range slices.Sorted(maps.Keys(kind.all)) {
			if !slices.ContainsFunc(w.Ignore, func(s string) bool { return strings.HasPrefix(k, s) }) {
				parts = append(parts, fmt.Sprintf("%s %s=%v", kind.word, k, kind.all[k]))
			}
		}
	}
	f.add("%s", strings.Join(parts, ", "))
}

func imagesOf(containers any) []string {
	list, _ := containers.([]any)
	var out []string
	for _, item := range list {
		if image, ok := part(object{"c": item}, "c")["image"].(string); ok {
			out = append(out, image)
		}
	}
	return out
}

// environment is that of the first container, as far as it is plain.
func environment(containers any) object {
	out := object{}
	list, _ := containers.([]any)
	if len(list) == 0 {
		return out
	}
	all, _ := part(object{"c": list[0]}, "c")["env"].([]any)
	for _, item := range all {
		e := part(object{"e": item}, "e")
		if name, ok := e["name"].(string); ok && e["value"] != nil {
			out[name] = e["value"]
		}
	}
	return out
}
