package timeline_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/internal/timeline"
)

const head = "name: x\nwhy: y\nsource: derived\n"

func TestMistakesAreToldWhereTheyAre(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"nothing":          {"", "1:1: the file is empty"},
		"no YAML":          {"a: b: c", "1:1: yaml:"},
		"two documents":    {head + "expect: []\n---\na: b\n", "a timeline is one document"},
		"a list":           {"- a\n", "1:1: a timeline must be a mapping"},
		"unknown field":    {head + "expects: []\n", `4:1: unknown field "expects" in a timeline`},
		"given twice":      {head + "expect: []\nname: z\n", "5:1: name is given twice"},
		"no name":          {"why: y\nsource: derived\nexpect: []\n", "1:1: the timeline has no name"},
		"empty name":       {"name:\nwhy: y\nsource: derived\nexpect: []\n", "1:6: name must be a text"},
		"source":           {"name: x\nwhy: y\nsource: guessed\nexpect: []\n", "3:9: source must be recorded or derived"},
		"steps no list":    {head + "steps: {}\nexpect: []\n", "4:8: steps must be a list"},
		"step no mapping":  {head + "steps: [restart]\nexpect: []\n", "4:9: a step is written as in 12s: restart"},
		"time":             {head + "steps:\n  - soon: restart\nexpect: []\n", `5:5: "soon" is no time`},
		"back in time":     {head + "steps:\n  - 2s: stop\n  - 1s: start\nexpect: []\n", "6:5: a step cannot be before the last one"},
		"unknown action":   {head + "steps:\n  - 1s: jump\nexpect: []\n", `5:9: "jump" must name an object`},
		"half a patch":     {head + "steps:\n  - 1s: {patch: Deployment/web}\nexpect: []\n", "5:9: a step has apply, or patch and with, or rules"},
		"object, no kind":  {head + "objects:\n  - {metadata: {name: a}}\nexpect: []\n", "5:5: an object has apiVersion, kind and metadata.name"},
		"kind, no form":    {head + "objects:\n  - ConfigMap/a x\nexpect: []\n", `5:5: there is no short form for kind "ConfigMap": write the object`},
		"short form":       {head + "objects:\n  - Deployment/web 1/1 | 3 | 3/3 | rev 1 | - | a:1\nexpect: []\n", `5:5: counts "3/3" must be three numbers, as in 4/1/3`},
		"rules":            {head + "rules: |\n  rules:\n    - {name: a}\nexpect: []\n", "6:8: rules: rule does not say what it is on"},
		"expected event":   {head + "expect:\n  - 1s: happy Deployment/web release\n", `5:9: unknown event "happy"; there are ready, stalled, superseded`},
		"expected kind":    {head + "expect:\n  - 1s: ready Deployment/web new\n", `unknown kind of release "new"; there are initial, release`},
		"expected word":    {head + "expect:\n  - 1s: ready Deployment/web release version 2\n", `unknown word "version"; there are rev N`},
		"expected address": {head + "expect:\n  - 1s: ready Deployment/web release -> ci\n", `"ci" must be a rule and a sink, as in smoke/ci`},
		"record":           {head + "expect: []\nrecords: [Deployment/web Ready]\n", "5:11: a record is written as in Deployment/web rev 2 release Ready"},
		"disturbance":      {head + "expect: []\nundisturbed: {rain: x}\n", `5:15: unknown field "rain" in undisturbed; there are lag, restart, crash, fail`},
		"flag":             {head + "flags: {workers: 3}\nexpect: []\n", `4:9: unknown field "workers" in flags`},
		"crash":            {head + "steps:\n  - 1s: crash after lunch\nexpect: []\n", "5:9: a crash is written as in crash after 3 calls"},
		"lag":              {head + "steps:\n  - 1s: lag Deployment\nexpect: []\n", "5:9: a lag is written as in lag Deployment 5s"},
		"fail":             {head + "steps:\n  - 1s: fail everything\nexpect: []\n", "5:9: a failure is written as in fail update"},
		"fail, verb":       {head + "steps:\n  - 1s: fail watch pods for 3s\nexpect: []\n", "5:9: a failure is written as in fail update"},
		"restart of what":  {head + "steps:\n  - 1s: restart it\nexpect: []\n", `5:9: restart takes nothing else, not "it"`},
	} {
		t.Run(name, func(t *testing.T) {
			tl, mistakes := timeline.Read("x.yaml", []byte(tt.text))
			require.Nil(t, tl)
			require.NotEmpty(t, mistakes)
			var all []string
			for _, m := range mistakes {
				all = append(all, m.String())
			}
			assert.Contains(t, strings.Join(all, "\n"), tt.want)
		})
	}
}

