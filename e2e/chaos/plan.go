package chaos

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Act is one thing that is done to a Deployment.
type Act string

// What is done, and to how many of a hundred.
const (
	Image    Act = "image"    // a new image
	Back     Act = "back"     // the template of before, at once: a revert
	Undo     Act = "undo"     // the template of the revision before: a rollback
	Scale    Act = "scale"    // another number of pods
	Restart  Act = "restart"  // as kubectl rollout restart
	Recreate Act = "recreate" // deleted, and created again as it was
	Replace  Act = "replace"  // deleted, and created again with a new image
	Bad      Act = "bad"      // an image that never becomes ready
	Note     Act = "note"     // an annotation, which is no release
)

// Step is an act, and when it is done.
type Step struct {
	At   time.Duration
	Name string // of the Deployment
	Act  Act
	N    int // what tells it from others of its kind
}

// most is how many releases of one Deployment a plan may hold: rollcall compares a
// release with the last ten, and so does the oracle.
const most = 8

// NewPlan makes a plan of so many releases over so many Deployments, in about the
// time given. Some acts that are no releases come on top.
func NewPlan(random *rand.Rand, releases, deployments int, over time.Duration) ([]Step, error) {
	if releases > most*deployments*3/4 {
		return nil, fmt.Errorf("plan %d releases: they are too many for %d Deployments", releases, deployments)
	}
	lots := []struct {
		act Act
		of  int
	}{{Image, 36}, {Back, 12}, {Undo, 12}, {Restart, 8}, {Recreate, 6}, {Replace, 6}, {Bad, 8}, {Scale, 8}, {Note, 4}}
	load := make([]int, deployments)
	var plan []Step
	for n := 0; n < releases; {
		i := random.IntN(deployments)
		if load[i] >= most {
			continue
		}
		roll, act := random.IntN(100), Image
		for _, l := range lots {
			if roll < l.of {
				act = l.act
				break
			}
			roll -= l.of
		}
		step := Step{At: time.Duration(random.Int64N(int64(over))), Name: nameOf(i), Act: act, N: len(plan)}
		switch act {
		case Scale, Note:
			plan = append(plan, step)
			continue
		case Back: // An image first, and soon the one before it.
			plan = append(plan, Step{At: step.At, Name: step.Name, Act: Image, N: step.N})
			step.At += time.Duration(50+random.IntN(1500)) * time.Millisecond
			step.N++
			load[i]++
			n++
		}
		plan = append(plan, step)
		load[i]++
		n++
	}
	slices.SortStableFunc(plan, func(a, b Step) int { return int(a.At - b.At) })
	return plan, nil
}

func nameOf(i int) string { return fmt.Sprintf("app-%d", i) }

// Trouble is something that happens to a replica, or to its wire.
type Trouble string

// What happens.
const (
	Kill      Trouble = "kill"      // kill -9, and a new process
	Cut       Trouble = "cut"       // all its connections are closed
	Reset     Trouble = "reset"     // they are reset for a while
	Slowness  Trouble = "slow"      // everything takes longer for a while
	Scarcity  Trouble = "narrow"    // few bytes get through for a while
	Partition Trouble = "partition" // nothing gets through for longer than the lead lasts
)

// Blow is a trouble, whom it hits and for how long.
type Blow struct {
	After   time.Duration // since the last one
	Replica int
	Trouble Trouble
	For     time.Duration
}

// lull is how long there is no blow after every nine: long enough for a release to
// be due.
const lull = 16 * time.Second

// NextBlow draws the next one, which is the n-th.
func NextBlow(random *rand.Rand, n, replicas int) Blow {
	troubles := []Trouble{Kill, Kill, Kill, Cut, Cut, Reset, Slowness, Scarcity, Partition}
	b := Blow{
		After:   300*time.Millisecond + time.Duration(random.IntN(3000))*time.Millisecond,
		Replica: random.IntN(replicas),
		Trouble: troubles[random.IntN(len(troubles))],
		For:     500*time.Millisecond + time.Duration(random.IntN(1500))*time.Millisecond,
	}
	if b.Trouble == Partition {
		b.For = 4 * time.Second
	}
	if n%10 == 9 {
		b.After = lull
	}
	return b
}
