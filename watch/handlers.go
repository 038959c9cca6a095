package watch

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/cache"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch/gitops"
	"github.com/rollcall-dev/rollcall/watch/lean"
)

// handlers put a subject on the queue whenever something about it changes, and the
// applications that stand for it.
func (w *Watcher) handlers(k kind) cache.ResourceEventHandler {
	changed := func(o runtime.Object) observed {
		seen := k.observe(o)
		w.queue.Add(seen.subject)
		for _, r := range w.GitOps.Claims(seen.object()) {
			w.pokeApps(r)
		}
		return seen
	}
	return cache.ResourceEventHandlerDetailedFuncs{
		AddFunc: func(o any, initial bool) {
			if o, ok := o.(runtime.Object); ok {
				w.remember(k.observe(o), initial)
				changed(o)
			}
		},
		UpdateFunc: func(_, o any) {
			if o, ok := o.(runtime.Object); ok {
				changed(o)
			}
		},
		DeleteFunc: func(o any) {
			if last, ok := o.(cache.DeletedFinalStateUnknown); ok {
				o, _ = last.Obj.(runtime.Object)
			}
			if o, ok := o.(runtime.Object); ok {
				w.forget(changed(o).subject)
			}
		},
	}
}

// appHandlers put the workloads of an engine's object on the queue whenever
// something about it changes, and the object itself if rules are about it.
func (w *Watcher) appHandlers(name string) cache.ResourceEventHandler {
	poke := func(o any) {
		if last, ok := o.(cache.DeletedFinalStateUnknown); ok {
			o = last.Obj
		}
		if m, ok := o.(metav1.Object); ok {
			w.pokeOwned(gitops.Ref{Kind: name, Namespace: m.GetNamespace(), Name: m.GetName()})
		}
	}
	return cache.ResourceEventHandlerDetailedFuncs{
		AddFunc: func(o any, initial bool) {
			if f, ok := w.kind(name); ok {
				if o, ok := o.(runtime.Object); ok {
					w.remember(f.kind.observe(o), initial)
				}
			}
			poke(o)
		},
		UpdateFunc: func(_, o any) { poke(o) },
		DeleteFunc: poke,
	}
}

// pokeOwned puts on the queue whatever claims to belong to an engine's object, by
// way of another one too, and the object itself if rules are about it.
func (w *Watcher) pokeOwned(r gitops.Ref) {
	w.pokeApps(r)
	for _, f := range w.followed() {
		for _, o := range f.feed.indexed(byOwner, ownerKey(r)) {
			if !f.isApp {
				w.queue.Add(f.kind.observe(o).subject)
			}
		}
	}
	for _, o := range w.apps[lean.HelmReleases.Name].indexed(byOwner, ownerKey(r)) {
		if h, ok := o.(*lean.HelmRelease); ok {
			w.pokeOwned(gitops.Ref{Kind: lean.HelmReleases.Name, Namespace: h.Namespace, Name: h.Name})
		}
	}
}

// pokeApps puts the engine's objects that a reference names on the queue, if rules
// are about them, and the Kustomization that a HelmRelease belongs to.
func (w *Watcher) pokeApps(r gitops.Ref) {
	_, wanted := w.kind(r.Kind)
	for _, o := range w.apps[r.Kind].indexed(byName, r.Name) {
		m, ok := o.(metav1.Object)
		if !ok || r.Namespace != "" && m.GetNamespace() != r.Namespace {
			continue
		}
		if wanted {
			w.queue.Add(release.Subject{Cluster: w.Cluster, Kind: r.Kind, Namespace: m.GetNamespace(), Name: m.GetName()})
		}
		if h, ok := o.(*lean.HelmRelease); ok {
			if parent := gitops.Parent(h); parent.Name != "" {
				w.pokeApps(parent)
			}
		}
	}
}
