package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/config"
)

// seeds are all texts of testdata, and the examples.
func seeds(f *testing.F) {
	f.Helper()
	for _, pattern := range []string{"testdata/*.txtar", "testdata/mistakes/*.txtar"} {
		cases, err := filepath.Glob(pattern)
		require.NoError(f, err)
		require.NotEmpty(f, cases)
		for _, path := range cases {
			archive, err := txtar.ParseFile(path)
			require.NoError(f, err)
			for _, file := range archive.Files {
				if !strings.HasPrefix(file.Name, "want") && !strings.HasSuffix(file.Name, wanted) {
					f.Add(file.Data)
				}
			}
		}
	}
	examples, err := filepath.Glob("../manifests/examples/*.yaml")
	require.NoError(f, err)
	for _, path := range examples {
		raw, err := os.ReadFile(path)
		require.NoError(f, err)
		f.Add(raw)
	}
}

// holds checks what is so of whatever was read.
func holds(t *testing.T, text string, c config.Config, mistakes []config.Mistake) {
	t.Helper()
	lines := strings.Count(text, "\n") + strings.Count(text, "\r") + strings.Count(text, "\u0085") + strings.Count(text, "\u2028") + strings.Count(text, "\u2029") + 1
	bad := map[string]bool{}
	for _, m := range append(mistakes, c.Warnings...) {
		assert.Positive(t, m.Line)
		assert.LessOrEqual(t, m.Line, lines, "%s", m)
		assert.Positive(t, m.Column)
		assert.NotEmpty(t, m.Message)
		assert.NotEmpty(t, m.Code)
		assert.Less(t, len(m.Message), 1000)
		bad[m.Rule] = bad[m.Rule] || !m.Warning
	}
	seen := map[string]bool{}
	for _, rule := range c.Rules {
		assert.NotEmpty(t, rule.Name)
		assert.False(t, seen[rule.Name], "a name is there twice")
		assert.False(t, bad[rule.Name], "a rule with a mistake is not in force")
		seen[rule.Name] = true
	}
	c.Judge(t.Context(), ready(), noon())
	merged, _ := config.Merge(config.Default(), c, mistakes)
	merged.Judge(t.Context(), ready(), noon())
}

// maxFuzzed keeps each round short; longer texts are in the tests.
const maxFuzzed = 64 << 10

func FuzzLoad(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > maxFuzzed {
			return
		}
		c, mistakes := config.Load("rules.yaml", text)
		holds(t, string(text), c, mistakes)
		tenant, wrong := config.LoadTenant("shop", "rules.yaml", text)
		holds(t, string(text), tenant, wrong)
		for _, rule := range tenant.Rules {
			assert.Equal(t, []string{"shop"}, rule.On.Namespaces)
		}
		for _, s := range tenant.Sinks {
			assert.True(t, s.ArgoWorkflow == nil || s.ArgoWorkflow.Namespace == "" || s.ArgoWorkflow.Namespace == "shop")
		}
	})
}

func FuzzFile(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > maxFuzzed {
			return
		}
		c, mistakes := config.File("rules.yaml", text)
		holds(t, string(text), c, mistakes)
		for _, p := range config.Parts("rules.yaml", text) {
			p.IsRules()
			c, mistakes := p.Load("")
			holds(t, string(text), c, mistakes)
		}
		inner, wrong := config.Text("rules.yaml", text)
		assert.Equal(t, mistakes, wrong)
		if len(wrong) > 0 {
			return
		}
		again, mistakes := config.Load("rules.yaml", []byte(inner))
		assert.Empty(t, mistakes, "what is right in a file is right by itself")
		assert.Len(t, again.Rules, len(c.Rules))
	})
}
