package rollcall_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientcmdv1 "k8s.io/client-go/tools/clientcmd/api/v1"
	"sigs.k8s.io/yaml"

	"github.com/rollcall-dev/rollcall/config"
	"github.com/rollcall-dev/rollcall/emit"
	"github.com/rollcall-dev/rollcall/journey"
	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// timelines is the page whose YAML and tables internal/timeline holds to its code.
const (
	timelines = "docs/timelines.md"
	tutorial  = "docs/tutorial.md"
)

// pages lists what people read.
func pages(t *testing.T) []string {
	t.Helper()
	more, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	return append([]string{"README.md", "CONTRIBUTING.md"}, more...)
}

func read(t *testing.T, file string) string {
	t.Helper()
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(raw)
}

// blocks gives the code blocks of a page in one language, without the indent of
// a list that they stand in.
func blocks(t *testing.T, page, language string) []string {
	t.Helper()
	fence := regexp.MustCompile("(?ms)^( *)```(\\w*)\n(.*?)^ *```$")
	var out []string
	for _, m := range fence.FindAllStringSubmatch(read(t, page), -1) {
		if m[2] == language {
			out = append(out, regexp.MustCompile("(?m)^"+m[1]).ReplaceAllString(m[3], ""))
		}
	}
	return out
}

// table gives the cells of the first table under a head, on any page but that of
// the timelines.
func table(t *testing.T, head ...string) [][]string {
	t.Helper()
	var lines []string
	for _, page := range pages(t) {
		if page != timelines {
			lines = append(lines, strings.Split(read(t, page), "\n")...)
		}
	}
	i := slices.Index(lines, "| "+strings.Join(head, " | ")+" |")
	require.GreaterOrEqual(t, i, 0, "there is no table with the columns %v", head)
	var rows [][]string
	for _, line := range lines[i+2:] {
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		cells[0] = strings.Trim(cells[0], "`")
		rows = append(rows, cells)
	}
	return rows
}

func firsts(rows [][]string) []string {
	var out []string
	for _, r := range rows {
		out = append(out, r[0])
	}
	return out
}

// again writes a table of words and meanings as it was.
func again(rows [][]string, head string) string {
	var out []config.Meaning
	for _, r := range rows {
		out = append(out, config.Meaning{Word: r[0], Doc: r[1]})
	}
	return meanings(head, out)
}

func TestYAMLOfThePagesIsRight(t *testing.T) {
	for _, page := range pages(t) {
		if page == timelines || page == tutorial {
			continue // they have tests of their own
		}
		for i, text := range blocks(t, page, "yaml") {
			t.Run(fmt.Sprint(page, " ", i), func(t *testing.T) { checkYAML(t, page, []byte(text)) })
		}
	}
}

func TestManifestsAreRight(t *testing.T) {
	seen := 0
	require.NoError(t, filepath.WalkDir("manifests", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) == ".json" { // a schema, which config tests
			return err
		}
		if strings.HasSuffix(path, ".timeline.yaml") {
			return nil // the recipes are run
		}
		seen++
		t.Run(path, func(t *testing.T) { checkYAML(t, path, []byte(read(t, path))) })
		return nil
	}))
	assert.Greater(t, seen, 12)
}

// kustomization has the fields that ours use.
type kustomization struct {
	metav1.TypeMeta `json:",inline"`
	Namespace       string   `json:"namespace"`
	Resources       []string `json:"resources"`
	Components      []string `json:"components"`
	Images          []struct {
		Name    string `json:"name"`
		NewName string `json:"newName"`
		NewTag  string `json:"newTag"`
	} `json:"images"`
	ConfigMapGenerator []struct {
		Name  string   `json:"name"`
		Files []string `json:"files"`
	} `json:"configMapGenerator"`
	GeneratorOptions map[string]bool `json:"generatorOptions"`
	Labels           []struct {
		Pairs map[string]string `json:"pairs"`
	} `json:"labels"`
	Patches []struct {
		Target map[string]string `json:"target"`
		Patch  string            `json:"patch"`
	} `json:"patches"`
}

