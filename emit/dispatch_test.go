package emit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// recorder is a sink that remembers what it was sent, and answers as it is told.
type recorder struct {
	mu     sync.Mutex
	events []release.Event
	answer func(ctx context.Context, n int, e release.Event) (release.Receipt, error) // n counts from 1; nil is well
}

func (s *recorder) Send(ctx context.Context, e release.Event) (release.Receipt, error) {
	s.mu.Lock()
	s.events = append(s.events, e)
	n, answer := len(s.events), s.answer
	s.mu.Unlock()
	if answer == nil {
		return release.Receipt{URL: "https://ci/run/1", Object: release.Ref(runOf)}, nil
	}
	return answer(ctx, n, e)
}

func (s *recorder) got() []release.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]release.Event(nil), s.events...)
}

func failing(err error) *recorder {
	return &recorder{answer: func(context.Context, int, release.Event) (release.Receipt, error) { return release.Receipt{}, err }}
}

// board is the sinks of a configuration that may change.
type board struct {
	mu    sync.Mutex
	sinks map[string]Sink
}

func (b *board) Sink(name string) (Sink, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, ok := b.sinks[name]
	return s, ok
}

func (b *board) set(name string, s Sink) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sinks[name] = s
}

// artist is a tracer that remembers what it was asked to draw.
type artist struct {
	mu    sync.Mutex
	drawn []string
	err   error
	hang  bool
}

func (a *artist) DrawReady(ctx context.Context, _ *v1alpha1.Release) error {
	return a.draw(ctx, "ready")
}

func (a *artist) DrawRun(ctx context.Context, rec *v1alpha1.Release, i int) error {
	return a.draw(ctx, "run "+rec.Status.Deliveries[i].Sink)
}

func (a *artist) draw(ctx context.Context, what string) error {
	a.mu.Lock()
	a.drawn = append(a.drawn, what)
	err, hang := a.err, a.hang
	a.mu.Unlock()
	if hang {
		<-ctx.Done()
		return ctx.Err()
	}
	return err
}

func (a *artist) got() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string(nil), a.drawn...)
}

// rig is a dispatcher over a server that holds one release that is ready.
type rig struct {
	*Dispatcher

	t     *testing.T
	api   *apiServer
	clk   *clocktesting.FakeClock
	board *board
	name  cache.ObjectName

	mu   sync.Mutex // workers tell side by side
	told []Delivered
}

// newRig makes one, with a rule that holds and tells the sinks given, which are
// not there yet. The dispatcher looks when asked to, or when started.
func newRig(t *testing.T, tracer Tracer, sinks ...string) *rig {
	t.Helper()
	r := &rig{t: t, api: newAPIServer(t), clk: clocktesting.NewFakeClock(noon), board: &board{sinks: map[string]Sink{}}}
	rec := newRecord(web(isReady, byArgo))
	advance(rec, announce(web(isReady, byArgo), verdict("smoke", release.Holds, sinks...)), noon)
	r.api.put(rec)
	r.name = cache.MetaObjectToName(rec)
	r.restart(tracer)
	return r
}

// restart puts a new dispatcher, that knows nothing, over the same server.
func (r *rig) restart(tracer Tracer) {
	r.t.Helper()
	d, err := NewDispatcher(NewLedger(LedgerConfig{Client: r.api.client, Clock: r.clk}), DispatcherConfig{
		Sinks: r.board, Tracer: tracer, Log: quiet(), Observe: func(d Delivered) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.told = append(r.told, d)
		},
	})
	require.NoError(r.t, err)
	r.Dispatcher = d
}

func (r *rig) look() (time.Duration, error) {
	r.t.Helper()
	return r.process(r.t.Context(), r.name)
}

func (r *rig) mustLook() time.Duration {
	r.t.Helper()
	again, err := r.look()
	require.NoError(r.t, err)
	return again
}

func (r *rig) record() *v1alpha1.Release { return r.api.all()[0] }

func (r *rig) delivery(i int) v1alpha1.Delivery { return r.record().Status.Deliveries[i] }

// work runs the dispatcher, with a queue that goes by the fake clock, until the
// function that is returned is called.
func (r *rig) work(workers int) (end func()) {
	r.t.Helper()
	r.queue = workqueue.NewTypedRateLimitingQueueWithConfig(
		workqueue.NewTypedItemExponentialFailureRateLimiter[cache.ObjectName](time.Millisecond, time.Second),
		workqueue.TypedRateLimitingQueueConfig[cache.ObjectName]{Clock: r.clk})
	require.NoError(r.t, r.ledger.Start(r.t.Context()))
	ctx, cancel := context.WithCancel(r.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.Work(ctx, workers)
	}()
	return func() {
		cancel()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			r.t.Error("the dispatcher did not end")
		}
	}
}

