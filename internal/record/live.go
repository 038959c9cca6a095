package record

import (
	"context"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"

	"github.com/rollcall-dev/rollcall/internal/timeline"
)

// Live is the source that is a cluster. Connections that break, and watches that are
// too old, are made anew: what happened meanwhile is then one change.
type Live struct {
	Dynamic dynamic.Interface
	Meta    metadata.Interface
	// Tell hears what cannot be watched.
	Tell func(string)

	running sync.WaitGroup
}

var _ Source = (*Live)(nil)

// Wait returns once nothing is told any more; the context of every call must have ended.
func (l *Live) Wait() { l.running.Wait() }

// Follow lists and watches a feed.
func (l *Live) Follow(ctx context.Context, f Feed, tell func(timeline.State)) error {
	from, example := l.reads(f)
	if _, err := from.ListWithContextFunc(ctx, metav1.ListOptions{Limit: 1}); err != nil {
		return fmt.Errorf("list %s: %w", f.Plural, err)
	}
	var client any = l.Dynamic
	if f.slight() {
		client = l.Meta
	}
	informer := cache.NewSharedIndexInformer(cache.ToListWatcherWithWatchListSemantics(from, client), example, 0, cache.Indexers{})
	if err := informer.SetWatchErrorHandlerWithContext(l.complain(f)); err != nil {
		return fmt.Errorf("watch %s: %w", f.Plural, err)
	}
	heard, err := informer.AddEventHandler(ears{feed: f, tell: tell, version: informer.LastSyncResourceVersion})
	if err != nil {
		return fmt.Errorf("watch %s: %w", f.Plural, err)
	}
	l.running.Go(func() { informer.RunWithContext(ctx) })
	if !cache.WaitForCacheSync(ctx.Done(), heard.HasSynced) {
		return fmt.Errorf("list %s: %w", f.Plural, ctx.Err())
	}
	return nil
}

// reads is how a feed is read: whole, or only the metadata.
func (l *Live) reads(f Feed) (*cache.ListWatch, runtime.Object) {
	chosen := func(o metav1.ListOptions) metav1.ListOptions {
		o.LabelSelector = f.Labels
		if f.Object != "" {
			o.FieldSelector = "metadata.name=" + f.Object
		}
		return o
	}
	if f.slight() {
		c := l.Meta.Resource(f.GroupVersionResource()).Namespace(f.Namespace)
		return &cache.ListWatch{
			ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return c.List(ctx, chosen(o)) },
			WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
				return c.Watch(ctx, chosen(o))
			},
		}, &metav1.PartialObjectMetadata{}
	}
	c := l.Dynamic.Resource(f.GroupVersionResource()).Namespace(f.Namespace)
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return c.List(ctx, chosen(o)) },
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return c.Watch(ctx, chosen(o))
		},
	}, &unstructured.Unstructured{}
}

// complain tells once what may not be watched. What else goes wrong, goes wrong for
// a while.
func (l *Live) complain(f Feed) cache.WatchErrorHandlerWithContext {
	var once sync.Once
	return func(_ context.Context, _ *cache.Reflector, err error) {
		if apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) {
			once.Do(func() { l.Tell(fmt.Sprintf("%s cannot be watched: %v", f, err)) })
		}
	}
}

// ears hear what an informer tells.
type ears struct {
	feed    Feed
	tell    func(timeline.State)
	version func() string // of the last that was listed or watched
}

var _ cache.ResourceEventHandler = ears{}

// OnAdd hears of an object that is there, or came.
func (e ears) OnAdd(o any, listed bool) { e.hear(o, timeline.State{Listed: listed}) }

// OnUpdate hears of an object that changed.
func (e ears) OnUpdate(_, o any) { e.hear(o, timeline.State{}) }

// OnDelete hears of an object that is gone. If nobody saw it go, its last state is
// older than its end.
func (e ears) OnDelete(o any) {
	unseen, ok := o.(cache.DeletedFinalStateUnknown)
	if !ok {
		e.hear(o, timeline.State{Gone: true})
		return
	}
	if last, ok := unseen.Obj.(runtime.Object); ok {
		last = last.DeepCopyObject()
		if m, ok := last.(metav1.Object); ok {
			m.SetResourceVersion(e.version())
		}
		e.hear(last, timeline.State{Gone: true})
	}
}

func (e ears) hear(o any, s timeline.State) {
	s.At = time.Now()
	switch o := o.(type) {
	case *unstructured.Unstructured:
		s.Unstructured = o.DeepCopy()
	case *metav1.PartialObjectMetadata:
		fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
		if err != nil {
			return // metadata can be converted
		}
		s.Unstructured = &unstructured.Unstructured{Object: fields}
		s.SetGroupVersionKind(e.feed.GroupVersionKind())
	default:
		return // a feed has nothing else
	}
	if e.feed.Object == "" || s.GetName() == e.feed.Object {
		e.tell(s)
	}
}
