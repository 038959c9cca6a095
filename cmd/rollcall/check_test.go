package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// folder makes a folder of files, and goes there.
func folder(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o700))
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	}
}

// manifest is a ConfigMap that holds rules.
func manifest(namespace, name, labels, text string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {namespace: %s, name: %s, labels: {%s}}\ndata:\n  rules.yaml: |\n    %s",
		namespace, name, labels, strings.ReplaceAll(text, "\n", "\n    ")+"\n")
}

const (
	unused  = good + "sinks:\n  bus: {http: {url: \"https://example.com\"}}\n"
	astray  = "rules:\n  - name: far\n    on: {kind: Deployment, namespaces: [bank]}\n"
	service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"
	label   = `rollcall.dev/rules: "true"`
)

func TestCheckFolders(t *testing.T) {
	folder(t, map[string]string{
		"all/a/bare.yaml":        good,
		"all/a/bad.yml":          bad,
		"all/b/manifests.yaml":   service + "---\n" + manifest("rollcall", "one", "", good) + "---\n" + manifest("rollcall", "two", "", bad),
		"all/b/service.yaml":     service,
		"all/b/notes.txt":        bad,
		"all/.git/old.yaml":      bad,
		"all/c/eslint.yaml":      "rules: {semi: error}\n",
		"all/c/values.yaml":      "replicas: 2\n",
		"all/c/chart.yaml":       "apiVersion: v1\nkind: ConfigMap\n{{ if x }}\nrules: []\n",
		"all/c/broken.yaml":      "rules: [\n",
		"all/c/empty.yaml":       "",
		"all/d/tenant.yaml":      manifest("shop", "team", label, astray),
		"all/d/not-his.yaml":     manifest("rollcall", "own", label, astray),
		"all/d/unlabelled.yaml":  manifest("shop", "team", "", astray),
		"none/service.yaml":      service,
		"none/deep/values.yaml":  "a: b\n",
		"list.yaml":              "apiVersion: v1\nkind: List\nitems:\n- " + strings.ReplaceAll(manifest("shop", "team", label, good), "\n", "\n  ") + "\n",
		"mapping.yaml":           "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  rules.yaml:\n    rules: []\n",
		"later-not-yaml.yaml":    manifest("rollcall", "one", "", good) + "---\na: [\n",
		"two-bare-documents.yml": good + "---\n" + good,
	})
	const mistake = ": undefined field 'redy', did you mean \"ready\"?\n"
	tests := map[string]struct {
		args []string
		code int
		want []string // lines, without those that show the text
		errs string
	}{
		"a folder": {
			[]string{"all"}, 1, []string{
				"all/a/bad.yml:5:19" + mistake, "all/a/bad.yml: 1 mistake (0 rules, 0 sinks)\n",
				"all/a/bare.yaml: ok (1 rule, 0 sinks)\n",
				"all/b/manifests.yaml (rollcall/one): ok (1 rule, 0 sinks)\n",
				"all/b/manifests.yaml:25:23" + mistake, "all/b/manifests.yaml (rollcall/two): 1 mistake (0 rules, 0 sinks)\n",
				"all/c/broken.yaml:1:1: text is not YAML: did not find expected node content\n", "all/c/broken.yaml: 1 mistake (0 rules, 0 sinks)\n",
				"all/d/not-his.yaml: ok (1 rule, 0 sinks)\n",
				"all/d/tenant.yaml:8:45: rules in namespace shop reach no further than it, and not \"bank\"\n", "all/d/tenant.yaml: 1 mistake (0 rules, 0 sinks)\n",
				"all/d/unlabelled.yaml: ok (1 rule, 0 sinks)\n",
			}, "",
		},
		"a folder and a file of it, once": {
			[]string{"all/a", "all/a/bare.yaml", "./all/a/bad.yml"},
			1,
			[]string{"all/a/bad.yml:5:19" + mistake, "all/a/bad.yml: 1 mistake (0 rules, 0 sinks)\n", "all/a/bare.yaml: ok (1 rule, 0 sinks)\n"},
			"",
		},
		"a folder without rules":      {[]string{"none"}, 1, nil, "error: read rules: none holds none\n"},
		"a file without rules":        {[]string{"none/service.yaml"}, 1, []string{"none/service.yaml:1:1: file has no ConfigMap with rules.yaml\n", "none/service.yaml: 1 mistake (0 rules, 0 sinks)\n"}, ""},
		"a file of something else":    {[]string{"all/c/values.yaml"}, 1, []string{"all/c/values.yaml:1:1: unknown field \"replicas\" in configuration\n", "all/c/values.yaml: 1 mistake (0 rules, 0 sinks)\n"}, ""},
		"a list, as kubectl gives it": {[]string{"list.yaml"}, 0, []string{"list.yaml: ok (1 rule, 0 sinks)\n"}, ""},
		"rules that are no text":      {[]string{"mapping.yaml"}, 1, []string{"mapping.yaml:6:5: rules.yaml must be a string, but is a mapping: write it as a block, behind |\n", "mapping.yaml: 1 mistake (0 rules, 0 sinks)\n"}, ""},
		"a later document":            {[]string{"later-not-yaml.yaml"}, 1, []string{"later-not-yaml.yaml:12:1: text is not YAML: did not find expected node content\n", "later-not-yaml.yaml: 1 mistake (0 rules, 0 sinks)\n"}, ""},
		"two texts in a file":         {[]string{"two-bare-documents.yml"}, 1, []string{"two-bare-documents.yml:5:1: only one document is allowed\n", "two-bare-documents.yml: 1 mistake (0 rules, 0 sinks)\n"}, ""},
		"as a tenant's":               {[]string{"--tenant", "shop", "all/d/unlabelled.yaml"}, 1, []string{"all/d/unlabelled.yaml:8:45: rules in namespace shop reach no further than it, and not \"bank\"\n", "all/d/unlabelled.yaml: 1 mistake (0 rules, 0 sinks)\n"}, ""},
		"the operator's namespace":    {[]string{"--config-namespace", "shop", "all/d/tenant.yaml"}, 0, []string{"all/d/tenant.yaml: ok (1 rule, 0 sinks)\n"}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := rollcall(t, "", append([]string{"check"}, tt.args...)...)
			assert.Equal(t, tt.code, got.code)
			assert.Equal(t, tt.errs, got.errs)
			var lines []string
			for line := range strings.Lines(got.out) {
				if !strings.HasPrefix(line, " ") {
					lines = append(lines, line)
				}
			}
			assert.Equal(t, tt.want, lines)
		})
	}
}

