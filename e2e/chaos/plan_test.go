package chaos

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAPlanIsTheSeedsAndWithinItsBounds(t *testing.T) {
	plan := func(seed uint64) []Step {
		p, err := NewPlan(rand.New(rand.NewPCG(seed, 0)), 60, 20, 20*time.Second)
		require.NoError(t, err)
		return p
	}
	require.Equal(t, plan(7), plan(7))
	require.NotEqual(t, plan(7), plan(8))

	load, acts := map[string]int{}, map[Act]int{}
	var last time.Duration
	for _, s := range plan(7) {
		require.GreaterOrEqual(t, s.At, last, "in order")
		last = s.At
		acts[s.Act]++
		if s.Act != Scale && s.Act != Note {
			load[s.Name]++
		}
	}
	for name, n := range load {
		require.LessOrEqual(t, n, most+1, name)
	}
	for _, act := range []Act{Image, Back, Undo, Scale, Restart, Recreate, Replace, Bad, Note} {
		require.NotZero(t, acts[act], act)
	}
	_, err := NewPlan(rand.New(rand.NewPCG(1, 0)), 1000, 20, time.Second)
	require.Error(t, err)
}

func TestBlowsAreTheSeeds(t *testing.T) {
	draw := func() (out []Blow) {
		random := rand.New(rand.NewPCG(3, 0))
		for n := range 100 {
			out = append(out, NextBlow(random, n, 2))
		}
		return out
	}
	require.Equal(t, draw(), draw())
	kinds := map[Trouble]bool{}
	for _, b := range draw() {
		kinds[b.Trouble] = true
	}
	require.Len(t, kinds, 6)
}
