package timeline

import (
	"slices"
	"time"

	"k8s.io/client-go/util/workqueue"
)

// The delays of what is asked for again after an error, as in the controller.
const (
	firstDelay = 50 * time.Millisecond
	lastDelay  = 30 * time.Second
)

// queue is a work queue on a clock that is set. Nobody waits at it: if nothing is
// due, it says that it is shut down.
type queue[T comparable] struct {
	now    func() time.Time
	ready  []T
	later  map[T]time.Time
	order  []T // of later, as it came
	failed map[T]int
	atHand map[T]bool
	again  map[T]bool // was added while at hand
}

var _ workqueue.TypedRateLimitingInterface[string] = (*queue[string])(nil)

func newQueue[T comparable](now func() time.Time) *queue[T] {
	return &queue[T]{now: now, later: map[T]time.Time{}, failed: map[T]int{}, atHand: map[T]bool{}, again: map[T]bool{}}
}

// Add puts an item at the end, unless it is there.
func (q *queue[T]) Add(item T) {
	switch {
	case q.atHand[item]:
		q.again[item] = true
	case !slices.Contains(q.ready, item):
		q.ready = append(q.ready, item)
	}
}

// AddAfter puts an item at the end after a time; the earliest counts.
func (q *queue[T]) AddAfter(item T, after time.Duration) {
	at := q.now().Add(after)
	if after <= 0 {
		q.Add(item)
		return
	}
	if was, ok := q.later[item]; !ok {
		q.order = append(q.order, item)
	} else if was.Before(at) {
		return
	}
	q.later[item] = at
}

// AddRateLimited puts an item at the end, later each time.
func (q *queue[T]) AddRateLimited(item T) {
	n := q.failed[item]
	q.failed[item]++
	q.AddAfter(item, min(firstDelay<<min(n, 16), lastDelay))
}

// Forget ends the counting of an item's failures.
func (q *queue[T]) Forget(item T) { delete(q.failed, item) }

// NumRequeues counts an item's failures.
func (q *queue[T]) NumRequeues(item T) int { return q.failed[item] }

// Len counts what is due.
func (q *queue[T]) Len() int {
	q.ripen()
	return len(q.ready)
}

// ripen adds what has become due.
func (q *queue[T]) ripen() {
	q.order = slices.DeleteFunc(q.order, func(item T) bool {
		if q.later[item].After(q.now()) {
			return false
		}
		delete(q.later, item)
		q.Add(item)
		return true
	})
}

// Get takes the next item; true if there is none now.
func (q *queue[T]) Get() (item T, shutdown bool) {
	if q.Len() == 0 {
		return item, true
	}
	item, q.ready = q.ready[0], q.ready[1:]
	q.atHand[item] = true
	return item, false
}

// Done ends the work on an item.
func (q *queue[T]) Done(item T) {
	delete(q.atHand, item)
	if q.again[item] {
		delete(q.again, item)
		q.Add(item)
	}
}

// next is when something will be due; false if nothing will.
func (q *queue[T]) next() (time.Time, bool) {
	var soonest time.Time
	for _, at := range q.later {
		if soonest.IsZero() || at.Before(soonest) {
			soonest = at
		}
	}
	return soonest, !soonest.IsZero()
}

// ShutDown does nothing: the queue ends with its process.
func (q *queue[T]) ShutDown() {}

// ShutDownWithDrain does nothing: the queue ends with its process.
func (q *queue[T]) ShutDownWithDrain() {}

// ShuttingDown returns false.
func (q *queue[T]) ShuttingDown() bool { return false }
