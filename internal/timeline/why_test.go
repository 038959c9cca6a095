package timeline_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/internal/timeline"
)

// What differs is told with what was so at that moment.
func TestWhyATimelineDiffers(t *testing.T) {
	const rule = "    - {name: web, on: {kind: Deployment}, when: \"release.ready && release.name != 'web'\", send: [ci]}\n"
	for name, tt := range map[string]struct{ rules, steps, expect, text, why string }{
		"a condition that is not true": {
			rule, "", "10s: ready Deployment/web release -> web/ci", "not sent:   10s ready Deployment/web release -> web/ci",
			`at 10s, Deployment/web rev 2 was ready
rule web: waiting: when is false: release.ready && release.name != 'web'
  ✗ release.ready && release.name != "web" is false
    ✓ release.ready is true
    ✗ release.name != "web" is false
      · release.name = "web"
in the end, its record said: web Waiting: when is false: release.ready && release.name != 'web'`,
		},
		"a release that was not ready then": {
			"    - {name: web, on: {kind: Deployment}, send: [ci]}\n", "", "5s: ready Deployment/web release rev 2 -> web/ci", "not sent:   5s",
			`instead, at 10s: ready Deployment/web release rev 2 -> web/ci
at 5s, Deployment/web rev 2 was waiting: 1 of 2 replicas are updated
rule web: waiting: 1 of 2 replicas are updated
  ✗ release.ready is false
in the end, its record said: web Holds: when is true: release.ready`,
		},
		"rules without an address": {
			rule + "    - {name: late, on: {kind: Deployment}, event: stalled, send: [ci]}\n    - {name: due, on: {kind: Deployment}, deadline: 1h, when: \"false\", send: [ci]}\n",
			"", "any: stalled Deployment/web release", "not sent:   any",
			`at 10s, Deployment/web rev 2 was ready
rule late: holds: when is true: true
  ✓ true is true
rule due: waiting: when is false: false
  ✗ false is false`,
		},
		"other parameters": {
			"    - {name: web, on: {kind: Deployment}, send: [{sink: ci, parameters: {a: \"'1'\"}}]}\n", "",
			"10s: ready Deployment/web release -> web/ci\n    parameters: {a: 2}", "{a: 2}", "instead, at 10s: ready Deployment/web release rev 2 -> web/ci {a: 1}",
		},
		"no such rule": {rule, "", "10s: ready Deployment/web release -> other/ci", "other/ci", "no such rule was about it"},
		"no such workload": {
			rule, "", "10s: ready Deployment/api release", "api", "rollcall had not looked at Deployment/api by then",
		},
		"tests": {
			"    - {name: web, on: {kind: Deployment}, send: [ci]}\n    - {name: done, on: {kind: Deployment}, event: tested, when: outcome.passed, send: [ci]}\n",
			"  - 20s: run ci failed\n", "20s: tested Deployment/web release -> done/ci", "not sent:   20s",
			`at 20s, Deployment/web rev 2 was tested: failure
rule done: waiting: when is false: outcome.passed
  ✗ outcome.passed is false
in the end, its record said: done Skipped: when is false: outcome.passed`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			all := explained(t, tt.rules, tt.steps, "\n  - "+tt.expect+"\n")
			require.NotEmpty(t, all)
			assert.Contains(t, all[0].Text, tt.text)
			assert.Contains(t, all[0].Why, tt.why)
		})
	}
}

func TestWhyAnEventWasSent(t *testing.T) {
	all := explained(t, "    - {name: web, on: {kind: Deployment}, when: \"release.images.exists(i, i == 'web:2')\", send: [ci]}\n", "", " []\n")
	require.Equal(t, []timeline.Difference{{
		Text: "x.yaml: unexpected: 10s ready Deployment/web release rev 2 -> web/ci",
		Why: `at 10s, Deployment/web rev 2 was ready
rule web: holds: when is true: release.images.exists(i, i == 'web:2')
  ✓ release.images.exists(i, i == "web:2") is true
    · release.images = ["web:2"]
    ✓ i = "web:2": i == "web:2" is true`,
	}, {
		Text: "x.yaml: record too many: Deployment/web rev 2 release Testing | web/ci Sent",
	}}, all)
}

func TestWhyADeadlineWasTold(t *testing.T) {
	all := explained(t, "    - {name: web, on: {kind: Deployment}, when: \"false\", deadline: 60s, send: [ci]}\n", "", " []\n")
	assert.Equal(t, "x.yaml: unexpected: 1m5s stalled Deployment/web release rev 2 -> web/ci", all[0].Text)
	assert.Equal(t, "at 1m5s, Deployment/web rev 2 was ready\nrule web: waiting: when is false: false\n  ✗ false is false", all[0].Why)
}

// explained runs a story with some rules, and says in what it differs.
func explained(t *testing.T, rules, steps, expect string) []timeline.Difference {
	t.Helper()
	text := "name: x\nwhy: y\nsource: derived\nrules: |\n  sinks: {ci: {argoWorkflow: {workflowTemplate: smoke}}}\n  rules:\n" + rules + `objects:
  - Deployment/web 1/1 | 2 | 2/2/2 | rev 1 | NewReplicaSetAvailable | web:1
steps:
  - 5s:  Deployment/web 2/2 | 2 | 2/1/2 | rev 2 | ReplicaSetUpdated | web:2
  - 10s: Deployment/web 2/2 | 2 | 2/2/2 | rev 2 | NewReplicaSetAvailable | web:2
` + steps + "expect:" + expect + "records:\n  - Deployment/web rev 1 initial Adopted\n"
	tl, mistakes := timeline.Read("x.yaml", []byte(text))
	require.Empty(t, mistakes)
	run, err := tl.Run(t.Context(), timeline.Options{})
	require.NoError(t, err)
	all := tl.Explain(t.Context(), run)
	texts := []string{}
	for _, d := range all {
		texts = append(texts, d.Text)
	}
	require.Equal(t, tl.Differences(run), texts)
	return all
}