func TestCheckWarnings(t *testing.T) {
	const warning = "stdin:6:3: warning: no rule sends to sink bus\n    6 |   bus: {http: {url: \"https://example.com\"}}\n          ^\n"
	assert.Equal(t, ran{0, warning + "stdin: ok, 1 warning (1 rule, 1 sink)\n", ""}, rollcall(t, unused, "check", "-"))
	assert.Equal(t, ran{1, warning + "stdin: 1 warning (1 rule, 1 sink)\n", ""}, rollcall(t, unused, "check", "--strict", "-"))
	assert.Equal(t, ran{0, "stdin: ok (1 rule, 0 sinks)\n", ""}, rollcall(t, good, "check", "--strict", "-"))
}

func TestCheckCommandLines(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		errs string
	}{
		"live and a file":         {[]string{"--live", "x.yaml"}, `unknown command "x.yaml"`},
		"live and a tenant":       {[]string{"--live", "--tenant", "shop"}, "--tenant is for files"},
		"tenant of no name":       {[]string{"--tenant", "Shop", "-"}, `--tenant "Shop" is not the name of a namespace`},
		"tenants of a file":       {[]string{"--tenant-rules", "-"}, "--tenant-rules is for --live"},
		"kubeconfig for files":    {[]string{"--kubeconfig", "x", "-"}, "--kubeconfig is for --live"},
		"context for files":       {[]string{"--context", "x", "-"}, "--context is for --live"},
		"name of a map for files": {[]string{"--config-name", "x", "-"}, "--config-name is for --live"},
	} {
		t.Run(name, func(t *testing.T) {
			got := rollcall(t, good, append([]string{"check"}, tt.args...)...)
			assert.Equal(t, 2, got.code)
			assert.Contains(t, got.errs, tt.errs)
		})
	}
}

func TestCheckForGitHub(t *testing.T) {
	folder(t, map[string]string{
		"a,b:c%.yaml": bad, "warn.yaml": unused,
		"long.yaml": good + "    when: \"release.name == '100%' && release.redy\"\n",
	})
	here, err := os.Getwd()
	require.NoError(t, err)
	got := rollcall(t, "", "check", "-o", "github", "./a,b:c%.yaml", filepath.Join(here, "warn.yaml"))
	assert.Equal(t, 1, got.code)
	assert.Equal(t, "::error file=a%2Cb%3Ac%25.yaml,line=5,col=19,title=rollcall%3A expression::undefined field 'redy', did you mean \"ready\"?\n"+
		"./a,b:c%25.yaml: 1 mistake (0 rules, 0 sinks)\n"+
		"::warning file=warn.yaml,line=6,col=3,title=rollcall%3A unused-sink::no rule sends to sink bus\n"+
		strings.ReplaceAll(here, "%", "%25")+"/warn.yaml: ok, 1 warning (1 rule, 1 sink)\n", got.out)
	assert.Equal(t, "a%25%0Ab%0D%3A:,", data("a%\nb\r")+property(":")+":,")
}
