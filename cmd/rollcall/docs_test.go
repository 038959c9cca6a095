package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const root = "../.."

func page(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(root + "/" + name)
	require.NoError(t, err)
	return string(raw)
}

// rows gives the cells of the table of README.md under a head.
func rows(t *testing.T, head string) [][]string {
	t.Helper()
	_, body, ok := strings.Cut(page(t, "README.md"), head+"\n")
	require.True(t, ok, "README.md has no table %s", head)
	var out [][]string
	for _, line := range strings.Split(body, "\n")[1:] {
		if !strings.HasPrefix(line, "|") {
			break
		}
		var cells []string
		for c := range strings.SplitSeq(strings.Trim(line, "|"), "|") {
			cells = append(cells, strings.Trim(c, " `"))
		}
		out = append(out, cells)
	}
	return out
}

// shell gives what the pages, and the help of the commands, have people type.
func shell(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, name := range []string{"README.md", "CONTRIBUTING.md", "docs/engines.md", "docs/rules.md", "docs/timelines.md"} {
		for _, m := range regexp.MustCompile("(?ms)^ *```sh\n(.*?)^ *```$").FindAllStringSubmatch(page(t, name), -1) {
			b.WriteString(m[1])
		}
	}
	for _, c := range newRoot("rollcall").Commands() {
		b.WriteString(c.Example + "\n")
	}
	return b.String()
}

// words splits a line as a shell does, as far as the pages need it.
func words(line string) []string {
	var out []string
	for _, w := range regexp.MustCompile(`'[^']*'|"[^"]*"|\S+`).FindAllString(line, -1) {
		out = append(out, strings.Trim(w, `'"`))
	}
	return out
}

func TestCommandsOfThePagesAreRight(t *testing.T) {
	commands := regexp.MustCompile(`(?m)(?:^ *|\| |\$\()rollcall ((?:'[^']*'|"[^"]*"|\$\([^)]*\)|[^|)#\n>;])*)`).FindAllStringSubmatch(shell(t), -1)
	require.Greater(t, len(commands), 8)
	t.Chdir(root)
	for _, m := range commands {
		line := regexp.MustCompile(`\$\([^)]*\)|\$\w+`).ReplaceAllString(m[1], commit)
		t.Run(line, func(t *testing.T) {
			cmd, args, err := newRoot("rollcall").Find(words(line))
			require.NoError(t, err)
			require.NoError(t, cmd.ParseFlags(args))
			require.NoError(t, cmd.ValidateArgs(cmd.Flags().Args()))
			if cmd.Name() == "check" && !strings.Contains(line, "--live") || cmd.Name() == "traceparent" {
				in, err := os.ReadFile("manifests/examples/rules.yaml")
				require.NoError(t, err)
				got := rollcall(t, string(in), words(line)...)
				assert.Equal(t, 0, got.code, got.out+got.errs)
			}
		})
	}
}

// Every command that a page names in the middle of a sentence is there.
func TestNamedCommandsExist(t *testing.T) {
	r := newRoot("rollcall")
	r.InitDefaultCompletionCmd()
	for _, m := range regexp.MustCompile("`rollcall ([a-z]+)").FindAllStringSubmatch(page(t, "README.md"), -1) {
		cmd, _, err := r.Find(m[1:2])
		require.NoError(t, err)
		assert.Equal(t, m[1], cmd.Name())
	}
	var missing []string
	for _, c := range r.Commands() {
		if !strings.Contains(page(t, "README.md"), "`rollcall "+c.Name()) {
			missing = append(missing, c.Name())
		}
	}
	assert.Empty(t, missing, "README.md does not name them")
}

func TestMistakeIsShownAsItIs(t *testing.T) {
	readme := page(t, "README.md")
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("rules.yaml", []byte(bad), 0o600))
	out := rollcall(t, "", "check", "rules.yaml").out
	assert.True(t, strings.Contains(readme, "```\n$ rollcall check rules.yaml\n"+out+"```\n"), "README.md should show\n%s", out)
}

func TestFlagsOfRun(t *testing.T) {
	for _, name := range []string{"POD_NAMESPACE", "ROLLCALL_CLUSTER"} {
		t.Setenv(name, "")
	}
	t.Setenv("POD_NAME", "the host's name")
	var want [][]string
	newRun().Flags().VisitAll(func(f *pflag.Flag) { want = append(want, []string{"--" + f.Name, f.DefValue}) })
	var got [][]string
	for _, r := range rows(t, "| flag | default | what |") {
		got = append(got, r[:2])
	}
	assert.Equal(t, want, got)
}

func TestMetricsOfThePage(t *testing.T) {
	m := newMetrics()
	m.registry.MustRegister(newReleasesCollector(func() map[string]int { return nil }))
	ch := make(chan *prometheus.Desc, 1000)
	m.registry.Describe(ch)
	close(ch)
	var want []string
	for d := range ch {
		name := regexp.MustCompile(`fqName: "(rollcall_\w+)"`).FindStringSubmatch(d.String())
		if name == nil {
			continue // those of Go and of the process
		}
		want = append(want, name[1])
		labels := regexp.MustCompile(`variableLabels: \{([^}]*)\}`).FindStringSubmatch(d.String())
		require.NotNil(t, labels, d.String())
		for label := range strings.FieldsFuncSeq(labels[1], func(r rune) bool { return r == ',' }) {
			assert.Regexp(t, "(?m)^.*`"+name[1]+"`.*`"+label+"`.*$", page(t, "README.md"), "the label is not told")
		}
	}
	var got []string
	for _, r := range rows(t, "| metric | what |") {
		got = append(got, r[0])
	}
	assert.ElementsMatch(t, want, got)
}

// What manifests, and the overlays of the pages, start the controller with.
func TestArgumentsOfTheManifestsAreRight(t *testing.T) {
	seen := 0
	for _, name := range []string{"README.md", "docs/engines.md", "manifests/base/deployment.yaml", "manifests/hub/spoke/kustomization.yaml"} {
		for _, m := range regexp.MustCompile(`(?m)(?:- |value: )(--[a-z][^ \n]*)`).FindAllStringSubmatch(page(t, name), -1) {
			seen++
			require.NoError(t, newRun().ParseFlags([]string{m[1]}), name)
		}
	}
	assert.GreaterOrEqual(t, seen, 6)
}
