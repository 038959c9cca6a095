package emit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
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
	if rec, err = d.stop(ctx, rec); err != nil {
		return 0, err
	}
	again := d.pause(rec)
	if busy {
		again = drawAgain
	}
	if !d.drawable(rec) {
		return again, nil
	}
	if !d.drawing.TryLock() { // one at a time: a receiver that hangs must not hold up what is to be sent
		if again == 0 || again > drawAgain {
			again = drawAgain
		}
		return again, nil
	}
	defer d.drawing.Unlock()
	return again, d.draw(ctx, rec)
}

// deliver sends what is due, and says whether something was left because its sink's
// owner keeps enough workers busy. Deliveries are found anew after each call: the
// record may be a newer one by then.
func (d *Dispatcher) deliver(ctx context.Context, rec *v1alpha1.Release) (after *v1alpha1.Release, busy bool, err error) {
	for _, due := range d.due(rec) {
		i := slices.IndexFunc(rec.Status.Deliveries, due.same)
		if i < 0 || rec.Status.Deliveries[i].State != pending {
			continue
		}
		owner := ownerOf(due.sink)
		if !d.shares.take(owner) {
			busy = true
			continue
		}
		d.attempt(ctx, rec, i)
		d.shares.give(owner)
		if rec, err = d.ledger.keep(ctx, rec, i); err != nil {
			return nil, busy, err
		}
	}
	return rec, busy, nil
}

// waiting is a delivery that is due.
type waiting struct{ event, sink string }

func (w waiting) same(d v1alpha1.Delivery) bool { return d.EventID == w.event && d.Sink == w.sink }

// due lists the deliveries that it is time for.
func (d *Dispatcher) due(rec *v1alpha1.Release) []waiting {
	var out []waiting
	for _, i := range undone(rec) {
		if del := rec.Status.Deliveries[i]; !when(del.NextAttempt).After(d.ledger.clock.Now()) {
			out = append(out, waiting{del.EventID, del.Sink})
		}
	}
	return out
}

// crowded reports whether all that a record has to send is for owners who keep enough
// workers busy, as far as the cache knows: then not even the record needs to be read.
func (d *Dispatcher) crowded(name cache.ObjectName) bool {
	o, ok, err := d.ledger.informer.GetStore().GetByKey(name.String())
	rec, is := o.(*v1alpha1.Release)
	if err != nil || !ok || !is {
		return false
	}
	all := d.due(rec)
	return len(all) > 0 && !slices.ContainsFunc(all, func(w waiting) bool { return !d.shares.full(ownerOf(w.sink)) })
}

// undone lists the deliveries that are still to be sent.
func undone(rec *v1alpha1.Release) []int {
	var out []int
	for i, d := range rec.Status.Deliveries {
		if d.State == pending {
			out = append(out, i)
		}
	}
	return out
}

// unstopped lists the runs that are still to be stopped.
func unstopped(rec *v1alpha1.Release) []int {
	var out []int
	for i, d := range rec.Status.Deliveries {
		if d.Stop && d.Stopped == nil && running(d) {
			out = append(out, i)
		}
	}
	return out
}

// stop stops the runs of a release that a newer one has superseded.
func (d *Dispatcher) stop(ctx context.Context, rec *v1alpha1.Release) (*v1alpha1.Release, error) {
	all := unstopped(rec)
	if len(all) == 0 {
		return rec, nil
	}
	for _, i := range all {
		del := &rec.Status.Deliveries[i]
		sink, _ := d.sinks.Sink(del.Sink)
		stopper, ok := sink.(Stopper)
		if !ok {
			del.LastError = "the sink cannot stop what it started"
		} else if err := bounded(ctx, func(ctx context.Context) error { return stopper.Stop(ctx, release.Ref(*del.Object)) }); err != nil {
			return rec, fmt.Errorf("stop %s %s: %w", del.Object.Kind, del.Object.Name, err)
		}
		del.Stopped = micro(d.ledger.clock.Now())
		d.log.InfoContext(ctx, "run stopped", "release", rec.Namespace+"/"+rec.Name, "sink", del.Sink, "run", del.Object.Name)
	}
	return d.ledger.update(ctx, rec)
}

// bounded calls a sink, which gets so long to answer and no longer.
func bounded(ctx context.Context, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return call(ctx)
}

// attempt calls a sink once, and writes down in rec what came of it.
func (d *Dispatcher) attempt(ctx context.Context, rec *v1alpha1.Release, i int) {
	del := &rec.Status.Deliveries[i]
	start := d.ledger.clock.Now()
	receipt, err := d.send(ctx, eventOf(rec, del))
	now := d.ledger.clock.Now()
	del.Attempts++
	if del.First == nil {
		del.First = &v1alpha1.Attempt{Started: *micro(start), Finished: *micro(now)}
		if err != nil {
			del.First.Error = err.Error()
		}
	}
	if err != nil {
		d.fail(del, err, now)
	} else {
		succeed(del, receipt)
	}
	d.ledger.conclude(ctx, rec)
	del = &rec.Status.Deliveries[i] // the list may have grown, and moved
	log := d.log.With("release", rec.Namespace+"/"+rec.Name, "rule", del.Rule, "sink", del.Sink,
		"event", del.EventID, "attempt", del.Attempts, "took", now.Sub(start))
	if err != nil {
		log.WarnContext(ctx, "event not delivered", "state", del.State, "err", err)
	} else {
		log.InfoContext(ctx, "event delivered")
	}
	if d.observe != nil {
		d.observe(Delivered{Record: rec, Sink: del.Sink, State: del.State, Attempt: del.Attempts, Err: err, Took: now.Sub(start)})
	}
}

func (d *Dispatcher) send(ctx context.Context, e release.Event) (release.Receipt, error) {
	sink, ok := d.sinks.Sink(e.Sink)
	if !ok {
		return release.Receipt{}, fmt.Errorf("sink %q is not configured", e.Sink)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return sink.Send(ctx, e)
}

func succeed(del *v1alpha1.Delivery, r release.Receipt) {
	del.State, del.LastError, del.NextAttempt, del.URL = sent, "", nil, r.URL
	if r.Object.Name != "" {
		ref := v1alpha1.ObjectRef(r.Object)
		del.Object = &ref
	}
}

func (d *Dispatcher) fail(del *v1alpha1.Delivery, err error, now time.Time) {
	del.LastError = err.Error()
	if now.Sub(del.Created.Time) >= GiveUpAfter {
		del.State, del.NextAttempt = dead, nil
		return
	}
	wait := backoff(del.Attempts, d.chance)
	var later *RetryAfter
	if errors.As(err, &later) {
		wait = max(wait, min(later.After, time.Hour))
	}
	del.NextAttempt = micro(now.Add(wait))
}

// backoff doubles from one second to five minutes, less up to a fifth by chance,
// so that what failed together does not come back together.
func backoff(attempts int32, chance func(time.Duration) time.Duration) time.Duration {
	d := lastRetry
	if n := attempts - 1; n < 16 {
		d = min(firstRetry<<n, lastRetry)
	}
	return d - chance(d/5)
}

// pause is the time until the next attempt that a record asks for.
func (d *Dispatcher) pause(rec *v1alpha1.Release) time.Duration {
	var least time.Duration
	for _, i := range undone(rec) {
		wait := max(when(rec.Status.Deliveries[i].NextAttempt).Sub(d.ledger.clock.Now()), time.Millisecond)
		if least == 0 || wait < least {
			least = wait
		}
	}
	return least
}