// object makes what a manifest of a kind is read into, nil if the kind is not
// ours to check.
func object(t *testing.T, kind string) any {
	t.Helper()
	switch kind {
	case "ConfigMap":
		return &corev1.ConfigMap{}
	case "Secret":
		return &corev1.Secret{}
	case "Config":
		return &clientcmdv1.Config{}
	case "Namespace":
		return &corev1.Namespace{}
	case "ServiceAccount":
		return &corev1.ServiceAccount{}
	case "Deployment":
		return &appsv1.Deployment{}
	case "Role":
		return &rbacv1.Role{}
	case "RoleBinding":
		return &rbacv1.RoleBinding{}
	case "ClusterRole":
		return &rbacv1.ClusterRole{}
	case "ClusterRoleBinding":
		return &rbacv1.ClusterRoleBinding{}
	case "Release":
		return &v1alpha1.Release{}
	case "Kustomization", "Component":
		return &kustomization{}
	case "CustomResourceDefinition", "WorkflowTemplate": // their Go types are not among what we depend on
		return &map[string]any{}
	}
	require.Failf(t, "unknown kind", "%s: add it to this list", kind)
	return nil
}

func checkYAML(t *testing.T, file string, raw []byte) {
	t.Helper()
	for _, document := range regexp.MustCompile(`(?m)^---$`).Split(strings.TrimPrefix(string(raw), "---\n"), -1) {
		var head struct {
			metav1.TypeMeta `json:",inline"`
		}
		require.NoError(t, yaml.Unmarshal([]byte(document), &head))
		if head.Kind == "" { // bare rules
			c, mistakes := config.File(file, []byte(document))
			require.Empty(t, mistakes)
			require.NotEmpty(t, c.Rules)
			assert.Empty(t, c.Warnings)
			continue
		}
		into := object(t, head.Kind)
		require.NoError(t, yaml.UnmarshalStrict([]byte(document), into), head.Kind)
		if cm, ok := into.(*corev1.ConfigMap); ok && cm.Data[config.Key] != "" {
			c, mistakes := config.File(file, []byte(document))
			require.Empty(t, mistakes)
			require.NotEmpty(t, c.Rules)
		}
	}
}

func TestMakeTargetsExist(t *testing.T) {
	makefile := read(t, "Makefile")
	for _, page := range pages(t) {
		for _, m := range regexp.MustCompile("(?m)(?:`|^ *)make ([a-z0-9-]+)").FindAllStringSubmatch(read(t, page), -1) {
			assert.Regexp(t, "(?m)^"+m[1]+":", makefile, "%s names make %s", page, m[1])
		}
	}
}

func TestLinksLead(t *testing.T) {
	for _, page := range pages(t) {
		for _, m := range regexp.MustCompile(`\]\(([^)#]*)(?:#([^)]*))?\)`).FindAllStringSubmatch(read(t, page), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			to := filepath.Join(filepath.Dir(page), m[1])
			if m[1] == "" {
				to = page
			}
			_, err := os.Stat(to)
			assert.NoError(t, err, page)
			if m[2] != "" {
				assert.Contains(t, anchors(t, to), m[2], "%s points into %s", page, to)
			}
		}
	}
}

// anchors lists what a page's headings are called in links.
func anchors(t *testing.T, page string) []string {
	t.Helper()
	var out []string
	for _, m := range regexp.MustCompile("(?m)^#+ (.*)$").FindAllStringSubmatch(read(t, page), -1) {
		words := regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(m[1]), "")
		out = append(out, strings.ReplaceAll(words, " ", "-"))
	}
	return out
}

func TestREADMEStaysShort(t *testing.T) {
	assert.LessOrEqual(t, strings.Count(read(t, "README.md"), "\n"), 450, "what is longer goes to docs/")
}

func TestEveryFolderIsNamedOnce(t *testing.T) {
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	var want []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && e.Name() != "bin" {
			want = append(want, e.Name()+"/")
		}
	}
	assert.ElementsMatch(t, want, firsts(table(t, "folder", "what")))
}

func TestKindsAndPhases(t *testing.T) {
	assert.Equal(t, meanings("kind", config.Kinds()), again(table(t, "kind", "what"), "kind"))
	assert.Equal(t, meanings("event", config.Events()), again(table(t, "event", "what"), "event"))
	var announced []string
	for _, k := range release.DefaultKinds() {
		announced = append(announced, "`"+string(k)+"`")
	}
	assert.Contains(t, read(t, "README.md"), "default: "+strings.Join(announced, ", "))
	enum := regexp.MustCompile(`Enum=(Adopted[\w;]*)`).FindStringSubmatch(read(t, "release/v1alpha1/status.go"))
	require.NotNil(t, enum)
	assert.Equal(t, strings.Split(enum[1], ";"), firsts(table(t, "phase", "what")))
	assert.Contains(t, read(t, "README.md"), fmt.Sprintf("The last %d records", emit.Keep))
	assert.Contains(t, read(t, "README.md"), fmt.Sprintf("for %.0f hours; then the delivery is `Dead`", emit.GiveUpAfter.Hours()))
}

