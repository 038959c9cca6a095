package chaos

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Effect is what rollcall did about a release: a Workflow that it created.
type Effect struct {
	Key     Key
	Images  string
	Version int64 // the resource version at which it was created
}

// Span is a stretch of time.
type Span struct{ From, To time.Time }

// History is all that is known of one Deployment's name in one round.
type History struct {
	// Moments are all states of the Deployment and its ReplicaSets.
	Moments []Moment
	// Effects are all Workflows that were created for it.
	Effects []Effect
	// Led are the times in which a replica of rollcall led that was neither killed
	// nor cut off. Calls may still have failed.
	Led []Span
	// Since is the resource version before which what is ready is a baseline.
	Since int64
	// End is when the last look was taken.
	End time.Time
}

// Judge says what rollcall did wrong about one Deployment; nil if nothing.
//
// A release is a template under one revision of one object. It is complete once
// the Deployment and its ReplicaSet say so in one state of the cluster. Then:
//
//   - Early: a Workflow for a release that was not complete before, in the order
//     of resource versions, is never right. It may come when the release is no
//     longer complete or no longer current: what was decided is still delivered.
//   - Twice: one release has at most one Workflow.
//   - Missing: a release that stayed complete for the time of grace, while one
//     replica led without a break, must have its Workflow. One that was overtaken,
//     deleted or scaled to nothing sooner, or while nobody led, may have it or may
//     be superseded: nobody can tell from outside whether rollcall had the time to
//     see it.
//   - Uncalled for: a restart, the same template on a new object, a return to the
//     release that was announced last, and a baseline have none.
//
// The last rule depends on which release rollcall saw complete last, and that is
// known only in part when releases were superseded. So the oracle follows every
// belief that is consistent with what rollcall did so far, and complains once there
// is none left.
func Judge(h History, grace time.Duration) []string {
	releases := Releases(h.Moments, h.End)
	byKey := map[Key]*Release{}
	for _, r := range releases {
		byKey[r.Key] = r
	}
	var wrong []string
	announced := map[Key]int{}
	for _, e := range h.Effects {
		announced[e.Key]++
		switch r := byKey[e.Key]; {
		case r == nil || len(r.Complete) == 0:
			wrong = append(wrong, fmt.Sprintf("early: %s was announced at %d, and never was complete", e.Key, e.Version))
		case e.Version <= r.Complete[0].Version:
			wrong = append(wrong, fmt.Sprintf("early: %s was announced at %d, and was complete only at %d", e.Key, e.Version, r.Complete[0].Version))
		case e.Images != r.Images:
			wrong = append(wrong, fmt.Sprintf("mixed up: %s was announced with images %s, and runs %s", e.Key, e.Images, r.Images))
		}
	}
	for key, n := range announced {
		if n > 1 {
			wrong = append(wrong, fmt.Sprintf("twice: %s was announced %d times", key, n))
		}
	}
	slices.Sort(wrong)
	return append(wrong, follow(h, releases, announced, grace)...)
}

// follow walks the complete releases in their order with all beliefs about what
// rollcall saw.
func follow(h History, releases []*Release, announced map[Key]int, grace time.Duration) []string {
	complete := slices.DeleteFunc(slices.Clone(releases), func(r *Release) bool { return len(r.Complete) == 0 })
	slices.SortStableFunc(complete, func(a, b *Release) int { return cmp.Compare(a.Complete[0].Version, b.Complete[0].Version) })
	beliefs := []belief{{}}
	var wrong []string
	for _, r := range complete {
		if r.Complete[0].Version < h.Since {
			if announced[r.Key] > 0 {
				wrong = append(wrong, fmt.Sprintf("uncalled for: %s was announced, and ran before rollcall did", r.Key))
			}
			beliefs = []belief{belief{}.saw(r)}
			continue
		}
		must := due(r, h.Led, grace)
		var next []belief
		var why []string
		for _, b := range beliefs {
			expected, reason := b.expects(r, releases)
			why = append(why, reason)
			next = append(next, b.after(r, expected, announced[r.Key] > 0, must)...)
		}
		if len(next) > 0 {
			beliefs = distinct(next)
			continue
		}
		slices.Sort(why)
		if announced[r.Key] > 0 {
			wrong = append(wrong, fmt.Sprintf("uncalled for: %s was announced: %v", r.Key, slices.Compact(why)))
		} else {
			wrong = append(wrong, fmt.Sprintf("missing: %s is complete since %d and was not announced: %v", r.Key, r.Complete[0].Version, slices.Compact(why)))
		}
		for i := range beliefs { // Go on as if it had been right.
			beliefs[i] = beliefs[i].saw(r)
		}
		beliefs = distinct(beliefs)
	}
	return wrong
}

// due reports whether a release was complete, without a break, for the time of
// grace while one replica led.
func due(r *Release, led []Span, grace time.Duration) bool {
	for _, c := range r.Complete {
		for _, l := range led {
			from, to := c.From, c.To
			if l.From.After(from) {
				from = l.From
			}
			if l.To.Before(to) {
				to = l.To
			}
			if to.Sub(from) >= grace {
				return true
			}
		}
	}
	return false
}
