package watch

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rollcall-dev/rollcall/watch/gitops"
	"github.com/rollcall-dev/rollcall/watch/lean"
)

// cachedFinder finds an engine's objects in the caches, and makes no call.
type cachedFinder struct{ w *Watcher }

var _ gitops.Finder = cachedFinder{}

// Find lists what the caches hold.
func (f cachedFinder) Find(_ context.Context, r gitops.Ref) ([]runtime.Object, error) {
	feed, ok := f.w.apps[r.Kind]
	if !ok {
		return nil, nil // a source: nothing is judged by it
	}
	all := feed.indexed(byName, r.Name)
	return slices.DeleteFunc(all, func(o runtime.Object) bool {
		m, ok := o.(metav1.Object)
		return !ok || r.Namespace != "" && m.GetNamespace() != r.Namespace
	}), nil
}

// liveFinder reads an engine's objects from the API server.
type liveFinder struct{ w *Watcher }

var _ gitops.Finder = liveFinder{}

// Find lists what is there now.
func (f liveFinder) Find(ctx context.Context, r gitops.Ref) ([]runtime.Object, error) {
	opts := metav1.ListOptions{FieldSelector: "metadata.name=" + r.Name}
	switch r.Kind {
	case lean.Applications.Name:
		list, err := f.w.Argo.Applications(r.Namespace).List(ctx, opts)
		return items(list, err, func(l *lean.ApplicationList) []lean.Application { return l.Items })
	case lean.Kustomizations.Name:
		list, err := f.w.Lean.Kustomizations(r.Namespace).List(ctx, opts)
		return items(list, err, func(l *lean.KustomizationList) []lean.Kustomization { return l.Items })
	case lean.HelmReleases.Name:
		list, err := f.w.Lean.HelmReleases(r.Namespace).List(ctx, opts)
		return items(list, err, func(l *lean.HelmReleaseList) []lean.HelmRelease { return l.Items })
	}
	for _, k := range lean.Sources() {
		if k.Name == r.Kind {
			list, err := f.w.Lean.Sources(k, r.Namespace).List(ctx, opts)
			return items(list, err, func(l *lean.FluxSourceList) []lean.FluxSource { return l.Items })
		}
	}
	return nil, fmt.Errorf("%s is no kind of an engine that is known", r.Kind)
}

// items unpacks a list; what is not installed has none.
func items[L runtime.Object, T any, P interface {
	*T
	runtime.Object
}](list L, err error, of func(L) []T) ([]runtime.Object, error) {
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	all := of(list)
	out := make([]runtime.Object, len(all))
	for i := range all {
		out[i] = P(&all[i])
	}
	return out, nil
}
