package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch/gitops"
	"github.com/rollcall-dev/rollcall/watch/lean"
)

// Tick is how often a candidate is judged again without an event about it.
const Tick = 5 * time.Second

// callTimeout bounds one live look at a subject or a run.
const callTimeout = 30 * time.Second

// Handler takes snapshots that are worth judging.
type Handler interface {
	// Wants says whether a lean snapshot of a recorded release is worth reading
	// the objects live, and from when on it may be though nothing else happens; zero
	// is never. It makes no call.
	Wants(ctx context.Context, s release.Snapshot) (live bool, again time.Time)
	// Handle takes a live snapshot. [release.ErrNotYet] asks for the subject
	// again at its next event or tick, or at the time that it bears; any other error
	// sooner.
	Handle(ctx context.Context, s release.Snapshot) error
}

// History knows the recorded releases of a subject.
type History interface {
	// Recorded returns the newest record, as far as a cache knows it.
	Recorded(s release.Subject) (release.Past, bool)
	// Past reads all records live, newest first.
	Past(ctx context.Context, s release.Subject) ([]release.Past, error)
}

// Config is what a Watcher needs; all but the last group must be set.
type Config struct {
	// Cluster names the cluster in every identity.
	Cluster string
	// Kube reads Kubernetes' own workloads, Lean what custom resources of Argo and
	// Flux there are, and Meta tells whether their definitions are installed.
	Kube kubernetes.Interface
	Lean *lean.Client
	Meta metadata.Interface
	// Argo and ArgoMeta are the same where Argo CD's Applications are: in a hub, or
	// in this very cluster.
	Argo     *lean.Client
	ArgoMeta metadata.Interface
	// History and Handler are the next rooms of the line.
	History History
	Handler Handler

	// Dynamic and Mapper read kinds of which nothing else is known; without them no
	// such kind can be followed.
	Dynamic dynamic.Interface
	Mapper  meta.RESTMapper
	// Repeats says whether rules may tell of a subject again though it is settled; nil
	// says no. It makes no call.
	Repeats func(s release.Subject) bool
	// GitOps says how the engines mark what they own.
	GitOps gitops.Settings
	// GateTimeout is how long an engine is waited for once a workload is complete;
	// zero means for ever.
	GateTimeout time.Duration
	// Baseline says whether a subject that was there at the first look, has no
	// record, and was created at that time ran before rollcall did. Nil means yes.
	Baseline func(created time.Time) bool
	// Clock may be nil for the real one.
	Clock clock.WithTicker
	// Queue holds the subjects to be judged; nil stands for one of client-go's.
	Queue Queue
	// Informer makes the caches; nil stands for client-go's own.
	Informer NewInformer
	// Log may be nil for the default one.
	Log *slog.Logger
}

// Queue is a work queue of subjects.
type Queue = workqueue.TypedRateLimitingInterface[release.Subject]

// NewInformer makes a cache of what a source lists, of the type of the example.
type NewInformer func(source cache.ListerWatcher, example runtime.Object, index cache.Indexers) cache.SharedIndexInformer

func newInformer(source cache.ListerWatcher, example runtime.Object, index cache.Indexers) cache.SharedIndexInformer {
	return cache.NewSharedIndexInformer(source, example, 0, index)
}

// Watcher turns events about objects into snapshots of subjects.
type Watcher struct {
	Config
	queue   Queue
	apps    map[string]*feed // an engine's objects, by kind
	started time.Time

	following sync.Mutex                 // is held while further kinds are followed
	missed    map[release.KindRef]string // the kinds that cannot be followed yet, and why

	mu    sync.Mutex
	kinds map[string]following         // what is judged, by the kind of the subject
	known map[release.Subject]identity // what was settled, or there at the first look
	bound context.Context              //nolint:containedctx // it bounds the caches of kinds that are followed later
	// discovered is when the API server was last asked anew what kinds it knows.
	discovered time.Time
}

// following is a kind of subjects that is followed.
type following struct {
	kind  kind
	feed  *feed
	isApp bool // its subjects stand for others
	since time.Time
}

// identity is what the cache can know of a release, and the generation at which
// it was last seen. judged tells what this process settled from what merely was
// there at its first look, and may have come while nobody watched.
type identity struct {
	uid, token string
	generation int64
	judged     bool
}

