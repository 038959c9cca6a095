package watch

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
	"github.com/rollcall-dev/rollcall/watch/lean"
)

// Follower wants to know how started runs end.
type Follower interface {
	// Awaits says whether the outcome of a run is still wanted. It makes no call.
	Awaits(o release.Outcome) bool
	// Finish takes the outcome; an error asks for it again, later.
	Finish(ctx context.Context, o release.Outcome) error
}

// maxSteps is how many steps of a run an outcome keeps.
const maxSteps = 100

// Runs watches the Workflows that rollcall created to their end.
type Runs struct {
	argo     *lean.Client
	follower Follower
	log      *slog.Logger
	runs     *feed
	queue    workqueue.TypedRateLimitingInterface[cache.ObjectName]
	gone     sync.Map // the outcomes of runs that were deleted, by their name
}

// NewRuns makes a watcher of runs. Nothing is read before [Runs.Start].
func NewRuns(argo *lean.Client, meta metadata.Interface, f Follower, log *slog.Logger) (*Runs, error) {
	r := &Runs{argo: argo, follower: f, log: log, queue: workqueue.NewTypedRateLimitingQueueWithConfig(
		workqueue.NewTypedItemExponentialFailureRateLimiter[cache.ObjectName](50*time.Millisecond, 30*time.Second),
		workqueue.TypedRateLimitingQueueConfig[cache.ObjectName]{Name: "runs"})}
	r.runs = &feed{
		source:  lean.ListWatch(argo.Workflows(metav1.NamespaceAll), v1alpha1.LabelEvent),
		example: &lean.Workflow{}, index: cache.Indexers{}, slim: lean.Slim, informers: newInformer,
		handlers: cache.ResourceEventHandlerFuncs{
			AddFunc: r.enqueue, UpdateFunc: func(_, o any) { r.enqueue(o) }, DeleteFunc: r.deleted,
		},
	}
	return r, r.runs.optional(meta, lean.Workflows.Definition())
}

// Start runs the informer until ctx ends, and returns once it has caught up.
func (r *Runs) Start(ctx context.Context) error {
	r.runs.allow(ctx)
	go r.runs.run(ctx)
	if !cache.WaitForCacheSync(ctx.Done(), r.runs.hasSynced) {
		return fmt.Errorf("read the Workflows: %w", context.Cause(ctx))
	}
	return nil
}

// Work hands on outcomes until ctx ends and the runs at hand are done.
func (r *Runs) Work(ctx context.Context, workers int) {
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for ctx.Err() == nil && r.next(context.WithoutCancel(ctx)) {
			}
		})
	}
	<-ctx.Done()
	r.queue.ShutDown()
	wg.Wait()
}

func (r *Runs) enqueue(o any) {
	if w, ok := o.(*lean.Workflow); ok && w.Status.FinishedAt != nil && result(w.Status.Phase) != "" {
		r.queue.Add(cache.MetaObjectToName(w))
	}
}

// deleted takes a Workflow that is gone: if it had not ended, it never will.
func (r *Runs) deleted(o any) {
	if last, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = last.Obj
	}
	w, ok := o.(*lean.Workflow)
	if !ok || result(w.Status.Phase) != "" {
		return
	}
	out := outcome(w)
	out.Result, out.Message = release.RunError, "the Workflow was deleted before it ended"
	if out.FinishedAt = at(w.DeletionTimestamp); out.FinishedAt.Before(out.CreatedAt) {
		out.FinishedAt = out.CreatedAt
	}
	r.gone.Store(cache.MetaObjectToName(w), out)
	r.queue.Add(cache.MetaObjectToName(w))
}

// Expect looks for runs that should be there. One that was deleted while nobody
// watched has the outcome that comes with it; one that is there has its own.
func (r *Runs) Expect(awaited []release.Outcome) {
	for _, o := range awaited {
		name := cache.NewObjectName(o.Object.Namespace, o.Object.Name)
		if informer := r.runs.informer(); informer != nil {
			if _, ok, _ := informer.GetStore().GetByKey(name.String()); ok { // the key function is the store's own
				continue
			}
		}
		r.gone.Store(name, o)
		r.queue.Add(name)
	}
}

