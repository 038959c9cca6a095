package timeline

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rollcall-dev/rollcall/internal/memory"
)

// scene is a world in which short forms are written, without rollcall.
func scene(tb testing.TB, t *Timeline, now *time.Time) *engine {
	tb.Helper()
	server := memory.New(func() time.Time { return *now })
	e := &engine{Timeline: t, server: server, world: &world{
		server: server, now: func() time.Time { return *now }, namespace: t.Namespace, owners: map[Ref]Ref{},
	}}
	require.NoError(tb, e.install())
	return e
}

// acts are the single actions of a timeline that have to do with objects.
func acts(a Action) []Action {
	switch a := a.(type) {
	case several:
		var out []Action
		for _, one := range a {
			out = append(out, acts(one)...)
		}
		return out
	case show, apply, patch, remove, touch:
		return []Action{a}
	}
	return nil
}

// inWords writes what became of an action, if there is a way to write it.
func inWords(t *testing.T, e *engine, w *Writer, a Action) (Ref, string) {
	t.Helper()
	s, ok := a.(show)
	if !ok || s.ref.Kind == "Rollout" || s.ref.Kind == "HelmRelease" {
		return Ref{}, ""
	}
	r := e.world.place(s.ref)
	o, ok := e.server.Get(r.Kind, r.Namespace, r.Name)
	require.True(t, ok)
	var related []*unstructured.Unstructured
	for _, kind := range []string{"ReplicaSet", "ControllerRevision"} {
		related = append(related, e.server.List(kind)...)
	}
	text, err := w.Line(o, related)
	require.NoError(t, err)
	return r, text
}

// shown is what a short form says of an object.
func shown(e *engine, r Ref) object {
	o, _ := e.server.Get(r.Kind, r.Namespace, r.Name)
	out := object{"annotations": o.GetAnnotations(), "labels": o.GetLabels(), "generation": o.GetGeneration(), "deleted": o.GetDeletionTimestamp()}
	for _, key := range []string{"spec", "status", "operation"} {
		out[key] = o.Object[key]
	}
	return out
}

// unwritten are the timelines whose objects say what no line can.
var unwritten = map[string]string{
	"078-hydrated-branch.yaml": "a hydrator, and what it made the comparison of, are patched in",
}

// The lines of all timelines are read, written from the objects that came of them,
// and read again elsewhere: the same objects come of that.
func TestWriterIsTheInverseOfReading(t *testing.T) {
	files, err := filepath.Glob("testdata/readiness/*.yaml")
	require.NoError(t, err)
	lines := 0
	for _, file := range files {
		if unwritten[filepath.Base(file)] != "" {
			continue
		}
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		tl, mistakes := Read(file, raw)
		require.Empty(t, mistakes)
		now := beginning()
		first, second, w := scene(t, tl, &now), scene(t, tl, &now), &Writer{}
		for _, s := range append([]Step{{Do: several(tl.Objects)}}, tl.Steps...) {
			now = beginning().Add(s.At)
			for _, a := range acts(s.Do) {
				require.NoError(t, a.do(first), file)
				r, text := inWords(t, first, w, a)
				if text == "" {
					require.NoError(t, a.do(second), file)
					if p, ok := a.(patch); ok && p.ref.Kind == "Application" {
						inWords(t, first, w, show{ref: p.ref}) // what it says is known from now on
					}
					continue
				}
				lines++
				again, err := readAction(text)
				require.NoError(t, err, "%s: %s", file, text)
				again = show{r, again.(show).shape}
				require.NoError(t, again.do(second), "%s: %s", file, text)
				require.Equal(t, shown(first, r), shown(second, r), "%s: %s", file, text)
			}
		}
	}
	require.Greater(t, lines, 100)
}
