package emit

import (
	"context"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// conclude derives what a record says of its runs, and lets the rules about tested
// have their say on those that have ended since.
func (l *Ledger) conclude(ctx context.Context, rec *v1alpha1.Release) {
	now := l.clock.Now()
	sumUp(rec, now)
	if first := firstRuns(rec.Status.Deliveries); untold(first) {
		of := telling{what: release.WasTested, tested: tested(values(first))}
		tellAll(first) // before the list of deliveries grows, and moves
		l.tellTested(ctx, rec, of, now)
	}
	for i := range rec.Status.Deliveries {
		d := &rec.Status.Deliveries[i]
		if again := []*v1alpha1.Delivery{d}; d.Follows && d.Event == "" && d.Repeat > 0 && d.State != skipped && untold(again) {
			of := telling{what: release.WasTested, tested: tested(values(again)), repeat: d.Repeat, of: d.EventID + d.Sink}
			tellAll(again)
			l.tellTested(ctx, rec, of, now)
		}
	}
}

// firstRuns are the runs that the release started when it became ready.
func firstRuns(all []v1alpha1.Delivery) []*v1alpha1.Delivery {
	var out []*v1alpha1.Delivery
	for i := range all {
		if d := &all[i]; d.Follows && d.Event == "" && d.Repeat == 0 && d.State != skipped {
			out = append(out, d)
		}
	}
	return out
}

// untold reports whether runs have all ended, and the rules have not heard of one.
func untold(runs []*v1alpha1.Delivery) bool {
	told := len(runs) > 0
	for _, d := range runs {
		if ended(*d) == nil {
			return false
		}
		told = told && d.Told
	}
	return len(runs) > 0 && !told
}

func tellAll(runs []*v1alpha1.Delivery) {
	for _, d := range runs {
		d.Told = true
	}
}

func values(runs []*v1alpha1.Delivery) []v1alpha1.Delivery {
	var out []v1alpha1.Delivery
	for _, d := range runs {
		out = append(out, *d)
	}
	return out
}

// tellTested asks the rules about tested. Of runs that were stopped because a newer
// release came, there is nothing to tell. A rule that did not hold of the runs that
// had ended is asked again when there are more: a rule that waited may start one later.
func (l *Ledger) tellTested(ctx context.Context, rec *v1alpha1.Release, t telling, now time.Time) {
	if l.tested == nil || t.tested.Result == string(release.Cancelled) {
		return
	}
	a := l.tested(ctx, rec, concluded(rec, *t.tested))
	st := &rec.Status
	for _, v := range a.Verdicts {
		r := stateOf(st, v.Rule)
		if v.Event != release.WasTested || t.of == "" && r != nil && r.State != string(release.Skipped) {
			continue
		}
		if v.Standing == release.Holds {
			deliver(rec, v, t, a.Traceparent, now)
		} else {
			v.Standing = release.Skipped
		}
		if r == nil {
			st.Rules = append(st.Rules, v1alpha1.RuleState{Name: v.Rule, Hash: v.Hash, State: string(v.Standing), Reason: v.Reason})
		} else {
			r.State, r.Reason, r.Hash = string(v.Standing), v.Reason, v.Hash
		}
	}
}

// sumUp derives phase, the tests column and the Passed condition of a release
// that was ready from what it started. Of runs that came again, the last one that
// ended counts.
func sumUp(rec *v1alpha1.Release, now time.Time) {
	st := &rec.Status
	var open, bad, stopped int
	var tests []string
	for _, d := range latestRuns(st.Deliveries) {
		switch o := ended(d); {
		case o == nil:
			open++
			tests = append(tests, d.Sink+" …")
		case o.Result == string(release.Success):
			tests = append(tests, d.Sink+" ✓")
		case o.Result == string(release.Cancelled):
			stopped++
			tests = append(tests, d.Sink+" ⊘")
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
	case stopped > 0: // a newer release came: whether it would have passed, nobody knows
		st.Phase, c.Status, c.Reason = string(release.Ready), metav1.ConditionUnknown, "Cancelled"
	default:
		st.Phase, c.Status, c.Reason = string(release.Passed), metav1.ConditionTrue, "Passed"
	}
	c.Message = fmt.Sprintf("%d of %d runs passed", len(tests)-open-bad-stopped, len(tests))
	meta.SetStatusCondition(&st.Conditions, c)
}

// latestRuns are the runs that a release is judged by: of each rule and sink the
// first, or the last one that came again and has ended.
func latestRuns(all []v1alpha1.Delivery) []v1alpha1.Delivery {
	var out []v1alpha1.Delivery
	places := map[[2]string]int{}
	for _, d := range all {
		if !d.Follows || d.Event != "" || d.State == skipped || d.State == shadow {
			continue
		}
		at, ok := places[[2]string{d.Rule, d.Sink}]
		switch {
		case !ok:
			places[[2]string{d.Rule, d.Sink}] = len(out)
			out = append(out, d)
		case ended(d) != nil || ended(out[at]) == nil:
			out[at] = d
		}
	}
	return out
}
