package emit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// Sweep deletes the records of subjects that have been gone for as long as given.
// Since when a subject is gone stands in its newest record, so that neither a
// restart nor a missed deletion matters; one that is back loses the mark. A record
// that still has something to send, or a run to wait for, is left for the next
// sweep.
func (l *Ledger) Sweep(ctx context.Context, exists func(release.Subject) bool, after time.Duration) error {
	seen := map[release.Subject]bool{}
	var errs []error
	for _, o := range l.informer.GetStore().List() {
		rec, ok := o.(*v1alpha1.Release)
		if s := Of(rec).Subject; ok && !seen[s] {
			seen[s] = true
			errs = append(errs, l.sweep(ctx, l.cached(s), exists(s), after))
		}
	}
	return errors.Join(errs...)
}

// sweep judges the records of one subject, newest first.
func (l *Ledger) sweep(ctx context.Context, all []*v1alpha1.Release, exists bool, after time.Duration) error {
	if len(all) == 0 {
		return nil
	}
	newest := all[0]
	gone := meta.FindStatusCondition(newest.Status.Conditions, v1alpha1.ConditionGone)
	marked := gone != nil && gone.Status == metav1.ConditionTrue
	switch {
	case exists && marked:
		return l.mark(ctx, newest.DeepCopy(), metav1.ConditionFalse, "SubjectExists")
	case exists:
		return nil
	case !marked:
		return l.mark(ctx, newest.DeepCopy(), metav1.ConditionTrue, "SubjectDeleted")
	case l.clock.Since(gone.LastTransitionTime.Time) < after:
		return nil
	}
	// The newest goes last: it is the one that knows since when.
	for i := len(all) - 1; i >= 0; i-- {
		if busy(all[i]) {
			return nil
		}
		err := l.client.In(all[i].Namespace).Delete(ctx, all[i].Name, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("delete record %s: %w", all[i].Name, err)
		}
	}
	return nil
}

// busy reports whether a record still has something to send, or a run to wait for.
func busy(rec *v1alpha1.Release) bool {
	return len(undone(rec)) > 0 || slices.ContainsFunc(rec.Status.Deliveries, running)
}

func (l *Ledger) mark(ctx context.Context, rec *v1alpha1.Release, status metav1.ConditionStatus, reason string) error {
	rec.Status.Phase = string(phase(rec))
	meta.SetStatusCondition(&rec.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionGone, Status: status, Reason: reason,
		LastTransitionTime: metav1.NewTime(l.clock.Now()),
	})
	_, err := l.update(ctx, rec)
	return err
}
