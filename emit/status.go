package emit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
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
	Judge    func(release.Snapshot) []release.Verdict
	// Trace is the trace, Traceparent what a message of a rule hands on of it.
	// Both may be nil: then nothing is handed on.
	Trace       *v1alpha1.Trace
	Traceparent func(rule string, m release.Message) string
}

// advance brings a record's status on by one announcement. It is the whole state
// machine of a release up to what is to be sent, and it is pure: the same record,
// announcement and time give the same status.
func advance(rec *v1alpha1.Release, a Announcement, now time.Time) {
	st := &rec.Status
	if st.Phase == "" {
		st.Phase = string(phase(rec))
		st.Subject = rec.Spec.Subject.Kind + "/" + rec.Spec.Subject.Name
		st.Revision = "rev " + rec.Spec.Revision
		st.Timeline.Seen = micro(now)
	}
	switch p := phase(rec); {
	case p == release.Rolling || p == release.Stalled:
		roll(rec, a, now)
	case p.Completed():
		reconsider(rec, a, now)
	}
}

// roll advances a release that has not been ready yet.
func roll(rec *v1alpha1.Release, a Announcement, now time.Time) {
	st, s := &rec.Status, a.Snapshot
	if st.WaitingFor != s.WaitingFor {
		st.WaitingFor, st.WaitingSince = s.WaitingFor, micro(now)
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
	for _, v := range a.Verdicts {
		if v.Event == release.BecameReady && !judged(st, v.Rule) {
			st.Rules = append(st.Rules, v1alpha1.RuleState{Name: v.Rule, Hash: v.Hash, State: string(release.Waiting)})
		}
	}
	reconsider(rec, a, now)
}

// tell writes down what rules say of something that happens to a release once,
// and has no second chance: what does not hold then never will.
func tell(rec *v1alpha1.Release, a Announcement, verdicts []release.Verdict, what release.Occasion, now time.Time) {
	st := &rec.Status
	for _, v := range verdicts {
		if v.Event != what || judged(st, v.Rule) {
			continue
		}
		r := v1alpha1.RuleState{Name: v.Rule, Hash: v.Hash, State: string(v.Standing), Reason: v.Reason}
		if v.Standing == release.Holds {
			st.Deliveries = append(st.Deliveries, deliveries(rec, v, a.Traceparent, now)...)
		} else {
			r.State = string(release.Skipped)
		}
		st.Rules = append(st.Rules, r)
	}
}

// judged reports whether a rule of that name has had its say. One that was about
// another event then, and was edited, has none about this release.
func judged(st *v1alpha1.ReleaseStatus, rule string) bool {
	return slices.ContainsFunc(st.Rules, func(r v1alpha1.RuleState) bool { return r.Name == rule })
}

// reconsider asks again the rules that did not hold yet. A rule that came, or was
// edited, after the release was ready has no say: what already runs is not news.
func reconsider(rec *v1alpha1.Release, a Announcement, now time.Time) {
	st := &rec.Status
	for i := range st.Rules {
		r := &st.Rules[i]
		j := slices.IndexFunc(a.Verdicts, func(v release.Verdict) bool { return v.Rule == r.Name })
		if j < 0 || !waits(*r) {
			continue
		}
		v := a.Verdicts[j]
		if v.Hash != r.Hash {
			r.State, r.Reason = string(release.Skipped), "the rule was edited after the release was ready"
			continue
		}
		r.State, r.Reason = string(v.Standing), v.Reason
		if v.Standing == release.Holds {
			st.Deliveries = append(st.Deliveries, deliveries(rec, v, a.Traceparent, now)...)
		}
	}
	sumUp(rec, now)
}

func deliveries(rec *v1alpha1.Release, v release.Verdict, traceparent func(string, release.Message) string, now time.Time) []v1alpha1.Delivery {
	var out []v1alpha1.Delivery
	for _, m := range v.Send {
		d := v1alpha1.Delivery{
			Rule: v.Rule, Sink: m.Sink, EventID: Of(rec).EventID(v.Rule), State: pending,
			Created: *micro(now), Parameters: m.Parameters, Follows: m.Follows,
		}
		if v.Event != release.BecameReady {
			d.Event = string(v.Event)
		}
		if traceparent != nil {
			d.Traceparent = traceparent(v.Rule, m)
		}
		out = append(out, d)
	}
	return out
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

// sumUp derives phase, the tests column and the Passed condition of a release
// that was ready from what it started.
func sumUp(rec *v1alpha1.Release, now time.Time) {
	st := &rec.Status
	var open, bad int
	var tests []string
	for _, d := range st.Deliveries {
		switch {
		case !d.Follows || d.Event != "":
			continue
		case d.Outcome == nil && d.State != dead:
			open++
			tests = append(tests, d.Sink+" …")
		case d.Outcome != nil && d.Outcome.Result == string(release.Success):
			tests = append(tests, d.Sink+" ✓")
		default:
			bad++
			tests = append(tests, d.Sink+" ✗")
		}
	}
	if len(tests) == 0 {
		return
	}
	st.Tests = strings.Join(tests, ", ")
	c := metav1.Condition{Type: v1alpha1.ConditionPassed, LastTransitionTime: metav1.NewTime(now)}
	switch {
	case open > 0:
		st.Phase, c.Status, c.Reason = string(release.Testing), metav1.ConditionUnknown, "Testing"
	case bad > 0:
		st.Phase, c.Status, c.Reason = string(release.Failed), metav1.ConditionFalse, "Failed"
	default:
		st.Phase, c.Status, c.Reason = string(release.Passed), metav1.ConditionTrue, "Passed"
	}
	c.Message = fmt.Sprintf("%d of %d runs passed", len(tests)-open-bad, len(tests))
	meta.SetStatusCondition(&st.Conditions, c)
}
