package emit

import (
	"cmp"
	"time"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// hear notes the rules that have a deadline and are there while a release rolls out.
// One that comes, or is edited, once its deadline has passed has nothing to tell of
// it: what is late already is not news. Of a release that is fresh all is.
func hear(rec *v1alpha1.Release, a Announcement, fresh bool, now time.Time) {
	for _, v := range a.Verdicts {
		if !unheard(rec, v) {
			continue
		}
		r := stateOf(&rec.Status, v.Rule)
		if r == nil {
			rec.Status.Rules = append(rec.Status.Rules, v1alpha1.RuleState{Name: v.Rule})
			r = &rec.Status.Rules[len(rec.Status.Rules)-1]
		}
		r.Hash, r.State, r.Reason = v.Hash, string(release.Waiting), "the release is not ready yet"
		if due := deadline(rec, v); !fresh && !now.Before(due) {
			r.Overdue, r.Reason = true, "the rule came after its deadline"
		}
	}
}

// unheard reports whether a rule has a deadline for a release that rolls out, and its
// record does not know of it.
func unheard(rec *v1alpha1.Release, v release.Verdict) bool {
	if v.Terms.Deadline == 0 || v.Standing == release.Skipped || !rolling(rec) || rec.Spec.Baseline {
		return false
	}
	r := stateOf(&rec.Status, v.Rule)
	return r == nil || waits(*r) && !r.Overdue && r.Hash != v.Hash
}

// expire tells the rules whose deadline has passed before they held that the release
// has stalled, each once.
func expire(rec *v1alpha1.Release, a Announcement, now time.Time) {
	for _, v := range a.Verdicts {
		due := deadline(rec, v)
		if due.IsZero() || now.Before(due) {
			continue
		}
		r := stateOf(&rec.Status, v.Rule)
		r.Overdue, r.Reason = true, "its deadline passed"
		if v.Event == release.DidStall { // it has no more to say
			r.State = string(release.Holds)
		}
		deliver(rec, v, telling{what: release.DidStall, overdue: v.Event == release.BecameReady}, a.Traceparent, now)
	}
}

// deadline is when a rule finds that a release has stalled; zero if it does not, or
// has done so. It is counted from when the rollout began, or was first seen.
func deadline(rec *v1alpha1.Release, v release.Verdict) time.Time {
	if v.Terms.Deadline == 0 || v.Standing == release.Skipped || rec.Spec.Baseline {
		return time.Time{}
	}
	r := stateOf(&rec.Status, v.Rule)
	switch {
	case r == nil || r.Overdue || !waits(*r) || r.Hash != v.Hash: // it came later, or has had its say
		return time.Time{}
	case v.Event != release.BecameReady && (v.Event != release.DidStall || !rolling(rec)):
		return time.Time{}
	}
	tl := rec.Status.Timeline
	return cmp.Or(when(tl.RolloutStarted), when(tl.Seen)).Add(v.Terms.Deadline)
}

// rolling reports whether a release has not been ready yet, and may come to be.
func rolling(rec *v1alpha1.Release) bool {
	return phase(rec) == release.Rolling || phase(rec) == release.Stalled
}
