package config_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/rollcall-dev/rollcall/config"
)

// schemaFile is where people and editors find the schema.
const schemaFile = "../manifests/schema/rules.schema.json"

func TestSchemaIsFresh(t *testing.T) {
	want, err := config.Schema()
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(schemaFile), 0o755))
		require.NoError(t, os.WriteFile(schemaFile, want, 0o644))
	}
	got, err := os.ReadFile(schemaFile)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "write it anew: go test ./config -run TestSchemaIsFresh -update")
}

// validator is the schema as it is checked in.
func validator(t *testing.T) *jsonschema.Schema {
	t.Helper()
	raw, err := os.ReadFile(schemaFile)
	require.NoError(t, err)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft4) // ours says which it is
	require.NoError(t, c.AddResource("rules.schema.json", document))
	s, err := c.Compile("rules.schema.json")
	require.NoError(t, err)
	require.Equal(t, 7, s.DraftVersion, "what every YAML language server knows")
	return s
}

// value is a text as an editor sees it.
func value(t *testing.T, text string) any {
	t.Helper()
	var tree any
	require.NoError(t, yaml.Unmarshal([]byte(text), &tree))
	raw, err := json.Marshal(tree)
	require.NoError(t, err)
	out, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	require.NoError(t, err)
	return out
}

// Whatever the reader takes, the schema takes.
func TestSchemaTakesWhatIsRight(t *testing.T) {
	s, seen := validator(t), 0
	check := func(file string, raw []byte) {
		text, mistakes := config.Text(file, raw)
		if len(mistakes) > 0 {
			return
		}
		seen++
		assert.NoError(t, s.Validate(value(t, text)), file)
	}
	cases, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	for _, path := range cases {
		archive, err := txtar.ParseFile(path)
		require.NoError(t, err)
		check(path, archive.Files[0].Data)
	}
	examples, err := filepath.Glob("../manifests/examples/*.yaml")
	require.NoError(t, err)
	for _, path := range examples {
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		check(path, raw)
	}
	assert.Greater(t, seen, 10)
}

