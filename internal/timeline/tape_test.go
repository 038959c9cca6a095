package timeline

import (
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// camera tells a tape of what differs on a server since it was told last. The states
// of one moment are in the order of live ones: a controller writes what its object
// controls first, and the object then.
type camera struct {
	e       *engine
	tape    *Tape
	seen    map[Ref]*unstructured.Unstructured
	version int
}

func (c *camera) tell(o *unstructured.Unstructured, s State) {
	c.version++
	s.Unstructured = o.DeepCopy()
	s.SetResourceVersion(strconv.Itoa(c.version))
	c.tape.Add(s)
}

// shoot tells of every state, as someone who watches the server is told.
func (c *camera) shoot(at time.Time, listed bool) {
	now := map[Ref]*unstructured.Unstructured{}
	for _, r := range c.e.server.Known() {
		if r.Kind != "CustomResourceDefinition" {
			for _, o := range c.e.server.List(r.Kind) {
				now[whole(o)] = o
			}
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(c.seen), owners) {
		if was := c.seen[k]; now[k] == nil || now[k].GetUID() != was.GetUID() {
			c.tell(was, State{At: at, Gone: true})
		}
	}
	written := slices.SortedFunc(maps.Keys(now), func(a, b Ref) int {
		return cmp.Or(-cmp.Compare(min(0, slices.Index(dependents(), a.Kind)), min(0, slices.Index(dependents(), b.Kind))),
			cmp.Compare(number64(now[a]), number64(now[b])))
	})
	for _, k := range written {
		if was := c.seen[k]; was == nil || was.GetResourceVersion() != now[k].GetResourceVersion() {
			c.tell(now[k], State{At: at, Listed: listed})
		}
	}
	c.seen = now
}

func number64(o *unstructured.Unstructured) int {
	n, _ := strconv.Atoi(o.GetResourceVersion())
	return n
}

// plain reports whether all that happens in a timeline happens to objects, and can
// be seen from outside.
func plain(t *Timeline) bool {
	for _, s := range append([]Step{{Do: several(t.Objects)}}, t.Steps...) {
		n := 0
		each(s.Do, func(_, kind, _ string) {
			if n++; kind == "CustomResourceDefinition" {
				n = -1000
			}
		})
		all := acts(s.Do)
		if several, ok := s.Do.(several); ok && len(all) != len(several) || !ok && len(all) != 1 || n < 0 {
			return false
		}
	}
	return true
}

// filmed records a timeline as if its objects were live.
func filmed(t *testing.T, tl *Timeline) *Tape {
	t.Helper()
	now := beginning().Add(-before)
	c := &camera{e: scene(t, tl, &now), tape: NewTape(Ref{}, NewRedactor([]byte("salt")))}
	c.tape.Rules, c.tape.Settings, c.tape.Ended = tl.Rules, tl.Settings, beginning().Add(tl.End)
	c.tape.Subject.Namespace = tl.Namespace
	for _, a := range tl.Objects {
		require.NoError(t, a.do(c.e))
	}
	c.shoot(beginning().Add(-time.Second), true)
	for _, s := range tl.Steps {
		now = beginning().Add(s.At)
		require.NoError(t, s.Do.do(c.e), tl.File)
		c.shoot(now, false)
	}
	return c.tape
}

// together are the timelines in which several objects change at one moment, as they
// do not in a cluster, where one is the first.
var together = []string{"068-one-slow-workload.yaml"}

// What the situations say of live objects, a recording of the same objects says as
// well, at the same times and under the same ids.
func TestRecordingTellsTheSame(t *testing.T) {
	files, err := filepath.Glob("testdata/re*/*.yaml")
	require.NoError(t, err)
	recorded := 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		tl, mistakes := Read(file, raw)
		require.Empty(t, mistakes)
		if !plain(tl) || slices.Contains(together, filepath.Base(file)) {
			continue
		}
		recorded++
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			want, err := tl.Run(t.Context(), Options{})
			require.NoError(t, err)
			tape := filmed(t, tl)
			text, err := tape.Text(t.Context())
			require.NoError(t, err, text)
			again, mistakes := Read("recording", []byte(text))
			require.Empty(t, mistakes, text)
			got, err := again.Run(t.Context(), Options{})
			require.NoError(t, err)
			assert.Empty(t, again.Differences(got))
			_, steps, ended := tape.changes()
			later := zero(steps, ended).Sub(beginning())
			for i := range got.Events {
				got.Events[i].At += later
			}
			assert.Equal(t, want.Events, got.Events, text)
			assert.Equal(t, want.Records, got.Records)
		})
	}
	assert.Greater(t, recorded, 60)
}
