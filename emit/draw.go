package emit

import (
	"context"
	"fmt"

	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// drawable reports whether a record holds something that is to be drawn.
func (d *Dispatcher) drawable(rec *v1alpha1.Release) bool {
	return d.tracer != nil && (readyDrawable(rec) || len(runsDrawable(rec)) > 0)
}

// readyDrawable reports whether the spans up to the event can be drawn: each sink
// has been called once, and what the first call gave never changes again.
func readyDrawable(rec *v1alpha1.Release) bool {
	if rec.Status.Trace == nil || rec.Status.Trace.Drawn {
		return false
	}
	for _, del := range rec.Status.Deliveries {
		if del.First == nil && del.State != skipped && del.State != shadow {
			return false
		}
	}
	return true
}

// runsDrawable lists the deliveries whose runs have ended and are not drawn.
func runsDrawable(rec *v1alpha1.Release) []int {
	var out []int
	for i, del := range rec.Status.Deliveries {
		if (rec.Status.Trace != nil || del.Repeat > 0) && del.Outcome != nil && !del.Outcome.Drawn {
			out = append(out, i)
		}
	}
	return out
}

// draw has drawn what can be drawn, and then marks it in the record. A crash in
// between draws the same again, byte for byte.
func (d *Dispatcher) draw(ctx context.Context, rec *v1alpha1.Release) error {
	if !d.drawable(rec) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if readyDrawable(rec) {
		if err := d.tracer.DrawReady(ctx, rec); err != nil {
			return fmt.Errorf("draw release: %w", err)
		}
		rec.Status.Trace.Drawn = true
	}
	for _, i := range runsDrawable(rec) {
		if err := d.tracer.DrawRun(ctx, rec, i); err != nil {
			return fmt.Errorf("draw run: %w", err)
		}
		rec.Status.Deliveries[i].Outcome.Drawn = true
	}
	_, err := d.ledger.update(ctx, rec)
	return err
}
