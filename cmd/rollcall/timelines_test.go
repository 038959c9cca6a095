package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
	assert.Equal(t, "ok   good.yaml  A new image\n", got.out)

	got = rollcall(t, "", "test", ".")
	assert.Equal(t, 1, got.code, got.errs)
	assert.Equal(t, `ok   good.yaml  A new image
FAIL late.yaml  A new image
     late.yaml:9: not sent:   2s ready Deployment/web release rev 2
     late.yaml: unexpected: 1s ready Deployment/web release rev 2 -> default-deployment/test
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
`, got.out)
	assert.Equal(t, 2, rollcall(t, "", "test").code)
	assert.Equal(t, 2, rollcall(t, "", "test", "-o", "xml", "bad.yaml").code)
	assert.Equal(t, 1, rollcall(t, "", "test", "nowhere").code)
}
