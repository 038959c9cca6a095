package parts

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// tiny is a part of two small programs with a pin folder in a temporary folder.
func tiny(t *testing.T) (part, string) {
	t.Helper()
	pins := t.TempDir()
	write(t, filepath.Join(pins, "tiny", "go.mod"), "module example.com/tiny\n\ngo 1.26.0\n")
	write(t, filepath.Join(pins, "tiny", "go.sum"), "")
	write(t, filepath.Join(pins, "tiny", "one", "main.go"), "package main\n\nfunc main() {}\n")
	write(t, filepath.Join(pins, "tiny", "two", "main.go"), "package main\n\nfunc main() {}\n")
	write(t, filepath.Join(pins, "tiny", "deploy", "kinds.yaml"), "kind: List\n")
	return part{
		name: "tiny", module: "example.com/tiny@v1.0.0", pin: "tiny", cold: time.Second,
		targets:   []target{{"one", "example.com/tiny/one"}, {"two", "example.com/tiny/two"}},
		manifests: map[string]string{"tiny/deploy": "deploy"},
	}, pins
}

// build builds the part as a process of its own would and returns what it said.
func build(ctx context.Context, dir, pins string, p part) (string, error) {
	var said bytes.Buffer
	b := &builder{dir: dir, pins: pins, progress: &lines{to: &said}}
	err := b.build(ctx, []part{p})
	return said.String(), err
}

func TestBuildLeavesUpToDatePartsAlone(t *testing.T) {
	p, pins := tiny(t)
	dir := t.TempDir()
	said, err := build(t.Context(), dir, pins, p)
	require.NoError(t, err)
	require.Contains(t, said, "building 1 parts into "+dir+": tiny; about 1 s on 2 cores")
	require.Contains(t, said, "building tiny … (about 1 s cold on 2 cores)\nbuilt tiny in ")
	require.Contains(t, said, "(1 of 1)")
	require.FileExists(t, filepath.Join(dir, "one"))
	require.FileExists(t, filepath.Join(dir, "two"))
	require.FileExists(t, filepath.Join(Binaries{dir: dir}.Manifests("tiny/deploy"), "kinds.yaml"))

	said, err = build(t.Context(), dir, pins, p)
	require.NoError(t, err)
	require.Empty(t, said)
}

func TestBuildBuildsAgain(t *testing.T) {
	p, pins := tiny(t)
	for name, change := range map[string]func(dir string, p *part){
		"another version": func(_ string, p *part) { p.module = "example.com/tiny@v1.0.1" },
		"another pin": func(string, *part) {
			write(t, filepath.Join(pins, "tiny", "go.mod"), "module example.com/tiny\n\ngo 1.25.0\n")
		},
		"a program is gone": func(dir string, _ *part) { require.NoError(t, os.Remove(filepath.Join(dir, "two"))) },
	} {
		t.Run(name, func(t *testing.T) {
			dir, p := t.TempDir(), p
			_, err := build(t.Context(), dir, pins, p)
			require.NoError(t, err)
			change(dir, &p)
			said, err := build(t.Context(), dir, pins, p)
			require.NoError(t, err)
			require.Contains(t, said, "built tiny")
		})
	}
}

func TestBuildThatFailsLeavesNothing(t *testing.T) {
	p, pins := tiny(t)
	write(t, filepath.Join(pins, "tiny", "two", "main.go"), "package main\n\nfunc main() { nothing() }\n")
	dir := t.TempDir()
	_, err := build(t.Context(), dir, pins, p)
	require.ErrorContains(t, err, "build tiny")
	require.ErrorContains(t, err, "undefined: nothing")
	requireNothingBuilt(t, dir)
}

func TestBuildThatIsInterruptedLeavesNothing(t *testing.T) {
	p, pins := tiny(t)
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := build(ctx, dir, pins, p)
	require.Error(t, err)
	requireNothingBuilt(t, dir)

	left := filepath.Join(dir, tempPrefix+"left-by-a-crash")
	write(t, filepath.Join(left, "half"), "")
	_, err = build(t.Context(), dir, pins, p)
	require.NoError(t, err)
	require.NoDirExists(t, left)
}

func TestBuildsAtOnceBuildOnce(t *testing.T) {
	p, pins := tiny(t)
	dir := t.TempDir()
	said := make([]string, 4)
	var group sync.WaitGroup
	for i := range said {
		group.Go(func() {
			var err error
			said[i], err = build(t.Context(), dir, pins, p)
			require.NoError(t, err)
		})
	}
	group.Wait()
	require.Equal(t, 1, strings.Count(strings.Join(said, ""), "built tiny"))
}

func TestTable(t *testing.T) {
	for _, p := range table() {
		require.NotEqual(t, p.pin == "", p.sum == "", "%s must have either a pin folder or a checksum", p.name)
		require.NotEmpty(t, p.targets, p.name)
		require.NotZero(t, p.cold, p.name)
		if p.pin != "" {
			pin, err := os.ReadFile(filepath.Join(p.pin, "go.mod"))
			require.NoError(t, err)
			require.Contains(t, string(pin), strings.Replace(p.module, "@", " ", 1), "the pin folder of %s has another version", p.name)
		}
	}
	require.Len(t, selected(table(), nil), len(table()))
	require.Len(t, selected(table(), []Name{Kwok, Etcd}), 2)
}

func TestRoot(t *testing.T) {
	root, err := Root()
	require.NoError(t, err)
	require.DirExists(t, filepath.Join(root, "e2e", "parts"))
	t.Chdir(t.TempDir())
	_, err = Root()
	require.ErrorContains(t, err, "find repository root")
	t.Setenv("ROLLCALL_CACHE", "elsewhere")
	cache, err := CacheDir()
	require.NoError(t, err)
	require.True(t, filepath.IsAbs(cache))
}

func requireNothingBuilt(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, entry := range entries {
		require.Equal(t, "lock", entry.Name())
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
}

func TestAModuleBesideIsTakenFromTheProxy(t *testing.T) {
	source, dir := t.TempDir(), t.TempDir()
	write(t, filepath.Join(source, "go.mod"), "module example.com/tiny\n\nreplace example.com/tiny/api => ./api\n")
	write(t, filepath.Join(source, "go.sum"), "example.com/other v1.0.0 h1:x\n")
	m := beside{"example.com/tiny/api@v1.2.0", [2]string{"h1:a", "h1:b"}}
	modfile, err := m.modfile(t.Context(), source, dir)
	require.NoError(t, err)
	mod, err := os.ReadFile(modfile)
	require.NoError(t, err)
	require.Contains(t, string(mod), "example.com/tiny/api => example.com/tiny/api v1.2.0\n")
	sum, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	require.NoError(t, err)
	require.Equal(t, "example.com/other v1.0.0 h1:x\nexample.com/tiny/api v1.2.0 h1:a\nexample.com/tiny/api v1.2.0/go.mod h1:b\n", string(sum))
}
