package emit

import (
	"slices"
	"time"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// Wants says whether what a lean snapshot shows would change the record of its
// release, so that a live one is worth its calls, and from when on it may be though
// nothing else happens; zero is never.
func (l *Ledger) Wants(a Announcement) (live bool, again time.Time) {
	rec := l.recordOf(a.Snapshot.Release)
	if rec == nil || rec.Status.Phase == "" || untidy(l.cached(a.Snapshot.Release.Subject)) {
		return true, time.Time{}
	}
	at := due(rec, a)
	return l.changes(rec, a) || !at.IsZero() && !l.clock.Now().Before(at) && l.ripe(rec, a), at
}

// changes reports whether what is seen is not what a record says.
func (l *Ledger) changes(rec *v1alpha1.Release, a Announcement) bool {
	if rolling(rec) {
		return a.Snapshot.Ready || a.Snapshot.Stalled && phase(rec) == release.Rolling || l.stale(rec, a.Snapshot) ||
			slices.ContainsFunc(a.Verdicts, func(v release.Verdict) bool { return unheard(rec, v) })
	}
	return slices.ContainsFunc(a.Verdicts, func(v release.Verdict) bool {
		r := stateOf(&rec.Status, v.Rule)
		switch {
		case r == nil:
			return v.Terms.Every > 0 && v.Event == release.BecameReady && v.Standing != release.Skipped
		case waits(*r) && v.Hash == r.Hash && r.Since != nil: // it settles: before its time, only a break is news
			return v.Standing != release.Holds
		case waits(*r):
			return v.Standing == release.Holds || len(v.Needs) > 0 || v.Hash != r.Hash
		}
		return v.Terms.Every > 0 && v.Standing != release.Skipped && (v.Hash != r.Hash || r.Next == nil)
	})
}

// ripe reports whether what is due can be done: what tells of a release again has to
// hold, or not to be asked for any more.
func (l *Ledger) ripe(rec *v1alpha1.Release, a Announcement) bool {
	now := l.clock.Now()
	for _, r := range rec.Status.Rules {
		v := verdictOf(a, r.Name)
		if r.Next != nil && !now.Before(r.Next.Time) && (v == nil || v.Standing == release.Holds || v.Standing == release.Skipped || len(v.Needs) > 0) {
			return true
		}
		if v != nil && r.Since != nil && waits(r) && !now.Before(r.Since.Add(v.Terms.Settle)) {
			return true
		}
	}
	return slices.ContainsFunc(a.Verdicts, func(v release.Verdict) bool {
		at := deadline(rec, v)
		return !at.IsZero() && !now.Before(at)
	})
}

// staleAfter is how long a record may go on to say that something is missing when
// it is something else.
const staleAfter = 10 * time.Second

// stale reports whether what a record says is missing is long out of date.
func (l *Ledger) stale(rec *v1alpha1.Release, s release.Snapshot) bool {
	return rec.Status.WaitingFor != s.WaitingFor && l.clock.Since(when(rec.Status.WaitingSince)) > staleAfter
}
