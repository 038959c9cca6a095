package emit

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// listening is a ledger that remembers what rules about tested were asked.
func listening(t *testing.T, verdicts ...release.Verdict) (*Ledger, *apiServer, *[]release.Snapshot) {
	t.Helper()
	api, asked := newAPIServer(t), &[]release.Snapshot{}
	l := NewLedger(LedgerConfig{
		Client: api.client, Clock: clocktesting.NewFakeClock(noon.Add(time.Hour)),
		Tested: func(_ context.Context, _ *v1alpha1.Release, s release.Snapshot) Announcement {
			*asked = append(*asked, s)
			return announce(s, verdicts...)
		},
	})
	require.NoError(t, l.Start(t.Context()))
	return l, api, asked
}

func promote() release.Verdict {
	return about(release.WasTested, verdict("promote", release.Holds, "bus"))
}

// twice is a record with two runs.
func twice() *v1alpha1.Release {
	rec := withRun()
	second := rec.Status.Deliveries[0]
	second.Sink, second.Object = "load", &v1alpha1.ObjectRef{Kind: "Workflow", Namespace: "shop", Name: "load", UID: "uid-of-load"}
	rec.Status.Deliveries = append(rec.Status.Deliveries, second)
	return rec
}

func ofLoad(o *release.Outcome) { o.Sink, o.Object.Name, o.Object.UID = "load", "load", "uid-of-load" }

func TestTestedIsToldWithTheLastOutcome(t *testing.T) {
	l, api, asked := listening(t, promote(), verdict("smoke", release.Holds, "tests"))
	api.put(twice())
	require.NoError(t, l.Finish(t.Context(), outcome()))
	require.Empty(t, *asked, "one still runs")
	require.NoError(t, l.Finish(t.Context(), outcome(ofLoad, func(o *release.Outcome) { o.Result, o.Message = release.Failure, "load was too high" })))

	require.Len(t, *asked, 1)
	require.Equal(t, &release.Tested{
		Result: release.Failure, Failed: []string{"load"}, Message: "load was too high", FinishedAt: noon.Add(time.Minute),
	}, (*asked)[0].Outcome)
	require.True(t, (*asked)[0].Ready)
	rec := api.all()[0]
	require.Len(t, rec.Status.Deliveries, 3, "rules about other events are not asked")
	d := rec.Status.Deliveries[2]
	require.Equal(t, []string{"tested", "bus", pending}, []string{d.Event, d.Sink, d.State})
	e := eventOf(rec, &d)
	require.Equal(t, release.WasTested, e.Occasion)
	require.Equal(t, noon.Add(time.Minute), e.At.UTC())
	require.Equal(t, []string{"load"}, e.Outcome.Failed)
	require.Equal(t, "failure", Facts(e)["result"])
	require.Equal(t, "failure", payload(e).Outcome.Result)
	require.Equal(t, 2, api.count("update"), "with the outcome, in one write")

	require.NoError(t, l.Finish(t.Context(), outcome()))
	l.conclude(t.Context(), api.all()[0])
	require.Len(t, *asked, 1, "a rule that comes later has nothing to say of it")
}

func TestTestedIsToldOfWhatCouldNotBeStarted(t *testing.T) {
	l, api, asked := listening(t, promote())
	rec := twice()
	api.put(rec)
	require.NoError(t, l.Finish(t.Context(), outcome()))
	rec = api.all()[0]
	rec.Status.Deliveries[1].State, rec.Status.Deliveries[1].Object, rec.Status.Deliveries[1].LastError = dead, nil, "no such template"
	l.conclude(t.Context(), rec)
	require.Len(t, *asked, 1)
	require.Equal(t, release.RunError, (*asked)[0].Outcome.Result)
	require.Equal(t, "no such template", (*asked)[0].Outcome.Message)
}

func TestTestedIsNotToldOf(t *testing.T) {
	for name, change := range map[string]func(*v1alpha1.Release){
		"a run that was stopped for a newer release": func(rec *v1alpha1.Release) { rec.Status.Deliveries[0].Stop = true },
		"the run of an alarm":                        func(rec *v1alpha1.Release) { rec.Status.Deliveries[0].Event = "stalled" },
		"what was told":                              func(rec *v1alpha1.Release) { rec.Status.Deliveries[0].Told = true },
	} {
		t.Run(name, func(t *testing.T) {
			l, api, asked := listening(t, promote())
			rec := withRun()
			change(rec)
			api.put(rec)
			require.NoError(t, l.Finish(t.Context(), outcome(func(o *release.Outcome) { o.Result = release.Failure })))
			require.Empty(t, *asked)
		})
	}
}

