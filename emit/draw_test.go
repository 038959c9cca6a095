package emit

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

func TestAReleaseIsDrawnOnceAndMarked(t *testing.T) {
	tracer := &artist{}
	r := newRig(t, tracer, "tests")
	r.board.set("tests", &recorder{})
	r.mustLook()
	require.Equal(t, []string{"ready"}, tracer.got())
	require.True(t, r.record().Status.Trace.Drawn)
	r.mustLook()
	r.restart(tracer)
	r.mustLook()
	require.Equal(t, []string{"ready"}, tracer.got())

	t.Run("and its run when it has ended", func(t *testing.T) {
		require.NoError(t, r.ledger.Finish(t.Context(), outcome()))
		require.True(t, r.drawable(r.record()))
		r.mustLook()
		r.mustLook()
		require.Equal(t, []string{"ready", "run tests"}, tracer.got())
		require.True(t, r.delivery(0).Outcome.Drawn)
		require.False(t, r.drawable(r.record()))
	})
}

func TestAReleaseIsDrawnOnlyWhenEachSinkWasCalled(t *testing.T) {
	ended := func(d *v1alpha1.Delivery) { d.Outcome = &v1alpha1.Outcome{Result: "success"} }
	first := func(d *v1alpha1.Delivery) { d.First = &v1alpha1.Attempt{} }
	for name, c := range map[string]struct {
		record *v1alpha1.Release
		trace  *v1alpha1.Trace
		ready  bool
		runs   int
	}{
		"not before the first call":       {withRun(), &v1alpha1.Trace{ID: "x"}, false, 0},
		"after it":                        {withRun(first), &v1alpha1.Trace{ID: "x"}, true, 0},
		"not twice":                       {withRun(first), &v1alpha1.Trace{ID: "x", Drawn: true}, false, 0},
		"never without a trace":           {withRun(first, ended), nil, false, 0},
		"the run too, once it has ended":  {withRun(first, ended), &v1alpha1.Trace{ID: "x", Drawn: true}, false, 1},
		"with no sink at all, right away": {newRecord(web()), &v1alpha1.Trace{ID: "x"}, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c.record.Status.Trace = c.trace
			require.Equal(t, c.ready, readyDrawable(c.record))
			require.Len(t, runsDrawable(c.record), c.runs)
			require.Equal(t, c.ready || c.runs > 0, (&Dispatcher{tracer: &artist{}}).drawable(c.record))
			require.False(t, (&Dispatcher{}).drawable(c.record), "nobody draws")
		})
	}
}

func TestATracerThatIsDownDoesNotDelayDeliveries(t *testing.T) {
	for name, tracer := range map[string]*artist{
		"because it refuses": {err: errors.New("collector away")},
		"because it hangs":   {hang: true},
	} {
		t.Run(name, func(t *testing.T) {
			sink := &recorder{}
			r := newRig(t, tracer, "a", "b")
			r.board.set("a", sink)
			r.board.set("b", sink)
			began := time.Now()
			done := make(chan error, 1)
			go func() {
				_, err := r.look()
				done <- err
			}()
			require.Eventually(t, func() bool { return len(undone(r.record())) == 0 }, 5*time.Second, time.Millisecond)
			require.Less(t, time.Since(began), 5*time.Second)
			require.Len(t, sink.got(), 2)
			if !tracer.hang {
				require.ErrorContains(t, <-done, "draw release: collector away")
			}
			require.False(t, r.record().Status.Trace.Drawn)
		})
	}
}

func TestATracerThatHangsLeavesWorkersForOtherRecords(t *testing.T) {
	r := newRig(t, &artist{hang: true}, "tests")
	r.board.set("tests", &recorder{})
	r.observe = nil
	add := func(n int64) {
		s := web(isReady, numbered(n))
		rec := newRecord(s)
		advance(rec, announce(s, verdict("smoke", release.Holds, "tests")), noon)
		r.api.put(rec)
	}
	for n := range int64(8) {
		add(n + 10)
	}
	delivered := func() bool {
		return !slices.ContainsFunc(r.api.all(), func(rec *v1alpha1.Release) bool { return len(undone(rec)) > 0 })
	}
	r.work(4) // it ends with the test: a call at hand is carried through
	r.passing(time.Second, delivered)
	began := time.Now()
	add(30)
	r.passing(time.Second, delivered)
	require.Less(t, time.Since(began), 5*time.Second)
}

func TestATracerThatIsBackDrawsWhatIsLeft(t *testing.T) {
	tracer := &artist{err: errors.New("collector away")}
	sink := &recorder{}
	r := newRig(t, tracer, "tests")
	r.board.set("tests", sink)
	_, err := r.look()
	require.Error(t, err)
	require.NoError(t, r.ledger.Finish(t.Context(), outcome()))
	tracer.mu.Lock()
	tracer.err = nil
	tracer.mu.Unlock()
	r.mustLook()
	require.Equal(t, []string{"ready", "ready", "run tests"}, tracer.got())
	require.True(t, r.record().Status.Trace.Drawn)
	require.True(t, r.delivery(0).Outcome.Drawn)
	require.Len(t, sink.got(), 1, "nothing is sent again")
}

func TestACrashAfterDrawingDrawsTheSameAgain(t *testing.T) {
	for name, status := range map[string]int{"a conflict": http.StatusConflict, "an error": http.StatusInternalServerError} {
		t.Run(name, func(t *testing.T) {
			tracer := &artist{}
			r := newRig(t, tracer, "tests")
			sink := &recorder{}
			r.board.set("tests", sink)
			updates := 0
			r.api.onCall(func(verb string) {
				if verb == "update" {
					if updates++; updates == 2 { // the first says that the event was sent
						r.api.fail("update", status)
					}
				}
			})
			_, err := r.look()
			require.ErrorContains(t, err, "write record")
			r.restart(tracer)
			r.mustLook()
			require.Equal(t, []string{"ready", "ready"}, tracer.got())
			require.True(t, r.record().Status.Trace.Drawn)
			require.Len(t, sink.got(), 1)
		})
	}
}

func TestARunThatCannotBeDrawnIsTriedAgain(t *testing.T) {
	tracer := &artist{err: errors.New("collector away")}
	r := newRig(t, tracer, "tests")
	rec := withRun(func(d *v1alpha1.Delivery) { d.First = &v1alpha1.Attempt{} })
	rec.Status.Trace.Drawn = true
	r.api.put(rec)
	require.NoError(t, r.ledger.Finish(t.Context(), outcome(func(o *release.Outcome) { o.Result = release.Failure })))
	_, err := r.look()
	require.ErrorContains(t, err, "draw run")
	require.False(t, r.delivery(0).Outcome.Drawn)
}

func TestABaselineIsNeverDrawn(t *testing.T) {
	rec := newRecord(web(isBaseline))
	advance(rec, announce(web(isBaseline), verdict("smoke", release.Holds, "tests")), noon)
	require.False(t, (&Dispatcher{tracer: &artist{}}).drawable(rec))
}
