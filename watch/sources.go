package watch

import (
	"context"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"

	"github.com/rollcall-dev/rollcall/watch/gitops"
	"github.com/rollcall-dev/rollcall/watch/lean"
)

// The indexes of the caches.
const (
	byOwner = "owner" // workloads by what they claim to belong to
	byName  = "name"  // an engine's objects by name, in all namespaces
)

// lister is a typed client of one of Kubernetes' own kinds.
type lister[L runtime.Object] interface {
	List(ctx context.Context, opts metav1.ListOptions) (L, error)
	Watch(ctx context.Context, opts metav1.ListOptions) (apiwatch.Interface, error)
}

// builtin is what a client lists and watches, streamed if the server can.
func builtin[L runtime.Object](client lister[L], kube any) cache.ListerWatcher {
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) {
			return client.List(ctx, opts)
		},
		WatchFuncWithContext: func(ctx context.Context, opts metav1.ListOptions) (apiwatch.Interface, error) {
			return client.Watch(ctx, opts)
		},
	}, kube)
}

// slim drops from one of Kubernetes' own workloads whatever no verdict reads.
func slim(o any) (any, error) {
	switch o := o.(type) {
	case *appsv1.Deployment:
		slimMeta(o)
		o.Spec.Selector, o.Spec.Template = nil, slimTemplate(o.Spec.Template)
	case *appsv1.StatefulSet:
		slimMeta(o)
		o.Spec.Selector, o.Spec.Template, o.Spec.VolumeClaimTemplates = nil, slimTemplate(o.Spec.Template), nil
	case *appsv1.DaemonSet:
		slimMeta(o)
		o.Spec.Selector, o.Spec.Template = nil, slimTemplate(o.Spec.Template)
	}
	return o, nil
}

func slimMeta(m metav1.Object) {
	m.SetManagedFields(nil)
	m.SetOwnerReferences(nil)
	m.SetFinalizers(nil)
	delete(m.GetAnnotations(), corev1.LastAppliedConfigAnnotation)
}

func slimTemplate(t corev1.PodTemplateSpec) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{Spec: corev1.PodSpec{
		InitContainers: slimContainers(t.Spec.InitContainers), Containers: slimContainers(t.Spec.Containers),
	}}
}

func slimContainers(all []corev1.Container) []corev1.Container {
	out := make([]corev1.Container, 0, len(all))
	for _, c := range all {
		out = append(out, corev1.Container{Name: c.Name, Image: c.Image})
	}
	return out
}

// watchWorkloads makes the feeds of the workloads: Kubernetes' own kinds, and
// Rollouts once they are installed.
func (w *Watcher) watchWorkloads() error {
	apps := w.Kube.AppsV1()
	all := metav1.NamespaceAll
	for name, k := range map[string]struct {
		kind    kind
		source  cache.ListerWatcher
		example runtime.Object
	}{
		"Deployment":  {deployments{w}, builtin(apps.Deployments(all), w.Kube), &appsv1.Deployment{}},
		"StatefulSet": {statefulSets{w}, builtin(apps.StatefulSets(all), w.Kube), &appsv1.StatefulSet{}},
		"DaemonSet":   {daemonSets{w}, builtin(apps.DaemonSets(all), w.Kube), &appsv1.DaemonSet{}},
	} {
		f := w.workloadFeed(k.kind, k.source, k.example, slim)
		if err := f.open(); err != nil {
			return fmt.Errorf("watch %ss: %w", name, err)
		}
		w.follow(name, k.kind, f)
	}
	k := rollouts{w}
	f := w.workloadFeed(k, lean.ListWatch(w.Lean.Rollouts(all), ""), &lean.Rollout{}, lean.Slim)
	w.follow("Rollout", k, f)
	return f.optional(w.Meta, lean.Rollouts.Definition())
}

func (w *Watcher) workloadFeed(k kind, source cache.ListerWatcher, example runtime.Object, t cache.TransformFunc) *feed {
	return &feed{
		source: source, example: example, slim: t, informers: w.Informer, handlers: w.handlers(k),
		index: cache.Indexers{byOwner: func(o any) ([]string, error) { return w.claims(k, o), nil }},
	}
}

// watchApps makes the feeds of the engines' objects, which need not be installed.
func (w *Watcher) watchApps() error {
	all := metav1.NamespaceAll
	argo := w.appFeed(lean.Applications, lean.ListWatch(w.Argo.Applications(all), ""), &lean.Application{})
	if err := argo.optional(w.ArgoMeta, lean.Applications.Definition()); err != nil {
		return err
	}
	kustomize := w.appFeed(lean.Kustomizations, lean.ListWatch(w.Lean.Kustomizations(all), ""), &lean.Kustomization{})
	if err := kustomize.optional(w.Meta, lean.Kustomizations.Definition()); err != nil {
		return err
	}
	helm := w.appFeed(lean.HelmReleases, lean.ListWatch(w.Lean.HelmReleases(all), ""), &lean.HelmRelease{})
	return helm.optional(w.Meta, lean.HelmReleases.Definition())
}

func (w *Watcher) appFeed(k lean.Kind, source cache.ListerWatcher, example runtime.Object) *feed {
	f := &feed{
		source: source, example: example, slim: lean.Slim, informers: w.Informer,
		handlers: w.appHandlers(k.Name),
		index:    cache.Indexers{byName: indexName, byOwner: indexParent},
	}
	w.apps[k.Name] = f
	return f
}

func indexName(o any) ([]string, error) {
	if m, ok := o.(metav1.Object); ok {
		return []string{m.GetName()}, nil
	}
	return nil, nil
}

// indexParent finds the Kustomization that a HelmRelease belongs to.
func indexParent(o any) ([]string, error) {
	m, ok := o.(*lean.HelmRelease)
	if !ok {
		return nil, nil
	}
	if r := gitops.Parent(m); r.Name != "" {
		return []string{ownerKey(r)}, nil
	}
	return nil, nil
}

// claims lists what a workload claims to belong to, for the index.
func (w *Watcher) claims(k kind, o any) []string {
	obj, ok := o.(runtime.Object)
	if !ok {
		return nil
	}
	var out []string
	for _, r := range w.GitOps.Claims(k.observe(obj).object()) {
		out = append(out, ownerKey(r))
	}
	return out
}

// ownerKey stands for a reference in an index. A workload of an Application does
// not always tell its namespace.
func ownerKey(r gitops.Ref) string {
	if r.Kind == lean.Applications.Name {
		r.Namespace = ""
	}
	return strings.Join([]string{r.Kind, r.Namespace, r.Name}, "/")
}