func TestTestedIsToldOfEachRunThatCameAgain(t *testing.T) {
	l, api, asked := listening(t, promote())
	rec := withRun(func(d *v1alpha1.Delivery) { d.Told, d.Outcome = true, &v1alpha1.Outcome{Result: "success"} })
	again := rec.Status.Deliveries[0]
	again.Repeat, again.EventID, again.Told, again.Outcome = 1, "again", false, nil
	again.Object = &v1alpha1.ObjectRef{Kind: "Workflow", Namespace: "shop", Name: "again", UID: "uid-of-again"}
	rec.Status.Deliveries = append(rec.Status.Deliveries, again)
	rec.Status.Rules = append(rec.Status.Rules, v1alpha1.RuleState{Name: "promote", Hash: "h1", State: "Holds"})
	api.put(rec)
	require.NoError(t, l.Finish(t.Context(), outcome(func(o *release.Outcome) {
		o.EventID, o.Object.Name, o.Object.UID, o.Result = "again", "again", "uid-of-again", release.Failure
	})))
	require.Len(t, *asked, 1)
	got := api.all()[0]
	require.Equal(t, "Failed", got.Status.Phase, "the last run counts")
	require.Equal(t, "tests ✗", got.Status.Tests)
	told := got.Status.Deliveries[2]
	require.Equal(t, "tested", told.Event)
	require.NotEqual(t, Of(got).EventID("promote"), told.EventID, "the plain id is that of the first runs")
	l.conclude(t.Context(), got)
	require.Len(t, *asked, 1, "it is told once")
}

func TestTheLastRunThatEndedCounts(t *testing.T) {
	first := v1alpha1.Delivery{Rule: "r", Sink: "s", Follows: true, State: sent, Outcome: &v1alpha1.Outcome{Result: "success"}}
	running := first
	running.Repeat, running.Outcome = 1, nil
	failed := running
	failed.Outcome = &v1alpha1.Outcome{Result: "failure"}
	for name, c := range map[string]struct {
		runs []v1alpha1.Delivery
		want v1alpha1.Delivery
	}{
		"only the first":            {[]v1alpha1.Delivery{first}, first},
		"one that came again runs":  {[]v1alpha1.Delivery{first, running}, first},
		"one that came again ended": {[]v1alpha1.Delivery{first, failed}, failed},
		"the first runs, too":       {[]v1alpha1.Delivery{{Rule: "r", Sink: "s", Follows: true}, running}, running},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, []v1alpha1.Delivery{c.want}, latestRuns(c.runs)) })
	}
	for _, d := range []v1alpha1.Delivery{{Follows: false}, {Follows: true, Event: "stalled"}, {Follows: true, State: skipped}, {Follows: true, State: shadow}} {
		require.Empty(t, latestRuns([]v1alpha1.Delivery{d}))
	}
}

func TestTheWorstCounts(t *testing.T) {
	ran := func(results ...string) []v1alpha1.Delivery {
		var out []v1alpha1.Delivery
		for i, r := range results {
			o := &v1alpha1.Outcome{Result: r, Message: r, Finished: metav1.NewMicroTime(noon.Add(time.Duration(i) * time.Second))}
			out = append(out, v1alpha1.Delivery{Sink: r, Outcome: o})
		}
		return out
	}
	require.Nil(t, tested(nil))
	require.Nil(t, tested(append(ran("success"), v1alpha1.Delivery{})), "one still runs")
	require.Equal(t, "success", tested(ran("success", "success")).Result)
	got := tested(ran("failure", "success", "error", "cancellation"))
	require.Equal(t, "error", got.Result)
	require.Equal(t, []string{"failure", "error", "cancellation"}, got.Failed)
	require.Equal(t, "failure", got.Message, "the word of the first")
	require.Equal(t, noon.Add(3*time.Second), got.Finished.Time)
}
