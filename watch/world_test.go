package watch

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/cache"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/rollcall-dev/rollcall/release"
)

const (
	patience = 10 * time.Second
	beat     = 2 * time.Millisecond
)

// ledger is the rest of the line: it records what it is handed, as the real one
// does, and remembers the snapshots.
type ledger struct {
	mu     sync.Mutex
	past   map[release.Subject][]release.Past // newest first
	seen   []release.Snapshot
	asked  []release.Snapshot // by Wants
	reads  int
	refuse error // what History answers
	broken error // what Handle answers, once
}

var (
	_ Handler = (*ledger)(nil)
	_ History = (*ledger)(nil)
)

// lose deletes the records of a subject.
func (l *ledger) lose(s release.Subject) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.past, s)
}

func (l *ledger) Recorded(s release.Subject) (release.Past, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.past[s]) == 0 {
		return release.Past{}, false
	}
	return l.past[s][0], true
}

func (l *ledger) Past(_ context.Context, s release.Subject) ([]release.Past, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reads++
	return slices.Clone(l.past[s]), l.refuse
}

func (l *ledger) Wants(_ context.Context, s release.Snapshot) (live bool, again time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, s)
	return s.Ready, time.Time{}
}

func (l *ledger) Handle(_ context.Context, s release.Snapshot) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen = append(l.seen, s)
	if err := l.broken; err != nil {
		l.broken = nil
		return err
	}
	p := release.Past{Release: s.Release, Phase: release.Rolling}
	switch {
	case s.Baseline:
		p.Phase, p.Settled = release.Adopted, true
	case s.Ready:
		p.Phase, p.Settled = release.Ready, true
	}
	all := l.past[s.Release.Subject]
	if i := slices.IndexFunc(all, func(o release.Past) bool { return o.Same(s.Release) }); i >= 0 {
		all[i] = p
	} else {
		for i := range all {
			if !all[i].Phase.Completed() {
				all[i].Phase, all[i].Settled = release.Superseded, true
			}
		}
		l.past[s.Release.Subject] = append([]release.Past{p}, all...)
	}
	if !p.Settled {
		return release.ErrNotYet
	}
	return nil
}

func (l *ledger) snapshots() []release.Snapshot {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.seen)
}

// told lists what was handed on: the subject, the revision, the kind, and a "+"
// if it was ready, a "." if not, or a "0" if it was the baseline.
func (l *ledger) told() []string {
	var out []string
	for _, s := range l.snapshots() {
		mark := "."
		switch {
		case s.Baseline:
			mark = "0"
		case s.Ready:
			mark = "+"
		}
		out = append(out, s.Release.Subject.Name+" "+s.Release.Revision+" "+string(s.Release.Kind)+" "+mark)
	}
	return out
}

// forget forgets the snapshots, and no records.
func (l *ledger) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen, l.asked, l.reads = nil, nil, 0
}

func (l *ledger) record(p ...release.Past) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range p {
		l.past[p.Subject] = append([]release.Past{p}, l.past[p.Subject]...)
	}
}

// world is a Watcher amid an API server, a ledger and a clock of its own.
type world struct {
	*Watcher
	t      testing.TB
	api    *api
	ledger *ledger
	clock  *clocktesting.FakeClock
	config Config
	stop   func() // ends what start began
}

func newWorld(t testing.TB, settings ...func(*Config)) *world {
	t.Helper()
	w := &world{
		t: t, api: newAPI(t), clock: clocktesting.NewFakeClock(epoch.Add(time.Hour)),
		ledger: &ledger{past: map[release.Subject][]release.Past{}},
	}
	c := Config{
		Cluster: "c", Kube: w.api.kube(), Lean: w.api.lean(), Meta: w.api.meta(), Argo: w.api.lean(), ArgoMeta: w.api.meta(),
		Dynamic: w.api.dynamic(), Mapper: w.api.mapper(),
		History: w.ledger, Handler: w.ledger, Clock: w.clock, Log: slog.New(slog.DiscardHandler),
	}
	for _, set := range settings {
		set(&c)
	}
	w.config = c
	watcher, err := New(c)
	require.NoError(t, err)
	w.Watcher = watcher
	return w
}

