package workload

import (
	"fmt"
	"time"

	"github.com/rollcall-dev/rollcall/watch/lean"
)

// State is what a workload's own object says about its rollout.
type State struct {
	// WaitingFor says in words what the rollout still lacks. It is empty when the
	// rollout is complete.
	WaitingFor string
	// Stalled is whether the controller has given the rollout up for now. A rollout
	// that is stalled is not complete, and may still become so.
	Stalled bool
	// RolledOutAt is when the controller found the rollout complete. It is zero for
	// a kind that does not tell.
	RolledOutAt time.Time
}

// Replicas is the number that a workload wants; the API's default is 1.
func Replicas(spec *int32) int32 {
	if spec == nil {
		return 1
	}
	return *spec
}

// of says that some of the wanted pods have a property.
func of[N int32 | lean.Count](have, want N, noun, property string) string {
	return fmt.Sprintf("%d of %d %s are %s", have, want, noun, property)
}

// observed reports whether a status is about a generation. One that is about a
// later generation belongs to another life of the object, like a status that a
// backup brought back.
func observed(seen, generation int64) bool { return seen != 0 && seen == generation }

// counted says that there are more or fewer pods than are wanted.
func counted[N int32 | lean.Count](have, want N) string {
	return fmt.Sprintf("%d pods still count where %d are wanted", have, want)
}

// unseen says that a controller has not seen the latest change.
func unseen(kind string) string {
	return "the " + kind + " controller has not seen the latest change"
}
