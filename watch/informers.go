package watch

import (
	"context"
	"fmt"
	"slices"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"

	"github.com/rollcall-dev/rollcall/watch/lean"
)

// The indexes of the caches.
const (
	byOwner = "owner" // Deployments by the name of the Application they belong to
	byName  = "name"  // Applications by name, in all namespaces
)

// slim drops from a Deployment whatever no verdict reads.
func slim(o any) (any, error) {
	d, ok := o.(*appsv1.Deployment)
	if !ok {
		return o, nil
	}
	d.ManagedFields, d.OwnerReferences, d.Finalizers, d.Spec.Selector = nil, nil, nil, nil
	delete(d.Annotations, corev1.LastAppliedConfigAnnotation)
	d.Spec.Template = corev1.PodTemplateSpec{Spec: corev1.PodSpec{
		InitContainers: slimContainers(d.Spec.Template.Spec.InitContainers),
		Containers:     slimContainers(d.Spec.Template.Spec.Containers),
	}}
	return d, nil
}

func slimContainers(all []corev1.Container) []corev1.Container {
	out := make([]corev1.Container, 0, len(all))
	for _, c := range all {
		out = append(out, corev1.Container{Name: c.Name, Image: c.Image})
	}
	return out
}

// slimMeta drops from an Argo object's metadata whatever no verdict reads.
func slimMeta(o any) (any, error) {
	switch o := o.(type) {
	case *lean.Application:
		o.ManagedFields = nil
		delete(o.Annotations, corev1.LastAppliedConfigAnnotation)
	case *lean.Workflow:
		o.ManagedFields = nil
		o.Status.Nodes, o.Status.CompressedNodes = nil, ""
	}
	return o, nil
}

func indexOwner(o any) ([]string, error) {
	if d, ok := o.(*appsv1.Deployment); ok && ownerOf(d).Name != "" {
		return []string{ownerOf(d).Name}, nil
	}
	return nil, nil
}

func indexName(o any) ([]string, error) {
	if m, ok := o.(metav1.Object); ok {
		return []string{m.GetName()}, nil
	}
	return nil, nil
}

// watchApplications puts the Deployments of an Application on the queue whenever
// something about it changes.
func (w *Watcher) watchApplications() (*optional, error) {
	poke := func(o any) {
		a, ok := o.(*lean.Application)
		if !ok {
			return
		}
		owned, _ := w.deployments.GetIndexer().ByIndex(byOwner, a.Name) // the index exists
		for _, o := range owned {
			if d, ok := o.(*appsv1.Deployment); ok {
				w.queue.Add(w.subject(d))
			}
		}
	}
	return newOptional(&optional{
		meta: w.Meta, informers: w.Informer, resource: lean.Applications,
		source:   lean.ListWatch(w.Argo.Applications(metav1.NamespaceAll), ""),
		example:  &lean.Application{},
		handlers: cache.ResourceEventHandlerFuncs{AddFunc: poke, UpdateFunc: func(_, o any) { poke(o) }},
	})
}

func (w *Watcher) applicationsNamed(name string) []*lean.Application {
	informer := w.applications.informer()
	if name == "" || informer == nil {
		return nil
	}
	found, _ := informer.GetIndexer().ByIndex(byName, name) // the index exists
	apps := make([]*lean.Application, 0, len(found))
	for _, o := range found {
		if a, ok := o.(*lean.Application); ok {
			apps = append(apps, a)
		}
	}
	return slices.Clip(apps)
}

// optional watches a custom resource that need not be installed: from when its
// definition appears until it is removed.
type optional struct {
	meta      metadata.Interface
	informers NewInformer
	resource  string
	source    cache.ListerWatcher
	example   runtime.Object
	handlers  cache.ResourceEventHandler

	definition cache.SharedIndexInformer
	handled    cache.ResourceEventHandlerRegistration

	mu      sync.Mutex
	bound   context.Context //nolint:containedctx // it bounds what is begun by an event, which has none
	running cache.SharedIndexInformer
	stop    context.CancelFunc
}

// crds is the resource of definitions.
var crds = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// newOptional completes an optional with what watches its definition.
func newOptional(o *optional) (*optional, error) {
	name := o.resource + "." + lean.ArgoGroupVersion.Group
	all := o.meta.Resource(crds)
	only := func(opts metav1.ListOptions) metav1.ListOptions {
		opts.FieldSelector = "metadata.name=" + name
		return opts
	}
	source := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) {
			return all.List(ctx, only(opts))
		},
		WatchFuncWithContext: func(ctx context.Context, opts metav1.ListOptions) (apiwatch.Interface, error) {
			return all.Watch(ctx, only(opts))
		},
	}
	o.definition = o.informers(cache.ToListWatcherWithWatchListSemantics(source, o.meta), &metav1.PartialObjectMetadata{}, cache.Indexers{})
	var err error
	o.handled, err = o.definition.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { o.begin() },
		UpdateFunc: func(_, _ any) { o.begin() },
		DeleteFunc: func(any) { o.end() },
	})
	if err != nil {
		return nil, fmt.Errorf("handle the definition of %s: %w", name, err)
	}
	return o, nil
}

// allow lets the resource be watched, from when it is installed, until ctx ends.
func (o *optional) allow(ctx context.Context) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bound = ctx
}

// run watches the definition until ctx ends.
func (o *optional) run(ctx context.Context) {
	o.definition.RunWithContext(ctx)
	o.end()
}

func (o *optional) begin() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.running != nil {
		return
	}
	informer := o.informers(o.source, o.example, cache.Indexers{byName: indexName})
	if informer.SetTransform(slimMeta) != nil {
		return // only a started informer refuses a transform
	}
	if _, err := informer.AddEventHandler(o.handlers); err != nil {
		return // only a stopped informer refuses a handler
	}
	ctx, stop := context.WithCancel(o.bound)
	o.running, o.stop = informer, stop
	go informer.RunWithContext(ctx)
}

func (o *optional) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.stop != nil {
		o.stop()
	}
	o.running, o.stop = nil, nil
}

func (o *optional) informer() cache.SharedIndexInformer {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.running
}

// hasSynced reports whether it is known that the resource is not installed, or
// all of its objects are.
func (o *optional) hasSynced() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.handled.HasSynced() && (o.running == nil || o.running.HasSynced())
}