func TestMistakesInShortForms(t *testing.T) {
	for line, want := range map[string]string{
		"Deployment/web":   "generation is missing",
		"Deployment/web 1": `generation "1" must be two numbers, as in 2/1`,
		"Deployment/web x/1 | 1 | 1/1/1 | rev 1 | - | a:1":          `generation "x" is no number`,
		"Deployment/web 1/1 | 1 | 1/1/1 | 1 | - | a:1":              `revision "1" must be written as in rev 2`,
		"Deployment/web 1/1 | 1 | 1/1/1 | rev 1 | -":                "template is missing",
		"Deployment/web 1/1 | 1 | 1/1/1 | rev 1 | - | init a:1":     "template has no image",
		"Deployment/web 1/1 | 1 | 1/1/1 | rev 1 | - | a:1, tag x=y": `part "tag x=y" of the template`,
		"Deployment/web 1/1 | 1 | 1/1/1 up=3 | rev 1 | - | a:1":     `count "up" is unknown here, there are ready, term, new`,
		"Deployment/web 1/1 | 1 | 1/1/1 | rev 1 | - | a:1 | asleep": `field "asleep" is unknown here`,
		"deployment/web 1/1":                                                       `"deployment/web" must name an object, as in Deployment/web`,
		"Application/shop Synced@c1 | Succeeded@c1":                                "health is missing",
		"Application/shop Synced@c1 | Succeeded@c1 | Healthy | owns web":           `owns: "web" must name an object`,
		"Kustomization/apps 1/1 | True | c1":                                       "revision that was attempted is missing",
		"HelmRelease/web 1/1 | True | deployed 1.2.3":                              "history must be written as in v2 deployed 1.2.3",
		"StatefulSet/db 1/1 | 3 | 3/3/3 | rev 1/1 | db:1 | partition=x":            `partition "x" is no number`,
		"DaemonSet/agent 1/1 | 3 | 3/3/3 | rev 1 | a:1":                            `counts "3" must be three numbers`,
		"Rollout/web 1/1 | 3 | 3/3/3 | rev 1 | Healthy | a:1 | stable 1 | running": `field "running" is unknown here`,
	} {
		t.Run(line, func(t *testing.T) {
			_, mistakes := timeline.Read("x.yaml", []byte(head+"objects:\n  - "+line+"\nexpect: []\n"))
			require.Len(t, mistakes, 1)
			assert.Contains(t, mistakes[0].Message, want)
		})
	}
}

// What cannot be done is told with its line when it is run.
func TestWhatCannotBeDoneIsTold(t *testing.T) {
	for step, want := range map[string]string{
		"delete Deployment/api": "x.yaml:5: Deployment/api: there is none to delete",
		"touch Deployment/api":  "x.yaml:5: Deployment/api: there is none to touch",
		"{apply: {apiVersion: v1, kind: Node, metadata: {name: a}}}": "",
		"{patch: Unheard/web, with: {}}":                             "x.yaml:5: Unheard/web: unknown kind",
	} {
		t.Run(step, func(t *testing.T) {
			tl, mistakes := timeline.Read("x.yaml", []byte(head+"steps:\n  - 1s: "+step+"\nexpect: []\n"))
			require.Empty(t, mistakes)
			_, err := tl.Run(t.Context(), timeline.Options{})
			if want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, want)
		})
	}
}

func FuzzNoTextPanics(f *testing.F) {
	f.Add(story("  - 1s: restart\n", "  []\n"))
	f.Add(story("  - 1s: Application/a Synced@c1 | Running@c1 | Healthy | owns Deployment/web | OutOfSync Deployment/web\n", "  - any: ready Deployment/web release over 1,2 -> a/b\n"))
	f.Add(head + "objects:\n  - HelmRelease/web 1/1 | True | v1 deployed 1.2.3 | Released=True/Yes | deleting\nexpect: []\n")
	f.Add(head + "steps:\n  - 1s: [fail send a for 3s, lag all 1s, crash after 1 call, {patch: Pod/a, with: [1]}]\nexpect: []\n")
	f.Add(head + "steps:\n  - 1s: [restart, {}]\nexpect: []\n")
	f.Fuzz(func(t *testing.T, text string) {
		tl, mistakes := timeline.Read("x.yaml", []byte(text))
		require.Equal(t, tl == nil, len(mistakes) > 0)
		if tl != nil && len(tl.Steps) < 20 {
			_, _ = tl.Run(t.Context(), timeline.Options{}) // it may fail, and must not panic
		}
	})
}
