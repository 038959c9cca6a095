package emit

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

var runOf = v1alpha1.ObjectRef{APIVersion: "argoproj.io/v1alpha1", Kind: "Workflow", Namespace: "shop", Name: "run", UID: "uid-of-run"}

// withRun is a record with one run that was started.
func withRun(changes ...func(*v1alpha1.Delivery)) *v1alpha1.Release {
	rec := newRecord(web(isReady))
	advance(rec, announce(web(isReady), verdict("smoke", release.Holds, "tests")), noon)
	del := &rec.Status.Deliveries[0]
	del.State, del.Object = sent, &runOf
	for _, change := range changes {
		change(del)
	}
	return rec
}

// outcome is how that run ended.
func outcome(changes ...func(*release.Outcome)) release.Outcome {
	r := web().Release
	o := release.Outcome{
		EventID: r.EventID("smoke"), Sink: "tests", Record: release.Ref{Namespace: "shop", Name: r.Name()},
		Object: release.Ref(runOf), Result: release.Success, Message: "all well",
		CreatedAt: noon, StartedAt: noon.Add(time.Second), FinishedAt: noon.Add(time.Minute),
		Steps: []release.Step{{
			ID: "run-1", Name: "curl", Result: release.Success, Message: "ok",
			StartedAt: noon.Add(2 * time.Second), FinishedAt: noon.Add(50 * time.Second),
		}},
	}
	for _, change := range changes {
		change(&o)
	}
	return o
}

func TestFinishWritesHowARunEnded(t *testing.T) {
	for name, c := range map[string]struct {
		result release.Result
		phase  string
		tests  string
	}{
		"one that passed":                   {release.Success, "Passed", "tests ✓"},
		"one that did not":                  {release.Failure, "Failed", "tests ✗"},
		"one that could not be carried out": {release.RunError, "Failed", "tests ✗"},
	} {
		t.Run(name, func(t *testing.T) {
			l, api, _ := newTestLedger(t)
			api.put(withRun())
			require.NoError(t, l.Finish(t.Context(), outcome(func(o *release.Outcome) { o.Result = c.result })))
			st := api.all()[0].Status
			require.Equal(t, c.phase, st.Phase)
			require.Equal(t, c.tests, st.Tests)
			got := st.Deliveries[0].Outcome
			require.Equal(t, string(c.result), got.Result)
			require.Equal(t, "all well", got.Message)
			require.True(t, noon.Equal(got.Created.Time))
			require.True(t, noon.Add(time.Second).Equal(got.Started.Time))
			require.True(t, noon.Add(time.Minute).Equal(got.Finished.Time))
			require.Len(t, got.Steps, 1)
			require.Equal(t, "curl", got.Steps[0].Name)
			require.True(t, noon.Add(50*time.Second).Equal(got.Steps[0].Finished.Time))
			require.False(t, got.Drawn)
		})
	}
}

func TestARunThatNeverStartedHasNoStart(t *testing.T) {
	l, api, _ := newTestLedger(t)
	api.put(withRun())
	require.NoError(t, l.Finish(t.Context(), outcome(func(o *release.Outcome) { o.StartedAt = time.Time{} })))
	require.Nil(t, api.all()[0].Status.Deliveries[0].Outcome.Started)
}

func TestAwaitedListsTheRunsThatHaveNotEnded(t *testing.T) {
	l, api, clk := newTestLedger(t)
	require.Empty(t, l.Awaited())
	api.put(withRun())
	caughtUp(t, l, api)
	got := l.Awaited()
	require.Len(t, got, 1)
	require.Equal(t, release.Ref(runOf), got[0].Object)
	require.Equal(t, "the Workflow was deleted before it ended", got[0].Message)
	require.True(t, clk.Now().Equal(got[0].FinishedAt))

	require.True(t, l.Awaits(got[0]))
	require.NoError(t, l.Finish(t.Context(), got[0]))
	caughtUp(t, l, api)
	require.Empty(t, l.Awaited())
	require.Equal(t, "Failed", api.all()[0].Status.Phase)
}