// passing lets the fake clock run until what is asked for is true.
func (r *rig) passing(step time.Duration, until func() bool) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		r.clk.Step(step)
		return until()
	}, 10*time.Second, 5*time.Millisecond)
}

func TestAnEventIsSentOnce(t *testing.T) {
	sink := &recorder{}
	r := newRig(t, nil, "tests")
	r.board.set("tests", sink)
	end := r.work(2)
	require.Eventually(t, func() bool { return r.delivery(0).State == sent }, 10*time.Second, 2*time.Millisecond)
	caughtUp(t, r.ledger, r.api)
	r.clk.Step(time.Hour)
	end()

	require.Len(t, sink.got(), 1)
	got := sink.got()[0]
	require.Equal(t, traceparent, got.Traceparent)
	require.Equal(t, "shop/web", got.Release.Subject.Namespace+"/"+got.Release.Subject.Name)
	del := r.delivery(0)
	require.EqualValues(t, 1, del.Attempts)
	require.Equal(t, &runOf, del.Object)
	require.Equal(t, "https://ci/run/1", del.URL)
	require.Nil(t, del.NextAttempt)
	require.Empty(t, del.LastError)
	require.Empty(t, del.First.Error)
	require.Len(t, r.told, 1)
	require.Equal(t, sent, r.told[0].State)
	require.NoError(t, r.told[0].Err)

	t.Run("and not again after a restart", func(t *testing.T) {
		r.restart(nil)
		require.Zero(t, r.mustLook())
		require.Len(t, sink.got(), 1)
		r.enqueue(r.record())
		require.Zero(t, r.queue.Len(), "there is nothing to look at")
	})
}

func TestAReceiverThatIsDownIsTriedAgainByTheRecord(t *testing.T) {
	down := errors.New("connection refused")
	sink := &recorder{answer: func(_ context.Context, n int, _ release.Event) (release.Receipt, error) {
		if n < 5 {
			return release.Receipt{}, down
		}
		return release.Receipt{}, nil
	}}
	r := newRig(t, nil, "tests")
	r.board.set("tests", sink)
	for attempt := int32(1); attempt < 5; attempt++ {
		again := r.mustLook()
		del := r.delivery(0)
		require.Equal(t, attempt, del.Attempts)
		require.Equal(t, pending, del.State)
		require.Equal(t, "connection refused", del.LastError)
		require.InDelta(t, (time.Second << (attempt - 1)).Seconds(), again.Seconds(), again.Seconds()/4+0.01)
		require.WithinDuration(t, r.clk.Now().Add(again), del.NextAttempt.Time, time.Millisecond)

		require.NotZero(t, r.mustLook(), "too early: nothing happens")
		require.Len(t, sink.got(), int(attempt))
		r.restart(nil) // the next attempt is known from the record alone
		r.clk.Step(again + time.Millisecond)
	}
	require.Zero(t, r.mustLook())
	del := r.delivery(0)
	require.Equal(t, sent, del.State)
	require.Empty(t, del.LastError)
	require.Nil(t, del.NextAttempt)
	require.Equal(t, "connection refused", del.First.Error, "the first attempt is as it was")
	require.Nil(t, del.Object, "nothing was created")
	ids := map[string]bool{}
	for _, e := range sink.got() {
		ids[e.ID] = true
	}
	require.Len(t, ids, 1)
}

func TestRetriesHappenByThemselves(t *testing.T) {
	sink := &recorder{answer: func(_ context.Context, n int, _ release.Event) (release.Receipt, error) {
		if n < 4 {
			return release.Receipt{}, errors.New("down")
		}
		return release.Receipt{}, nil
	}}
	r := newRig(t, nil, "tests")
	r.board.set("tests", sink)
	end := r.work(2)
	r.passing(time.Second, func() bool { return r.delivery(0).State == sent })
	end()
	require.Len(t, sink.got(), 4)
	require.EqualValues(t, 4, r.delivery(0).Attempts)
}

func TestACrashBetweenSendingAndWritingSendsTheSameAgain(t *testing.T) {
	sink := &recorder{}
	r := newRig(t, nil, "tests")
	r.board.set("tests", sink)
	r.api.fail("update", http.StatusInternalServerError)
	_, err := r.look()
	require.ErrorContains(t, err, "write record")
	require.Equal(t, pending, r.delivery(0).State)

	r.restart(nil)
	r.clk.Step(time.Hour)
	r.mustLook()
	got := sink.got()
	require.Len(t, got, 2)
	require.Equal(t, got[0], got[1])
	require.Equal(t, sent, r.delivery(0).State)
	require.EqualValues(t, 1, r.delivery(0).Attempts)
}

