package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	web = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, generation: 1, labels: {tier: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "ghcr.io/acme/web:2"}]}}
status: {observedGeneration: 1, replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2}
`
	notYet   = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api, namespace: shop}\nspec: {template: {}}\n"
	webRules = `rules:
  - {name: ours, on: {kind: Deployment}, when: "release.ready && release.images.all(i, image(i).registry == 'ghcr.io')"}
  - {name: theirs, on: {kind: Deployment}, when: "release.labels.tier == 'db' && object.spec.replicas > 2"}
  - {name: wrong, on: {kind: Deployment}, when: "release.labels.team == 'a'"}
  - {name: restarts, on: {kind: Deployment}, kinds: [restart]}
  - {name: elsewhere, on: {kind: Deployment, namespaces: [bank]}}
`
)

// file writes a file, and gives its path.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// explained is the part of the JSON that is promised.
type explained struct {
	Release struct {
		Ready      bool   `json:"ready"`
		Kind       string `json:"kind"`
		WaitingFor string `json:"waitingFor"`
	} `json:"release"`
	Rules []struct {
		Name    string `json:"name"`
		Verdict string `json:"verdict"`
		Reason  string `json:"reason"`
		Tree    any    `json:"tree"`
	} `json:"rules"`
}

func TestExplainAsJSON(t *testing.T) {
	got := rollcall(t, web, "explain", "-f", "-", "--rules", file(t, "rules.yaml", webRules), "-o", "json")
	require.Zero(t, got.code, got.errs)
	var e explained
	require.NoError(t, json.Unmarshal([]byte(got.out), &e))
	assert.True(t, e.Release.Ready)
	assert.Equal(t, "initial", e.Release.Kind)
	assert.Empty(t, e.Release.WaitingFor)
	verdicts := map[string]string{}
	for _, r := range e.Rules {
		verdicts[r.Name] = r.Verdict
		assert.NotEmpty(t, r.Reason, r.Name)
		assert.NotNil(t, r.Tree, r.Name)
	}
	assert.Equal(t, map[string]string{"ours": "ready", "theirs": "waiting", "wrong": "error", "restarts": "skipped"}, verdicts)
}

func TestExplainTellsReadyFromNot(t *testing.T) {
	got := rollcall(t, notYet, "explain", "-f", "-")
	assert.Equal(t, 1, got.code)
	assert.Empty(t, got.errs)
	assert.Contains(t, got.out, "Deployment shop/api is not ready, and waits: the Deployment controller has not seen the latest change\n")

	got = rollcall(t, web, "explain", "-f", "-")
	assert.Zero(t, got.code)
	assert.Contains(t, got.out, "Deployment shop/web is ready\n")
	assert.Contains(t, got.out, "rule default: ready: when is true: release.ready\n")
}

func TestExplainChooses(t *testing.T) {
	both := file(t, "objects.yaml", web+"---\n"+notYet)
	for name, tt := range map[string]struct {
		args []string
		code int
		says string
	}{
		"one of two":        {[]string{"deploy/web", "-f", both}, 0, "Deployment shop/web is ready"},
		"the other":         {[]string{"deployments/api", "-f", both}, 1, "Deployment shop/api is not ready"},
		"none of them":      {[]string{"deploy/web", "-f", both, "-n", "bank"}, 1, "error: there is no web among the objects"},
		"neither":           {[]string{"-f", both}, 2, "say which one, with --namespace if need be: shop Deployment/web, shop Deployment/api"},
		"nothing":           {nil, 2, "say which workload or application"},
		"no kind":           {[]string{"web"}, 2, `"web" is not of the form KIND/NAME`},
		"no such file":      {[]string{"-f", "/nonexistent"}, 1, "read objects: open /nonexistent"},
		"no such rules":     {[]string{"deploy/web", "-f", both, "--rules", "/nonexistent"}, 1, "read rules: open /nonexistent"},
		"rules are wrong":   {[]string{"deploy/web", "-f", both, "--rules", file(t, "bad.yaml", bad)}, 1, "undefined field 'redy'"},
		"output of no kind": {[]string{"deploy/web", "-o", "xml"}, 2, "it is one of json"},
	} {
		t.Run(name, func(t *testing.T) {
			got := rollcall(t, "", append([]string{"explain"}, tt.args...)...)
			assert.Equal(t, tt.code, got.code)
			assert.Contains(t, got.out+got.errs, tt.says)
		})
	}
}

func TestEval(t *testing.T) {
	objects := file(t, "objects.yaml", web)
	for name, tt := range map[string]struct {
		args []string
		code int
		says string
	}{
		"a constant":     {[]string{"1 + 1"}, 0, "2\n"},
		"a library":      {[]string{"semver('1.10.0').isGreaterThan(semver('1.9.0'))"}, 0, "true\n"},
		"a text":         {[]string{"'a' + 'b'"}, 0, "ab\n"},
		"of an object":   {[]string{"release.images.map(i, image(i).tag)", "-f", objects}, 0, `["2"]` + "\n"},
		"read for it":    {[]string{"object.spec.replicas", "deploy/web", "-f", objects}, 0, "2\n"},
		"looked up":      {[]string{"lookup('apps/v1', 'Deployment', release.name).metadata.name", "-f", objects}, 0, "web\n"},
		"as JSON":        {[]string{"release.ready", "-f", objects, "-o", "json"}, 0, "{\n  \"type\": \"bool\",\n  \"value\": true\n}\n"},
		"a view":         {[]string{"image('nginx')"}, 0, `"repository":"library/nginx"`},
		"nothing to ask": {[]string{"object.spec.replicas"}, 1, "there is nothing to read from"},
		"a mistake":      {[]string{"release.redy"}, 1, "1:9: undefined field 'redy', did you mean \"ready\"?\n  release.redy\n          ^\n"},
		"no such key":    {[]string{"release.labels.team", "-f", objects}, 1, "evaluate: no such key: team"},
		"a secret":       {[]string{"lookup('v1', 'Secret', 'a')", "-f", objects}, 1, "a Secret cannot be looked up"},
		"nobody":         {[]string{}, 2, "accepts between 1 and 2 arg(s)"},
		"as what":        {[]string{"1", "-o", "xml"}, 2, "it is one of json"},
	} {
		t.Run(name, func(t *testing.T) {
			got := rollcall(t, "", append([]string{"eval"}, tt.args...)...)
			assert.Equal(t, tt.code, got.code, got.errs)
			assert.Contains(t, got.out+got.errs, tt.says)
		})
	}
}
