package main

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const story = `name: A new image
why: It is ready.
source: derived
objects:
  - Deployment/web 1/1 | 1 | 1/1/1 | rev 1 | NewReplicaSetAvailable | web:1
steps:
  - 1s: Deployment/web 2/2 | 1 | 1/1/1 | rev 2 | NewReplicaSetAvailable | web:2
expect:
  - %TIME%: ready Deployment/web release rev 2
`

// stories writes timelines, of which the second one is wrong about the time.
func stories(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, at := range map[string]string{"good.yaml": "1s", "late.yaml": "2s", "notes.txt": ""} {
		text := story
		if at != "" {
			text = strings.ReplaceAll(story, "%TIME%", at)
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

func TestTestRunsTimelines(t *testing.T) {
	t.Chdir(stories(t))

	got := rollcall(t, "", "test", "good.yaml")
	assert.Equal(t, 0, got.code, got.errs)
	assert.Equal(t, "ok   good.yaml  A new image\n1 passed, 0 failed\n", got.out)

	got = rollcall(t, "", "test", ".")
	assert.Equal(t, 1, got.code, got.errs)
	assert.Equal(t, `ok   good.yaml  A new image
FAIL late.yaml  A new image
     late.yaml:9: not sent:   2s ready Deployment/web release rev 2
         instead, at 1s: ready Deployment/web release rev 2 -> default-deployment/test
         at 1s, Deployment/web rev 2 was ready
         rule default-deployment: holds: when is true: release.ready
           ✓ release.ready is true
     late.yaml: unexpected: 1s ready Deployment/web release rev 2 -> default-deployment/test
         at 1s, Deployment/web rev 2 was ready
         rule default-deployment: holds: when is true: release.ready
           ✓ release.ready is true
1 passed, 1 failed
`, got.out)
}

func TestTestTellsEverythingIfAsked(t *testing.T) {
	t.Chdir(stories(t))
	assert.Equal(t, `       0s  process  rollcall starts
       0s  look     Deployment/web rev 1 is initial, ready
       0s  record   Deployment/web rev 1 initial Adopted
       1s  step     Deployment/web 2/2 | 1 | 1/1/1 | rev 2 | NewReplicaSetAvailable | web:2
       1s  look     Deployment/web rev 2 is release, ready
       1s  send     ready Deployment/web release rev 2 -> default-deployment/test
       1s  record   Deployment/web rev 2 release Ready
ok   good.yaml  A new image
1 passed, 0 failed
`, rollcall(t, "", "test", "-v", "good.yaml").out)
}

func TestTestRunsOtherRules(t *testing.T) {
	t.Chdir(stories(t))
	require.NoError(t, os.WriteFile("rules", []byte("rules: [{name: mine, on: {kind: Deployment}}]"), 0o600))
	got := rollcall(t, "", "test", "--rules", "rules", "good.yaml")
	assert.Equal(t, 1, got.code)
	assert.Contains(t, got.out, "not sent")

	require.NoError(t, os.WriteFile("rules", []byte("rules: [{name: mine}]"), 0o600))
	got = rollcall(t, "", "test", "--rules", "rules", "good.yaml")
	assert.Equal(t, 1, got.code)
	assert.Contains(t, got.errs, "rules:1:9: rule does not say what it is on")
}

func TestTestSpeaksJSON(t *testing.T) {
	t.Chdir(stories(t))
	got := rollcall(t, "", "test", "-o", "json", ".")
	assert.Equal(t, 1, got.code)
	var all []played
	require.NoError(t, json.Unmarshal([]byte(got.out), &all))
	require.Len(t, all, 2)
	assert.True(t, all[0].OK)
	assert.Equal(t, "ready", all[0].Events[0].Event)
	assert.Equal(t, "Ready", all[0].Records[1].Phase)
	assert.False(t, all[1].OK)
	assert.Len(t, all[1].Differences, 2)
	assert.Contains(t, all[1].Explained[0].Why, "✓ release.ready is true")
}

func TestTestShowsMistakes(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("bad.yaml", []byte("name: x\nwhy: y\nsource: guessed\nsteps:\n  - 1s: Deployment/web 1/1\n"), 0o600))
	got := rollcall(t, "", "test", "bad.yaml")
	assert.Equal(t, 1, got.code)
	assert.Equal(t, `FAIL bad.yaml  
     bad.yaml:1:1: the timeline has no expect
     bad.yaml:3:9: source must be recorded or derived
     bad.yaml:5:9: replicas is missing
0 passed, 1 failed
`, got.out)
	assert.Equal(t, 2, rollcall(t, "", "test").code)
	assert.Equal(t, 2, rollcall(t, "", "test", "-o", "xml", "bad.yaml").code)
	assert.Equal(t, 2, rollcall(t, "", "test", "--run", "(", "bad.yaml").code)
	assert.Equal(t, 2, rollcall(t, "", "test", "--watch", "-o", "json", "bad.yaml").code)
	assert.Equal(t, 1, rollcall(t, "", "test", "nowhere").code)
}

func TestTestRunsSome(t *testing.T) {
	t.Chdir(stories(t))
	for only, want := range map[string]string{
		"^good":       "ok   good.yaml  A new image\n1 passed, 0 failed\n",
		"go+d.*yaml$": "ok   good.yaml  A new image\n1 passed, 0 failed\n",
	} {
		got := rollcall(t, "", "test", "--run", only, ".")
		assert.Equal(t, 0, got.code, only)
		assert.Equal(t, want, got.out, only)
	}
	assert.Contains(t, rollcall(t, "", "test", "--run", "new im", ".").out, "1 passed, 1 failed")
	got := rollcall(t, "", "test", "--run", "nothing", ".")
	assert.Equal(t, 1, got.code, "a pattern that matches nothing must not look like success")
	assert.Equal(t, "error: there is no such timeline\n", got.errs)
	require.NoError(t, os.WriteFile("bad.yaml", []byte("name: [x]\n"), 0o600))
	assert.Contains(t, rollcall(t, "", "test", "--run", "bad", ".").out, "FAIL bad.yaml")
}

func TestTestWritesJUnit(t *testing.T) {
	t.Chdir(stories(t))
	require.NoError(t, os.Mkdir("more", 0o700))
	require.NoError(t, os.Rename("late.yaml", "more/late.yaml"))
	require.NoError(t, os.WriteFile("more/bad.yaml", []byte("name: [x]\n"), 0o600))
	got := rollcall(t, "", "test", "-o", "junit", "good.yaml", "more")
	assert.Equal(t, 1, got.code)
	require.True(t, strings.HasPrefix(got.out, `<?xml version="1.0" encoding="UTF-8"?>`))
	var all suites
	require.NoError(t, xml.Unmarshal([]byte(got.out), &all))
	assert.Equal(t, []int{3, 1, 1}, []int{all.Tests, all.Failures, all.Errors})
	assert.Regexp(t, `^\d+\.\d{3}$`, all.Time)

	require.Len(t, all.Suites, 2)
	first, second := all.Suites[0], all.Suites[1]
	assert.Equal(t, "good.yaml", first.Name)
	assert.Equal(t, []int{1, 0, 0}, []int{first.Tests, first.Failures, first.Errors})
	require.Len(t, first.Cases, 1)
	assert.Equal(t, "A new image", first.Cases[0].Name)
	assert.Equal(t, "good.yaml", first.Cases[0].Class)
	assert.Nil(t, first.Cases[0].Failure)
	assert.Nil(t, first.Cases[0].Error)

	assert.Equal(t, "more", second.Name)
	assert.Equal(t, []int{2, 1, 1}, []int{second.Tests, second.Failures, second.Errors})
	bad, late := second.Cases[0], second.Cases[1]
	assert.Equal(t, "more/bad.yaml", bad.Name, "what cannot be read has no other name")
	assert.Nil(t, bad.Failure)
	assert.Contains(t, bad.Error.Message, "more/bad.yaml:1:")
	assert.Nil(t, late.Error)
	assert.Equal(t, "more/late.yaml:9: not sent:   2s ready Deployment/web release rev 2", late.Failure.Message)
	assert.Contains(t, late.Failure.Text, "more/late.yaml: unexpected: 1s ready")
	assert.Contains(t, late.Failure.Text, "✓ release.ready is true")
}

// The name of a timeline also tells the rules that it is about.
func TestTestFindsTheRulesBesideATimeline(t *testing.T) {
	t.Chdir(stories(t))
	raw, err := os.ReadFile("good.yaml")
	require.NoError(t, err)
	rules := "sinks: {bus: {http: {url: http://bus.invalid}}}\nrules: [{name: mine, on: {kind: Deployment}, send: [bus]}]"
	write := func(name, text string) { require.NoError(t, os.WriteFile(name, []byte(text), 0o600)) }
	write("web.timeline.yaml", string(raw))
	write("web.yaml", rules)
	require.NoError(t, os.Remove("late.yaml"))
	got := rollcall(t, "", "test", ".")
	assert.Equal(t, 0, got.code, got.errs)
	assert.Equal(t, "ok   good.yaml  A new image\nok   web.timeline.yaml  A new image\n2 passed, 0 failed\n", got.out, "nothing else is left out")
	require.NoError(t, os.Remove("good.yaml"))

	for _, args := range [][]string{{"-v", "."}, {"-v", "web.timeline.yaml"}} {
		got := rollcall(t, "", append([]string{"test"}, args...)...)
		assert.Equal(t, 0, got.code, got.out+got.errs)
		assert.Contains(t, got.out, "mine/bus")
		assert.True(t, strings.HasSuffix(got.out, "ok   web.timeline.yaml  A new image\n1 passed, 0 failed\n"), got.out)
	}

	write("web.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n")
	got = rollcall(t, "", "test", ".")
	assert.Equal(t, 0, got.code, "%s: a manifest without rules is none of its business", got.out)

	write("web.yaml", "rules: [{}]")
	got = rollcall(t, "", "test", ".")
	assert.Equal(t, 1, got.code)
	assert.Contains(t, got.out, "web.yaml:1:9: rule has no name")

	write("rules", rules)
	got = rollcall(t, "", "test", "--rules", "rules", ".")
	assert.Equal(t, 0, got.code, "%s: --rules comes first", got.out)
	write("web.timeline.yaml", string(raw)+"rules: |\n  "+strings.ReplaceAll(rules, "\n", "\n  ")+"\n")
	got = rollcall(t, "", "test", ".")
	assert.Equal(t, 0, got.code, "%s: its own rules come before those beside it", got.out)

	watched := &rehearsal{}
	assert.True(t, watched.matters(fsnotify.Event{Name: "./web.yaml", Op: fsnotify.Write}, []string{"web.timeline.yaml"}))
	assert.False(t, watched.matters(fsnotify.Event{Name: "./good.yaml", Op: fsnotify.Write}, []string{"web.timeline.yaml"}))

	require.NoError(t, os.Remove("web.yaml"))
	write("web.timeline.yaml", string(raw))
	got = rollcall(t, "", "test", ".")
	assert.Equal(t, 0, got.code, "%s: without any there are the default ones", got.out)
}

// paper is what a command writes, while somebody reads it.
type paper struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write adds to it.
func (p *paper) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *paper) read() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

func TestTestWatches(t *testing.T) {
	dir := stories(t)
	t.Chdir(dir)
	require.NoError(t, os.Remove("late.yaml"))
	require.NoError(t, os.WriteFile("rules", []byte("rules: [{name: mine, on: {kind: Deployment}}]"), 0o600))
	ctx, end := context.WithCancel(t.Context())
	defer end()
	var out paper
	code := make(chan int)
	go func() {
		code <- run(ctx, []string{"rollcall", "test", "--watch", "--rules", "rules", "."}, strings.NewReader(""), &out, io.Discard)
	}()
	shows := func(want string) {
		t.Helper()
		if !assert.Eventually(t, func() bool { return strings.HasSuffix(out.read(), want) }, 10*time.Second, 10*time.Millisecond) {
			t.Fatal(out.read())
		}
	}
	shows("0 passed, 1 failed\n")
	require.NoError(t, os.WriteFile("rules", []byte("sinks: {bus: {http: {url: http://bus.invalid}}}\nrules: [{name: mine, on: {kind: Deployment}, send: [bus]}]"), 0o600))
	shows("\nrules has changed\nok   good.yaml  A new image\n1 passed, 0 failed\n")
	require.NoError(t, os.WriteFile("notes.txt", []byte("nothing"), 0o600))
	require.NoError(t, os.WriteFile("rules", []byte("rules: [{}]"), 0o600))
	shows("rules has changed\nerror: read rules: rules:1:9: rule has no name\n    1 | rules: [{}]\n                ^\n")
	require.NotContains(t, out.read(), "notes")
	require.NoError(t, os.WriteFile("rules", []byte("rules: []"), 0o600))
	shows("0 passed, 1 failed\n")

	require.NoError(t, os.Mkdir("more", 0o700))
	shows("more has changed\n" + out.read()[strings.LastIndex(out.read(), "FAIL"):])
	empty := strings.Replace(strings.Split(story, "expect:")[0], "A new image", "Another", 1) + "expect: []\n"
	require.NoError(t, os.WriteFile("more/other.yaml", []byte(empty), 0o600))
	shows("ok   more/other.yaml  Another\n1 passed, 1 failed\n")
	end()
	require.Equal(t, 0, <-code, "to be interrupted is how it ends")
}

func TestTestCannotWatchWhatIsNotThere(t *testing.T) {
	t.Chdir(t.TempDir())
	got := rollcall(t, "", "test", "--watch", "nowhere")
	assert.Equal(t, 1, got.code)
	assert.Contains(t, got.errs, "watch files: ")
	got = rollcall(t, "", "test", "--watch", "--rules", "none/rules", ".")
	assert.Equal(t, 1, got.code)
	assert.Contains(t, got.errs, "watch files: ")
}

// The page shows how a failure is told, as it is told.
func TestTheFailureOfThePage(t *testing.T) {
	raw, err := os.ReadFile("../../docs/timelines.md")
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(raw), "```\nFAIL ")
	require.True(t, ok)
	want, _, _ := strings.Cut(rest, "```")
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("web.yaml", []byte(`name: The team has to agree
why: It does not.
source: derived
rules: |
  sinks: {ci: {http: {url: "http://ci.invalid"}}}
  rules:
    - {name: web, on: {kind: Deployment}, when: "release.ready && release.annotations['agreed'] == 'yes'", send: [ci]}
objects:
  - {apiVersion: apps/v1, kind: Deployment, metadata: {name: web, annotations: {agreed: 'no'}}}
  - Deployment/web 1/1 | 1 | 1/1/1 | rev 1 | NewReplicaSetAvailable | web:1
steps:
  - 20s: Deployment/web 2/2 | 1 | 1/1/1 | rev 2 | NewReplicaSetAvailable | web:2
expect:
  - 30s: ready Deployment/web release rev 2 -> web/ci
`), 0o600))
	assert.Equal(t, "FAIL "+want, rollcall(t, "", "test", "web.yaml").out)
}
