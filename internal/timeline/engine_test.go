package timeline_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/internal/timeline"
)

// story is a timeline with a Deployment that is ready, some steps, and what is
// expected.
func story(steps, expect string) string {
	return `name: x
why: y
source: derived
objects:
  - Deployment/web 1/1 | 2 | 2/2/2 | rev 1 | NewReplicaSetAvailable | web:1
steps:
` + steps + "expect:\n" + expect
}

// live runs a text, and gives the differences, and everything that was told.
func live(t *testing.T, text string) ([]string, string) {
	t.Helper()
	tl, mistakes := timeline.Read("x.yaml", []byte(text))
	require.Empty(t, mistakes)
	var told strings.Builder
	run, err := tl.Run(t.Context(), timeline.Options{Tell: func(n timeline.Note) { fmt.Fprintln(&told, n) }})
	require.NoError(t, err)
	return tl.Differences(run), told.String()
}

const rolled = "  - %s: Deployment/web 2/2 | 2 | 2/2/2 | rev 2 | NewReplicaSetAvailable | web:2\n"

func TestWhatHappensToTheProcess(t *testing.T) {
	for name, tt := range map[string]struct{ steps, expect string }{
		"down while it rolls out": {
			"  - 10s: stop\n" + fmt.Sprintf(rolled, "20s") + "  - 40s: start\n",
			"  - 40s: ready Deployment/web release rev 2 late\n",
		},
		"started later": {
			fmt.Sprintf(rolled, "20s") + "  - 40s: start\n",
			"  []\n",
		},
		"dies on the first answer": {
			"  - 10s: crash after 1 call\n" + fmt.Sprintf(rolled, "20s"),
			"  - 20s: ready Deployment/web release rev 2\n",
		},
		"a cache that lags": {
			"  - 10s: lag Deployment 3s\n" + fmt.Sprintf(rolled, "20s"),
			"  - 23s: ready Deployment/web release rev 2\n",
		},
		"another cache that lags": {
			"  - 10s: lag DaemonSet 3s\n" + fmt.Sprintf(rolled, "20s"),
			"  - 20s: ready Deployment/web release rev 2\n",
		},
		"a call fails twice": {
			"  - 10s: fail get deployments 500 2 times\n" + fmt.Sprintf(rolled, "20s"),
			"  - 20.15s: ready Deployment/web release rev 2\n",
		},
		"calls fail for a time": {
			"  - 10s: fail any all 503 for 11s\n" + fmt.Sprintf(rolled, "20s"),
			"  - 21.55s: ready Deployment/web release rev 2\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, told := live(t, story(tt.steps, tt.expect))
			assert.Empty(t, got, told)
		})
	}
}

func TestASinkThatFailsIsToldLater(t *testing.T) {
	got, told := live(t, story("  - 10s: fail send test for 30s\n"+fmt.Sprintf(rolled, "20s"), "  - any: ready Deployment/web release rev 2\n"))
	assert.Empty(t, got, told)
	assert.Equal(t, 5, strings.Count(told, "a send to test fails"), told)
	assert.Contains(t, told, "51s  send     ready")
}

func TestTheSameTimelineEndsTheSame(t *testing.T) {
	text := story("  - 10s: fail send test 2 times\n"+fmt.Sprintf(rolled, "20s"), "  []\n")
	_, first := live(t, text)
	for range 5 {
		_, again := live(t, text)
		require.Equal(t, first, again)
	}
}

func TestDifferencesAreToldInTheWordsOfTheFile(t *testing.T) {
	got, _ := live(t, story(fmt.Sprintf(rolled, "20s"), "  - 30s: ready Deployment/web rollback rev 3 late\n")+
		"records:\n  - Deployment/web rev 1 initial Ready\n  - Deployment/web rev 2 release Ready\n  - Deployment/web rev 3 release Ready\n")
	assert.Equal(t, []string{
		"x.yaml:9: not sent:   30s ready Deployment/web rollback rev 3 late",
		"x.yaml: unexpected: 20s ready Deployment/web release rev 2 -> default-deployment/test",
		"x.yaml:11: record is:  Deployment/web rev 1 initial Adopted, not Deployment/web rev 1 initial Ready",
		"x.yaml:13: no record:  Deployment/web rev 3 release Ready",
	}, got)
}
