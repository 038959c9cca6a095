package watch

import (
	"maps"
	"slices"

	"github.com/rollcall-dev/rollcall/release"
)

// Follow begins to judge subjects of further kinds, beside all workloads: those
// that rules are about. What it cannot follow yet, because the API server does not
// know the kind, it tries again at the next call. What is followed stays so.
func (w *Watcher) Follow(kinds []release.KindRef) {
	w.following.Lock()
	defer w.following.Unlock()
	for _, ref := range kinds {
		if _, ok := w.kind(ref.Subject()); ok {
			continue
		}
		if f, ok := w.apps[ref.Subject()]; ok {
			w.followApp(ref.Kind, f)
			continue
		}
		if err := w.followCustom(ref); err == nil {
			delete(w.missed, ref)
		} else if why := err.Error(); w.missed[ref] != why { // it is said once
			w.missed[ref] = why
			w.Log.Warn("kind cannot be followed yet", "kind", ref.Kind, "apiVersion", ref.APIVersion, "err", err)
		}
	}
}

// followApp begins to judge an engine's objects, whose cache is there already.
func (w *Watcher) followApp(name string, f *feed) {
	k := applications{w: w, name: name}
	w.add(name, following{kind: k, feed: f, isApp: true, since: w.Clock.Now()})
	for _, o := range f.list() {
		seen := k.observe(o)
		w.remember(seen, true)
		w.queue.Add(seen.subject)
	}
}

// follow begins to judge a kind with a feed of its own, which is started if the
// others are.
func (w *Watcher) follow(name string, k kind, f *feed) {
	w.add(name, following{kind: k, feed: f, since: w.Clock.Now()})
	w.mu.Lock()
	bound := w.bound
	w.mu.Unlock()
	if bound != nil {
		f.allow(bound)
		go f.run(bound)
	}
}

func (w *Watcher) add(name string, f following) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kinds[name] = f
}

// kind finds what is followed by the kind of its subjects.
func (w *Watcher) kind(name string) (following, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f, ok := w.kinds[name]
	return f, ok
}

// followed lists what is followed.
func (w *Watcher) followed() []following {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Collect(maps.Values(w.kinds))
}
