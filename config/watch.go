package config

import (
	"context"
	"maps"
	"sync"
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

// Reporter is told of every change of a ConfigMap.
type Reporter interface {
	// Report is called with all mistakes of the ConfigMap as it is now; with
	// none after it was right, or was deleted.
	Report(cm *corev1.ConfigMap, mistakes []Mistake)
}

// Watch follows the operator's ConfigMap, and those of tenants if there may be any,
// and holds the configuration to work by. As long as there is no ConfigMap of the
// operator's, it is [Default]. Each ConfigMap is swapped as a whole, and none of them
// has to do with another.
type Watch struct {
	reporter Reporter
	changed  func()
	name     types.NamespacedName
	caches   []*mapCache
	current  atomic.Pointer[Config]

	mu    sync.Mutex
	books map[types.NamespacedName]book
}

// mapCache is a cache of ConfigMaps. handled says that what was there at the start
// went through see.
type mapCache struct {
	informer cache.SharedIndexInformer
	handled  cache.InformerSynced
}

// book is a ConfigMap as it was read last.
type book struct {
	key    bool
	text   string
	config Config
}

// WatchConfig is what a [Watch] needs; Client, Name and Reporter must be set.
type WatchConfig struct {
	Client kubernetes.Interface
	// Name is that of the operator's ConfigMap.
	Name     types.NamespacedName
	Reporter Reporter
	// Changed is called after each change of the configuration; it may be nil.
	Changed func()
	// Tenants lets ConfigMaps with [TenantLabel] in other namespaces hold rules.
	Tenants bool
}

// NewWatch prepares to follow ConfigMaps.
func NewWatch(c WatchConfig) *Watch {
	w := &Watch{reporter: c.Reporter, changed: c.Changed, name: c.Name, books: map[types.NamespacedName]book{}}
	none := Default()
	w.current.Store(&none)
	only := metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector(metav1.ObjectNameField, c.Name.Name).String()}
	w.follow(c.Client, c.Name.Namespace, only, func(cm *corev1.ConfigMap) bool { return nameOfMap(cm) == c.Name })
	if c.Tenants {
		marked := metav1.ListOptions{LabelSelector: TenantLabel + "=true"}
		w.follow(c.Client, metav1.NamespaceAll, marked, func(cm *corev1.ConfigMap) bool { return cm.Namespace != c.Name.Namespace })
	}
	return w
}

func nameOfMap(cm *corev1.ConfigMap) types.NamespacedName {
	return types.NamespacedName{Namespace: cm.Namespace, Name: cm.Name}
}

// follow prepares a cache of those ConfigMaps that hold rules.
func (w *Watch) follow(client kubernetes.Interface, namespace string, which metav1.ListOptions, ours func(*corev1.ConfigMap) bool) {
	s := &mapCache{handled: func() bool { return false }}
	from := cache.ToListWatcherWithWatchListSemantics(chosen(client, namespace, which), client)
	s.informer = cache.NewSharedIndexInformer(from, &corev1.ConfigMap{}, 0, cache.Indexers{})
	take := func(o any, act func(*corev1.ConfigMap)) {
		if cm, ok := configMap(o); ok && ours(cm) {
			act(cm)
		}
	}
	handler, err := s.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { take(o, w.see) },
		UpdateFunc: func(_, o any) { take(o, w.see) },
		DeleteFunc: func(o any) { take(o, w.miss) },
	})
	if err == nil { // only a stopped informer refuses a handler
		s.handled = handler.HasSynced
	}
	w.caches = append(w.caches, s)
}

// chosen lists and watches some of the ConfigMaps.
func chosen(client kubernetes.Interface, namespace string, which metav1.ListOptions) *cache.ListWatch {
	narrow := func(o metav1.ListOptions) metav1.ListOptions {
		o.FieldSelector, o.LabelSelector = which.FieldSelector, which.LabelSelector
		return o
	}
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return client.CoreV1().ConfigMaps(namespace).List(ctx, narrow(o))
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return client.CoreV1().ConfigMaps(namespace).Watch(ctx, narrow(o))
		},
	}
}

// Run follows the ConfigMaps until the context is done.
func (w *Watch) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for _, s := range w.caches {
		all.Go(func() { s.informer.RunWithContext(ctx) })
	}
	all.Wait()
	return nil
}

// HasSynced reports whether the ConfigMaps that there are were read and are what
// [Watch.Current] gives. Before that, nothing may be judged.
func (w *Watch) HasSynced() bool {
	for _, s := range w.caches {
		if !s.handled() {
			return false
		}
	}
	return true
}

// Current is the configuration to work by now. It is never nil, and what it
// points to never changes.
func (w *Watch) Current() *Config { return w.current.Load() }

// see reads a ConfigMap if its text is another one.
func (w *Watch) see(cm *corev1.ConfigMap) {
	name := nameOfMap(cm)
	text, there := cm.Data[Key]
	w.mu.Lock()
	last, known := w.books[name]
	w.mu.Unlock()
	if known && last.key == there && last.text == text {
		return
	}
	if !known && name == w.name {
		last.config = Default()
	}
	next := book{key: there, text: text, config: last.config}
	mistakes := []Mistake{NoKey(Key)}
	if there {
		read, wrong := LoadTenant(w.tenant(name), Key, []byte(text))
		next.config, mistakes = Merge(last.config, read, wrong)
	}
	w.mu.Lock()
	w.books[name] = next
	w.mu.Unlock()
	w.swap()
	w.reporter.Report(cm, mistakes)
}

// NoKey is the mistake of a ConfigMap that has no rules under [Key].
func NoKey(file string) Mistake {
	return Mistake{File: file, Line: 1, Column: 1, Code: Missing, Message: "ConfigMap has no key " + Key}
}

// tenant is the namespace that a ConfigMap is confined to; empty for the operator's.
func (w *Watch) tenant(name types.NamespacedName) string {
	if name == w.name {
		return ""
	}
	return name.Namespace
}

// miss goes back to what holds without a ConfigMap.
func (w *Watch) miss(cm *corev1.ConfigMap) {
	w.mu.Lock()
	delete(w.books, nameOfMap(cm))
	w.mu.Unlock()
	w.swap()
	w.reporter.Report(cm, nil)
}

// configMap is one as it is, or was when it was last known.
func configMap(object any) (*corev1.ConfigMap, bool) {
	if unknown, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = unknown.Obj
	}
	cm, ok := object.(*corev1.ConfigMap)
	return cm, ok
}

// swap makes one configuration of all ConfigMaps, and works by it from now on.
func (w *Watch) swap() {
	w.mu.Lock()
	tenants := map[types.NamespacedName]Config{}
	own := Default()
	for name, b := range w.books {
		if name == w.name {
			own = b.config
		} else {
			tenants[name] = b.config
		}
	}
	next := Combine(own, maps.Clone(tenants))
	w.current.Store(&next)
	w.mu.Unlock()
	if w.changed != nil {
		w.changed()
	}
}
