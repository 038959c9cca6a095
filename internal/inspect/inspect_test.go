package inspect_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/config"
	"github.com/rollcall-dev/rollcall/internal/inspect"
	"github.com/rollcall-dev/rollcall/internal/memory"
	"github.com/rollcall-dev/rollcall/release"
)

var update = flag.Bool("update", false, "write what is expected anew")

// TestReports compares what is told of objects with what is pinned. A file subject
// names the subject, if there is more than one.
func TestReports(t *testing.T) {
	cases, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, cases)
	for _, path := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			require.NoError(t, err)
			require.NotEmpty(t, strings.TrimSpace(string(archive.Comment)), "a case says why it is there")
			got := told(t, archive)
			last := len(archive.Files) - 1
			if *update {
				archive.Files[last].Data = []byte(got)
				require.NoError(t, os.WriteFile(path, txtar.Format(archive), 0o644))
				return
			}
			assert.Equal(t, string(archive.Files[last].Data), got)
		})
	}
}

// told is the report on the objects of a case.
func told(t *testing.T, archive *txtar.Archive) string {
	t.Helper()
	rules, kind, name := config.Default(), "", ""
	var names []string
	var texts [][]byte
	for _, f := range archive.Files {
		switch f.Name {
		case "rules.yaml":
			var mistakes []config.Mistake
			rules, mistakes = config.File(f.Name, f.Data)
			require.Empty(t, mistakes)
		case "subject":
			kind, name, _ = strings.Cut(strings.TrimSpace(string(f.Data)), "/")
		case "want":
		default:
			names, texts = append(names, f.Name), append(texts, f.Data)
		}
	}
	files, err := inspect.Read(names, texts)
	require.NoError(t, err)
	all := files.Subjects()
	if name != "" {
		all = files.Find(kind, "", name)
	}
	require.Len(t, all, 1)
	place, err := files.Place(inspect.Settings{})
	require.NoError(t, err)
	r, err := place.Explain(t.Context(), all[0], rules)
	require.NoError(t, err)
	r.Notes = append(r.Notes, files.Notes...)
	var b bytes.Buffer
	require.NoError(t, r.Write(&b))
	_, err = json.Marshal(r)
	require.NoError(t, err)
	return b.String()
}

func TestReadRefuses(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"nothing":      {"# nothing\n", "read objects: there are none"},
		"no YAML":      {"a: [", "read x.yaml: "},
		"no object":    {"a: b\n", "it is no Kubernetes object"},
		"no name":      {"apiVersion: v1\nkind: Pod\n", "an object has no apiVersion, kind or name"},
		"a wrong kind": {"apiVersion: a/b/c\nkind: Pod\nmetadata: {name: a}\n", "it is no Kubernetes object"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := inspect.Read([]string{"x.yaml"}, [][]byte{[]byte(tt.text)})
			assert.ErrorContains(t, err, tt.want)
		})
	}
}

func TestCalled(t *testing.T) {
	deployment := release.KindRef{APIVersion: "apps/v1", Kind: "Deployment"}
	certificate := release.KindRef{APIVersion: "cert-manager.io/v1", Kind: "Certificate"}
	for word, want := range map[string]bool{
		"Deployment": true, "deployment": true, "deployments": true, "deploy": true, "deployments.apps": true,
		"Deployment.apps": true, "Deployment.example.com": false, "sts": false, "": false,
	} {
		assert.Equal(t, want, inspect.Called(deployment, word), word)
	}
	assert.True(t, inspect.Called(certificate, "Certificate.cert-manager.io"))
	assert.True(t, inspect.Called(certificate, "certificates"))
	assert.False(t, inspect.Called(certificate, "Certificate.example.com"))
}

func TestWhatIsNotThere(t *testing.T) {
	files, err := inspect.Read([]string{"x.yaml"}, [][]byte{[]byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")})
	require.NoError(t, err)
	assert.Empty(t, files.Subjects())
	assert.Empty(t, files.Find("Deployment", "", "a"))
	place, err := files.Place(inspect.Settings{})
	require.NoError(t, err)
	_, err = place.Explain(t.Context(), inspect.Name{Kind: release.KindRef{Kind: "Deployment"}, Namespace: "default", Name: "web"}, config.Default())
	assert.ErrorContains(t, err, "look at Deployment default/web: it is not there")
}

// Whoever may not read the records is told so, and everything else.
func TestWithoutTheRightToReadRecords(t *testing.T) {
	raw, err := os.ReadFile("testdata/recorded.txtar")
	require.NoError(t, err)
	files, err := inspect.Read([]string{"x.yaml"}, [][]byte{txtar.Parse(raw).Files[0].Data})
	require.NoError(t, err)
	files.Server.Hook = func(c memory.Call) memory.Fate {
		if c.Resource == "releases" {
			return memory.Fate{Code: http.StatusForbidden}
		}
		return memory.Fate{}
	}
	place, err := files.Place(inspect.Settings{})
	require.NoError(t, err)
	r, err := place.Explain(t.Context(), files.Subjects()[0], config.Default())
	require.NoError(t, err)
	assert.True(t, r.Release.Ready)
	assert.False(t, r.Release.New)
	assert.Equal(t, "the records may not be read, and so nobody knows", r.Release.Why)
}
