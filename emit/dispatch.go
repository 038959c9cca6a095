package emit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// The states of a delivery.
const (
	pending = "Pending"
	sent    = "Sent"
	dead    = "Dead"
	skipped = "Skipped"
	shadow  = "Shadow"
)

// Limits of retrying a delivery.
const (
	// GiveUpAfter is how long a delivery is tried before it is given up.
	GiveUpAfter = 24 * time.Hour
	firstRetry  = time.Second
	lastRetry   = 5 * time.Minute
	// callTimeout bounds one call of a sink, or of the trace's receiver.
	callTimeout = 15 * time.Second
	// recordTimeout bounds what is done about one record at a time.
	recordTimeout = 2 * time.Minute
	// drawAgain is when a record is looked at again because another is drawn, or
	// because its sinks have as much to do as they may.
	drawAgain = time.Second
	// fair is the part of the workers that one owner of sinks may keep busy.
	fair = 8
)

// Sink starts something, or tells somebody, because of an event. The same event
// sent twice must have the effect of one.
type Sink interface {
	Send(ctx context.Context, e release.Event) (release.Receipt, error)
}

// Stopper is a sink that can stop a run that it started. One that has ended, or is
// gone, is no error.
type Stopper interface {
	Stop(ctx context.Context, run release.Ref) error
}

// RetryAfter is an error that says when it is worth trying again.
type RetryAfter struct {
	Err   error
	After time.Duration
}

// Error repeats the underlying error.
func (e *RetryAfter) Error() string { return e.Err.Error() }

// Unwrap returns the underlying error.
func (e *RetryAfter) Unwrap() error { return e.Err }

// Sinks finds a sink by its name in the configuration as it is now.
type Sinks interface {
	Sink(name string) (Sink, bool)
}

// Tracer draws a release from its record. Drawing the same record twice must have
// the effect of once.
type Tracer interface {
	// DrawReady draws everything up to the event.
	DrawReady(ctx context.Context, rec *v1alpha1.Release) error
	// DrawRun draws the run that the i-th delivery started, which has ended.
	DrawRun(ctx context.Context, rec *v1alpha1.Release, i int) error
}

// Dispatcher sends what the records say is to be sent, and has them drawn.
type Dispatcher struct {
	ledger  *Ledger
	sinks   Sinks
	tracer  Tracer
	log     *slog.Logger
	observe func(Delivered)
	chance  func(time.Duration) time.Duration
	queue   Queue
	// drawing is held by the worker that draws.
	drawing sync.Mutex
	shares  shares
}

// Delivered is one attempt to deliver an event, for those who count or tell.
type Delivered struct {
	Record  *v1alpha1.Release
	Sink    string
	State   string
	Attempt int32
	Err     error
	Took    time.Duration
}

// DispatcherConfig is what a [Dispatcher] needs; Sinks and Log must be set.
type DispatcherConfig struct {
	// Sinks finds where to send to.
	Sinks Sinks
	// Tracer draws what was sent; nil draws nothing.
	Tracer Tracer
	// Log tells what was sent and what was not.
	Log *slog.Logger
	// Observe is called for each attempt; it may be nil.
	Observe func(Delivered)
	// Queue holds the records that something is to be done about; nil stands for
	// one of client-go's.
	Queue Queue
	// Chance gives a time below the one given, by chance: that much a retry comes
	// earlier. Nil stands for true chance.
	Chance func(below time.Duration) time.Duration
}

// Queue is a work queue of records.
type Queue = workqueue.TypedRateLimitingInterface[cache.ObjectName]

// NewDispatcher makes a dispatcher over a ledger that is not started yet.
func NewDispatcher(l *Ledger, c DispatcherConfig) (*Dispatcher, error) {
	if c.Queue == nil {
		c.Queue = workqueue.NewTypedRateLimitingQueueWithConfig(
			workqueue.NewTypedItemExponentialFailureRateLimiter[cache.ObjectName](50*time.Millisecond, 30*time.Second),
			workqueue.TypedRateLimitingQueueConfig[cache.ObjectName]{Name: "records"})
	}
	if c.Chance == nil {
		c.Chance = rand.N[time.Duration]
	}
	d := &Dispatcher{ledger: l, sinks: c.Sinks, tracer: c.Tracer, log: c.Log, observe: c.Observe, chance: c.Chance, queue: c.Queue}
	_, err := l.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: d.enqueue, UpdateFunc: func(_, o any) { d.enqueue(o) },
	})
	if err != nil {
		return nil, fmt.Errorf("handle records: %w", err)
	}
	return d, nil
}

func (d *Dispatcher) enqueue(o any) {
	if rec, ok := o.(*v1alpha1.Release); ok && (len(undone(rec)) > 0 || len(unstopped(rec)) > 0 || d.drawable(rec)) {
		d.queue.Add(cache.MetaObjectToName(rec))
	}
}

// Work delivers with as many workers as given, until ctx ends. A call at hand
// then is carried through, so that it is known whether it arrived.
func (d *Dispatcher) Work(ctx context.Context, workers int) {
	d.shares.most = max(workers/fair, 1)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for ctx.Err() == nil && d.Next(context.WithoutCancel(ctx)) {
			}
		})
	}
	<-ctx.Done()
	d.queue.ShutDown()
	wg.Wait()
}

// Next does what is left to do about the next record on the queue; it waits for
// one, and returns false once the queue is shut down. [Dispatcher.Work] calls it.
func (d *Dispatcher) Next(ctx context.Context) bool {
	name, down := d.queue.Get()
	if down {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	defer d.queue.Done(name)
	again, err := d.process(ctx, name)
	if again > 0 {
		d.queue.AddAfter(name, again)
	}
	if err != nil {
		if !apierrors.IsConflict(err) {
			d.log.WarnContext(ctx, "record will be looked at again", "release", name.String(), "err", err)
		}
		d.queue.AddRateLimited(name)
		return true
	}
	d.queue.Forget(name)
	return true
}

// process does what a record, read live, says is left to do. It returns after
// what time there is more to do; zero if nothing is known of.
func (d *Dispatcher) process(ctx context.Context, name cache.ObjectName) (time.Duration, error) {
	if d.crowded(name) {
		return drawAgain, nil
	}
	records := d.ledger.client.In(name.Namespace)
	rec, err := records.Get(ctx, name.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read record: %w", err)
	}
	rec, busy, err := d.deliver(ctx, rec)
	if err != nil {
		return 0, err
	}
	rec, failed, err := d.stop(ctx, rec)
	if err != nil {
		return 0, err
	}
	again := d.pause(rec)
	if busy {
		again = drawAgain
	}
	if !d.drawable(rec) {
		return again, failed
	}
	if !d.drawing.TryLock() { // one at a time: a receiver that hangs must not hold up what is to be sent
		if again == 0 || again > drawAgain {
			again = drawAgain
		}
		return again, failed
	}
	defer d.drawing.Unlock()
	return again, errors.Join(failed, d.draw(ctx, rec))
}
