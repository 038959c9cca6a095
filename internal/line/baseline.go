package line

import (
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
)

// slack is how long before the last sign of life a leader may already have been
// unable to write down what it saw: renewing the lease is one call, and goes
// through when others are refused.
const slack = 10 * time.Minute

// Baseline tells what was there before rollcall from what came while it was away.
// A subject without a record, at the first look, ran before rollcall if it is
// older than the lease, or if a leader was alive for a while after it came and
// had the time to record it.
func Baseline(l *coordinationv1.Lease) func(created time.Time) bool {
	if l == nil || l.Spec.RenewTime == nil {
		return func(time.Time) bool { return true }
	}
	installed, alive := l.CreationTimestamp.Time, l.Spec.RenewTime.Add(-slack)
	return func(created time.Time) bool { return !created.After(installed) || created.Before(alive) }
}