// What the schema refuses, the reader refuses too; and these it has to.
func TestSchemaRefusesWhatIsWrong(t *testing.T) {
	s := validator(t)
	const rule = "rules: [{name: a, on: {kind: Deployment}, "
	for name, text := range map[string]string{
		"not a mapping":             "hello",
		"a list":                    "[]",
		"unknown at the top":        "ruls: []",
		"rules as a mapping":        "rules: {}",
		"sinks as a list":           "sinks: []",
		"rule as a word":            "rules: [a]",
		"rule without a name":       "rules: [{on: {kind: Deployment}}]",
		"rule without on":           "rules: [{name: a}]",
		"on without a kind":         "rules: [{name: a, on: {apiVersion: apps/v1}}]",
		"name in capitals":          "rules: [{name: A, on: {kind: Deployment}}]",
		"name that is too long":     "rules: [{name: " + strings.Repeat("a", 64) + ", on: {kind: Deployment}}]",
		"name as a number":          "rules: [{name: 1, on: {kind: Deployment}}]",
		"unknown in a rule":         rule + "wen: release.ready}]",
		"unknown in on":             "rules: [{name: a, on: {kind: Deployment, namespace: shop}}]",
		"kind without its version":  "rules: [{name: a, on: {kind: Certificate}}]",
		"kind with a group":         "rules: [{name: a, on: {apiVersion: v1, kind: a.b}}]",
		"version of three parts":    "rules: [{name: a, on: {apiVersion: a/b/c, kind: A}}]",
		"no namespaces":             "rules: [{name: a, on: {kind: Deployment, namespaces: []}}]",
		"namespace twice":           "rules: [{name: a, on: {kind: Deployment, namespaces: [a, a]}}]",
		"unknown event":             rule + "event: readi}]",
		"condition as a boolean":    rule + "when: true}]",
		"condition that is empty":   rule + "when: ''}]",
		"unknown kind of release":   rule + "kinds: [image]}]",
		"reverted":                  rule + "kinds: [reverted]}]",
		"no kinds":                  rule + "kinds: []}]",
		"settle without a unit":     rule + "settle: '10'}]",
		"settle as a number":        rule + "settle: 10}]",
		"every in days":             rule + "every: 1d}]",
		"negative deadline":         rule + "deadline: -1s}]",
		"settle of superseded":      rule + "event: superseded, settle: 10s}]",
		"deadline of tested":        rule + "event: tested, deadline: 10s}]",
		"every of stalled":          rule + "event: stalled, every: 10m}]",
		"unknown supersede":         rule + "supersede: stop}]",
		"unknown mode":              rule + "mode: off}]",
		"send as a word":            rule + "send: a}]",
		"send to a list":            rule + "send: [[a]]}]",
		"send to a mapping of none": rule + "send: [{parameters: {}}]}]",
		"send with something else":  rule + "send: [{sink: a, params: {}}]}]",
		"odd parameter of send":     rule + "send: [{sink: a, parameters: {b c: d}}]}]",
		"sink without a kind":       "sinks: {a: {}}",
		"sink of two kinds":         "sinks: {a: {http: {url: 'http://x'}, argoWorkflow: {workflowTemplate: x}}}",
		"sink that comes later":     "sinks: {a: {tekton: {}}}",
		"name of a sink":            "sinks: {A_b: {http: {url: 'http://x'}}}",
		"no url":                    "sinks: {a: {http: {}}}",
		"url of another scheme":     "sinks: {a: {http: {url: 'ftp://x'}}}",
		"url without a host":        "sinks: {a: {http: {url: 'http:///x'}}}",
		"url with a user":           "sinks: {a: {http: {url: 'http://u:p@x'}}}",
		"another format":            "sinks: {a: {http: {url: 'http://x', format: json}}}",
		"a secret":                  "sinks: {a: {http: {url: 'http://x', signingSecret: {}}}}",
		"no template":               "sinks: {a: {argoWorkflow: {}}}",
		"two templates":             "sinks: {a: {argoWorkflow: {workflowTemplate: x, clusterWorkflowTemplate: y}}}",
		"odd template":              "sinks: {a: {argoWorkflow: {workflowTemplate: X}}}",
		"odd namespace":             "sinks: {a: {argoWorkflow: {workflowTemplate: x, namespace: a.b}}}",
		"odd parameter":             "sinks: {a: {argoWorkflow: {workflowTemplate: x, parameters: {a.b: c}}}}",
		"parameter as a number":     "sinks: {a: {argoWorkflow: {workflowTemplate: x, parameters: {a: 1}}}}",
		"label as a boolean":        "sinks: {a: {argoWorkflow: {workflowTemplate: x, labels: {a: true}}}}",
		"value of a label":          "sinks: {a: {argoWorkflow: {workflowTemplate: x, labels: {a: 'b c'}}}}",
		"annotation as a number":    "sinks: {a: {argoWorkflow: {workflowTemplate: x, annotations: {a: 1}}}}",
	} {
		t.Run(name, func(t *testing.T) {
			assert.Error(t, s.Validate(value(t, text)))
			_, mistakes := config.Load("rules.yaml", []byte(text))
			assert.NotEmpty(t, mistakes, "the schema is stricter than the reader")
		})
	}
}

// An editor shows what a field means while it is written.
func TestSchemaDescribesEveryField(t *testing.T) {
	raw, err := config.Schema()
	require.NoError(t, err)
	for _, f := range config.Fields() {
		if !f.Later {
			word, err := json.Marshal(f.Doc[1:])
			require.NoError(t, err)
			assert.Contains(t, unescaped(string(raw)), unescaped(strings.Trim(string(word), `"`)), f.Path)
		}
	}
	assert.NotContains(t, string(raw), `\u003c`, "it is read by people as well")
}

func unescaped(s string) string { return strings.ReplaceAll(s, `\u003c`, "<") }
