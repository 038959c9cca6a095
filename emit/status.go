package emit

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// Announcement is a live snapshot, what the rules say about it, and the trace
// that it belongs to.
type Announcement struct {
	Snapshot release.Snapshot
	// Verdicts are those on the snapshot, of rules for whatever event. Judge gives
	// those on another release of the subject, which this one supersedes; nil gives
	// none.
	Verdicts []release.Verdict
	Judge    func(context.Context, release.Snapshot) []release.Verdict
	// Trace is the trace, Traceparent what a delivery hands on of it. Both may be nil:
	// then nothing is handed on.
	Trace       *v1alpha1.Trace
	Traceparent func(v1alpha1.Delivery) string
}

// advance brings a record's status on by one announcement. It is the whole state
// machine of a release up to what is to be sent, and it is pure: the same record,
// announcement and time give the same status.
func advance(rec *v1alpha1.Release, a Announcement, now time.Time) {
	st := &rec.Status
	fresh := st.Phase == ""
	if fresh {
		st.Phase = string(phase(rec))
		st.Subject = rec.Spec.Subject.Kind + "/" + rec.Spec.Subject.Name
		st.Revision = "rev " + rec.Spec.Revision
		st.Timeline.Seen = micro(now)
	}
	switch p := phase(rec); {
	case p == release.Rolling || p == release.Stalled:
		roll(rec, a, now)
		hear(rec, a, fresh, now)
		expire(rec, a, now)
	case p.Completed():
		reconsider(rec, a, now)
		expire(rec, a, now)
		repeat(rec, a, now)
	}
}

// roll advances a release that has not been ready yet.
func roll(rec *v1alpha1.Release, a Announcement, now time.Time) {
	st, s := &rec.Status, a.Snapshot
	if st.WaitingFor != s.WaitingFor {
		st.WaitingFor, st.WaitingSince = s.WaitingFor, micro(now)
	}
	if st.Timeline.RolloutStarted == nil {
		st.Timeline.RolloutStarted = micro(s.StartedAt) // deadlines are counted from it
	}
	switch finished := &st.Timeline.RolloutFinished; {
	case !s.RolledOut && !s.Ready:
		*finished = nil // it was, and is not any more
	case *finished == nil && s.RolledOut:
		*finished = micro(cmp.Or(s.RolledOutAt, now))
	}
	switch {
	case s.Ready:
		becomeReady(rec, a, now)
	case s.Stalled && st.Phase != string(release.Stalled):
		stall(rec, a, now)
	case !s.Stalled:
		st.Phase = string(release.Rolling)
	}
}

// stall writes down that a release passed its progress deadline, and tells it the
// first time.
func stall(rec *v1alpha1.Release, a Announcement, now time.Time) {
	st := &rec.Status
	st.Phase = string(release.Stalled)
	if st.Timeline.Stalled != nil {
		return
	}
	st.Timeline.Stalled, st.GitOps = micro(now), gitOps(owner(a.Snapshot.App))
	tell(rec, a, a.Verdicts, release.DidStall, now)
}

// becomeReady writes down, at once, that a release is ready, how it came to be,
// and everything that is to be sent because of it.
func becomeReady(rec *v1alpha1.Release, a Announcement, now time.Time) {
	st, s := &rec.Status, a.Snapshot
	st.Phase, st.Late, st.OutOfBand, st.GateTimeout = string(release.Ready), s.Late, s.OutOfBand, s.GateTimeout
	st.WaitingFor, st.WaitingSince = "", nil
	st.GitOps, st.Trace = gitOps(s.App), a.Trace
	if rev := s.App.Revision; rev != "" {
		st.Revision = rev[:min(len(rev), 7)]
	}
	tl := &st.Timeline
	tl.SyncStarted, tl.SyncFinished = micro(s.App.SyncStartedAt), micro(s.App.SyncFinishedAt)
	tl.RolloutStarted, tl.Ready = micro(s.StartedAt), micro(now)
	if !s.RolledOutAt.IsZero() {
		tl.RolloutFinished = micro(s.RolledOutAt)
	}
	if tl.RolloutStarted == nil {
		tl.RolloutStarted = tl.Seen
	}
	st.ReadyIn = duration.HumanDuration(max(becameReady(rec).Sub(tl.RolloutStarted.Time), 0))
	meta.SetStatusCondition(&st.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: "Ready",
		Message: "every replica of the release answers", LastTransitionTime: metav1.NewTime(now),
	})
	ask(st, a)
	reconsider(rec, a, now)
}

