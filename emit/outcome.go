package emit

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// Awaits says whether the outcome of a run is still to be written down, as far as
// the cache knows.
func (l *Ledger) Awaits(o release.Outcome) bool {
	cached, ok, err := l.recent.GetByKey(o.Record.Namespace + "/" + o.Record.Name)
	rec, is := cached.(*v1alpha1.Release)
	if err != nil || !ok || !is {
		return o.Record.Name != ""
	}
	i := deliveryOf(rec, o)
	return i >= 0 && rec.Status.Deliveries[i].Outcome == nil
}

// Awaited lists the runs that were started and whose end is not written down, as
// far as the cache knows. Each bears the outcome that it has if it is not there
// any more.
func (l *Ledger) Awaited() []release.Outcome {
	var out []release.Outcome
	for _, o := range l.informer.GetStore().List() {
		rec, ok := o.(*v1alpha1.Release)
		if !ok {
			continue
		}
		for _, d := range rec.Status.Deliveries {
			if running(d) {
				out = append(out, l.deleted(rec, d))
			}
		}
	}
	return out
}

// running reports whether a delivery started a run whose end is not written down.
func running(d v1alpha1.Delivery) bool { return d.Follows && d.Object != nil && d.Outcome == nil }

func (l *Ledger) deleted(rec *v1alpha1.Release, d v1alpha1.Delivery) release.Outcome {
	return release.Outcome{
		EventID: d.EventID, Sink: d.Sink, Object: release.Ref(*d.Object),
		Record: release.Ref{
			APIVersion: v1alpha1.GroupVersion.String(), Kind: v1alpha1.Kind, Namespace: rec.Namespace, Name: rec.Name,
		},
		Result: release.RunError, Message: "the " + d.Object.Kind + " was deleted before it ended",
		CreatedAt: d.Created.Time, FinishedAt: l.clock.Now(),
	}
}

// Finish writes down how a run ended.
func (l *Ledger) Finish(ctx context.Context, o release.Outcome) error {
	records := l.client.In(o.Record.Namespace)
	rec, err := records.Get(ctx, o.Record.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read record: %w", err)
	}
	i := deliveryOf(rec, o)
	if i < 0 || rec.Status.Deliveries[i].Outcome != nil {
		return nil
	}
	del := &rec.Status.Deliveries[i]
	if del.Object == nil && del.State == pending {
		return fmt.Errorf("write outcome of %s: the record does not say yet that it was started", o.Object.Name)
	}
	if del.Object == nil || del.Object.UID != o.Object.UID {
		return nil // somebody else's run, under our label
	}
	del.Outcome = outcomeOf(o)
	if del.Stop && o.Result != release.Success {
		del.Outcome.Result = string(release.Cancelled)
	}
	l.conclude(ctx, rec)
	_, err = l.update(ctx, rec)
	return err
}

func deliveryOf(rec *v1alpha1.Release, o release.Outcome) int {
	return slices.IndexFunc(rec.Status.Deliveries, func(d v1alpha1.Delivery) bool {
		return d.EventID == o.EventID && d.Sink == o.Sink
	})
}

func outcomeOf(o release.Outcome) *v1alpha1.Outcome {
	out := &v1alpha1.Outcome{
		Result: string(o.Result), Message: o.Message,
		Created: metav1.NewMicroTime(o.CreatedAt), Started: micro(o.StartedAt), Finished: metav1.NewMicroTime(o.FinishedAt),
	}
	for _, s := range o.Steps {
		out.Steps = append(out.Steps, v1alpha1.Step{
			ID: s.ID, Name: s.Name, Result: string(s.Result), Message: s.Message,
			Started: metav1.NewMicroTime(s.StartedAt), Finished: metav1.NewMicroTime(s.FinishedAt),
		})
	}
	return out
}

// keep writes down what came of an attempt. Should somebody else have written the
// record meanwhile, it is put into the newer one: that the event was sent must not
// be lost, or it would be sent again.
func (l *Ledger) keep(ctx context.Context, rec *v1alpha1.Release, i int) (*v1alpha1.Release, error) {
	tried := rec.Status.Deliveries[i]
	out, err := l.update(ctx, rec)
	if !apierrors.IsConflict(err) {
		return out, err
	}
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		fresh, err := l.client.In(rec.Namespace).Get(ctx, rec.Name, metav1.GetOptions{})
		if err != nil {
			return fmt.Errorf("read record: %w", err)
		}
		j := slices.IndexFunc(fresh.Status.Deliveries, func(d v1alpha1.Delivery) bool {
			return d.EventID == tried.EventID && d.Sink == tried.Sink
		})
		if j >= 0 && fresh.Status.Deliveries[j].Attempts < tried.Attempts {
			was := fresh.Status.Deliveries[j]
			tried.Outcome, tried.Stop, tried.Stopped = was.Outcome, was.Stop, was.Stopped
			if was.State == skipped && tried.State != sent { // a newer release came meanwhile
				tried.State, tried.NextAttempt = skipped, nil
			}
			fresh.Status.Deliveries[j] = tried
			l.conclude(ctx, fresh)
		}
		out, err = l.update(ctx, fresh)
		return err
	})
	return out, err
}
