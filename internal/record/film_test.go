package record_test

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/rollcall-dev/rollcall/internal/record"
	"github.com/rollcall-dev/rollcall/internal/timeline"
)

// moment is what is there after a step of a timeline.
type moment struct {
	at      time.Duration
	objects map[timeline.Ref]*unstructured.Unstructured
}

// film plays a timeline as if its objects were live. Of its first step, nobody sees
// more than that the objects are there.
type film struct {
	t       *testing.T
	moments []moment
	refuses map[string]error // by kind
	pace    time.Duration

	mu        sync.Mutex
	now       int
	version   int
	following []follower
}

type follower struct {
	record.Feed
	tell func(timeline.State)
}

// zero is when every film begins.
var zero = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func shoot(t *testing.T, text string) *film {
	t.Helper()
	tl, mistakes := timeline.Read("film", []byte("name: film\nwhy: test\nsource: derived\nnamespace: shop\nexpect: []\n"+text))
	require.Empty(t, mistakes)
	f := &film{t: t, pace: 2 * time.Millisecond}
	_, err := tl.Run(t.Context(), timeline.Options{After: func(m timeline.Moment) {
		all := map[timeline.Ref]*unstructured.Unstructured{}
		for _, r := range m.Objects.Known() {
			for _, o := range m.Objects.List(r.Kind) {
				all[timeline.Ref{Kind: o.GetKind(), Namespace: o.GetNamespace(), Name: o.GetName()}] = o
			}
		}
		f.moments = append(f.moments, moment{m.At, all})
	}})
	require.NoError(t, err)
	return f
}

func matches(f record.Feed, o *unstructured.Unstructured) bool {
	s, err := labels.Parse(f.Labels)
	return err == nil && f.Name == o.GetKind() && (f.Namespace == "" || f.Namespace == o.GetNamespace()) &&
		(f.Object == "" || f.Object == o.GetName()) && s.Matches(labels.Set(o.GetLabels()))
}

func (f *film) state(o *unstructured.Unstructured, s timeline.State) timeline.State {
	s.At = zero.Add(f.moments[f.now].at)
	s.Unstructured = o.DeepCopy()
	s.SetResourceVersion(strconv.Itoa(f.version))
	return s
}

func (f *film) Follow(_ context.Context, feed record.Feed, tell func(timeline.State)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.refuses[feed.Name]; err != nil {
		return err
	}
	f.version++
	for _, o := range f.moments[f.now].objects {
		if matches(feed, o) {
			tell(f.state(o, timeline.State{Listed: true}))
		}
	}
	f.following = append(f.following, follower{feed, tell})
	return nil
}

// advance goes on to the next moment; false at the end.
func (f *film) advance() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now+1 == len(f.moments) {
		return false
	}
	was := f.moments[f.now].objects
	f.now++
	is := f.moments[f.now].objects
	var changed, gone []timeline.Ref
	for k, o := range is {
		if was[k] == nil || was[k].GetResourceVersion() != o.GetResourceVersion() {
			changed = append(changed, k)
		}
	}
	for k := range was {
		if is[k] == nil {
			gone = append(gone, k)
		}
	}
	// A controller writes what its object controls first; what it controls is deleted
	// after the object.
	slices.SortFunc(changed, func(a, b timeline.Ref) int { return cmp.Or(rank(a)-rank(b), strings.Compare(a.Name, b.Name)) })
	slices.SortFunc(gone, func(a, b timeline.Ref) int { return cmp.Or(rank(b)-rank(a), strings.Compare(a.Name, b.Name)) })
	for _, k := range append(changed, gone...) {
		f.version++
		for _, one := range f.following {
			if o := is[k]; o != nil && matches(one.Feed, o) {
				one.tell(f.state(o, timeline.State{}))
			} else if o == nil && matches(one.Feed, was[k]) {
				one.tell(f.state(was[k], timeline.State{Gone: true}))
			}
		}
	}
	return true
}

// rank is how early a controller writes an object, among those of one moment.
func rank(r timeline.Ref) int {
	i := slices.Index([]string{"Pod", "ReplicaSet", "ControllerRevision"}, r.Kind)
	if i < 0 {
		return 3
	}
	return i
}

// recorded is what came of a recording.
type recorded struct {
	text  string
	lines string
	err   error
}

// run records a film about a subject until it ends.
func (f *film) run(about timeline.Ref, stop time.Duration) recorded {
	f.t.Helper()
	ctx, cancel := context.WithCancel(f.t.Context())
	defer cancel()
	var lines []string
	tape := timeline.NewTape(about, timeline.NewRedactor([]byte("salt")))
	r := &record.Recorder{
		Subject: about, Source: f, Tape: tape, Quiet: 60 * time.Millisecond, For: 20 * time.Second,
		Tell: func(line string) {
			lines = append(lines, line)
			if strings.HasPrefix(line, "recording: ") || strings.HasPrefix(line, "a rollout is under way") {
				go func() {
					for time.Sleep(f.pace); f.advance(); time.Sleep(f.pace) {
						if stop > 0 && f.moments[f.now].at >= stop {
							time.Sleep(20 * time.Millisecond)
							cancel()
							return
						}
					}
				}()
			}
		},
	}
	out := recorded{err: r.Run(ctx)}
	tape.Ended = zero.Add(f.moments[f.now].at)
	if out.lines = strings.Join(lines, "\n"); out.err == nil {
		out.text, out.err = tape.Text(f.t.Context())
	}
	return out
}
