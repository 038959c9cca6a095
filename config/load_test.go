package config_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/conditions"
	"github.com/rollcall-dev/rollcall/config"
	"github.com/rollcall-dev/rollcall/release"
)

var update = flag.Bool("update", false, "write what the golden cases want anew")

// TestGolden reads every case of testdata: rules.yaml (or file.yaml, for what
// people keep), and in want what is left and every mistake as it is shown.
func TestGolden(t *testing.T) {
	cases, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, cases)
	for _, path := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { golden(t, path) })
	}
}

func golden(t *testing.T, path string) {
	archive, err := txtar.ParseFile(path)
	require.NoError(t, err)
	require.NotEmpty(t, strings.TrimSpace(string(archive.Comment)), "a case says why it is there")
	require.NotEmpty(t, archive.Files)
	input := archive.Files[0]
	read := config.Load
	switch input.Name {
	case "file.yaml":
		read = config.File
	case "tenant.yaml":
		read = func(file string, text []byte) (config.Config, []config.Mistake) {
			return config.LoadTenant("shop", file, text)
		}
	}
	got := shown(read(input.Name, input.Data))
	if *update {
		archive.Files = []txtar.File{input, {Name: "want", Data: []byte(got)}}
		require.NoError(t, os.WriteFile(path, txtar.Format(archive), 0o644))
		return
	}
	require.Len(t, archive.Files, 2, "run the test with -update, then read what it wrote")
	assert.Equal(t, string(archive.Files[1].Data), got)
}

// shown is what is left of a configuration, and its mistakes.
func shown(cfg config.Config, mistakes []config.Mistake) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(cfg.Sinks)) {
		sink := cfg.Sinks[name]
		switch {
		case sink.ArgoWorkflow != nil:
			fmt.Fprintf(&b, "sink %s: argoWorkflow %+v", name, *sink.ArgoWorkflow)
		case sink.HTTP != nil:
			fmt.Fprintf(&b, "sink %s: http %+v", name, *sink.HTTP)
		}
		for _, p := range slices.Sorted(maps.Keys(sink.Parameters)) {
			fmt.Fprintf(&b, " %s=%q", p, sink.Parameters[p])
		}
		fmt.Fprintln(&b)
	}
	for _, r := range cfg.Rules {
		event := ""
		if r.Event != "" {
			event = "event " + string(r.Event) + ", "
		}
		fmt.Fprintf(&b, "rule %s: on %s %v %v, %swhen %q, kinds %v, send %v\n",
			r.Name, r.On.Kind, r.On.Namespaces, r.On.Labels, event, r.When, r.Kinds, sends(r))
		if r.Terms != (release.Terms{}) {
			fmt.Fprintf(&b, "     %+v\n", r.Terms)
		}
	}
	for _, m := range append(mistakes, cfg.Warnings...) {
		fmt.Fprintf(&b, "\n[rule %q sink %q]\n%s\n", m.Rule, m.Sink, m)
	}
	return b.String()
}

// sends are the sinks of a rule, with the parameters that it gives them.
func sends(r conditions.Rule) []string {
	var out []string
	for _, to := range r.Send {
		var word strings.Builder
		word.WriteString(to.Sink)
		for _, p := range slices.Sorted(maps.Keys(to.Parameters)) {
			word.WriteString(fmt.Sprintf(" %s=%q", p, to.Parameters[p]))
		}
		out = append(out, word.String())
	}
	return out
}

// TestGoldenSayEnough counts the different mistakes that the cases show.
func TestGoldenSayEnough(t *testing.T) {
	cases, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	messages := map[string]bool{}
	for _, path := range cases {
		archive, err := txtar.ParseFile(path)
		require.NoError(t, err)
		for line := range strings.SplitSeq(string(archive.Files[len(archive.Files)-1].Data), "\n") {
			if place, message, ok := strings.Cut(line, ": "); ok && strings.Contains(place, ".yaml:") {
				messages[message] = true
			}
		}
	}
	assert.GreaterOrEqual(t, len(messages), 60)
}