func TestASinkThatIsNotConfigured(t *testing.T) {
	r := newRig(t, nil, "tests")
	again := r.mustLook()
	require.Equal(t, `sink "tests" is not configured`, r.delivery(0).LastError)
	require.Equal(t, pending, r.delivery(0).State)
	require.Error(t, r.told[0].Err)

	t.Run("gets the event once it is", func(t *testing.T) {
		sink := &recorder{}
		r.board.set("tests", sink)
		r.clk.Step(again + time.Millisecond)
		require.Zero(t, r.mustLook())
		require.Len(t, sink.got(), 1)
		require.Equal(t, sent, r.delivery(0).State)
	})
}

func TestADeliveryIsGivenUpAfterADay(t *testing.T) {
	r := newRig(t, nil, "tests")
	sink := failing(errors.New("down"))
	r.board.set("tests", sink)
	attempts := 0
	for again := r.mustLook(); again > 0; again = r.mustLook() {
		attempts++
		require.Less(t, attempts, 1000)
		require.LessOrEqual(t, again, lastRetry)
		r.clk.Step(again + time.Millisecond)
	}
	lived := r.clk.Now().Sub(noon)
	require.GreaterOrEqual(t, lived, GiveUpAfter)
	require.Less(t, lived, GiveUpAfter+2*lastRetry)
	del := r.delivery(0)
	require.Equal(t, dead, del.State)
	require.Equal(t, "down", del.LastError)
	require.Nil(t, del.NextAttempt)
	require.Equal(t, "Failed", r.record().Status.Phase, "a run that was to be followed never began")

	t.Run("and not tried again, even if the receiver is back", func(t *testing.T) {
		n := len(sink.got())
		r.clk.Step(time.Hour)
		require.Zero(t, r.mustLook())
		require.Len(t, sink.got(), n)
	})
}

func TestRetryAfter(t *testing.T) {
	for name, c := range map[string]struct {
		after time.Duration
		want  time.Duration
	}{
		"is honoured":                 {10 * time.Minute, 10 * time.Minute},
		"is at most an hour":          {48 * time.Hour, time.Hour},
		"does not make it sooner":     {time.Microsecond, time.Second},
		"of the past changes nothing": {-time.Hour, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil, "tests")
			r.board.set("tests", failing(fmt.Errorf("post: %w", &RetryAfter{Err: errors.New("busy"), After: c.after})))
			again := r.mustLook()
			require.InDelta(t, c.want.Seconds(), again.Seconds(), c.want.Seconds()/5+0.01)
			require.Equal(t, "post: busy", r.delivery(0).LastError)
		})
	}
	t.Run("is the error that it wraps", func(t *testing.T) {
		busy := errors.New("busy")
		err := error(&RetryAfter{Err: busy})
		require.ErrorIs(t, err, busy)
		require.Equal(t, "busy", err.Error())
	})
}

func TestARecordThatChangedMeanwhileIsNotSentAgain(t *testing.T) {
	r := newRig(t, nil, "tests")
	sink := &recorder{answer: func(_ context.Context, n int, _ release.Event) (release.Receipt, error) {
		if n == 1 { // somebody else writes while the sink is called
			rec := r.record()
			rec.Status.WaitingFor = "touched"
			r.api.put(rec)
		}
		return release.Receipt{Object: release.Ref(runOf)}, nil
	}}
	r.board.set("tests", sink)
	end := r.work(1)
	r.passing(time.Second, func() bool { return r.delivery(0).State == sent })
	end()
	require.Len(t, sink.got(), 1, "it is known that the event was sent")
	require.Equal(t, int32(1), r.delivery(0).Attempts)
	require.Equal(t, "touched", r.record().Status.WaitingFor, "what the other wrote is still there")
}

func TestAServerThatIsAwayForAWhileDelaysButLosesNothing(t *testing.T) {
	for _, verb := range []string{"get", "update"} {
		t.Run(verb, func(t *testing.T) {
			r := newRig(t, nil, "tests")
			sink := &recorder{}
			r.board.set("tests", sink)
			r.api.fail(verb, http.StatusInternalServerError, http.StatusTooManyRequests, http.StatusConflict)
			end := r.work(1)
			r.passing(time.Second, func() bool { return r.delivery(0).State == sent })
			end()
			require.NotEmpty(t, sink.got())
		})
	}
}

