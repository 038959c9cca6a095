package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rollcall-dev/rollcall/release"
)

func TestWhatIsNotSettledIsLookedAtAgainAfterATick(t *testing.T) {
	w := newWorld(t)
	w.ledger.record(settled(deployment("web", "web:1", "1"), "a"))
	w.roll(midway(changed("web", "web:2", "2", 2)), "b")
	w.start(1)
	w.told("web 2 release .")
	w.waits()
	asked := func() int {
		w.ledger.mu.Lock()
		defer w.ledger.mu.Unlock()
		return len(w.ledger.asked)
	}
	w.clock.Step(Tick - time.Millisecond)
	time.Sleep(30 * time.Millisecond)
	require.Zero(t, asked(), "looked at again before the tick")
	w.clock.Step(time.Millisecond)
	require.True(t, eventually(func() bool { return asked() == 1 }))
	require.True(t, eventually(func() bool {
		w.clock.Step(Tick)
		return asked() >= 3
	}), "it goes on for as long as it is not settled")
	require.Len(t, w.ledger.told(), 1)
}

func TestAnErrorIsRetriedSooner(t *testing.T) {
	w := newWorld(t)
	w.ledger.broken = errors.New("the sink is down")
	w.roll(deployment("web", "web:1", "1"), "a")
	w.start(1)
	w.told("web 1 initial 0")
	w.waits()
	require.Equal(t, 1, w.queue.NumRequeues(subject("web")))
	w.clock.Step(50 * time.Millisecond)
	w.told("web 1 initial 0", "web 1 initial 0")
	require.True(t, eventually(func() bool { return w.queue.NumRequeues(subject("web")) == 0 }))
}

func TestPokeAsksForEverySubject(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"api", "web"} {
		d := deployment(name, "x:1", "1")
		claimed := settled(d, "a")
		claimed.Settled = false
		w.ledger.record(claimed)
		w.api.put("deployments", d)
	}
	w.start(0)
	for range 2 {
		s, _ := w.queue.Get()
		w.queue.Done(s)
	}
	require.Zero(t, w.queue.Len())
	w.Poke()
	require.Equal(t, 2, w.queue.Len())
}

func TestManySubjectsAtOnceAreEachToldOnce(t *testing.T) {
	w := newWorld(t)
	const many = 60
	for i := range many {
		d := deployment("web", "web:2", "2")
		d.Name = "web-" + string(rune('a'+i%26)) + string(rune('a'+i/26))
		d.UID = types.UID("uid-" + d.Name)
		before := deployment("web", "web:1", "1")
		before.Name, before.UID = d.Name, d.UID
		w.ledger.record(settled(before, "a"))
		w.roll(d, "b")
	}
	w.start(4)
	require.True(t, eventually(func() bool { return len(w.ledger.told()) >= many }))
	require.True(t, eventually(func() bool { return w.queue.Len() == 0 }))
	once := map[string]bool{}
	for _, s := range w.ledger.told() {
		require.False(t, once[s], s)
		once[s] = true
	}
	require.Len(t, once, many)
}

func TestStartEndsWithItsContext(t *testing.T) {
	w := newWorld(t)
	w.api.failing("list", 403)
	w.api.failing("watch", 403)
	ctx, stop := context.WithCancelCause(t.Context())
	stop(errors.New("enough"))
	require.EqualError(t, w.Start(ctx), "read the cluster: enough")
}

func TestADefaultWatcherHasAClockALogAndABaseline(t *testing.T) {
	a := newAPI(t)
	w, err := New(Config{Kube: a.kube(), Lean: a.lean(), Meta: a.meta(), Argo: a.lean(), ArgoMeta: a.meta()})
	require.NoError(t, err)
	require.NotNil(t, w.Clock)
	require.NotNil(t, w.Log)
	require.True(t, w.Baseline(time.Time{}))
	require.Empty(t, a.requests(), "nothing is read before the start")
	w.queue.ShutDown()
}

// slow is a Handler that takes its time.
type slow struct {
	*ledger
	begun, end chan struct{}
}

func (s slow) Handle(ctx context.Context, snap release.Snapshot) error {
	close(s.begun)
	<-s.end
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return s.ledger.Handle(ctx, snap)
}

func TestWhatIsAtHandIsCarriedThroughWhenTheWorkEnds(t *testing.T) {
	w := newWorld(t)
	h := slow{w.ledger, make(chan struct{}), make(chan struct{})}
	w.Handler = h
	w.roll(deployment("web", "web:1", "1"), "a")
	w.start(0)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Work(ctx, 1)
	}()
	<-h.begun
	stop()
	select {
	case <-done:
		t.Fatal("the work ended before what was at hand")
	case <-time.After(30 * time.Millisecond):
	}
	close(h.end)
	<-done
	w.told("web 1 initial 0")
	require.False(t, w.Next(t.Context()), "the queue is shut down")
}

func TestLosingARaceToWriteIsNothingToReport(t *testing.T) {
	conflict := apierrors.NewConflict(schema.GroupResource{Resource: "releases"}, "web", errors.New("changed"))
	require.Equal(t, slog.LevelDebug, severity(fmt.Errorf("write: %w", conflict)))
	require.Equal(t, slog.LevelWarn, severity(errors.New("no")))
}