func TestMistakeIsShownInItsText(t *testing.T) {
	text := `sinks:
  smoke:
    argoWorkflow:
      workflowTemplate: smoke



rules:
    - name: web-ready
      on:
        kind: Deployment
      when: release.redy
`
	_, mistakes := config.Load("rules.yaml", []byte(text))
	require.Len(t, mistakes, 1)
	want := `rules.yaml:12:21: undefined field 'redy', did you mean "ready"?
   12 |       when: release.redy
                            ^`
	assert.Equal(t, want, mistakes[0].String())
}

func TestLoadLimits(t *testing.T) {
	for _, tt := range []struct {
		name string
		text string
		want string
	}{
		{"a text that is too long", "# " + strings.Repeat("x", 1<<20), "rules.yaml:1:1: text is longer than 1 MiB\n"},
		{"a text that is not UTF-8", "rules: []\n# \xff", "rules.yaml:2:3: text is not UTF-8\n"},
		{"a text in UTF-16", "\xff\xfer\x00", "rules.yaml:1:1: text is not UTF-8\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg, mistakes := config.Load("rules.yaml", []byte(tt.text))
			assert.Empty(t, cfg.Rules)
			require.Len(t, mistakes, 1)
			assert.Contains(t, mistakes[0].String(), tt.want)
		})
	}
}

func TestLoadForgivesAByteOrderMark(t *testing.T) {
	_, mistakes := config.Load("rules.yaml", []byte("\ufeffruls: []"))
	require.Len(t, mistakes, 1)
	assert.Equal(t, 1, mistakes[0].Column)
}

// What somebody else wrote is shown on the terminal of who checks it: it must not
// clear the screen, or say another thing than it shows.
func TestLoadShowsNothingThatSteersATerminal(t *testing.T) {
	for name, text := range map[string]string{
		"in the text":             "rules: [] # \x1b[2J\nfoo: 1",
		"in the line":             "foo: 1 # \u202e\u009b2J",
		"as an escape in a field": `{"f\e[2Joo\u202e": 1}`,
		"as an escape in a name":  `rules: [{name: "a\e]0;x\a", on: {kind: "\e[2JDeploymen"}}]`,
		"in a condition":          `rules: [{name: a, on: {kind: Deployment}, when: "releas\e[2J"}]`,
		"in bytes":                "\x1b[2J\xff",
	} {
		t.Run(name, func(t *testing.T) {
			_, mistakes := config.Load("rules.yaml", []byte(text))
			require.NotEmpty(t, mistakes)
			for _, m := range mistakes {
				require.NotContains(t, m.String(), "\x1b")
				require.NotContains(t, m.String(), "\u202e")
				require.NotContains(t, m.String(), "\u009b")
			}
		})
	}
}

func TestLoadShowsLongLinesInPart(t *testing.T) {
	text := "rules: [" + strings.Repeat("{name: a, on: {kind: Deployment}}, ", 300) + "]"
	_, mistakes := config.Load("rules.yaml", []byte(text))
	require.Len(t, mistakes, 299)
	for i, m := range mistakes {
		if i >= 100 {
			assert.Empty(t, m.Excerpt)
			continue
		}
		lines := strings.Split(m.Excerpt, "\n")
		require.Len(t, lines, 2)
		assert.LessOrEqual(t, len(lines[0]), 170)
		assert.Equal(t, "a", string(lines[0][len(lines[1])-1]), "the caret is below the second name")
	}
}

func TestLoadManyMistakesInTime(t *testing.T) {
	text := "rules:\n" + strings.Repeat("- {nam: a, when: 'release.redy'}\n", 5000)
	_, mistakes := config.Load("rules.yaml", []byte(text))
	assert.Len(t, mistakes, 20000)
}
