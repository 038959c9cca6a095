package watch

import (
	"slices"

	"github.com/rollcall-dev/rollcall/release"
)

// classify says in what way a release differs from those recorded before it.
// past is newest first and does not hold the release itself; reused says that
// its version has carried an earlier revision.
//
//	nothing completed before            initial
//	another object, same template       recreate
//	the template that completed last    reverted (nothing else completed since)
//	a template that completed earlier   rollback
//	only restartedAt differs            restart
//	images differ                       release
//	anything else                       config
func classify(now release.Release, past []release.Past, reused bool) (release.Kind, *release.Past) {
	i := slices.IndexFunc(past, func(p release.Past) bool { return p.Phase.Completed() })
	if i < 0 {
		return release.Initial, nil
	}
	last := &past[i]
	return against(now, *last, past, reused), last
}

func against(now release.Release, last release.Past, past []release.Past, reused bool) release.Kind {
	recreated := last.UID != now.UID
	switch {
	case recreated && last.Template.Digest == now.Template.Digest:
		return release.Recreate
	case !recreated && last.Template.Hash == now.Template.Hash:
		return release.Reverted
	case !recreated && returned(now, past, reused):
		return release.Rollback
	case last.Template.DigestSansRestart == now.Template.DigestSansRestart:
		return release.Restart
	case !slices.Equal(last.Template.Images, now.Template.Images):
		return release.Image
	}
	return release.Config
}

// returned reports whether the template had been completed before. The mark on
// the ReplicaSet counts only for templates older than what is recorded: a
// template that is recorded, and never completed, does not come back.
func returned(now release.Release, past []release.Past, reused bool) bool {
	if slices.Contains(release.Remembered(past), now.Template.Hash) {
		return true
	}
	return reused && !slices.ContainsFunc(past, func(p release.Past) bool { return p.Template.Hash == now.Template.Hash })
}
