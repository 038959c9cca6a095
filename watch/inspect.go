package watch

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/rollcall-dev/rollcall/release"
)

// ErrGone says that a subject is not there.
var ErrGone = errors.New("it is not there")

// Inspect looks at a subject live and says what it sees; nothing comes of it. The
// caches are not needed for it, but for what Flux's HelmReleases own. Of a subject
// whose controller has not taken up the latest template, it says no more than that.
func (w *Watcher) Inspect(ctx context.Context, s release.Subject) (release.Snapshot, error) {
	f, ok := w.kind(s.Kind)
	if !ok {
		return release.Snapshot{}, fmt.Errorf("%s is no kind that is followed", s.Kind)
	}
	snap, err := w.see(ctx, f.kind, s, nil)
	switch {
	case errors.Is(err, release.ErrNotYet):
		return w.premature(ctx, f.kind, s)
	case err != nil:
		return release.Snapshot{}, err
	case snap == nil:
		return release.Snapshot{}, ErrGone
	}
	return *snap, nil
}

// premature is a subject whose release is not known yet.
func (w *Watcher) premature(ctx context.Context, k kind, s release.Subject) (release.Snapshot, error) {
	r, err := k.read(ctx, s)
	switch {
	case err != nil && !errors.Is(err, release.ErrNotYet):
		return release.Snapshot{}, fmt.Errorf("read %s: %w", s, err)
	case r == nil:
		return release.Snapshot{}, cmp.Or(err, ErrGone)
	}
	snap := w.snapshot(r.observed, release.Release{})
	snap.WaitingFor = cmp.Or(r.WaitingFor, "its controller has not taken up the latest template")
	snap.Live = true
	return snap, nil
}