// New makes a Watcher. Nothing is read before [Watcher.Start].
func New(c Config) (*Watcher, error) {
	c.complete()
	w := &Watcher{
		Config: c, queue: c.Queue, apps: map[string]*feed{},
		kinds: map[string]following{}, missed: map[release.KindRef]string{}, known: map[release.Subject]identity{},
	}
	if err := w.watchWorkloads(); err != nil {
		return nil, err
	}
	return w, w.watchApps()
}

// complete fills in what may be left out.
func (c *Config) complete() {
	if c.Clock == nil {
		c.Clock = clock.RealClock{}
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Repeats == nil {
		c.Repeats = func(release.Subject) bool { return false }
	}
	if c.Baseline == nil {
		c.Baseline = func(time.Time) bool { return true }
	}
	if c.Informer == nil {
		c.Informer = newInformer
	}
	if c.Queue == nil {
		c.Queue = workqueue.NewTypedRateLimitingQueueWithConfig(
			workqueue.NewTypedItemExponentialFailureRateLimiter[release.Subject](50*time.Millisecond, 30*time.Second),
			workqueue.TypedRateLimitingQueueConfig[release.Subject]{Name: "subjects", Clock: c.Clock})
	}
}

// Begin says that from now on rollcall sees what becomes ready. ctx bounds the
// caches of resources that are installed later. [Watcher.Start] calls it.
func (w *Watcher) Begin(ctx context.Context) {
	w.started = w.Clock.Now()
	w.mu.Lock()
	w.bound = ctx
	w.mu.Unlock()
	for _, f := range w.feeds() {
		f.allow(ctx)
	}
}

// Start runs the informers until ctx ends, and returns once they have caught up.
func (w *Watcher) Start(ctx context.Context) error {
	w.Begin(ctx)
	var synced []cache.InformerSynced
	for _, f := range w.feeds() {
		go f.run(ctx)
		if !f.further { // of what a rule names, reading may be forbidden
			synced = append(synced, f.hasSynced)
		}
	}
	if !cache.WaitForCacheSync(ctx.Done(), synced...) {
		return fmt.Errorf("read the cluster: %w", context.Cause(ctx))
	}
	return nil
}

// feeds lists all feeds, each once.
func (w *Watcher) feeds() []*feed {
	out := slices.Collect(maps.Values(w.apps))
	for _, f := range w.followed() {
		if !f.isApp {
			out = append(out, f.feed)
		}
	}
	return out
}

// Work judges subjects with as many workers as given, until ctx ends. What is
// at hand then is carried through: a write that was begun is not left in doubt.
func (w *Watcher) Work(ctx context.Context, workers int) {
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for ctx.Err() == nil && w.Next(context.WithoutCancel(ctx)) {
			}
		})
	}
	<-ctx.Done()
	w.queue.ShutDown()
	wg.Wait()
}

// Poke asks for every subject to be judged again, for example because the rules
// have changed.
func (w *Watcher) Poke() {
	for _, f := range w.followed() {
		for _, o := range f.feed.list() {
			w.queue.Add(f.kind.observe(o).subject)
		}
	}
}

// Exists reports whether a subject is there, as far as the caches know. Of a kind
// that is not followed, nothing is known, and so it may be.
func (w *Watcher) Exists(s release.Subject) bool {
	f, ok := w.kind(s.Kind)
	return s.Cluster != w.Cluster || !ok || f.feed.get(s.Namespace, s.Name) != nil
}

// Next judges the next subject on the queue; it waits for one, and returns false
// once the queue is shut down. [Watcher.Work] calls it.
func (w *Watcher) Next(ctx context.Context) bool {
	s, down := w.queue.Get()
	if down {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	defer w.queue.Done(s)
	var at release.NotBefore
	switch err := w.look(ctx, s); {
	case err == nil:
		w.queue.Forget(s)
	case errors.As(err, &at):
		w.queue.Forget(s)
		w.queue.AddAfter(s, min(Tick, max(at.Time.Sub(w.Clock.Now()), 0)))
	case errors.Is(err, release.ErrNotYet):
		w.queue.Forget(s)
		w.queue.AddAfter(s, Tick)
	default:
		w.Log.Log(ctx, severity(err), "subject will be looked at again", "subject", s.String(), "err", err)
		w.queue.AddRateLimited(s)
	}
	return true
}

// severity is that of an error which is made up for: losing a race to write is
// nothing to report.
func severity(err error) slog.Level {
	if apierrors.IsConflict(err) {
		return slog.LevelDebug
	}
	return slog.LevelWarn
}