func TestOneSinkThatFailsDoesNotHoldUpTheOthers(t *testing.T) {
	r := newRig(t, nil, "first", "second", "third")
	first, second, third := &recorder{}, failing(errors.New("down")), &recorder{}
	r.board.set("first", first)
	r.board.set("second", second)
	r.board.set("third", third)
	again := r.mustLook()
	require.NotZero(t, again)
	require.Equal(t, []string{sent, pending, sent}, []string{r.delivery(0).State, r.delivery(1).State, r.delivery(2).State})

	r.clk.Step(again + time.Millisecond)
	r.mustLook()
	require.Len(t, first.got(), 1)
	require.Len(t, second.got(), 2)
	require.Len(t, third.got(), 1)
	require.Equal(t, first.got()[0].ID, third.got()[0].ID, "it is one event")
}

func TestTheSoonestOfSeveralRetriesCounts(t *testing.T) {
	r := newRig(t, nil, "slow", "quick")
	r.board.set("slow", failing(&RetryAfter{Err: errors.New("busy"), After: 30 * time.Minute}))
	quick := failing(errors.New("down"))
	r.board.set("quick", quick)
	require.LessOrEqual(t, r.mustLook(), time.Second)
	r.clk.Step(time.Second)
	r.mustLook()
	require.Len(t, quick.got(), 2)
	require.EqualValues(t, 1, r.delivery(0).Attempts)
}

func TestARecordThatIsGoneIsForgotten(t *testing.T) {
	r := newRig(t, nil, "tests")
	r.name.Name = "gone"
	require.Zero(t, r.mustLook())
}

func TestManyRecordsAreDeliveredByManyWorkers(t *testing.T) {
	r := newRig(t, &artist{}, "tests")
	sink := &recorder{}
	r.board.set("tests", sink)
	for n := range int64(40) {
		s := web(isReady, numbered(n+10))
		rec := newRecord(s)
		advance(rec, announce(s, verdict("smoke", release.Holds, "tests")), noon)
		r.api.put(rec)
	}
	var mu sync.Mutex
	r.observe = func(d Delivered) {
		mu.Lock()
		defer mu.Unlock()
		r.told = append(r.told, d)
	}
	end := r.work(8)
	r.passing(time.Second, func() bool {
		for _, rec := range r.api.all() {
			if len(undone(rec)) > 0 || readyDrawable(rec) {
				return false
			}
		}
		return true
	})
	end()
	times := map[string]int{}
	for _, e := range sink.got() {
		times[e.ID]++
	}
	require.Len(t, times, 41)
	for id, n := range times {
		require.Equal(t, 1, n, id)
	}
}

func TestWorkEndsWithItsContext(t *testing.T) {
	for name, sink := range map[string]*recorder{
		"while nothing is to be done": {},
		"while a sink is called": {answer: func(context.Context, int, release.Event) (release.Receipt, error) {
			time.Sleep(200 * time.Millisecond)
			return release.Receipt{Object: release.Ref(runOf)}, nil
		}},
		"while a retry is due": failing(errors.New("down")),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil, "tests")
			r.board.set("tests", sink)
			end := r.work(2)
			require.Eventually(t, func() bool { return len(sink.got()) > 0 }, 10*time.Second, time.Millisecond)
			end()
			n := len(sink.got())
			require.Equal(t, 1, n)
			require.NotNil(t, r.delivery(0).First, "what came of the call is written down")
		})
	}
}

func TestASinkIsGivenALimitedTime(t *testing.T) {
	r := newRig(t, nil, "tests")
	r.board.set("tests", &recorder{answer: func(ctx context.Context, _ int, _ release.Event) (release.Receipt, error) {
		until, limited := ctx.Deadline()
		if !limited || time.Until(until) > callTimeout {
			return release.Receipt{}, errors.New("no limit")
		}
		return release.Receipt{}, nil
	}})
	r.mustLook()
	require.Equal(t, sent, r.delivery(0).State, r.delivery(0).LastError)
}

func TestWithoutSinksARecordIsNotQueued(t *testing.T) {
	r := newRig(t, nil)
	r.enqueue(r.record())
	r.enqueue("not a record")
	require.Zero(t, r.queue.Len())
}

func TestAStartedInformerTakesNoMoreHandlersOnceStopped(t *testing.T) {
	api := newAPIServer(t)
	l := NewLedger(LedgerConfig{Client: api.client, Clock: clocktesting.NewFakeClock(noon)})
	ctx, cancel := context.WithCancel(t.Context())
	require.NoError(t, l.Start(ctx))
	cancel()
	require.Eventually(t, l.informer.IsStopped, 10*time.Second, time.Millisecond)
	_, err := NewDispatcher(l, DispatcherConfig{Sinks: &board{}, Log: quiet()})
	require.ErrorContains(t, err, "handle records")
}