// ask lets the rules that are there when a release becomes ready have their say on it,
// and no others. Until now, an edit did not matter.
func ask(st *v1alpha1.ReleaseStatus, a Announcement) {
	st.Rules = slices.DeleteFunc(st.Rules, func(r v1alpha1.RuleState) bool {
		v := verdictOf(a, r.Name)
		return waits(r) && (v == nil || v.Event != release.BecameReady)
	})
	for _, v := range a.Verdicts {
		if v.Event != release.BecameReady {
			continue
		}
		if r := stateOf(st, v.Rule); r == nil {
			st.Rules = append(st.Rules, v1alpha1.RuleState{Name: v.Rule, Hash: v.Hash, State: string(release.Waiting)})
		} else if waits(*r) {
			r.Hash = v.Hash
		}
	}
}

// tell writes down what rules say of something that happens to a release once,
// and has no second chance: what does not hold then never will.
func tell(rec *v1alpha1.Release, a Announcement, verdicts []release.Verdict, what release.Occasion, now time.Time) {
	st := &rec.Status
	for _, v := range verdicts {
		if v.Event != what || judged(st, v.Rule) {
			continue
		}
		if v.Standing == release.Holds {
			deliver(rec, v, telling{what: what}, a.Traceparent, now)
		} else {
			v.Standing = release.Skipped
		}
		r := stateOf(st, v.Rule)
		if r == nil {
			st.Rules = append(st.Rules, v1alpha1.RuleState{Name: v.Rule})
			r = &st.Rules[len(st.Rules)-1]
		}
		r.Hash, r.State, r.Reason = v.Hash, string(v.Standing), v.Reason
	}
}

// judged reports whether a rule of that name has had its say. One that was about
// another event then, and was edited, has none about this release.
func judged(st *v1alpha1.ReleaseStatus, rule string) bool {
	r := stateOf(st, rule)
	return r != nil && !waits(*r)
}

// stateOf finds what a rule has said; nil if it has not said anything.
func stateOf(st *v1alpha1.ReleaseStatus, rule string) *v1alpha1.RuleState {
	i := slices.IndexFunc(st.Rules, func(r v1alpha1.RuleState) bool { return r.Name == rule })
	if i < 0 {
		return nil
	}
	return &st.Rules[i]
}

// verdictOf finds what a rule says now; nil if there is no such rule any more.
func verdictOf(a Announcement, rule string) *release.Verdict {
	i := slices.IndexFunc(a.Verdicts, func(v release.Verdict) bool { return v.Rule == rule })
	if i < 0 {
		return nil
	}
	return &a.Verdicts[i]
}

// reconsider asks again the rules that did not hold yet. A rule that came, or was
// edited, after the release was ready has no say: what already runs is not news.
func reconsider(rec *v1alpha1.Release, a Announcement, now time.Time) {
	st := &rec.Status
	for i := range st.Rules {
		r := &st.Rules[i]
		v := verdictOf(a, r.Name)
		if v == nil || !waits(*r) {
			continue
		}
		if v.Hash != r.Hash {
			r.State, r.Reason, r.Since = string(release.Skipped), "the rule was edited after the release was ready", nil
			continue
		}
		if r.State, r.Reason = string(v.Standing), v.Reason; v.Standing != release.Holds {
			r.Since = nil
			continue
		}
		if !settles(r, v.Terms.Settle, now) {
			continue
		}
		deliver(rec, *v, telling{what: v.Event}, a.Traceparent, now)
		if v.Terms.Every > 0 {
			r.Next = micro(now.Add(v.Terms.Every))
		}
	}
	sumUp(rec, now)
}

// settles reports whether a condition that is true has been so for long enough. If
// not, the rule waits for it.
func settles(r *v1alpha1.RuleState, settle time.Duration, now time.Time) bool {
	if settle == 0 {
		return true
	}
	if r.Since == nil {
		r.Since = micro(now)
	}
	if now.Sub(r.Since.Time) >= settle {
		return true
	}
	r.State, r.Reason = string(release.Waiting), fmt.Sprintf("%s; settles for %s", r.Reason, settle)
	return false
}

func gitOps(a release.App) *v1alpha1.GitOps {
	if a.Engine == "" {
		return nil
	}
	return &v1alpha1.GitOps{
		Engine: a.Engine, Kind: a.Kind, Source: a.Source, Namespace: a.Namespace, Name: a.Name, Project: a.Project,
		RepoURL: a.RepoURL, Revision: a.Revision, Revisions: a.Revisions,
		Operation: a.Operation, Partial: a.Partial,
	}
}
