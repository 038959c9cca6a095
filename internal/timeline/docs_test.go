package timeline_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/internal/timeline"
)

func page(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("../../docs/timelines.md")
	require.NoError(t, err)
	return string(raw)
}

func TestTimelinesOfThePageEndAsTheyExpect(t *testing.T) {
	blocks := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllStringSubmatch(page(t), -1)
	require.GreaterOrEqual(t, len(blocks), 3)
	for _, b := range blocks {
		tl, mistakes := timeline.Read("timelines.md", []byte(b[1]))
		require.Empty(t, mistakes)
		t.Run(tl.Name, func(t *testing.T) {
			run, err := tl.Run(t.Context(), timeline.Options{})
			require.NoError(t, err)
			assert.Empty(t, tl.Differences(run))
			assert.NotEmpty(t, run.Events)
		})
	}
}

// The grammar of the page is the one that stands with the code that reads it.
func TestGrammarOfThePageIsTheOneOfTheCode(t *testing.T) {
	code, err := os.ReadFile("short.go")
	require.NoError(t, err)
	grammar := regexp.MustCompile("(?ms)^```\n(Deployment  .*?)^```$").FindStringSubmatch(page(t))
	require.NotNil(t, grammar)
	for line := range strings.SplitSeq(strings.TrimSpace(grammar[1]), "\n") {
		if line != "" {
			assert.Contains(t, string(code), "//\t"+line+"\n")
		}
	}
}
