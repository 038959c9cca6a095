package timeline_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/internal/timeline"
)

const folder = "testdata/readiness"

func load(t *testing.T, file string) *timeline.Timeline {
	t.Helper()
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	tl, mistakes := timeline.Read(file, raw)
	require.Empty(t, mistakes)
	return tl
}

// Every situation ends as its file says; and it ends the same, if not earlier, when
// caches lag, rollcall is restarted or dies, and calls fail.
func TestReadiness(t *testing.T) { endsAsItSays(t, folder) }

// So does every story of what rules can ask for beyond a condition.
func TestTerms(t *testing.T) { endsAsItSays(t, "testdata/terms") }

func endsAsItSays(t *testing.T, folder string) {
	t.Helper()
	files, err := filepath.Glob(folder + "/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			tl := load(t, file)
			run, err := tl.Run(t.Context(), timeline.Options{})
			require.NoError(t, err)
			for _, d := range tl.Differences(run) {
				t.Error(d)
			}
			if !t.Failed() && !testing.Short() {
				disturb(t, tl, run)
			}
		})
	}
}

// effect is what arrived, however often it was sent. Turns have ids by the time at which
// they are due, and that depends on when the first was told.
type effect struct {
	ID, Event, Subject, Kind, Rule, Sink, Result string
	Repeat                                       int64
	Nth                                          int // of those that are the same
}

func effects(run *timeline.Run) map[effect]time.Duration {
	out := map[effect]time.Duration{}
	for _, s := range run.Events {
		e := effect{s.ID, s.Event, s.Subject.String(), s.Kind, s.Rule, s.Sink, s.Result, s.Repeat, 0}
		if s.Repeat > 0 {
			e.ID = ""
		}
		for _, known := out[e]; known; _, known = out[e] {
			e.Nth++
		}
		out[e] = s.At
	}
	return out
}

// disturb runs a timeline again, with each kind of trouble.
func disturb(t *testing.T, tl *timeline.Timeline, calm *timeline.Run) {
	t.Helper()
	want := effects(calm)
	for name, opt := range disturbances(tl, calm) {
		kind, _, _ := cut(name)
		if _, excused := tl.Undisturbed[timeline.Disturbance(kind)]; excused {
			continue
		}
		run, err := tl.Run(t.Context(), opt)
		if !assert.NoError(t, err, name) {
			continue
		}
		got := effects(run)
		for e := range want {
			if _, ok := got[e]; !ok {
				t.Errorf("%s: %s: not sent: %+v", tl.File, name, e)
			}
		}
		for e, at := range got {
			if calmly, ok := want[e]; !ok {
				t.Errorf("%s: %s: unexpected, at %s: %+v", tl.File, name, at, e)
			} else if at < calmly {
				t.Errorf("%s: %s: at %s, and not at %s, and so too early: %+v", tl.File, name, at, calmly, e)
			}
		}
	}
}

func cut(name string) (string, string, bool) {
	for i, c := range name {
		if c == ' ' {
			return name[:i], name[i+1:], true
		}
	}
	return name, "", false
}

// disturbances are the ways to run a timeline again. Of steps and calls some are
// chosen, always the same ones.
func disturbances(tl *timeline.Timeline, calm *timeline.Run) map[string]timeline.Options {
	out := map[string]timeline.Options{"fail once": {FailOnce: true}}
	for _, kind := range []string{"all", "Deployment", "StatefulSet", "DaemonSet", "Rollout", "Application", "Kustomization", "HelmRelease", "Release"} {
		if kind == "all" || kind == "Release" || slices.Contains(tl.Kinds(), kind) {
			out["lag "+kind] = timeline.Options{Behind: map[string]time.Duration{kind: 700 * time.Millisecond}}
		}
	}
	for _, n := range chosen(len(tl.Steps)) {
		out[fmt.Sprint("restart after step ", n)] = timeline.Options{RestartAfter: n}
	}
	for _, n := range chosen(calm.Calls) {
		out[fmt.Sprint("crash on call ", n)] = timeline.Options{CrashAfter: n}
		out[fmt.Sprint("fail call ", n)] = timeline.Options{FailAt: n}
	}
	return out
}

// chosen are up to a dozen of n: the first ones, the last ones, and some between.
func chosen(n int) []int {
	var out []int
	for i := 1; i <= n; i++ {
		if i <= 4 || i > n-4 || i%(n/4+1) == 0 {
			out = append(out, i)
		}
	}
	return out
}
