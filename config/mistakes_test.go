package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/config"
)

// wanted ends the name of what a case wants.
const wanted = " wants"

// TestMistakes reads every case of testdata/mistakes: a text, and behind it all that
// is said of it. A person reads these words: read them when they change.
func TestMistakes(t *testing.T) {
	for area, archive := range mistakeCases(t) {
		var again []txtar.File
		for i, f := range archive.Files {
			if strings.HasSuffix(f.Name, wanted) {
				continue
			}
			said := said(area, f.Data)
			again = append(again, f, txtar.File{Name: f.Name + wanted, Data: []byte(said)})
			if *update {
				continue
			}
			t.Run(area+"/"+f.Name, func(t *testing.T) {
				require.Less(t, i+1, len(archive.Files), "run the test with -update, then read what it wrote")
				require.Equal(t, f.Name+wanted, archive.Files[i+1].Name)
				assert.Equal(t, string(archive.Files[i+1].Data), said)
			})
		}
		if archive.Files = again; *update {
			require.NoError(t, os.WriteFile(filepath.Join("testdata/mistakes", area+".txtar"), txtar.Format(archive), 0o644))
		}
	}
}

func mistakeCases(t *testing.T) map[string]*txtar.Archive {
	t.Helper()
	paths, err := filepath.Glob("testdata/mistakes/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	out := map[string]*txtar.Archive{}
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		require.NoError(t, err)
		out[strings.TrimSuffix(filepath.Base(path), ".txtar")] = archive
	}
	return out
}

// said is what is said of a text: mistakes, and then warnings, each with its code.
func said(area string, text []byte) string {
	read := config.Load
	switch area {
	case "files":
		read = config.File
	case "tenants":
		read = func(file string, text []byte) (config.Config, []config.Mistake) {
			return config.LoadTenant("shop", file, text)
		}
	}
	_, mistakes := read("rules.yaml", text)
	var b strings.Builder
	for _, m := range mistakes {
		m.Excerpt = ""
		fmt.Fprintf(&b, "%s [%s]\n", m, m.Code)
	}
	return b.String()
}

// TestMistakesAreDistinct counts them: those that read differently, and those that do
// so without the words that they repeat.
func TestMistakesAreDistinct(t *testing.T) {
	all, shapes, sorts := map[string]bool{}, map[string]bool{}, map[config.Code]bool{}
	repeated := regexp.MustCompile(`"[^"]*"|'[^']*'|[0-9]+`)
	for _, archive := range mistakeCases(t) {
		for _, f := range archive.Files {
			if !strings.HasSuffix(f.Name, wanted) {
				continue
			}
			assert.NotEmpty(t, f.Data, "%s is no mistake", f.Name)
			for line := range strings.Lines(string(f.Data)) {
				_, message, ok := strings.Cut(line, ": ")
				require.True(t, ok, line)
				all[message] = true
				shapes[repeated.ReplaceAllString(message, "…")] = true
				sorts[config.Code(line[strings.LastIndex(line, "[")+1:len(line)-2])] = true
			}
		}
	}
	assert.GreaterOrEqual(t, len(all), 200)
	assert.GreaterOrEqual(t, len(shapes), 100)
	for _, s := range config.Sorts() {
		assert.True(t, s.Warning || sorts[s.Code], "no case is %s", s.Code)
	}
}
