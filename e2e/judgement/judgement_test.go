package judgement_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/e2e/judgement"
)

var update = flag.Bool("update", false, "write the table of differences into the page")

const (
	page  = "../../docs/readiness.md"
	begin = "<!-- differences: begin -->\n"
	end   = "<!-- differences: end -->\n"
)

func TestNothingIsReadySoonerThanOthersSay(t *testing.T) {
	all, err := judgement.Space()
	require.NoError(t, err)
	sizes, ready := map[string]int{}, map[string]int{}
	for _, o := range all {
		sizes[o.Kind]++
		if o.Ours == "" {
			ready[o.Kind]++
		}
	}
	t.Logf("states: %v, of which ready: %v", sizes, ready)
	require.Greater(t, len(all), 80000)
	for kind := range sizes {
		require.Positive(t, ready[kind], "no %s is ready, and so nothing is compared", kind)
	}
	sooner, later, err := judgement.Compare(t.Context(), t.TempDir(), all)
	require.NoError(t, err)
	for i, c := range sooner {
		if assert.Less(t, i, 10, "and %d more", len(sooner)-i); i == 10 {
			break
		}
		assert.Fail(t, "rollcall is ready, and another judge is not", c.String())
	}
	explained(t, later)
}

// explained holds that each case in which rollcall waits longer is of a known
// difference, and that each difference is there, for each of its judges.
func explained(t *testing.T, later []judgement.Case) {
	t.Helper()
	hits, unknown := judgement.Explain(later)
	for _, c := range unknown[:min(len(unknown), 10)] {
		assert.Fail(t, "rollcall waits, another judge does not, and no difference explains it", c.String())
	}
	for _, d := range judgement.Differences() {
		for _, judge := range d.Judges {
			assert.Positive(t, hits[judgement.Hit{Kind: d.Kind, States: d.States, Judge: judge}], "no state is of the difference %q of a %s for %s", d.States, d.Kind, judge)
		}
	}
}

func TestPageTellsTheDifferences(t *testing.T) {
	raw, err := os.ReadFile(page)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(raw), begin)
	require.True(t, ok, "%s has no line %s", page, begin)
	table, after, ok := strings.Cut(rest, end)
	require.True(t, ok, "%s has no line %s", page, end)
	if *update {
		require.NoError(t, os.WriteFile(page, []byte(before+begin+judgement.Table()+end+after), 0o644))
		return
	}
	require.Equal(t, judgement.Table(), table, "go test ./... -update writes the table anew")
}
