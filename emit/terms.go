package emit

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// keptRepeats is how many finished deliveries of one rule to one sink are kept of
// those that tell a release again, or how the runs ended that came of that.
const keptRepeats = 5

// telling is what a rule tells of a release: what happened, whether because of its
// deadline, the how manieth time, and of which runs.
type telling struct {
	what    release.Occasion
	overdue bool
	repeat  int64
	turn    time.Time // when it was due to be told again
	tested  *v1alpha1.Tested
	of      string // the event whose run was tested, if it is one that came again
}

// id is the event's. What most rules tell has the plain one. Turns are told apart by
// when they were due: should the record be lost, they are counted anew, and must not be
// taken for those that came before.
func (t telling) id(r release.Release, rule string) string {
	switch {
	case t.overdue:
		return r.EventID(rule, "overdue")
	case t.of != "":
		return r.EventID(rule, "tested", t.of)
	case t.repeat > 0:
		return r.EventID(rule, "repeat", t.turn.UTC().Format(time.RFC3339))
	}
	return r.EventID(rule)
}

// deliver writes down what is to be sent because a rule holds.
func deliver(rec *v1alpha1.Release, v release.Verdict, t telling, traceparent func(v1alpha1.Delivery) string, now time.Time) {
	for _, m := range v.Send {
		d := v1alpha1.Delivery{
			Rule: v.Rule, Sink: m.Sink, EventID: t.id(Of(rec), v.Rule), State: pending, Repeat: t.repeat, Tested: t.tested,
			Created: *micro(now), Parameters: m.Parameters, Follows: m.Follows,
		}
		if t.what != release.BecameReady {
			d.Event = string(t.what)
		}
		if v.Terms.Supersede != release.Deliver {
			d.Supersede = string(v.Terms.Supersede)
		}
		if v.Terms.Shadow {
			d.State, d.Follows = shadow, false
		}
		if traceparent != nil {
			d.Traceparent = traceparent(d)
		}
		rec.Status.Deliveries = append(rec.Status.Deliveries, d)
	}
}

// repeat tells again of a release that still runs. The times are those on a grid:
// what was missed is made up for once, and shifts nothing. What ran before the rule
// came is first told within one turn, spread so that not all of it is told at once.
func repeat(rec *v1alpha1.Release, a Announcement, now time.Time) {
	st := &rec.Status
	for i := range st.Rules {
		if v := verdictOf(a, st.Rules[i].Name); v == nil || v.Terms.Every == 0 || v.Standing == release.Skipped {
			st.Rules[i].Next = nil
		}
	}
	for _, v := range a.Verdicts {
		if v.Terms.Every == 0 || v.Event != release.BecameReady || v.Standing == release.Skipped {
			continue
		}
		r := stateOf(st, v.Rule)
		switch {
		case r == nil:
			st.Rules = append(st.Rules, v1alpha1.RuleState{
				Name: v.Rule, Hash: v.Hash, State: string(release.Skipped), Reason: "the rule came after the release was ready",
				Next: micro(now.Add(spread(rec, v))),
			})
		case waits(*r):
		case r.Next == nil || r.Hash != v.Hash:
			at := now.Add(spread(rec, v))
			if due := when(r.Next); due.After(now) { // an edit does not put off what is to come
				at = soonest(due, at)
			}
			r.Hash, r.Next = v.Hash, micro(at)
		case !now.Before(r.Next.Time) && v.Standing == release.Holds:
			turn, turns := r.Next.Time, 1+int64(now.Sub(r.Next.Time)/v.Terms.Every)
			r.Repeats += turns
			r.Next = micro(r.Next.Add(time.Duration(turns) * v.Terms.Every))
			deliver(rec, v, telling{what: v.Event, repeat: r.Repeats, turn: turn}, a.Traceparent, now)
			prune(st)
		}
	}
}

// spread is a time within one turn that differs from release to release.
func spread(rec *v1alpha1.Release, v release.Verdict) time.Duration {
	sum := sha256.Sum256([]byte(Of(rec).EventID(v.Rule)))
	share := float64(binary.BigEndian.Uint32(sum[:])) / (1 << 32)
	return max(time.Duration(share*float64(v.Terms.Every)), time.Second)
}

// prune forgets the oldest of what was told of a release again, and of how the runs
// ended that came of it: what nothing is left to do about, beyond the few that are kept.
func prune(st *v1alpha1.ReleaseStatus) {
	kept := map[[3]string]int{}
	for i := len(st.Deliveries) - 1; i >= 0; i-- {
		d := st.Deliveries[i]
		if d.Repeat == 0 {
			continue
		}
		of := [3]string{d.Rule, d.Sink, d.Event}
		if kept[of]++; kept[of] > keptRepeats && d.State != pending && !running(d) {
			st.Deliveries = slices.Delete(st.Deliveries, i, i+1)
		}
	}
}

