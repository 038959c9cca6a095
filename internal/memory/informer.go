package memory

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/cache"
)

// informer is a cache that looks when it is told to.
type informer struct {
	source     cache.ListerWatcherWithContext
	definition string
	store      cache.Indexer
	transform  cache.TransformFunc
	handlers   []cache.ResourceEventHandler

	at      time.Time // what was seen last, and the version then
	version int64
	done    chan struct{} // closed once it is filled
}

var _ cache.SharedIndexInformer = (*informer)(nil)

// introduce finds out whose cache it is: that shows at its first call.
func (i *informer) introduce(ctx context.Context) error {
	if i.definition != "" {
		return nil
	}
	v := &View{}
	_, err := i.source.ListWithContext(As(ctx, v), metav1.ListOptions{})
	if i.definition = v.Definition; i.definition == "" {
		return fmt.Errorf("fill a cache: %w", err)
	}
	return nil
}

// replace makes the store what was listed, and tells the handlers. An object that
// was deleted and created again since is one that changed, as client-go tells it
// after a gap.
func (i *informer) replace(items []runtime.Object) error {
	first, there := !i.synced(), map[string]bool{}
	for _, o := range items {
		if err := i.see(o, first, there); err != nil {
			return err
		}
	}
	for _, old := range i.store.List() {
		k, err := cache.MetaNamespaceKeyFunc(old)
		if err != nil || there[k] {
			continue
		}
		if err := i.store.Delete(old); err != nil {
			return fmt.Errorf("drop %s: %w", k, err)
		}
		for _, h := range i.handlers {
			h.OnDelete(old)
		}
	}
	if first {
		close(i.done)
	}
	return nil
}

func (i *informer) see(o runtime.Object, first bool, there map[string]bool) error {
	var in any = o
	if i.transform != nil {
		var err error
		if in, err = i.transform(o); err != nil {
			return fmt.Errorf("transform: %w", err)
		}
	}
	k, err := cache.MetaNamespaceKeyFunc(in)
	if err != nil {
		return fmt.Errorf("name object: %w", err)
	}
	there[k] = true
	old, known, err := i.store.GetByKey(k)
	if err != nil || known && version(old) == version(in) {
		return err
	}
	if err := i.store.Update(in); err != nil {
		return fmt.Errorf("keep %s: %w", k, err)
	}
	for _, h := range i.handlers {
		if known {
			h.OnUpdate(old, in)
		} else {
			h.OnAdd(in, first)
		}
	}
	return nil
}

func version(o any) string {
	m, err := meta.Accessor(o)
	if err != nil {
		return ""
	}
	return m.GetResourceVersion()
}

// synced reports whether it is filled.
func (i *informer) synced() bool {
	select {
	case <-i.done:
		return true
	default:
		return false
	}
}

// registration is a handler that hears everything at once.
type registration struct{ *informer }

// AddEventHandler adds a handler, and tells it what is there.
func (i *informer) AddEventHandler(h cache.ResourceEventHandler) (cache.ResourceEventHandlerRegistration, error) {
	i.handlers = append(i.handlers, h)
	for _, o := range i.store.List() {
		h.OnAdd(o, true)
	}
	return registration{i}, nil
}

// AddEventHandlerWithResyncPeriod adds a handler; there is no resync.
func (i *informer) AddEventHandlerWithResyncPeriod(h cache.ResourceEventHandler, _ time.Duration) (cache.ResourceEventHandlerRegistration, error) {
	return i.AddEventHandler(h)
}

// AddEventHandlerWithOptions adds a handler; there is no resync.
func (i *informer) AddEventHandlerWithOptions(h cache.ResourceEventHandler, _ cache.HandlerOptions) (cache.ResourceEventHandlerRegistration, error) {
	return i.AddEventHandler(h)
}

// RemoveEventHandler does nothing: handlers stay for as long as their informer.
func (i *informer) RemoveEventHandler(cache.ResourceEventHandlerRegistration) error { return nil }

// GetStore returns the store.
func (i *informer) GetStore() cache.Store { return i.store }

// GetIndexer returns the store with its indexes.
func (i *informer) GetIndexer() cache.Indexer { return i.store }

// AddIndexers adds indexes.
func (i *informer) AddIndexers(index cache.Indexers) error {
	if err := i.store.AddIndexers(index); err != nil {
		return fmt.Errorf("add indexes: %w", err)
	}
	return nil
}

// GetController returns nil: nothing runs by itself.
func (i *informer) GetController() cache.Controller { return nil }

// Run waits for the end: it is [Caches.Look] that drives the informer.
func (i *informer) Run(stop <-chan struct{}) { <-stop }

// RunWithContext waits for ctx to end: it is [Caches.Look] that drives the informer.
func (i *informer) RunWithContext(ctx context.Context) { <-ctx.Done() }

// HasSynced reports whether it is filled.
func (i *informer) HasSynced() bool { return i.synced() }

// HasSyncedChecker tells when it is filled.
func (i *informer) HasSyncedChecker() cache.DoneChecker { return i }

// Name is what is cached.
func (i *informer) Name() string { return i.definition }

// Done is closed once it is filled.
func (i *informer) Done() <-chan struct{} { return i.done }

// LastSyncResourceVersion returns nothing: it is for those who watch.
func (i *informer) LastSyncResourceVersion() string { return "" }

// SetWatchErrorHandler does nothing: there is no watch.
func (i *informer) SetWatchErrorHandler(cache.WatchErrorHandler) error { return nil }

// SetWatchErrorHandlerWithContext does nothing: there is no watch.
func (i *informer) SetWatchErrorHandlerWithContext(cache.WatchErrorHandlerWithContext) error {
	return nil
}

// SetTransform sets what is done to an object before it is kept.
func (i *informer) SetTransform(t cache.TransformFunc) error {
	i.transform = t
	return nil
}

// IsStopped returns false: it has nothing to stop.
func (i *informer) IsStopped() bool { return false }
