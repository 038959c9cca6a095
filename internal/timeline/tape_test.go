package timeline

import (
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
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

// then is when brief tapes were made.
func then() time.Time { return time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC) }

// brief is a tape of some states. Each is kind, name, uid, uid of its controller and
// whatever shall differ; "-" before it says that it is gone, "*" that it was listed.
func brief(t *testing.T, off time.Duration, states ...string) *Tape {
	t.Helper()
	tape := NewTape(Ref{Kind: "Deployment", Name: "web"}, NewRedactor(nil))
	for i, line := range states {
		line, gone := strings.CutPrefix(line, "-")
		line, listed := strings.CutPrefix(line, "*")
		f := strings.Fields(line)
		o := &unstructured.Unstructured{Object: object{"apiVersion": "apps/v1", "kind": f[0], "spec": object{"x": f[4]}}}
		o.SetName(f[1])
		o.SetUID(types.UID(f[2]))
		if f[3] != "." {
			o.SetOwnerReferences([]metav1.OwnerReference{{Kind: "X", UID: types.UID(f[3]), Controller: new(true)}})
		}
		at := then().Add(time.Duration(i) * time.Second)
		o.SetResourceVersion(strconv.Itoa(100 + i))
		o.SetCreationTimestamp(metav1.NewTime(at.Add(off)))
		tape.Add(State{Unstructured: o, At: at, Gone: gone, Listed: listed})
	}
	return tape
}

func told(tape *Tape) []string {
	_, steps, _ := tape.changes()
	var out []string
	for _, s := range steps {
		switch {
		case s.line != "":
			out = append(out, s.line)
		case s.patch != nil:
			out = append(out, "patch "+s.ref.String())
		default:
			out = append(out, "apply "+s.ref.String())
		}
	}
	return out
}

func TestWhatIsDeletedTakesAlongWhatItControls(t *testing.T) {
	there := []string{"*Deployment web d1 . 1", "*ReplicaSet web-1 r1 d1 1", "*Pod web-1-a p1 r1 1"}
	for name, tt := range map[string]struct{ then, want []string }{
		"with all":        {[]string{"-Deployment web d1 . 1", "-ReplicaSet web-1 r1 d1 1", "-Pod web-1-a p1 r1 1"}, []string{"delete Deployment/web"}},
		"and no more":     {[]string{"-Deployment web d1 . 1"}, []string{"delete Deployment/web"}},
		"what lives on":   {[]string{"-Deployment web d1 . 1", "ReplicaSet web-1 r1 . 1", "-Pod web-1-a p1 r1 1"}, []string{"orphan Deployment/web", "patch ReplicaSet/web-1", "delete Pod/web-1-a"}},
		"of others":       {[]string{"ReplicaSet api-1 r2 d2 1", "-ReplicaSet api-1 r2 d2 1"}, nil},
		"adopted later":   {[]string{"ReplicaSet web-2 r2 . 1", "ReplicaSet web-2 r2 d1 1"}, []string{"apply ReplicaSet/web-2", "patch ReplicaSet/web-2"}},
		"made again":      {[]string{"Deployment web d2 . 1"}, []string{"apply Deployment/web"}},
		"written again":   {[]string{"Deployment web d1 . 2"}, []string{"patch Deployment/web"}},
		"a pod is a pod":  {[]string{"Pod web-1-b p2 r1 1", "Pod web-1-b p2 r1 2"}, []string{"apply Pod/web-1-b", "patch Pod/web-1-b"}},
		"what was gone":   {[]string{"-Pod web-1-c p3 r1 1"}, nil},
		"the last is out": {[]string{"-Pod web-1-a p1 r1 1"}, []string{"delete Pod/web-1-a"}},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, tt.want, told(brief(t, 0, append(there, tt.then...)...))) })
	}
}

// Two watches may tell of the same state, and a later one before an earlier one.
func TestStatesAreInTheOrderOfEtcd(t *testing.T) {
	tape := brief(t, 0, "*Deployment web d1 . 1", "Deployment web d1 . 2", "Deployment web d1 . 3")
	assert.Empty(t, tape.Add(tape.states[0])) // as one that came, after a relist
	assert.Empty(t, tape.Add(tape.states[2]))
	require.Len(t, tape.states, 3)
	tape.states[1], tape.states[2] = tape.states[2], tape.states[1]
	assert.Equal(t, []string{"patch Deployment/web", "patch Deployment/web"}, told(tape))
	_, steps, _ := tape.changes()
	assert.Equal(t, object{"x": "2"}, steps[0].patch["spec"])
	assert.False(t, steps[1].at.Before(steps[0].at))
}

// The clocks of the API server and of whoever records differ: what the objects say
// must be about the moments at which they change.
func TestClocksThatDiffer(t *testing.T) {
	for off, want := range map[time.Duration]time.Duration{0: 0, -time.Second: 0, time.Minute: time.Minute, -time.Minute: -time.Minute} {
		tape := brief(t, off, "*Deployment web d1 . 1", "ReplicaSet web-1 r1 d1 1", "Pod web-1-a p1 r1 1")
		_, steps, _ := tape.changes()
		assert.Equal(t, then().Add(time.Second+want), steps[0].at, off)
	}
}

// What is compared with rollcall's own clock must be as long ago as it was.
func TestTimesAreMoved(t *testing.T) {
	text, err := brief(t, 0, "*Deployment web d1 . 1", "ReplicaSet web-1 r1 d1 1").print(nil)
	require.NoError(t, err)
	assert.Contains(t, text, `creationTimestamp: "2026-11-22T10:00:00Z"`) // a second before the first change
	assert.Contains(t, text, "  - 1s:\n      apply:\n")
	assert.Contains(t, text, `creationTimestamp: "2026-11-22T10:00:01Z"`)
	p := &printer{shift: -time.Hour}
	for was, want := range map[string]string{
		"2027-01-01T00:30:00Z":           "2026-12-31T23:30:00Z",
		"2027-01-01T00:30:00.123456Z":    "2026-12-31T23:30:00.123456Z",
		"2027-01-01T00:30:00.120+02:00":  "2026-12-31T23:30:00.120+02:00",
		"2027-01-01":                     "2027-01-01",
		"at 2027-01-01T00:30:00Z it was": "at 2027-01-01T00:30:00Z it was",
	} {
		assert.Equal(t, []any{object{"a": want}}, p.moved([]any{object{"a": was}}))
	}
}
