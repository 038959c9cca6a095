package watch

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
	"github.com/rollcall-dev/rollcall/watch/lean"
)

// follower awaits each run until it has its outcome.
type follower struct {
	mu       sync.Mutex
	finished []release.Outcome
	ignored  bool
	broken   error // what Finish answers, once
	tries    int
}

var _ Follower = (*follower)(nil)

func (f *follower) Awaits(o release.Outcome) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.ignored && !slices.ContainsFunc(f.finished, func(p release.Outcome) bool { return p.EventID == o.EventID })
}

func (f *follower) Finish(_ context.Context, o release.Outcome) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tries++
	if err := f.broken; err != nil {
		f.broken = nil
		return err
	}
	f.finished = append(f.finished, o)
	return nil
}

func (f *follower) outcomes() []release.Outcome {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.finished)
}

type races struct {
	*Runs
	t        *testing.T
	api      *api
	follower *follower
}

func newRuns(t *testing.T) *races {
	r := &races{t: t, api: newAPI(t), follower: &follower{}}
	r.api.install("workflows")
	var err error
	r.Runs, err = NewRuns(r.api.lean(), r.api.meta(), r.follower, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return r
}

func (r *races) start() {
	r.t.Helper()
	ctx, stop := context.WithCancel(r.t.Context())
	require.NoError(r.t, r.Start(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.Work(ctx, 2)
	}()
	r.t.Cleanup(func() {
		stop()
		<-done
	})
}

// told waits for exactly these results of runs.
func (r *races) told(want ...string) []release.Outcome {
	r.t.Helper()
	list := func() []string {
		var out []string
		for _, o := range r.follower.outcomes() {
			out = append(out, o.Object.Name+" "+string(o.Result))
		}
		slices.Sort(out)
		return out
	}
	eventually(func() bool { return len(list()) >= len(want) })
	require.Equal(r.t, want, list())
	return r.follower.outcomes()
}

func workflow(name, phase string) *lean.Workflow {
	w := &lean.Workflow{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: name, UID: "uid-run", CreationTimestamp: *moment(0),
			Labels:      map[string]string{v1alpha1.LabelEvent: "event-" + name},
			Annotations: map[string]string{v1alpha1.AnnotationRelease: "shop/web-0123456789", v1alpha1.AnnotationSink: "smoke"},
		},
		Status: lean.WorkflowStatus{Phase: phase, StartedAt: moment(1)},
	}
	if result(phase) != "" {
		w.Status.FinishedAt, w.Status.Message = moment(30), "the end"
	}
	return w
}

func TestAnOutcomeIsHandedOnOnce(t *testing.T) {
	r := newRuns(t)
	r.api.put("workflows", workflow("early", "Succeeded"))
	r.start()
	r.told("early success")
	w := workflow("late", "Running")
	r.api.put("workflows", w)
	w = workflow("late", "Failed")
	w.Status.Nodes = map[string]lean.Node{"n": {ID: "n", DisplayName: "pay", Type: "Pod", Phase: "Failed", Message: "exit 1", StartedAt: moment(2), FinishedAt: moment(9)}}
	r.api.put("workflows", w)
	got := r.told("early success", "late failure")[1]
	require.True(t, got.StartedAt.Equal(epoch.Add(time.Second)))
	require.True(t, got.FinishedAt.Equal(epoch.Add(30*time.Second)))
	require.True(t, got.CreatedAt.Equal(epoch))
	got.CreatedAt, got.StartedAt, got.FinishedAt = time.Time{}, time.Time{}, time.Time{}
	require.Len(t, got.Steps, 1)
	require.Equal(t, "pay", got.Steps[0].Name)
	got.Steps = nil
	require.Equal(t, release.Outcome{
		EventID: "event-late", Sink: "smoke", Result: release.Failure, Message: "the end",
		Record: release.Ref{APIVersion: "rollcall.dev/v1alpha1", Kind: "Release", Namespace: "shop", Name: "web-0123456789"},
		Object: release.Ref{APIVersion: "argoproj.io/v1alpha1", Kind: "Workflow", Namespace: "shop", Name: "late", UID: "uid-run"},
	}, got)

	cached, ok, err := r.runs.informer().GetStore().GetByKey("shop/late")
	require.NoError(t, err)
	require.True(t, ok)
	require.Empty(t, cached.(*lean.Workflow).Status.Nodes, "the cache holds no steps")

	w.Labels["more"] = "labels"
	r.api.put("workflows", w)
	r.api.put("workflows", workflow("next", "Error"))
	r.told("early success", "late failure", "next error")
	r.api.remove("workflows", "shop", "late")
	r.api.put("workflows", workflow("last", "Succeeded"))
	r.told("early success", "last success", "late failure", "next error")
}

func TestARunThatIsNotAwaitedCostsNoCall(t *testing.T) {
	r := newRuns(t)
	r.follower.ignored = true
	r.api.put("workflows", workflow("run", "Succeeded"))
	require.NoError(t, r.Start(t.Context()))
	require.True(t, eventually(func() bool { return r.queue.Len() == 1 }))
	r.api.requests()
	require.True(t, r.next(t.Context()))
	require.Empty(t, r.api.requests())
	require.Empty(t, r.follower.outcomes())
}

func TestARunThatIsNoLongerAwaitedWhenItIsReadIsLeft(t *testing.T) {
	r := newRuns(t)
	r.follower.ignored = true
	w := workflow("run", "Succeeded")
	r.api.put("workflows", w)
	require.NoError(t, r.finish(t.Context(), cache.MetaObjectToName(w)))
	require.Empty(t, r.follower.outcomes())
}

func TestWorkflowsOfOthersAreNotRead(t *testing.T) {
	r := newRuns(t)
	alien := workflow("alien", "Succeeded")
	alien.Labels = nil
	r.api.put("workflows", alien)
	r.api.put("workflows", workflow("run", "Succeeded"))
	r.start()
	r.told("run success")
	require.Len(t, r.runs.informer().GetStore().List(), 1)
}

func TestRunsWaitForTheirDefinition(t *testing.T) {
	r := newRuns(t)
	r.api.uninstall("workflows")
	r.start()
	require.Nil(t, r.runs.informer())
	r.api.install("workflows")
	r.api.put("workflows", workflow("run", "Succeeded"))
	r.told("run success")
}

func TestARunDeletedBeforeItsEndIsAnError(t *testing.T) {
	r := newRuns(t)
	r.start()
	r.api.put("workflows", workflow("gone", "Running"))
	r.api.put("workflows", workflow("new", ""))
	require.True(t, eventually(func() bool { return len(r.runs.informer().GetStore().List()) == 2 }))
	r.api.remove("workflows", "shop", "gone")
	got := r.told("gone error")[0]
	require.Equal(t, "the Workflow was deleted before it ended", got.Message)
	require.True(t, got.FinishedAt.Equal(epoch), "it ends no sooner than it began")
	r.api.remove("workflows", "shop", "new")
	r.told("gone error", "new error")
	require.True(t, eventually(func() bool { return held(r.Runs) == 0 }))
}

func TestARunDeletedAfterItsEndIsWhatItWas(t *testing.T) {
	r := newRuns(t)
	r.follower.ignored = true
	r.api.put("workflows", workflow("run", "Succeeded"))
	r.start()
	r.api.remove("workflows", "shop", "run")
	require.True(t, eventually(func() bool { return len(r.runs.informer().GetStore().List()) == 0 }))
	require.Zero(t, held(r.Runs))
	require.Empty(t, r.follower.outcomes())
}

func TestARunDeletedWhileNobodyWatchedIsAnError(t *testing.T) {
	r := newRuns(t)
	there, done := workflow("there", "Running"), workflow("done", "Succeeded")
	r.api.put("workflows", there)
	r.start()
	gone := outcome(workflow("gone", "Running"))
	gone.Result = release.RunError
	r.Expect([]release.Outcome{gone, outcome(there)})
	r.told("gone error")
	require.True(t, eventually(func() bool { return held(r.Runs) == 0 }))

	late := outcome(done)
	late.Result = release.RunError // it is there after all; the cache had not seen it
	r.api.put("workflows", done)
	r.Expect([]release.Outcome{late})
	r.told("done success", "gone error")
}

func TestADeletedRunThatNobodyAwaitsIsForgotten(t *testing.T) {
	r := newRuns(t)
	r.follower.ignored = true
	r.deleted(workflow("run", "Running"))
	require.Equal(t, 1, held(r.Runs))
	require.True(t, r.next(t.Context()))
	require.Zero(t, held(r.Runs))
	require.Empty(t, r.follower.outcomes())
}

func TestTheTimeOfADeletionIsTheEndOfTheRun(t *testing.T) {
	r := newRuns(t)
	w := workflow("run", "Running")
	w.DeletionTimestamp = moment(5)
	r.deleted(cache.DeletedFinalStateUnknown{Key: "shop/run", Obj: w})
	r.follower.broken = errors.New("no")
	require.True(t, r.next(t.Context()))
	require.Equal(t, 1, held(r.Runs), "it is kept until it is written down")
	require.True(t, eventually(func() bool { return r.queue.Len() == 1 }))
	require.True(t, r.next(t.Context()))
	got := r.told("run error")[0]
	require.True(t, got.FinishedAt.Equal(epoch.Add(5*time.Second)))
	require.Zero(t, held(r.Runs))
}

func TestADeletionOfSomethingElseIsIgnored(t *testing.T) {
	r := newRuns(t)
	r.deleted("x")
	r.deleted(cache.DeletedFinalStateUnknown{Key: "x"})
	r.enqueue("x")
	ended := workflow("run", "Succeeded")
	ended.Status.FinishedAt = nil
	r.enqueue(ended)
	require.Zero(t, r.queue.Len())
}

func TestARunThatIsThereAgainWasNotLost(t *testing.T) {
	r := newRuns(t)
	r.deleted(workflow("run", "Running"))
	r.api.put("workflows", workflow("run", "Running"))
	require.True(t, r.next(t.Context()))
	require.Zero(t, held(r.Runs))
	require.Empty(t, r.follower.outcomes())
}

func held(r *Runs) int {
	n := 0
	r.gone.Range(func(_, _ any) bool { n++; return true })
	return n
}

func TestAnOutcomeThatCannotBeWrittenIsTriedAgain(t *testing.T) {
	r := newRuns(t)
	r.follower.broken = errors.New("conflict")
	r.api.put("workflows", workflow("run", "Succeeded"))
	r.start()
	r.told("run success")
	require.Equal(t, 2, r.follower.tries)
}

func TestARunThatCannotBeReadIsTriedAgain(t *testing.T) {
	r := newRuns(t)
	r.api.failing("get workflows", 403)
	r.api.put("workflows", workflow("run", "Succeeded"))
	r.start()
	name := cache.ObjectName{Namespace: "shop", Name: "run"}
	require.True(t, eventually(func() bool { return r.queue.NumRequeues(name) > 0 }))
	require.EqualError(t, r.finish(t.Context(), name), "read Workflow shop/run: Forbidden")
	r.api.failing("get workflows", 0)
	r.told("run success")
}

func TestStartingRunsEndsWithItsContext(t *testing.T) {
	r := newRuns(t)
	ctx, stop := context.WithCancelCause(t.Context())
	stop(errors.New("enough"))
	require.EqualError(t, r.Start(ctx), "read the Workflows: enough")
}

func TestTheStepsOfARun(t *testing.T) {
	node := func(id, kind, phase string, start int) lean.Node {
		return lean.Node{ID: id, DisplayName: "step " + id, Type: kind, Phase: phase, Message: "m", StartedAt: moment(start), FinishedAt: moment(start + 1)}
	}
	step := func(id string, res release.Result, start int) release.Step {
		return release.Step{ID: id, Name: "step " + id, Result: res, Message: "m", StartedAt: moment(start).Time, FinishedAt: moment(start + 1).Time}
	}
	for _, c := range []struct {
		name  string
		nodes []lean.Node
		want  []release.Step
	}{
		{"none", nil, nil},
		{
			"in the order they started, and by id within a second",
			[]lean.Node{
				node("c", "Pod", "Succeeded", 5), node("b", "Pod", "Failed", 5), node("d", "Pod", "Error", 1),
			},
			[]release.Step{step("d", release.RunError, 1), step("b", release.Failure, 5), step("c", release.Success, 5)},
		},
		{
			"only those that do work",
			[]lean.Node{
				node("1", "DAG", "Succeeded", 1), node("2", "Steps", "Succeeded", 1), node("3", "StepGroup", "Succeeded", 1),
				node("4", "TaskGroup", "Succeeded", 1), node("5", "Retry", "Failed", 1), node("6", "Skipped", "Skipped", 1),
				node("7", "Pod", "Succeeded", 1), node("8", "Container", "Succeeded", 1), node("9", "Suspend", "Succeeded", 1),
				node("A", "HTTP", "Succeeded", 1), node("B", "Plugin", "Succeeded", 1),
			},
			[]release.Step{step("7", release.Success, 1), step("8", release.Success, 1), step("9", release.Success, 1), step("A", release.Success, 1), step("B", release.Success, 1)},
		},
		{"only those that ended", []lean.Node{
			node("1", "Pod", "Running", 1), node("2", "Pod", "Pending", 1), node("3", "Pod", "Omitted", 1), node("4", "Pod", "", 1),
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := workflow("run", "Succeeded")
			w.Status.Nodes = map[string]lean.Node{}
			for _, n := range c.nodes {
				w.Status.Nodes[n.ID] = n
			}
			got, err := steps(w)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

// many returns nodes that started one after another.
func many(n int) map[string]lean.Node {
	nodes := map[string]lean.Node{}
	for i := range n {
		id := fmt.Sprintf("%04d", i)
		nodes[id] = lean.Node{ID: id, Type: "Pod", Phase: "Succeeded", StartedAt: moment(i), FinishedAt: moment(i + 1)}
	}
	return nodes
}

func TestARunKeepsItsFirstHundredSteps(t *testing.T) {
	for n, want := range map[int]int{99: 99, 100: 100, 101: 100, 500: 100} {
		w := workflow("run", "Succeeded")
		w.Status.Nodes = many(n)
		got, err := steps(w)
		require.NoError(t, err)
		require.Len(t, got, want)
		require.Equal(t, "0000", got[0].ID)
		require.Equal(t, fmt.Sprintf("%04d", want-1), got[want-1].ID)
	}
}

// packed is what Argo writes in place of many nodes.
func packed(t testing.TB, v any) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	require.NoError(t, json.NewEncoder(z).Encode(v))
	require.NoError(t, z.Close())
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

func TestPackedNodesAreUnpacked(t *testing.T) {
	w := workflow("run", "Succeeded")
	w.Status.CompressedNodes = packed(t, many(3))
	got, err := steps(w)
	require.NoError(t, err)
	require.Len(t, got, 3)
	w.Status.CompressedNodes = packed(t, map[string]lean.Node{})
	got, err = steps(w)
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestPackedGarbageIsAnError(t *testing.T) {
	whole := packed(t, many(50))
	for name, garbage := range map[string]string{
		"not base64":      "%%%",
		"not gzip":        base64.StdEncoding.EncodeToString([]byte("nodes")),
		"cut off":         whole[:len(whole)/2/4*4],
		"only the header": whole[:16],
		"not JSON":        packed(t, "x"),
		"a list":          packed(t, []int{1}),
		"another type":    packed(t, map[string]any{"a": map[string]any{"id": 1}}),
	} {
		w := workflow("run", "Succeeded")
		w.Status.CompressedNodes = garbage
		_, err := steps(w)
		require.Error(t, err, name)
		require.True(t, strings.Contains(err.Error(), "nodes: "), err)
	}

	r := newRuns(t)
	w := workflow("run", "Succeeded")
	w.Status.CompressedNodes = "%%%"
	r.api.put("workflows", w)
	require.ErrorContains(t, r.finish(t.Context(), cache.MetaObjectToName(w)), "decode nodes")
}

func FuzzPackedNodes(f *testing.F) {
	f.Add(packed(f, many(2)))
	f.Add("H4sIAAAAAAAA")
	f.Add("")
	f.Fuzz(func(t *testing.T, nodes string) {
		w := workflow("run", "Succeeded")
		w.Status.CompressedNodes = nodes
		got, err := steps(w)
		if err != nil {
			require.Empty(t, got)
		}
		require.LessOrEqual(t, len(got), maxSteps)
	})
}

func TestTheResultOfAPhase(t *testing.T) {
	for phase, want := range map[string]release.Result{
		"Succeeded": release.Success, "Failed": release.Failure, "Error": release.RunError,
		"": "", "Pending": "", "Running": "", "Skipped": "", "Omitted": "", "succeeded": "",
	} {
		require.Equal(t, want, result(phase), phase)
	}
}

func TestARunWithoutAnnotationsHasNoRecord(t *testing.T) {
	w := workflow("run", "Succeeded")
	w.Annotations, w.Labels = nil, nil
	got := outcome(w)
	require.Empty(t, got.Record.Name)
	require.Empty(t, got.EventID)
}
