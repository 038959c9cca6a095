package watch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/rollcall-dev/rollcall/release"
)

// Find reads what rules ask for beside a snapshot, live. What cannot be read says
// why; there is no other error, so that one rule that asks too much harms no other.
func (w *Watcher) Find(ctx context.Context, s release.Subject, all []release.Query) map[release.Query]release.Found {
	out := make(map[release.Query]release.Found, len(all))
	for _, q := range all {
		var f release.Found
		var err error
		if q == release.OldPods() {
			f.Pods, err = w.oldPods(ctx, s)
		} else {
			f.Object, err = w.object(ctx, s.Namespace, q)
		}
		if err != nil {
			f.Err = err.Error()
		}
		out[q] = f
	}
	return out
}

// object reads one object of a namespace; nil if there is none.
func (w *Watcher) object(ctx context.Context, namespace string, q release.Query) (map[string]any, error) {
	if w.Mapper == nil || w.Dynamic == nil {
		return nil, errors.New("nothing maps kinds to resources")
	}
	gv, err := schema.ParseGroupVersion(q.APIVersion)
	if err != nil {
		return nil, fmt.Errorf("read apiVersion: %w", err)
	}
	mapping, err := w.mapping(gv.WithKind(q.Kind))
	switch {
	case meta.IsNoMatchError(err):
		return nil, fmt.Errorf("the cluster has no kind %s in %s", q.Kind, q.APIVersion)
	case err != nil:
		return nil, err
	case mapping.Scope.Name() != meta.RESTScopeNameNamespace:
		return nil, fmt.Errorf("a %s is in no namespace", q.Kind)
	}
	o, err := w.Dynamic.Resource(mapping.Resource).Namespace(namespace).Get(ctx, q.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // that there is none is an answer
	}
	if err != nil {
		return nil, err
	}
	o.SetManagedFields(nil)
	return o.Object, nil
}

// oldPods counts the pods of a subject that are not of its current version.
func (w *Watcher) oldPods(ctx context.Context, s release.Subject) (int, error) {
	f, ok := w.kind(s.Kind)
	if !ok {
		return 0, fmt.Errorf("%s is not followed", s.Kind)
	}
	r, err := f.kind.read(ctx, s)
	if err != nil {
		return 0, err
	}
	if r == nil || r.current == nil {
		return 0, errors.New("it is not known which pods are old")
	}
	if len(r.members) == 0 {
		return w.strangers(ctx, r)
	}
	sum := 0
	for _, m := range r.members {
		n, err := w.strangers(ctx, m.read)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// strangers counts the pods that a workload's selector selects, and that are of
// another version. One that has ended serves nobody any more.
func (w *Watcher) strangers(ctx context.Context, r *reading) (int, error) {
	if r.selector == "" {
		return 0, nil // its kind is not known to have pods
	}
	list, err := w.Kube.CoreV1().Pods(r.subject.Namespace).List(ctx, metav1.ListOptions{LabelSelector: r.selector})
	if err != nil {
		return 0, err
	}
	n := 0
	for i := range list.Items {
		if r.old(&list.Items[i]) {
			n++
		}
	}
	return n, nil
}

// old reports whether a pod is, or was, of another version of the same workload.
func (r *reading) old(p *corev1.Pod) bool {
	owner := metav1.GetControllerOf(p)
	if owner == nil || p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed {
		return false
	}
	if string(owner.UID) == r.pods.owner {
		return !labels.SelectorFromSet(r.pods.labels).Matches(labels.Set(p.Labels))
	}
	if r.subject.Kind == "Deployment" { // a ReplicaSet may be gone before its last pods are
		return owner.Kind == "ReplicaSet"
	}
	return slices.ContainsFunc(r.others, func(v version) bool { return v.uid == string(owner.UID) })
}

// Marks are the labels and annotations of a subject, as far as the caches know.
func (w *Watcher) Marks(s release.Subject) (labels, annotations map[string]string) {
	f, ok := w.kind(s.Kind)
	if !ok {
		return nil, nil
	}
	o := f.feed.get(s.Namespace, s.Name)
	if o == nil {
		return nil, nil
	}
	seen := f.kind.observe(o)
	return maps.Clone(seen.labels), maps.Clone(seen.annotations)
}
