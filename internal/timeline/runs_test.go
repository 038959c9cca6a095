package timeline_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/internal/timeline"
)

// started is a timeline of a release that starts a run, and what comes after it.
func started(rest string) string {
	return `name: x
why: y
source: derived
rules: |
  sinks: {ci: {argoWorkflow: {workflowTemplate: smoke}}, bus: {http: {url: "http://bus.invalid"}}}
  rules:
    - {name: web, on: {kind: Deployment}, supersede: cancel, send: [ci]}
    - {name: done, on: {kind: Deployment}, event: tested, send: [bus]}
objects:
  - Deployment/web 1/1 | 2 | 2/2/2 | rev 1 | NewReplicaSetAvailable | web:1
steps:
  - 10s: Deployment/web 2/2 | 2 | 2/2/2 | rev 2 | NewReplicaSetAvailable | web:2
` + rest
}

const (
	toCI = "expect:\n  - 10s: ready Deployment/web release -> web/ci\n"
	next = "  - 30s: Deployment/web 3/3 | 2 | 2/2/2 | rev 3 | NewReplicaSetAvailable | web:3\n"
)

func TestHowARunEnds(t *testing.T) {
	for name, tt := range map[string]struct{ rest, told string }{
		"as it is": {
			"  - 20s: run ci succeeded\n" + toCI + "  - 20s: tested Deployment/web release result success -> done/bus\n",
			"20s  run      ci of Deployment/web ended: success\n",
		},
		"with a message": {
			"  - 20s: run ci Deployment/web failed two are red\n" + toCI + "  - 20s: tested Deployment/web release rev 2 result failure\n",
			"20s  run      ci of Deployment/web ended: failure two are red\n",
		},
		"with an error": {
			"  - 20s: run ci Deployment/web rev 2 errored\n" + toCI + "  - 20s: tested Deployment/web release result error\n",
			"ended: error\n",
		},
		"seen by a cache that lags": {
			"  - 15s: lag Workflow 4s\n  - 20s: run ci succeeded\n" + toCI + "  - 24s: tested Deployment/web release\n", "20s  run ",
		},
		"that could not be read at first": {
			"  - 15s: fail get workflows 500 2 times\n  - 20s: run ci succeeded\n" + toCI + "  - 20.15s: tested Deployment/web release\n", "20s  run ",
		},
		"seen by two": {
			"  - 15s: second\n  - 20s: run ci succeeded\n" + toCI + "  - 20s: tested Deployment/web release\n", "20s  run ",
		},
		"while nobody is there": {
			"  - 15s: stop\n  - 20s: run ci succeeded\n  - 25s: start\n" + toCI + "  - 25s: tested Deployment/web release\n", "20s  run ",
		},
		"because it is stopped": {
			next + toCI + "  - 30s: stop Deployment/web release rev 2 -> web/ci\n  - 30s: ready Deployment/web release rev 3\n",
			"30s  stop     stop Deployment/web release rev 2 -> web/ci\n",
		},
		"because it is stopped at the third try": {
			"  - 20s: fail stop ci 2 times\n" + next + toCI + "  - 30.15s: stop Deployment/web release rev 2 -> web/ci\n  - 30s: ready Deployment/web release rev 3\n",
			"30s  stop     a run of ci cannot be stopped\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, told := live(t, started(tt.rest))
			assert.Empty(t, got, told)
			assert.Contains(t, told, tt.told)
		})
	}
}

// A run that was stopped, and whose answer was lost, is not stopped twice.
func TestARunIsStoppedOnce(t *testing.T) {
	text := started(next + toCI + "  - 30s: stop Deployment/web release rev 2 -> web/ci\n  - 30s: ready Deployment/web release rev 3\n")
	tl, mistakes := timeline.Read("x.yaml", []byte(text))
	require.Empty(t, mistakes)
	calm, err := tl.Run(t.Context(), timeline.Options{})
	require.NoError(t, err)
	for n := range calm.Calls {
		run, err := tl.Run(t.Context(), timeline.Options{CrashAfter: n + 1})
		require.NoError(t, err)
		stops := 0
		for _, s := range run.Events {
			if s.Event == "stop" {
				stops += 1 + s.Again
			}
		}
		require.Equal(t, 1, stops, "crash on call %d", n+1)
	}
}

func TestARunThatIsNotThereCannotEnd(t *testing.T) {
	for _, step := range []string{"run bus succeeded", "run ci Deployment/other failed", "run ci Deployment/web rev 3 failed"} {
		tl, mistakes := timeline.Read("x.yaml", []byte(started("  - 20s: "+step+"\n"+toCI)))
		require.Empty(t, mistakes)
		_, err := tl.Run(t.Context(), timeline.Options{})
		require.ErrorContains(t, err, "x.yaml:13: there is no run of "+strings.Fields(step)[1])
	}
}

