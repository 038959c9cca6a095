package timeline

import (
	"time"

	"k8s.io/utils/clock"
)

// virtual is a clock that stands still until it is set. Timers on it are real ones:
// in one goroutine nobody could wait for another kind.
type virtual struct {
	clock.RealClock
	now time.Time
}

// Now is the time that the clock was set to.
func (v *virtual) Now() time.Time { return v.now }

// Since is the time from then until now.
func (v *virtual) Since(then time.Time) time.Duration { return v.now.Sub(then) }