// start starts the informers and, unless there are no workers, the work.
func (w *world) start(workers int) {
	w.t.Helper()
	ctx, stop := context.WithCancel(w.t.Context())
	require.NoError(w.t, w.Start(ctx))
	done := make(chan struct{})
	if workers == 0 {
		close(done)
	} else {
		go func() {
			defer close(done)
			w.Work(ctx, workers)
		}()
	}
	w.stop = sync.OnceFunc(func() {
		stop()
		<-done
	})
	w.t.Cleanup(w.stop)
}

// restart is another process, which begins with what is there.
func (w *world) restart(workers int) {
	w.t.Helper()
	w.stop()
	watcher, err := New(w.config)
	require.NoError(w.t, err)
	w.Watcher = watcher
	w.ledger.forget()
	w.start(workers)
}

// roll writes a Deployment and the ReplicaSet that carries its template.
func (w *world) roll(d *appsv1.Deployment, hash string) {
	w.api.put("replicasets", replicaSet(d, hash))
	w.api.put("deployments", d)
}

// told waits for exactly these to be handed on.
func (w *world) told(want ...string) {
	w.t.Helper()
	if !eventually(func() bool { return len(w.ledger.told()) >= len(want) }) {
		require.Equal(w.t, want, w.ledger.told())
	}
	require.Equal(w.t, want, w.ledger.told())
}

// waits waits for a subject to be put off: the queue then has a timer beside the
// ticker that it always has.
func (w *world) waits() {
	w.t.Helper()
	require.True(w.t, eventually(func() bool { return w.clock.Waiters() == 2 }))
}

func eventually(ok func() bool) bool {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(beat) {
		if ok() {
			return true
		}
	}
	return false
}

// namespaceOf is where objects of a kind are in these tests.
func namespaceOf(kind string) string {
	if kind == "Application" {
		return "argocd"
	}
	return "shop"
}

// cached is what the cache of a kind shows of a subject; nil if nothing.
func (w *world) cached(kind, name string) runtime.Object {
	if f, ok := w.apps[kind]; ok {
		return f.get(namespaceOf(kind), name)
	}
	f, ok := w.kind(kind)
	require.True(w.t, ok, kind)
	return f.feed.get("shop", name)
}

// store is the cache of a kind, to be filled by hand.
func (w *world) store(kind string) cache.Store {
	f, ok := w.kind(kind)
	require.True(w.t, ok, kind)
	return f.feed.informer().GetStore()
}

// cachedAs waits for the cache to show a Deployment's generation.
func (w *world) cachedAs(name string, generation int64) {
	w.t.Helper()
	require.True(w.t, eventually(func() bool {
		d, ok := w.cached("Deployment", name).(*appsv1.Deployment)
		return ok && d.Generation == generation
	}))
}

// shows waits for the cache of a kind to show of a subject what the API server does.
func (w *world) shows(kind, name string) {
	w.t.Helper()
	version := func() string {
		w.api.mu.Lock()
		defer w.api.mu.Unlock()
		for plural, k := range served {
			if m := w.api.objects[plural+" "+namespaceOf(kind)+"/"+name]; m != nil && (k.kind == kind || strings.HasPrefix(kind, k.kind+".")) {
				return field(m, "resourceVersion")
			}
		}
		return ""
	}
	require.True(w.t, eventually(func() bool {
		m, ok := w.cached(kind, name).(metav1.Object)
		return ok && m.GetResourceVersion() == version()
	}))
}

// safeBuffer keeps what is logged while others read it.
type safeBuffer struct {
	mu  sync.Mutex
	all strings.Builder
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.String()
}