// due is when a record is to be judged again though nothing happened: a condition
// will have settled, a deadline will have passed, or it is time to tell it again.
func due(rec *v1alpha1.Release, a Announcement) time.Time {
	var all []time.Time
	for _, r := range rec.Status.Rules {
		v := verdictOf(a, r.Name)
		if v != nil && r.Since != nil && waits(r) {
			all = append(all, r.Since.Add(v.Terms.Settle))
		}
		all = append(all, when(r.Next))
	}
	for _, v := range a.Verdicts {
		all = append(all, deadline(rec, v))
	}
	return soonest(all...)
}

// next is when a record that nothing else is to be judged of tells of its release
// again; zero is never.
func next(rec *v1alpha1.Release) time.Time {
	var all []time.Time
	for _, r := range rec.Status.Rules {
		all = append(all, when(r.Next))
	}
	return soonest(all...)
}

// soonest is the first of the times that are known.
func soonest(all ...time.Time) time.Time {
	var out time.Time
	for _, t := range all {
		if !t.IsZero() && (out.IsZero() || t.Before(out)) {
			out = t
		}
	}
	return out
}

// overtake decides what becomes of what a release has started, or was about to,
// now that a newer one has come: nothing repeats, what was not sent is skipped if
// its rule says so, and runs are stopped if it says that.
func overtake(st *v1alpha1.ReleaseStatus) {
	for i := range st.Rules {
		st.Rules[i].Next, st.Rules[i].Since = nil, nil
	}
	for i := range st.Deliveries {
		d := &st.Deliveries[i]
		switch {
		case d.Event != "" || d.Supersede == "":
		case d.State == pending:
			d.State, d.NextAttempt, d.LastError = skipped, nil, "a newer release came first"
			d.Stop = d.Supersede == string(release.Cancel) // should it be on its way at this very moment
		case d.Supersede == string(release.Cancel) && running(*d):
			d.Stop = true
		}
	}
}

// overtakable reports whether there is something that [overtake] has not done yet.
func overtakable(rec *v1alpha1.Release) bool {
	after := rec.Status.DeepCopy()
	overtake(after)
	return !sameStatus(after, &rec.Status)
}

func sameStatus(a, b *v1alpha1.ReleaseStatus) bool {
	return slices.EqualFunc(a.Rules, b.Rules, func(x, y v1alpha1.RuleState) bool {
		return (x.Next == nil) == (y.Next == nil) && (x.Since == nil) == (y.Since == nil)
	}) && slices.EqualFunc(a.Deliveries, b.Deliveries, func(x, y v1alpha1.Delivery) bool {
		return x.State == y.State && x.Stop == y.Stop
	})
}

// tested sums up how runs ended; nil if one of them has not, or if none was followed.
func tested(runs []v1alpha1.Delivery) *v1alpha1.Tested {
	var out *v1alpha1.Tested
	for _, d := range runs {
		o := ended(d)
		if o == nil {
			return nil
		}
		if out == nil {
			out = &v1alpha1.Tested{Result: string(release.Success)}
		}
		if o.Result != string(release.Success) {
			out.Failed = append(out.Failed, d.Sink)
			if out.Result == string(release.Success) {
				out.Result, out.Message = o.Result, o.Message
			} else if worse(o.Result, out.Result) {
				out.Result = o.Result
			}
		}
		if o.Finished.After(out.Finished.Time) {
			out.Finished = o.Finished
		}
	}
	return out
}

// worse orders results: a run that could not be carried out is worse than one whose
// steps did not pass, and that is worse than one that was stopped.
func worse(a, b string) bool {
	order := []string{string(release.Success), string(release.Cancelled), string(release.Failure), string(release.RunError)}
	return slices.Index(order, a) > slices.Index(order, b)
}

// ended is the outcome of a run; one that could not be started at all ended in an
// error. It is nil while the run may still end otherwise.
func ended(d v1alpha1.Delivery) *v1alpha1.Outcome {
	if d.Outcome == nil && d.State == dead {
		at := metav1.NewMicroTime(d.Created.Add(GiveUpAfter))
		return &v1alpha1.Outcome{Result: string(release.RunError), Message: d.LastError, Created: d.Created, Finished: at}
	}
	return d.Outcome
}