func TestFinishWritesOnce(t *testing.T) {
	l, api, _ := newTestLedger(t)
	api.put(withRun())
	require.NoError(t, l.Finish(t.Context(), outcome()))
	require.NoError(t, l.Finish(t.Context(), outcome(func(o *release.Outcome) { o.Result = release.Failure })))
	require.Equal(t, 1, api.count("update"))
	require.Equal(t, "Passed", api.all()[0].Status.Phase)
}

func TestFinishLeavesAlone(t *testing.T) {
	for name, c := range map[string]struct {
		record  *v1alpha1.Release
		outcome release.Outcome
	}{
		"a record that is gone":              {nil, outcome()},
		"another event":                      {withRun(), outcome(func(o *release.Outcome) { o.EventID = "other" })},
		"another sink":                       {withRun(), outcome(func(o *release.Outcome) { o.Sink = "other" })},
		"somebody else's object of the name": {withRun(), outcome(func(o *release.Outcome) { o.Object.UID = "stranger" })},
		"an object under our label, of a sink that creates none": {
			withRun(func(d *v1alpha1.Delivery) { d.Object = nil }), outcome(),
		},
		"an object of a delivery that was given up": {
			withRun(func(d *v1alpha1.Delivery) { d.Object, d.State = nil, dead }), outcome(),
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, api, _ := newTestLedger(t)
			if c.record != nil {
				api.put(c.record)
			}
			require.NoError(t, l.Finish(t.Context(), c.outcome))
			require.Zero(t, api.count("update"))
		})
	}
}

func TestFinishAsksToComeBack(t *testing.T) {
	notWritten := func(d *v1alpha1.Delivery) { d.State, d.Object = pending, nil }
	for name, c := range map[string]struct {
		record *v1alpha1.Release
		verb   string
		status int
		says   string
	}{
		"while the record does not say that the run was started": {withRun(notWritten), "", 0, "does not say yet"},
		"if the record cannot be read":                           {withRun(), "get", http.StatusInternalServerError, "read record"},
		"if the record cannot be written":                        {withRun(), "update", http.StatusTooManyRequests, "write record"},
		"if the record was changed meanwhile":                    {withRun(), "update", http.StatusConflict, "write record"},
	} {
		t.Run(name, func(t *testing.T) {
			l, api, _ := newTestLedger(t)
			api.put(c.record)
			if c.verb != "" {
				api.fail(c.verb, c.status)
			}
			err := l.Finish(t.Context(), outcome())
			require.ErrorContains(t, err, c.says)
			require.Equal(t, c.status == http.StatusConflict, apierrors.IsConflict(err))
			if c.verb != "" {
				require.NoError(t, l.Finish(t.Context(), outcome()))
				require.Equal(t, "Passed", api.all()[0].Status.Phase)
			}
		})
	}
}

func TestAwaits(t *testing.T) {
	for name, c := range map[string]struct {
		record  *v1alpha1.Release
		outcome release.Outcome
		want    bool
	}{
		"an outcome that is not written": {withRun(), outcome(), true},
		"not one that is": {
			withRun(func(d *v1alpha1.Delivery) { d.Outcome = &v1alpha1.Outcome{Result: "success"} }), outcome(), false,
		},
		"not that of another event":                {withRun(), outcome(func(o *release.Outcome) { o.EventID = "other" }), false},
		"one whose record the cache does not hold": {nil, outcome(), true},
		"not one that names no record": {
			nil, outcome(func(o *release.Outcome) { o.Record = release.Ref{} }), false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			api := newAPIServer(t)
			if c.record != nil {
				api.put(c.record)
			}
			l := startLedger(t, api, clocktesting.NewFakeClock(noon))
			before := api.total()
			require.Equal(t, c.want, l.Awaits(c.outcome))
			require.Equal(t, before, api.total(), "no call was made")
		})
	}
}
