package watch

import (
	"context"

	"github.com/rollcall-dev/rollcall/release"
)

// look judges a subject by what the caches say, and reads it live if that is
// called for. It makes no call for a subject that is settled or still rolling.
func (w *Watcher) look(ctx context.Context, s release.Subject) error {
	f, ok := w.kind(s.Kind)
	if !ok {
		return nil
	}
	o := f.feed.get(s.Namespace, s.Name)
	if o == nil {
		return nil
	}
	seen := f.kind.observe(o)
	if seen.token == "" { // the controller has not seen it: there will be an event
		if id, ok := w.knownAs(s); ok && id.token == untold {
			w.know(seen) // an application without workloads: its first one is a release
		}
		return nil
	}
	var claimed []release.Past
	if last, ok := w.History.Recorded(s); ok && last.UID == seen.uid {
		switch {
		case last.Generation > seen.generation:
			return nil // this cache is behind the one that wrote the record
		case last.Settled && w.settled(seen, last):
			if !w.again(ctx, seen, last) {
				return nil
			}
			claimed = []release.Past{last}
		case !last.Settled && last.Sign() == seen.token:
			if live, at := w.Handler.Wants(ctx, w.leanly(ctx, seen, last)); !live {
				return release.Again(at)
			}
			claimed = []release.Past{last}
		}
	}
	err := w.lookLive(ctx, f.kind, s, claimed)
	if err == nil {
		w.know(seen)
		w.await(s)
	}
	return err
}

// again reports whether a settled release is to be told again now. If it will be
// later, it is looked at then. Where no rule asks for that, nothing is judged.
func (w *Watcher) again(ctx context.Context, seen observed, last release.Past) bool {
	if last.Due.IsZero() && !w.Repeats(seen.subject) {
		return false
	}
	live, at := w.Handler.Wants(ctx, w.leanly(ctx, seen, last))
	if !live && !at.IsZero() {
		w.queue.AddAfter(seen.subject, max(at.Sub(w.Clock.Now()), Tick))
	}
	return live
}

// await looks at a subject again when its release is to be told again. What is due,
// and was not told at this look, is tried at the next tick.
func (w *Watcher) await(s release.Subject) {
	if last, ok := w.History.Recorded(s); ok && !last.Due.IsZero() {
		due := last.Due.Sub(w.Clock.Now())
		if due <= 0 {
			due = Tick
		}
		w.queue.AddAfter(s, due)
	}
}

// settled reports whether what a cache shows is the settled release of a record,
// and keeps it in mind. A token that comes again with its template may hide that
// another one came in between: at least two changes that were not seen apart.
func (w *Watcher) settled(seen observed, last release.Past) bool {
	id, ok := w.knownAs(seen.subject)
	ok = ok && id.judged && id.uid == seen.uid && id.token == seen.token
	if !ok && last.Sign() != seen.token {
		return false
	}
	base := last.Generation
	if ok {
		base = id.generation
	}
	if seen.returns && seen.generation > base+1 {
		return false
	}
	w.know(seen)
	return true
}

// leanly makes a snapshot of a claimed release from the caches alone.
func (w *Watcher) leanly(ctx context.Context, seen observed, last release.Past) release.Snapshot {
	s := w.snapshot(seen, last.Release)
	s.Recall(last)
	s.Workloads = w.leanWorkloads(seen)
	app, err := w.askCaches(ctx, seen)
	if err != nil {
		app.WaitingFor = err.Error() // caches do not fail
	}
	s.App = app
	return w.judged(s, seen.WaitingFor)
}

// askCaches asks the engine that owns a subject, or that the subject is of.
func (w *Watcher) askCaches(ctx context.Context, seen observed) (release.App, error) {
	f, _ := w.kind(seen.subject.Kind)
	if k, ok := f.kind.(applications); ok {
		return k.judge(ctx, f.feed.get(seen.subject.Namespace, seen.subject.Name))
	}
	return w.GitOps.Judge(ctx, cachedFinder{w}, seen.object())
}
