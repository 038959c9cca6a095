package config_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/rollcall-dev/rollcall/config"
	"github.com/rollcall-dev/rollcall/release"
)

func TestFieldsSayWhatTheyAre(t *testing.T) {
	seen := map[string]config.Type{}
	for _, f := range config.Fields() {
		assert.NotContains(t, seen, f.Path, "a field is told once")
		seen[f.Path] = f.Type
		if f.Later {
			assert.Empty(t, f.Doc, "%s: what is refused means nothing yet", f.Path)
			continue
		}
		require.NotEmpty(t, f.Doc, f.Path)
		assert.NotEmpty(t, f.Type, f.Path)
		assert.False(t, strings.HasSuffix(f.Doc, "."), "%s stands in a table", f.Path)
		assert.Equal(t, f.Type == config.Word || f.Type == config.Words || f.Type == config.Kind, len(f.Words) > 0, f.Path)
		assert.Equal(t, f.Type == config.Time, f.Least > 0 && f.Most > f.Least, f.Path)
		assert.False(t, f.Required && f.Default != "", "%s has to be there, and so has no default", f.Path)
		if i := strings.LastIndex(f.Path, "."); i > 0 {
			parent := strings.TrimSuffix(strings.TrimSuffix(f.Path[:i], "[]"), ".*")
			assert.Contains(t, seen, parent, "%s comes before what it stands in", f.Path)
		}
	}
}

// Every field is read: a value that none can have is a mistake, at that very value.
func TestFieldsAreRead(t *testing.T) {
	for _, f := range config.Fields() {
		t.Run(f.Path, func(t *testing.T) {
			var top any = map[string]any{}
			put(&top, strings.Split(f.Path, "."), []any{[]any{"odd"}})
			text, err := yaml.Marshal(top)
			require.NoError(t, err)
			_, mistakes := config.Load("rules.yaml", text)
			lines := strings.Split(string(text), "\n")
			at := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, "odd") }) + 1
			near := slices.ContainsFunc(mistakes, func(m config.Mistake) bool {
				later := strings.Contains(m.Message, "is not yet supported")
				return (m.Line == at || later && m.Line == at-1) && later == f.Later && !strings.Contains(m.Message, "unknown field")
			})
			assert.True(t, near, "nobody minds\n%s\n%v", text, mistakes)
		})
	}
}

// put sets what stands at a path, and makes what it stands in.
func put(in *any, path []string, to any) {
	if len(path) == 0 {
		*in = to
		return
	}
	m, _ := (*in).(map[string]any)
	if m == nil {
		m = map[string]any{}
		*in = m
	}
	name, list := strings.CutSuffix(path[0], "[]")
	if name == "*" {
		name = "x"
	}
	var child any
	put(&child, path[1:], to)
	if list && len(path) > 1 {
		child = []any{child}
	}
	m[name] = child
}

func TestMeaningsAreThoseOfTheWords(t *testing.T) {
	var events []release.Occasion
	for _, m := range config.Events() {
		events = append(events, release.Occasion(m.Word))
		assert.NotEmpty(t, m.Doc)
	}
	assert.Equal(t, release.Occasions(), events)
	var kinds []release.Kind
	for _, m := range config.Kinds() {
		kinds = append(kinds, release.Kind(m.Word))
		assert.NotEmpty(t, m.Doc)
	}
	assert.Equal(t, release.Kinds(), kinds)
}

// A word from elsewhere leads to one field, and is none itself where that stands.
func TestWordsFromElsewhereLeadToAField(t *testing.T) {
	taken := map[string]string{}
	for _, f := range config.Fields() {
		taken[f.Path] = f.Path
	}
	for _, f := range config.Fields() {
		for _, word := range f.Elsewhere {
			path := strings.TrimSuffix(f.Path, f.Name()) + word
			assert.Empty(t, taken[path], "%s for %s", word, f.Path)
			taken[path] = f.Path
		}
	}
}

func TestSpell(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"24h": 24 * time.Hour, "15m": 15 * time.Minute, "1h30m": 90 * time.Minute, "10s": 10 * time.Second,
		"1h0m10s": time.Hour + 10*time.Second, "20m": 20 * time.Minute, "0s": 0, "100h": 100 * time.Hour, "1ms": time.Millisecond,
	} {
		assert.Equal(t, want, config.Spell(d))
	}
}
