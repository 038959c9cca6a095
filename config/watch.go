package config

import (
	"context"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// Reporter is told of every change of the ConfigMap.
type Reporter interface {
	// Report is called with all mistakes of the ConfigMap as it is now; with
	// none after it was right, or was deleted.
	Report(cm *corev1.ConfigMap, mistakes []Mistake)
}

// Watch follows the ConfigMap and holds the configuration to work by. As long
// as there is no ConfigMap, it is [Default].
type Watch struct {
	reporter Reporter
	changed  func()
	informer cache.SharedIndexInformer
	// handled says that what was there at the start went through see.
	handled cache.InformerSynced
	current atomic.Pointer[Config]
	// last is what was read last. Only the handler's one goroutine touches it.
	last seen
}

// seen is what matters of a ConfigMap; its zero value is that there is none.
type seen struct {
	object bool
	key    bool
	text   string
}

// NewWatch prepares to follow one ConfigMap. The function changed, if there is
// one, is called after each change of the configuration.
func NewWatch(client kubernetes.Interface, name types.NamespacedName, reporter Reporter, changed func()) *Watch {
	w := &Watch{reporter: reporter, changed: changed}
	none := Default()
	w.current.Store(&none)
	source := cache.ToListWatcherWithWatchListSemantics(only(client, name), client)
	w.informer = cache.NewSharedIndexInformer(source, &corev1.ConfigMap{}, 0, cache.Indexers{})
	w.handled = func() bool { return false }
	handler, err := w.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    w.see,
		UpdateFunc: func(_, cm any) { w.see(cm) },
		DeleteFunc: w.miss,
	})
	if err == nil { // only a stopped informer refuses a handler
		w.handled = handler.HasSynced
	}
	return w
}

// only lists and watches a single ConfigMap.
func only(client kubernetes.Interface, name types.NamespacedName) *cache.ListWatch {
	selector := fields.OneTermEqualSelector(metav1.ObjectNameField, name.Name).String()
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			options.FieldSelector = selector
			return client.CoreV1().ConfigMaps(name.Namespace).List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.FieldSelector = selector
			return client.CoreV1().ConfigMaps(name.Namespace).Watch(ctx, options)
		},
	}
}

// Run follows the ConfigMap until the context is done.
func (w *Watch) Run(ctx context.Context) error {
	w.informer.RunWithContext(ctx)
	return nil
}

// HasSynced reports whether the ConfigMap, if there is one, was read and is what
// [Watch.Current] gives. Before that, nothing may be judged.
func (w *Watch) HasSynced() bool { return w.handled() }

// Current is the configuration to work by now. It is never nil, and what it
// points to never changes.
func (w *Watch) Current() *Config { return w.current.Load() }

// see reads the ConfigMap if its text is another one.
func (w *Watch) see(object any) {
	cm, ok := object.(*corev1.ConfigMap)
	if !ok {
		return
	}
	text, there := cm.Data[Key]
	now := seen{object: true, key: there, text: text}
	if now == w.last {
		return
	}
	w.last = now
	if !there {
		w.reporter.Report(cm, []Mistake{{File: Key, Line: 1, Column: 1, Message: "ConfigMap has no key " + Key}})
		return
	}
	next, mistakes := Load(Key, []byte(text))
	next, mistakes = Merge(*w.Current(), next, mistakes)
	w.swap(next)
	w.reporter.Report(cm, mistakes)
}

// miss goes back to what holds without a ConfigMap.
func (w *Watch) miss(object any) {
	cm, ok := gone(object)
	if !ok {
		return
	}
	w.last = seen{}
	w.swap(Default())
	w.reporter.Report(cm, nil)
}

// gone is the ConfigMap as it was last known.
func gone(object any) (*corev1.ConfigMap, bool) {
	if unknown, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = unknown.Obj
	}
	cm, ok := object.(*corev1.ConfigMap)
	return cm, ok
}

func (w *Watch) swap(next Config) {
	w.current.Store(&next)
	if w.changed != nil {
		w.changed()
	}
}
