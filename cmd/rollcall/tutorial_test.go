package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/internal/timeline"
)

// TestTutorial writes the files of the tutorial and runs its commands, in their
// order. What they answer is what the page shows.
func TestTutorial(t *testing.T) {
	text := page(t, "docs/tutorial.md")
	t.Chdir(t.TempDir())
	commands := 0
	for _, m := range regexp.MustCompile("(?ms)^```(yaml|console)\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
		if m[1] == "yaml" {
			head, body, _ := strings.Cut(m[2], "\n")
			name, ok := strings.CutPrefix(head, "# file: ")
			require.True(t, ok, "a file begins with its name")
			require.NoError(t, os.WriteFile(name, []byte(body), 0o600))
			continue
		}
		for said := range strings.SplitSeq(strings.TrimPrefix(m[2], "$ "), "\n$ ") {
			line, want, _ := strings.Cut(said, "\n")
			commands++
			got := rollcall(t, "", words(strings.TrimPrefix(line, "rollcall "))...)
			assert.Equal(t, strings.TrimRight(want, "\n"), strings.TrimRight(got.out+got.errs, "\n"), line)
		}
	}
	assert.Greater(t, commands, 5)
}

// TestRecipes runs the timeline of each recipe with its rules, and has each of them
// told of on the page.
func TestRecipes(t *testing.T) {
	all, err := filepath.Glob(root + "/manifests/examples/recipes/*.timeline.yaml")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(all), 7)
	for _, file := range all {
		name := strings.TrimSuffix(filepath.Base(file), ".timeline.yaml")
		t.Run(name, func(t *testing.T) {
			rules := strings.TrimSuffix(file, ".timeline.yaml") + ".yaml"
			got := rollcall(t, "", "test", "--rules", rules, file)
			assert.Zero(t, got.code, got.out+got.errs)
			got = rollcall(t, "", "check", rules)
			assert.Zero(t, got.code, got.out)
			assert.NotContains(t, got.out, "warning")
			assert.Contains(t, page(t, "docs/recipes.md"), "["+name+"](../manifests/examples/recipes/"+name+".yaml)")
			raw, err := os.ReadFile(file)
			require.NoError(t, err)
			story, mistakes := timeline.Read(file, raw)
			require.Empty(t, mistakes)
			assert.NotEmpty(t, story.Why)
		})
	}
	rules, err := filepath.Glob(root + "/manifests/examples/recipes/*.yaml")
	require.NoError(t, err)
	assert.Len(t, rules, 2*len(all), "each recipe has a timeline")
}