// If rollcall is disturbed, a run may start after the moment at which it is to end.
func TestARunThatStartsTooLateEndsAtOnce(t *testing.T) {
	text := started("  - 10.1s: run ci succeeded\n" + toCI + "  - 10.1s: tested Deployment/web release\n")
	tl, mistakes := timeline.Read("x.yaml", []byte(text))
	require.Empty(t, mistakes)
	run, err := tl.Run(t.Context(), timeline.Options{FailOnce: true})
	require.NoError(t, err)
	require.Len(t, run.Events, 2)
	require.Equal(t, "tested", run.Events[1].Event)
}

func TestHowTheEndOfARunIsWritten(t *testing.T) {
	for _, step := range []string{"run", "run ci", "run ci ended", "run ci Deployment/web", "run ci Deployment/web rev 2", "run ci web/ succeeded", "run ci rev 2 succeeded"} {
		_, mistakes := timeline.Read("x.yaml", []byte(started("  - 20s: "+step+"\n"+toCI)))
		assert.Len(t, mistakes, 1, step)
	}
}

func TestWhatIsExpectedOfParametersAndRecords(t *testing.T) {
	const head = `name: x
why: y
source: derived
rules: |
  sinks: {bus: {http: {url: "http://bus.invalid"}}}
  rules:
    - {name: web, on: {kind: Deployment}, send: [{sink: bus, parameters: {a: "'1'", b: "'2'"}}]}
    - {name: bare, on: {kind: Deployment}, send: [bus]}
objects:
  - Deployment/web 1/1 | 2 | 2/2/2 | rev 1 | NewReplicaSetAvailable | web:1
steps:
  - 10s: Deployment/web 2/2 | 2 | 2/2/2 | rev 2 | NewReplicaSetAvailable | web:2
expect:
  - 10s: ready Deployment/web release -> web/bus
`
	const bare = "  - 10s: ready Deployment/web release -> bare/bus\n"
	for name, tt := range map[string]struct {
		rest string
		want []string
	}{
		"nothing is said":   {bare, nil},
		"all are given":     {"    parameters: {a: 1, b: '2'}\n" + bare, nil},
		"one is given":      {"    parameters: {a: 1}\n" + bare, nil},
		"there are none":    {bare + "    parameters: {}\n", nil},
		"one differs":       {"    parameters: {a: 1, b: 3}\n" + bare, []string{"not sent:   10s ready Deployment/web release -> web/bus {a: 1, b: 3}", "unexpected: 10s"}},
		"one is missing":    {"    parameters: {c: 1}\n" + bare, []string{"not sent", "unexpected: 10s"}},
		"there are some":    {"    parameters: {}\n" + bare, []string{"-> web/bus {}", "unexpected: 10s"}},
		"deliveries":        {bare + "records:\n  - Deployment/web rev 1 initial Adopted | -\n  - Deployment/web rev 2 release Ready | web/bus  Sent | bare/bus Sent\n", nil},
		"other deliveries":  {bare + "records:\n  - Deployment/web rev 1 initial Adopted\n  - Deployment/web rev 2 release Ready | web/bus Skipped\n", []string{"record is:  Deployment/web rev 2 release Ready | web/bus Sent | bare/bus Sent, not Deployment/web rev 2 release Ready | web/bus Skipped"}},
		"no deliveries":     {bare + "records:\n  - Deployment/web rev 1 initial Adopted\n  - Deployment/web rev 2 release Ready | -\n", []string{"record is"}},
		"not in that order": {bare + "records:\n  - Deployment/web rev 1 initial Adopted\n  - Deployment/web rev 2 release Ready | bare/bus Sent | web/bus Sent\n", []string{"record is"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, told := live(t, head+tt.rest)
			require.Len(t, got, len(tt.want), "%s\n%s", got, told)
			for i, want := range tt.want {
				assert.Contains(t, got[i], want)
			}
		})
	}
	for _, rest := range []string{
		"    parameters: [a]\n", "    parameters: {a: [1]}\n", "    other: {}\n", "    parameters: {a: 1, a: 2}\n", "  - [10s]\n", "  - 10s: [ready]\n",
		"  - 10s: tested Deployment/web release result good\n", "  - 10s: ready Deployment/web release repeat 0\n", "  - 10s: ready Deployment/web release repeat\n",
	} {
		_, mistakes := timeline.Read("x.yaml", []byte(head+rest))
		assert.NotEmpty(t, mistakes, rest)
	}
}
