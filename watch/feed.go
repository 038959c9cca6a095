package watch

import (
	"context"
	"fmt"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"
)

// feed keeps the objects of one resource in a cache. A custom resource need not be
// installed: its feed runs from when its definition appears until it is removed.
type feed struct {
	source    cache.ListerWatcher
	example   runtime.Object
	index     cache.Indexers
	slim      cache.TransformFunc
	handlers  cache.ResourceEventHandler
	informers NewInformer
	further   bool // it is only there because a rule names its kind
	// definition watches the resource's definition; nil if it needs none.
	definition cache.SharedIndexInformer
	defined    cache.ResourceEventHandlerRegistration

	mu      sync.Mutex
	bound   context.Context //nolint:containedctx // it bounds what is begun by an event, which has none
	running cache.SharedIndexInformer
	stop    context.CancelFunc
}

// crds is the resource of definitions.
var crds = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// optional makes a feed wait for the definition of its resource.
func (f *feed) optional(meta metadata.Interface, definition string) error {
	all := meta.Resource(crds)
	only := func(opts metav1.ListOptions) metav1.ListOptions {
		opts.FieldSelector = "metadata.name=" + definition
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
	f.definition = f.informers(cache.ToListWatcherWithWatchListSemantics(source, meta), &metav1.PartialObjectMetadata{}, cache.Indexers{})
	var err error
	f.defined, err = f.definition.AddEventHandler(cache.ResourceEventHandlerDetailedFuncs{
		AddFunc:    func(_ any, initial bool) { f.installed(initial) },
		UpdateFunc: func(_, _ any) { f.installed(false) },
		DeleteFunc: func(any) { f.end() },
	})
	if err != nil {
		return fmt.Errorf("watch the definition %s: %w", definition, err)
	}
	return nil
}

// afresh hears of the objects of a resource that was installed later: none of them
// was there at the first look.
type afresh struct{ cache.ResourceEventHandler }

// OnAdd passes an object on as one that came.
func (a afresh) OnAdd(o any, _ bool) { a.ResourceEventHandler.OnAdd(o, false) }

// open makes the cache of a resource that needs no definition.
func (f *feed) open() error { return f.tell(f.handlers) }

// tell makes the cache, and who hears of what is in it.
func (f *feed) tell(handlers cache.ResourceEventHandler) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	informer := f.informers(f.source, f.example, f.index)
	if err := informer.SetTransform(f.slim); err != nil {
		return fmt.Errorf("slim objects: %w", err)
	}
	if _, err := informer.AddEventHandler(handlers); err != nil {
		return fmt.Errorf("handle objects: %w", err)
	}
	f.running = informer
	return nil
}

// allow lets a custom resource be watched once it is installed, until ctx ends.
func (f *feed) allow(ctx context.Context) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bound = ctx
}

// run fills the cache until ctx ends.
func (f *feed) run(ctx context.Context) {
	if f.definition == nil {
		f.informer().RunWithContext(ctx)
		return
	}
	f.definition.RunWithContext(ctx)
	f.end()
}

// installed begins to watch a resource, whose definition was there at the first
// look or has come since.
func (f *feed) installed(initial bool) {
	handlers := f.handlers
	if !initial {
		handlers = afresh{handlers}
	}
	if f.informer() != nil || f.tell(handlers) != nil {
		return // only an informer that was stopped before it started refuses
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	ctx, stop := context.WithCancel(f.bound)
	f.stop = stop
	go f.running.RunWithContext(ctx)
}

func (f *feed) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stop != nil {
		f.stop()
	}
	f.running, f.stop = nil, nil
}

// informer is nil while the resource is not installed.
func (f *feed) informer() cache.SharedIndexInformer {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.running
}

// hasSynced reports whether it is known that the resource is not installed, or
// all of its objects are.
func (f *feed) hasSynced() bool {
	if f.definition != nil && !f.defined.HasSynced() {
		return false
	}
	i := f.informer()
	return i == nil && f.definition != nil || i != nil && i.HasSynced()
}

// get returns an object of the cache; nil if it holds none of that name.
func (f *feed) get(namespace, name string) runtime.Object {
	i := f.informer()
	if i == nil {
		return nil
	}
	o, ok, err := i.GetStore().GetByKey(cache.NewObjectName(namespace, name).String())
	if err != nil || !ok {
		return nil
	}
	out, _ := o.(runtime.Object)
	return out
}

// indexed lists the objects of the cache that an index holds under a value.
func (f *feed) indexed(index, value string) []runtime.Object {
	i := f.informer()
	if i == nil {
		return nil
	}
	all, _ := i.GetIndexer().ByIndex(index, value) // the index exists
	out := make([]runtime.Object, 0, len(all))
	for _, o := range all {
		if o, ok := o.(runtime.Object); ok {
			out = append(out, o)
		}
	}
	return out
}

// list lists all objects of the cache.
func (f *feed) list() []runtime.Object {
	i := f.informer()
	if i == nil {
		return nil
	}
	var out []runtime.Object
	for _, o := range i.GetStore().List() {
		if o, ok := o.(runtime.Object); ok {
			out = append(out, o)
		}
	}
	return out
}
