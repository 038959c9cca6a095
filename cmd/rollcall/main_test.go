package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ran is what came of a command.
type ran struct {
	code      int
	out, errs string
}

// rollcall runs a command as main does.
func rollcall(t *testing.T, in string, args ...string) ran {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(t.Context(), append([]string{"rollcall"}, args...), strings.NewReader(in), &out, &errs)
	return ran{code, out.String(), errs.String()}
}

const (
	commit = "3f9c2d1a5b7e8f90112233445566778899aabbcc"
	id     = "dcc4b80b28cb0a9b30bfe239b249f8b6"
	good   = "rules:\n  - name: web\n    on:\n      kind: Deployment\n"
	bad    = good + "    when: release.redy\n"
)

func TestCommandLines(t *testing.T) {
	trace := []string{"traceparent", "--repo", "git@github.com:acme/shop.git", "--commit", commit}
	tests := map[string]struct {
		args      []string
		code      int
		out, errs string // what the output contains; nothing means that it is empty
	}{
		"nothing":                  {nil, 0, "Usage:", ""},
		"help":                     {[]string{"run", "--help"}, 0, "--cluster", ""},
		"unknown command":          {[]string{"bogus"}, 2, "", `unknown command "bogus"`},
		"unknown flag":             {[]string{"--nope"}, 2, "", "unknown flag: --nope\nRun 'rollcall --help' for usage.\n"},
		"unknown flag of one":      {[]string{"check", "--nope"}, 2, "", "Run 'rollcall check --help'"},
		"argument too many":        {[]string{"version", "x"}, 2, "", `unknown command "x"`},
		"argument too few":         {[]string{"check"}, 2, "", "requires at least 1 arg"},
		"version":                  {[]string{"version"}, 0, "rollcall " + buildVersion() + " go", ""},
		"version as JSON":          {[]string{"version", "-o", "json"}, 0, `"platform":"`, ""},
		"version as what":          {[]string{"version", "-o", "xml"}, 2, "", `unknown output format "xml": it is one of json`},
		"traceparent":              {trace, 0, "00-" + id + "-", ""},
		"trace id":                 {append(trace, "-o", "id"), 0, id + "\n", ""},
		"traceparent as JSON":      {append(trace, "-o", "json"), 0, `"repository":"https://github.com/acme/shop"`, ""},
		"traceparent as what":      {append(trace, "-o", "xml"), 2, "", "it is one of id, json"},
		"traceparent of nothing":   {[]string{"traceparent"}, 2, "", "is not a repository URL"},
		"traceparent of a branch":  {append(trace[:4:4], "main"), 2, "", "is not a full commit SHA"},
		"schema":                   {[]string{"schema"}, 0, `"$schema": "http://json-schema.org/draft-07/schema#"`, ""},
		"completion":               {[]string{"completion"}, 0, "bash", ""},
		"completion for bash":      {[]string{"completion", "bash"}, 0, "# bash completion V2 for rollcall", ""},
		"completion for zsh":       {[]string{"completion", "zsh"}, 0, "#compdef rollcall", ""},
		"completion for fish":      {[]string{"completion", "fish"}, 0, "# fish completion for rollcall", ""},
		"completion for what":      {[]string{"completion", "nosuch"}, 2, "", `unknown command "nosuch"`},
		"completion with too much": {[]string{"completion", "bash", "x"}, 2, "", `unknown command "x"`},
		"run without sense":        {[]string{"run", "--workers=0"}, 2, "", "--workers 0: at least one is needed"},
		"run without a cluster":    {[]string{"run", "--kubeconfig=/nonexistent"}, 1, "", "find the cluster: "},
		"record of what":           {[]string{"record", "web"}, 2, "", `"web" is not of the form KIND/NAME`},
		"record of a Service":      {[]string{"record", "Service/web"}, 2, "", "Service cannot be recorded: there are Deployment, "},
		"record of nothing":        {[]string{"record"}, 2, "", "accepts 1 arg(s), received 0"},
		"record for no time":       {[]string{"record", "Deployment/web", "--for=0s"}, 2, "", "--quiet and --for must not be negative"},
		"record without a cluster": {[]string{"record", "Deployment/web", "--kubeconfig=/nonexistent"}, 1, "", "find the "},
		"releases of what":         {[]string{"releases", "web"}, 2, "", `"web" is not of the form KIND/NAME`},
		"releases as what":         {[]string{"releases", "-o", "xml"}, 2, "", "it is one of wide, json, yaml"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := rollcall(t, "", tt.args...)
			assert.Equal(t, tt.code, got.code, got.errs)
			contains(t, got.out, tt.out)
			contains(t, got.errs, tt.errs)
		})
	}
}

func contains(t *testing.T, got, want string) {
	t.Helper()
	if want == "" {
		assert.Empty(t, got)
		return
	}
	assert.Contains(t, got, want)
}

func TestPluginIsCalledAsKubectlDoes(t *testing.T) {
	var out bytes.Buffer
	assert.Equal(t, 0, run(t.Context(), []string{"/usr/bin/kubectl-rollcall", "check", "--help"}, nil, &out, &out))
	assert.Contains(t, out.String(), "kubectl rollcall check FILE|DIR...")
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	right, wrong := write("good.yaml", good), write("bad.yaml", bad)
	mistake := ":5:19: undefined field 'redy', did you mean \"ready\"?\n    5 |     when: release.redy\n                          ^\n"
	tests := map[string]struct {
		in   string
		args []string
		want ran
	}{
		"good":         {"", []string{right}, ran{0, right + ": ok (1 rule, 0 sinks)\n", ""}},
		"bad":          {"", []string{wrong}, ran{1, wrong + mistake + wrong + ": 1 mistake (0 rules, 0 sinks)\n", ""}},
		"both":         {"", []string{right, wrong}, ran{1, right + ": ok (1 rule, 0 sinks)\n" + wrong + mistake + wrong + ": 1 mistake (0 rules, 0 sinks)\n", ""}},
		"stdin":        {good, []string{"-"}, ran{0, "stdin: ok (1 rule, 0 sinks)\n", ""}},
		"bad stdin":    {bad, []string{"-"}, ran{1, "stdin" + mistake + "stdin: 1 mistake (0 rules, 0 sinks)\n", ""}},
		"no such file": {"", []string{"/nonexistent"}, ran{1, "", "error: read rules: open /nonexistent: no such file or directory\n"}},
		"good as JSON": {good, []string{"-", "-o", "json"}, ran{0, `[{"file": "stdin", "rules": 1, "sinks": 0, "mistakes": [], "warnings": []}]`, ""}},
		"bad as JSON": {bad, []string{"-", "-o", "json"}, ran{1, `[{"file": "stdin", "rules": 0, "sinks": 0, "mistakes": [{
			"file": "stdin", "line": 5, "column": 19, "rule": "web", "code": "expression", "message": "undefined field 'redy', did you mean \"ready\"?",
			"excerpt": "    5 |     when: release.redy\n                          ^"}], "warnings": []}]`, ""}},
		"as what": {good, []string{"-", "-o", "xml"}, ran{2, "", "error: unknown output format \"xml\": it is one of json, sarif, github\nRun 'rollcall check --help' for usage.\n"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := rollcall(t, tt.in, append([]string{"check"}, tt.args...)...)
			if json.Valid([]byte(tt.want.out)) {
				assert.JSONEq(t, tt.want.out, got.out)
				got.out = tt.want.out
			}
			assert.Equal(t, tt.want, got)
		})
	}
}
