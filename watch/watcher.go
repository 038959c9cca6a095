package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch/lean"
)

// Tick is how often a candidate is judged again without an event about it.
const Tick = 5 * time.Second

// callTimeout bounds one live look at a subject or a run.
const callTimeout = 30 * time.Second

// Handler takes snapshots that are worth judging.
type Handler interface {
	// Wants says whether a lean snapshot of a claimed release is worth reading
	// the objects live. It makes no call.
	Wants(s release.Snapshot) bool
	// Handle takes a live snapshot. [release.ErrNotYet] asks for the subject
	// again at its next event or tick, any other error sooner.
	Handle(ctx context.Context, s release.Snapshot) error
}

// History knows the recorded releases of a subject.
type History interface {
	// Recorded returns the newest record, as far as a cache knows it.
	Recorded(s release.Subject) (release.Past, bool)
	// Past reads all records live, newest first.
	Past(ctx context.Context, s release.Subject) ([]release.Past, error)
}

// Config is what a Watcher needs; all but Log and Clock must be set.
type Config struct {
	// Cluster names the cluster in every identity.
	Cluster string
	// Kube reads workloads, Argo reads Applications, and Meta tells whether their
	// definitions are installed.
	Kube kubernetes.Interface
	Argo *lean.Argo
	Meta metadata.Interface
	// History and Handler are the next rooms of the line.
	History History
	Handler Handler
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
	deployments  cache.SharedIndexInformer
	applications *optional
	queue        Queue
	started      time.Time

	mu    sync.Mutex
	known map[release.Subject]identity // what was settled, or there at the first look
}

// identity is what the cache can know of a release.
type identity struct{ uid, revision string }

// New makes a Watcher. Nothing is read before [Watcher.Start].
func New(c Config) (*Watcher, error) {
	if c.Clock == nil {
		c.Clock = clock.RealClock{}
	}
	if c.Log == nil {
		c.Log = slog.Default()
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
	w := &Watcher{Config: c, queue: c.Queue, known: map[release.Subject]identity{}}
	if err := w.watchDeployments(); err != nil {
		return nil, err
	}
	var err error
	w.applications, err = w.watchApplications()
	return w, err
}

func (w *Watcher) watchDeployments() error {
	all := w.Kube.AppsV1().Deployments(metav1.NamespaceAll)
	source := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return all.List(ctx, o) },
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (apiwatch.Interface, error) {
			return all.Watch(ctx, o)
		},
	}
	w.deployments = w.Informer(cache.ToListWatcherWithWatchListSemantics(source, w.Kube), &appsv1.Deployment{}, cache.Indexers{byOwner: indexOwner})
	if err := w.deployments.SetTransform(slim); err != nil {
		return fmt.Errorf("slim Deployments: %w", err)
	}
	_, err := w.deployments.AddEventHandler(cache.ResourceEventHandlerDetailedFuncs{
		AddFunc: func(o any, initial bool) {
			if d, ok := o.(*appsv1.Deployment); ok {
				w.remember(d, initial)
				w.queue.Add(w.subject(d))
			}
		},
		UpdateFunc: func(_, o any) {
			if d, ok := o.(*appsv1.Deployment); ok {
				w.queue.Add(w.subject(d))
			}
		},
		DeleteFunc: func(o any) {
			if last, ok := o.(cache.DeletedFinalStateUnknown); ok {
				o = last.Obj
			}
			if d, ok := o.(*appsv1.Deployment); ok {
				w.forget(w.subject(d))
			}
		},
	})
	if err != nil {
		return fmt.Errorf("handle Deployments: %w", err)
	}
	return nil
}

// Begin says that from now on rollcall sees what becomes ready. ctx bounds the
// caches of resources that are installed later. [Watcher.Start] calls it.
func (w *Watcher) Begin(ctx context.Context) {
	w.started = w.Clock.Now()
	w.applications.allow(ctx)
}

// Start runs the informers until ctx ends, and returns once they have caught up.
func (w *Watcher) Start(ctx context.Context) error {
	w.Begin(ctx)
	go w.deployments.RunWithContext(ctx)
	go w.applications.run(ctx)
	if !cache.WaitForCacheSync(ctx.Done(), w.deployments.HasSynced, w.applications.hasSynced) {
		return fmt.Errorf("read the cluster: %w", context.Cause(ctx))
	}
	return nil
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
	for _, o := range w.deployments.GetStore().List() {
		if d, ok := o.(*appsv1.Deployment); ok {
			w.queue.Add(w.subject(d))
		}
	}
}

// Exists reports whether a subject is there, as far as the cache knows.
func (w *Watcher) Exists(s release.Subject) bool {
	return s.Cluster != w.Cluster || w.cached(s) != nil
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
	switch err := w.look(ctx, s); {
	case err == nil:
		w.queue.Forget(s)
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

// look judges a subject by what the caches say, and reads it live if that is
// called for. It makes no call for a subject that is settled or still rolling.
func (w *Watcher) look(ctx context.Context, s release.Subject) error {
	d := w.cached(s)
	if d == nil || d.Annotations[revisionAnnotation] == "" {
		return nil // gone, or the controller has not seen it: there will be an event
	}
	last, known := w.History.Recorded(s)
	var claimed []release.Past
	if known && last.UID == string(d.UID) {
		if last.Generation > d.Generation {
			return nil // this cache is behind the one that wrote the record
		}
		if last.Revision == d.Annotations[revisionAnnotation] {
			if last.Settled {
				w.know(s, identity{last.UID, last.Revision})
				return nil
			}
			if !w.Handler.Wants(w.leanly(d, last).Snapshot) {
				return release.ErrNotYet
			}
			claimed = []release.Past{last}
		}
	}
	return w.lookLive(ctx, s, claimed)
}

// leanly makes a snapshot of a claimed release from the caches alone.
func (w *Watcher) leanly(d *appsv1.Deployment, last release.Past) judgeable {
	s := w.snapshot(d, last.Release)
	s.App = observe(ownerOf(d).pick(w.applicationsNamed(ownerOf(d).Name), d), d)
	return s.judged(rolling(d))
}

func (w *Watcher) cached(s release.Subject) *appsv1.Deployment {
	o, ok, err := w.deployments.GetStore().GetByKey(s.Namespace + "/" + s.Name)
	if err != nil || !ok {
		return nil
	}
	d, _ := o.(*appsv1.Deployment)
	return d
}

func (w *Watcher) subject(d *appsv1.Deployment) release.Subject {
	return release.Subject{Cluster: w.Cluster, Kind: "Deployment", Namespace: d.Namespace, Name: d.Name}
}

// remember keeps the identity of a subject that was there at the first look: if
// it changes before its baseline is written, that change is a release.
func (w *Watcher) remember(d *appsv1.Deployment, initial bool) {
	rev := d.Annotations[revisionAnnotation]
	if !initial || rev == "" || !w.Baseline(d.CreationTimestamp.Time) {
		return
	}
	if _, ok := w.knownAs(w.subject(d)); !ok {
		w.know(w.subject(d), identity{string(d.UID), rev})
	}
}

// know keeps the identity of what is settled. Should its records be lost, it is a
// baseline, and not a release.
func (w *Watcher) know(s release.Subject, id identity) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.known[s] = id
}

func (w *Watcher) forget(s release.Subject) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.known, s)
}

// knownAs returns the identity under which a subject was settled, or there at the
// first look.
func (w *Watcher) knownAs(s release.Subject) (identity, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id, ok := w.known[s]
	return id, ok
}