func TestWhatIsRefusedIsSaid(t *testing.T) {
	_, section, ok := strings.Cut(read(t, "README.md"), "## What is not there yet\n")
	require.True(t, ok)
	words := map[string][]string{}
	for line := range strings.SplitSeq(section, "\n") {
		if m := regexp.MustCompile("^the (\\w+) (`.*)[;.]$").FindStringSubmatch(line); m != nil {
			words[m[1]] = strings.Split(strings.ReplaceAll(m[2], "`", ""), ", ")
		}
	}
	texts := map[string]func(word string) string{
		"fields": func(w string) string {
			return "sinks: {x: {http: {url: http://x, " + w + ": 1}}}"
		},
		"sinks": func(w string) string { return "sinks: {x: {" + w + ": {}}}" },
	}
	var later []string
	for group, text := range texts {
		require.NotEmpty(t, words[group], group)
		for _, w := range words[group] {
			_, mistakes := config.Load("rules.yaml", []byte(text(w)))
			if assert.NotEmpty(t, mistakes, w) {
				assert.Contains(t, mistakes[0].Message, w+" is not yet supported")
			}
		}
		if group == "fields" || group == "sinks" {
			later = append(later, words[group]...)
		}
	}
	var refused []string
	for _, f := range config.Fields() {
		if f.Later {
			refused = append(refused, f.Name())
		}
	}
	assert.ElementsMatch(t, refused, later, "all that config refuses is said")
}

func TestLineOfShellGivesTheTraceID(t *testing.T) {
	ran := false
	for _, text := range blocks(t, "README.md", "sh") {
		command, want, ok := strings.Cut(text, "\n# ")
		if !ok || !strings.HasPrefix(command, "printf") {
			continue
		}
		ran = true
		out, err := exec.CommandContext(t.Context(), "sh", "-c", command).Output()
		require.NoError(t, err)
		assert.Equal(t, want, string(out))
		words := strings.Fields(command)
		id, err := journey.TraceIDForCommit(words[2], words[3])
		require.NoError(t, err)
		assert.Equal(t, id.String()+"\n", want)
	}
	assert.True(t, ran, "README.md has the line of shell, and below it what it prints")
}

func TestWaterfallIsWhatIsDrawn(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, journey.Waterfall(&b, journey.FromRecord(example()), 100))
	assert.True(t, strings.Contains(read(t, "README.md"), "```\n"+b.String()+"```\n"), "the waterfall of README.md should be\n%s", &b)
}

// example is a release that went all the way.
func example() *v1alpha1.Release {
	ready := time.Date(2026, 11, 22, 10, 0, 42, 0, time.UTC)
	at := func(seconds float64) *metav1.MicroTime {
		m := metav1.NewMicroTime(ready.Add(time.Duration(seconds * float64(time.Second))))
		return &m
	}
	step := func(name string, from, to float64) v1alpha1.Step {
		return v1alpha1.Step{ID: name, Name: name, Result: "success", Started: *at(from), Finished: *at(to)}
	}
	return &v1alpha1.Release{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web-6f4c1b9e21"},
		Spec: v1alpha1.ReleaseSpec{
			Cluster: "prod", Revision: "7", Kind: "release",
			Subject: v1alpha1.Subject{Kind: "Deployment", Name: "web", UID: "uid"}, Template: v1alpha1.Template{Hash: "6f4c1b9e"},
		},
		Status: v1alpha1.ReleaseStatus{
			GitOps: &v1alpha1.GitOps{Engine: "argocd", Namespace: "argocd", Name: "shop"},
			Trace:  &v1alpha1.Trace{ID: "dcc4b80b28cb0a9b30bfe239b249f8b6", Source: "commit"},
			Timeline: v1alpha1.Timeline{
				SyncStarted: at(-42), SyncFinished: at(-37), RolloutStarted: at(-38), RolloutFinished: at(-1), Ready: at(0),
			},
			Deliveries: []v1alpha1.Delivery{{
				Rule: "web-ready", Sink: "smoke", EventID: "1", State: "Sent", Follows: true, Created: *at(0),
				First: &v1alpha1.Attempt{Started: *at(0.01), Finished: *at(0.05)},
				Outcome: &v1alpha1.Outcome{
					Result: "success", Created: *at(0), Started: at(2), Finished: *at(31),
					Steps: []v1alpha1.Step{step("login", 3, 11), step("checkout", 11, 30)},
				},
			}},
		},
	}
}