func (r *Runs) next(ctx context.Context) bool {
	name, down := r.queue.Get()
	if down {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	defer r.queue.Done(name)
	if err := r.finish(ctx, name); err != nil {
		r.log.WarnContext(ctx, "outcome will be recorded later", "run", name.String(), "err", err)
		r.queue.AddRateLimited(name)
		return true
	}
	r.queue.Forget(name)
	return true
}

// finish reads a run as it is now, and hands on how it ended, if that is wanted.
func (r *Runs) finish(ctx context.Context, name cache.ObjectName) error {
	if informer := r.runs.informer(); informer != nil {
		o, ok, _ := informer.GetStore().GetByKey(name.String()) // the key function is the store's own
		if w, is := o.(*lean.Workflow); ok && is && !r.follower.Awaits(outcome(w)) {
			return nil
		}
	}
	w, err := r.argo.Workflows(name.Namespace).Get(ctx, name.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return r.lost(ctx, name)
	}
	if err != nil {
		return fmt.Errorf("read Workflow %s: %w", name, err)
	}
	r.gone.Delete(name)
	out := outcome(w)
	if out.Result == "" || out.FinishedAt.IsZero() || !r.follower.Awaits(out) {
		return nil
	}
	if out.Steps, err = steps(w); err != nil {
		return err
	}
	return r.follower.Finish(ctx, out)
}

// lost hands on the outcome of a run that was deleted before it ended.
func (r *Runs) lost(ctx context.Context, name cache.ObjectName) error {
	v, _ := r.gone.Load(name)
	out, ok := v.(release.Outcome)
	if !ok {
		return nil
	}
	if r.follower.Awaits(out) {
		if err := r.follower.Finish(ctx, out); err != nil {
			return err
		}
	}
	r.gone.Delete(name)
	return nil
}

// outcome detaches how a Workflow ended; its Result is empty if it has not.
func outcome(w *lean.Workflow) release.Outcome {
	ns, name, _ := strings.Cut(w.Annotations[v1alpha1.AnnotationRelease], "/")
	return release.Outcome{
		EventID: w.Labels[v1alpha1.LabelEvent],
		Sink:    w.Annotations[v1alpha1.AnnotationSink],
		Record: release.Ref{
			APIVersion: v1alpha1.GroupVersion.String(), Kind: v1alpha1.Kind, Namespace: ns, Name: name,
		},
		Object: release.Ref{
			APIVersion: lean.ArgoGroupVersion.String(), Kind: "Workflow",
			Namespace: w.Namespace, Name: w.Name, UID: string(w.UID),
		},
		Result: result(w.Status.Phase), Message: w.Status.Message,
		CreatedAt: w.CreationTimestamp.Time, StartedAt: at(w.Status.StartedAt), FinishedAt: at(w.Status.FinishedAt),
	}
}

// result translates the phase of a Workflow or a node; empty if it has not ended.
func result(phase string) release.Result {
	switch phase {
	case "Succeeded":
		return release.Success
	case "Failed":
		return release.Failure
	case "Error":
		return release.RunError
	}
	return ""
}

// steps lists the nodes that did work, rather than hold others, in the order in
// which they started.
func steps(w *lean.Workflow) ([]release.Step, error) {
	nodes, err := unpacked(w.Status)
	if err != nil {
		return nil, err
	}
	var out []release.Step
	for _, n := range slices.Collect(maps.Values(nodes)) {
		if !slices.Contains([]string{"Pod", "Container", "Suspend", "HTTP", "Plugin"}, n.Type) {
			continue
		}
		if res := result(n.Phase); res != "" {
			out = append(out, release.Step{
				ID: n.ID, Name: n.DisplayName, Result: res, Message: n.Message,
				StartedAt: at(n.StartedAt), FinishedAt: at(n.FinishedAt),
			})
		}
	}
	slices.SortFunc(out, func(a, b release.Step) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.ID, b.ID))
	})
	return out[:min(len(out), maxSteps)], nil
}

// unpacked reads the nodes of a Workflow, packed or not.
func unpacked(s lean.WorkflowStatus) (map[string]lean.Node, error) {
	if s.CompressedNodes == "" {
		return s.Nodes, nil
	}
	raw, err := base64.StdEncoding.DecodeString(s.CompressedNodes)
	if err != nil {
		return nil, fmt.Errorf("decode nodes: %w", err)
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("unpack nodes: %w", err)
	}
	var nodes map[string]lean.Node
	if err := json.NewDecoder(z).Decode(&nodes); err != nil {
		return nil, fmt.Errorf("unpack nodes: %w", err)
	}
	return nodes, nil
}

func at(t *metav1.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}
