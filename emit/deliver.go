package emit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"k8s.io/client-go/tools/cache"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

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

// crowded reports whether all that is to be done about a record is to send to owners who
// keep enough workers busy, as far as the cache knows: then it needs not even be read.
func (d *Dispatcher) crowded(name cache.ObjectName) bool {
	o, ok, err := d.ledger.informer.GetStore().GetByKey(name.String())
	rec, is := o.(*v1alpha1.Release)
	if err != nil || !ok || !is || len(unstopped(rec)) > 0 || d.drawable(rec) {
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

// stop stops the runs of a release that a newer one has superseded. What could not be
// stopped is in failed: it holds up nothing else, and is tried again.
func (d *Dispatcher) stop(ctx context.Context, rec *v1alpha1.Release) (after *v1alpha1.Release, failed, err error) {
	stopped := false
	for _, i := range unstopped(rec) {
		del := &rec.Status.Deliveries[i]
		sink, _ := d.sinks.Sink(del.Sink)
		stopper, ok := sink.(Stopper)
		if !ok {
			del.LastError = "the sink cannot stop what it started"
		} else if err := bounded(ctx, func(ctx context.Context) error { return stopper.Stop(ctx, release.Ref(*del.Object)) }); err != nil {
			failed = errors.Join(failed, fmt.Errorf("stop %s %s: %w", del.Object.Kind, del.Object.Name, err))
			continue
		}
		del.Stopped, stopped = micro(d.ledger.clock.Now()), true
		d.log.InfoContext(ctx, "run stopped", "release", rec.Namespace+"/"+rec.Name, "sink", del.Sink, "run", del.Object.Name)
	}
	if stopped {
		rec, err = d.ledger.update(ctx, rec)
	}
	return rec, failed, err
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
