package watch

import "github.com/rollcall-dev/rollcall/release"

// untold is the token of an application that was there at the first look, when the
// caches of its workloads need not have been filled.
const untold = "?"

// remember keeps the identity of a subject that was there at the first look: if
// it changes before its baseline is written, that change is a release.
func (w *Watcher) remember(seen observed, initial bool) {
	f, _ := w.kind(seen.subject.Kind)
	if f.isApp {
		seen.token = untold
	}
	if !initial || seen.token == "" || !w.ranBefore(seen) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.known[seen.subject]; !ok {
		w.known[seen.subject] = identity{uid: seen.uid, token: seen.token, generation: seen.generation}
	}
}

// ranBefore reports whether a subject without a record ran before rollcall, or
// before its kind was followed.
func (w *Watcher) ranBefore(seen observed) bool {
	f, ok := w.kind(seen.subject.Kind)
	return ok && f.since.After(w.started) && !w.started.IsZero() || w.Baseline(seen.created)
}

// know keeps the identity of what is settled. Should its records be lost, it is a
// baseline, and not a release.
func (w *Watcher) know(seen observed) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.known[seen.subject] = identity{uid: seen.uid, token: seen.token, generation: seen.generation, judged: true}
}

func (w *Watcher) forget(s release.Subject) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.known, s)
}

// knownAs returns the identity under which a subject was settled, or there at the
// first look.
func (w *Watcher) knownAs(s release.Subject) (identity, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id, ok := w.known[s]
	return id, ok
}
