package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
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

func (l *ledger) Wants(s release.Snapshot) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, s)
	return s.Ready
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
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{
		t: t, api: newAPI(t), clock: clocktesting.NewFakeClock(epoch.Add(time.Hour)),
		ledger: &ledger{past: map[release.Subject][]release.Past{}},
	}
	watcher, err := New(Config{
		Cluster: "c", Kube: w.api.kube(), Argo: w.api.argo(), Meta: w.api.meta(),
		History: w.ledger, Handler: w.ledger, Clock: w.clock, Log: slog.New(slog.DiscardHandler),
	})
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
	w.t.Cleanup(func() {
		stop()
		<-done
	})
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

// cachedAs waits for the cache to show a Deployment's generation.
func (w *world) cachedAs(name string, generation int64) {
	w.t.Helper()
	require.True(w.t, eventually(func() bool {
		d := w.cached(subject(name))
		return d != nil && d.Generation == generation
	}))
}

func subject(name string) release.Subject {
	return release.Subject{Cluster: "c", Kind: "Deployment", Namespace: "shop", Name: name}
}

// changed is a Deployment as its controller shows it after a rollout.
func changed(name, image, revision string, generation int64) *appsv1.Deployment {
	d := deployment(name, image, revision)
	d.Generation, d.Status.ObservedGeneration = generation, generation
	return d
}

// midway takes back how far a rollout has come.
func midway(d *appsv1.Deployment) *appsv1.Deployment {
	d.Status.Replicas, d.Status.UpdatedReplicas, d.Status.Conditions[0].Reason = 4, 1, "ReplicaSetUpdated"
	return d
}

// settled is the record of a Deployment's release.
func settled(d *appsv1.Deployment, hash string) release.Past {
	t, err := describe(replicaSet(d, hash))
	if err != nil {
		panic(err)
	}
	return release.Past{Phase: release.Passed, Settled: true, Release: release.Release{
		Subject: subject(d.Name), UID: string(d.UID), Revision: d.Annotations[revisionAnnotation],
		Template: t, Kind: release.Image, Generation: d.Generation, Sequence: 4,
	}}
}

func TestTheFirstLookIsTheBaselineAndWhatFollowsIsARelease(t *testing.T) {
	w := newWorld(t)
	w.roll(deployment("web", "web:1", "1"), "a")
	w.start(1)
	w.told("web 1 initial 0")

	w.roll(changed("web", "web:2", "2", 2), "b")
	w.told("web 1 initial 0", "web 2 release +")

	back := changed("web", "web:1", "3", 3)
	rs := replicaSet(back, "a")
	rs.Annotations[historyAnnotation] = "1"
	w.api.put("replicasets", rs)
	w.api.put("deployments", back)
	w.told("web 1 initial 0", "web 2 release +", "web 3 rollback +")

	last := w.ledger.snapshots()[2]
	require.True(t, last.Live)
	require.Equal(t, int64(3), last.Release.Sequence)
	require.Equal(t, int64(3), last.Release.Generation)
	require.Equal(t, w.ledger.snapshots()[1].Release.Name(), last.Release.Previous)
	require.Equal(t, []string{"web:1"}, last.Release.Template.Images)
	require.Zero(t, last.StartedAt, "a ReplicaSet that is used again is older than the release")
	require.Equal(t, epoch, w.ledger.snapshots()[1].StartedAt.UTC())
	require.Equal(t, epoch.Add(time.Minute), last.RolledOutAt.UTC())
	require.Empty(t, last.WaitingFor)
}

func TestABaselineThatIsRefusedIsAnInitialRelease(t *testing.T) {
	w := newWorld(t)
	w.Baseline = func(created time.Time) bool { return created.Before(epoch) }
	w.roll(deployment("web", "web:1", "1"), "a")
	w.start(1)
	w.told("web 1 initial +")
}

func TestWhatIsCreatedAfterTheFirstLookIsInitial(t *testing.T) {
	w := newWorld(t)
	w.start(1)
	d := deployment("web", "web:1", "")
	delete(d.Annotations, revisionAnnotation)
	d.Status = appsv1.DeploymentStatus{}
	w.api.put("deployments", d) // the controller has not seen it
	w.cachedAs("web", 1)
	w.roll(midway(changed("web", "web:1", "1", 2)), "a")
	w.told("web 1 initial .")
	require.Equal(t, "1 of 3 replicas are updated", w.ledger.snapshots()[0].WaitingFor)
	w.roll(changed("web", "web:1", "1", 3), "a")
	w.told("web 1 initial .", "web 1 initial +")
	require.Equal(t, int64(2), w.ledger.snapshots()[1].Release.Generation, "a release keeps what it was first seen with")
}

func TestWhatComesCompleteAfterTheFirstLookIsInitial(t *testing.T) {
	w := newWorld(t)
	w.start(1)
	w.roll(deployment("web", "web:1", "1"), "a")
	w.told("web 1 initial +")
}

func TestWhatIsRecreatedBeforeTheBaselineIsWrittenIsInitial(t *testing.T) {
	w := newWorld(t)
	w.roll(deployment("web", "web:1", "1"), "a")
	w.start(0)
	w.api.remove("deployments", "shop", "web")
	again := changed("web", "web:1", "2", 2)
	again.UID = "uid-again"
	rs := replicaSet(again, "a") // adopted
	rs.Annotations[historyAnnotation] = "1"
	w.api.put("replicasets", rs)
	w.api.put("deployments", again)
	w.cachedAs("web", 2)
	require.NoError(t, w.look(t.Context(), subject("web")))
	w.told("web 2 initial +")
}

func TestWhatTheControllerHadNotSeenAtTheFirstLookIsInitial(t *testing.T) {
	w := newWorld(t)
	d := deployment("web", "web:1", "1")
	delete(d.Annotations, revisionAnnotation)
	w.api.put("deployments", d)
	w.start(1)
	w.roll(changed("web", "web:1", "1", 2), "a")
	w.told("web 1 initial +")
}

func TestAChangeBeforeTheBaselineIsWrittenIsARelease(t *testing.T) {
	w := newWorld(t)
	w.roll(deployment("web", "web:1", "1"), "a")
	w.start(0)
	w.roll(changed("web", "web:2", "2", 2), "b")
	w.cachedAs("web", 2)
	require.NoError(t, w.look(t.Context(), subject("web")))
	w.told("web 1 initial 0", "web 2 release +")
	base := w.ledger.snapshots()[0]
	require.Equal(t, "a", base.Release.Template.Hash)
	require.Equal(t, []string{"web:1"}, base.Release.Template.Images)
	require.Equal(t, base.Release.Name(), w.ledger.snapshots()[1].Release.Previous)

	require.NoError(t, w.look(t.Context(), subject("web")))
	require.Len(t, w.ledger.told(), 2)
	known, _ := w.knownAs(subject("web"))
	require.Equal(t, "2", known.revision, "what is settled takes the place of the first look")
}

func TestRecordsThatAreLostAreWrittenAgainAsBaselines(t *testing.T) {
	w := newWorld(t)
	w.start(0)
	w.roll(deployment("web", "web:1", "1"), "a") // created after the first look
	w.cachedAs("web", 1)
	require.NoError(t, w.look(t.Context(), subject("web")))
	require.NoError(t, w.look(t.Context(), subject("web")))
	w.told("web 1 initial +")

	w.ledger.lose(subject("web"))
	scaled := changed("web", "web:1", "1", 2)
	w.api.put("deployments", scaled)
	w.cachedAs("web", 2)
	require.NoError(t, w.look(t.Context(), subject("web")))
	w.told("web 1 initial +", "web 1 initial 0")

	w.ledger.lose(subject("web"))
	w.roll(changed("web", "web:2", "2", 3), "b")
	w.cachedAs("web", 3)
	require.NoError(t, w.look(t.Context(), subject("web")))
	w.told("web 1 initial +", "web 1 initial 0", "web 1 initial 0", "web 2 release +")
}

func TestADeploymentThatIsDeletedIsForgotten(t *testing.T) {
	w := newWorld(t)
	w.roll(deployment("web", "web:1", "1"), "a")
	w.start(0)
	require.True(t, eventually(func() bool { _, ok := w.knownAs(subject("web")); return ok }))
	w.api.remove("deployments", "shop", "web")
	require.True(t, eventually(func() bool { _, ok := w.knownAs(subject("web")); return !ok }))
}

func TestAChangeBeforeTheBaselineIsWrittenAndBack(t *testing.T) {
	w := newWorld(t)
	w.roll(deployment("web", "web:1", "1"), "a")
	w.start(0)
	back := changed("web", "web:1", "3", 3)
	rs := replicaSet(back, "a")
	rs.Annotations[historyAnnotation] = "1"
	w.api.put("replicasets", replicaSet(changed("web", "web:2", "2", 2), "b"))
	w.api.put("replicasets", rs)
	w.api.put("deployments", back)
	w.cachedAs("web", 3)
	require.NoError(t, w.look(t.Context(), subject("web")))
	w.told("web 1 initial 0", "web 3 reverted +")
}

func TestTheBaselineIsLostWithItsReplicaSet(t *testing.T) {
	w := newWorld(t)
	w.roll(deployment("web", "web:1", "1"), "a")
	w.start(0)
	w.api.remove("replicasets", "shop", "web-a")
	w.api.put("replicasets", replicaSet(deployment("other", "web:1", "1"), "a")) // of the same labels
	w.roll(changed("web", "web:2", "2", 2), "b")
	w.cachedAs("web", 2)
	require.NoError(t, w.look(t.Context(), subject("web")))
	w.told("web 2 initial +")
}

func TestABaselineThatCannotBeWrittenHoldsTheReleaseBack(t *testing.T) {
	w := newWorld(t)
	w.roll(deployment("web", "web:1", "1"), "a")
	w.start(0)
	w.roll(changed("web", "web:2", "2", 2), "b")
	w.cachedAs("web", 2)
	w.ledger.broken = errors.New("no")
	require.EqualError(t, w.look(t.Context(), subject("web")), "no")
	w.told("web 1 initial 0")
	require.NoError(t, w.look(t.Context(), subject("web")))
	w.told("web 1 initial 0", "web 1 initial 0", "web 2 release +")
}

func TestASettledSubjectCostsNoCall(t *testing.T) {
	w := newWorld(t)
	d := deployment("web", "web:1", "1")
	w.ledger.record(settled(d, "a"))
	w.roll(d, "a")
	w.start(0)
	w.api.requests()
	for name, change := range map[string]func(d *appsv1.Deployment){
		"nothing":    func(*appsv1.Deployment) {},
		"scaled":     func(d *appsv1.Deployment) { *d.Spec.Replicas = 5 },
		"crashing":   func(d *appsv1.Deployment) { d.Status.AvailableReplicas = 0 },
		"annotated":  func(d *appsv1.Deployment) { d.Annotations["x"] = "y" },
		"paused":     func(d *appsv1.Deployment) { d.Spec.Paused = true },
		"unobserved": func(d *appsv1.Deployment) { d.Status.ObservedGeneration = 0 },
	} {
		d.Generation++
		next := d.DeepCopy()
		change(next)
		w.api.put("deployments", next)
		w.cachedAs("web", next.Generation)
		require.NoError(t, w.look(t.Context(), subject("web")), name)
	}
	require.Empty(t, w.api.requests())
	require.Zero(t, w.ledger.reads)
	require.Empty(t, w.ledger.told())
	require.Empty(t, w.ledger.asked)
}

func TestWhatCameWhileNobodyWatchedIsNotTakenForTheBaseline(t *testing.T) {
	w := newWorld(t)
	w.ledger.record(settled(deployment("web", "web:1", "1"), "a"))
	w.roll(changed("web", "web:2", "2", 2), "b") // there at the first look, and newer than its record
	w.start(0)
	w.cachedAs("web", 2)
	require.NoError(t, w.look(t.Context(), subject("web")))
	w.told("web 2 release +")
}

func TestAStaleCacheIsIgnored(t *testing.T) {
	w := newWorld(t)
	newer := changed("web", "web:2", "2", 5)
	w.ledger.record(settled(newer, "b"))
	w.roll(changed("web", "web:1", "1", 4), "a")
	w.start(0)
	w.api.requests()
	require.NoError(t, w.look(t.Context(), subject("web")))
	require.Empty(t, w.api.requests())
	require.Empty(t, w.ledger.told())
}

func TestAnotherObjectOfTheNameIsReadLiveHoweverLowItsGeneration(t *testing.T) {
	w := newWorld(t)
	old := changed("web", "web:1", "7", 9)
	old.UID = "uid-old"
	w.ledger.record(settled(old, "a"))
	w.roll(deployment("web", "web:1", "1"), "a")
	w.start(1)
	w.told("web 1 recreate +")
}

func TestACandidateIsReadLive(t *testing.T) {
	w := newWorld(t)
	d := deployment("web", "web:1", "1")
	w.ledger.record(settled(d, "a"))
	w.roll(changed("web", "web:2", "2", 2), "b")
	w.start(0)
	w.api.requests()
	require.NoError(t, w.look(t.Context(), subject("web")))
	require.Equal(t, []string{"get deployments shop/web", "list replicasets shop/"}, w.api.requests())
	w.told("web 2 release +")
	require.Equal(t, int64(5), w.ledger.snapshots()[0].Release.Sequence)
}

func TestAClaimedReleaseIsJudgedFromTheCacheUntilItIsWanted(t *testing.T) {
	w := newWorld(t)
	d := midway(changed("web", "web:2", "2", 2))
	claimed := settled(d, "b")
	claimed.Phase, claimed.Settled = release.Rolling, false
	w.ledger.record(claimed)
	w.roll(d, "b")
	w.start(0)
	w.api.requests()
	require.ErrorIs(t, w.look(t.Context(), subject("web")), release.ErrNotYet)
	require.Empty(t, w.api.requests())
	require.Len(t, w.ledger.asked, 1)
	require.False(t, w.ledger.asked[0].Live)
	require.Equal(t, claimed.Release, w.ledger.asked[0].Release)
	require.Equal(t, "1 of 3 replicas are updated", w.ledger.asked[0].WaitingFor)

	w.roll(changed("web", "web:2", "2", 3), "b")
	w.cachedAs("web", 3)
	require.NoError(t, w.look(t.Context(), subject("web")))
	w.told("web 2 release +")
	require.Equal(t, []string{"get deployments shop/web", "list replicasets shop/"}, w.api.requests())
}

func TestALiveLookMayFindLessThanTheCacheSaid(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(w *world)
		want   string // the error, if any
		told   []string
	}{
		{"the Deployment is gone", func(w *world) { w.api.failing("get deployments", 404) }, "", nil},
		{"the Deployment cannot be read", func(w *world) { w.api.failing("get deployments", 403) }, "read Deployment shop/web: Forbidden", nil},
		{"the ReplicaSets cannot be read", func(w *world) { w.api.failing("list replicasets", 403) }, "list ReplicaSets of Deployment shop/web: Forbidden", nil},
		{"the ReplicaSet is not there", func(w *world) { w.api.remove("replicasets", "shop", "web-b") }, release.ErrNotYet.Error(), nil},
		{"the ReplicaSet has another revision", func(w *world) {
			rs := replicaSet(changed("web", "web:2", "1", 2), "b")
			w.api.put("replicasets", rs)
		}, release.ErrNotYet.Error(), nil},
		{"the ReplicaSet is not available", func(w *world) {
			rs := replicaSet(changed("web", "web:2", "2", 2), "b")
			rs.Status.AvailableReplicas = 0
			w.api.put("replicasets", rs)
		}, release.ErrNotYet.Error(), []string{"web 2 release ."}},
		{"the records cannot be read", func(w *world) { w.ledger.refuse = errors.New("no records") }, "no records", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.ledger.record(settled(deployment("web", "web:1", "1"), "a"))
			w.roll(changed("web", "web:2", "2", 2), "b")
			w.start(0)
			c.change(w)
			err := w.look(t.Context(), subject("web"))
			if c.want == "" {
				require.NoError(t, err)
			} else {
				require.EqualError(t, err, c.want)
			}
			require.Equal(t, c.told, w.ledger.told())
		})
	}
}

func TestASelectorThatCannotBeReadIsAnError(t *testing.T) {
	w := newWorld(t)
	d := deployment("web", "web:1", "1")
	d.Spec.Selector.MatchLabels = map[string]string{"a b": "c"}
	w.roll(d, "a")
	w.start(0)
	require.ErrorContains(t, w.look(t.Context(), subject("web")), "read selector of Deployment shop/web")
}

func TestADeploymentDeletedWhileQueuedIsNoError(t *testing.T) {
	w := newWorld(t)
	w.roll(deployment("web", "web:1", "1"), "a")
	w.start(0)
	require.Equal(t, 1, w.queue.Len())
	w.api.remove("deployments", "shop", "web")
	require.True(t, eventually(func() bool { return w.cached(subject("web")) == nil }))
	w.api.requests()
	require.True(t, w.Next(t.Context()))
	require.Zero(t, w.queue.Len())
	require.Empty(t, w.api.requests())
	require.Empty(t, w.ledger.told())
}

func TestWhatIsNotSettledIsLookedAtAgainAfterATick(t *testing.T) {
	w := newWorld(t)
	w.ledger.record(settled(deployment("web", "web:1", "1"), "a"))
	w.roll(midway(changed("web", "web:2", "2", 2)), "b")
	w.start(1)
	w.told("web 2 release .")
	w.waits()
	asked := func() int {
		w.ledger.mu.Lock()
		defer w.ledger.mu.Unlock()
		return len(w.ledger.asked)
	}
	w.clock.Step(Tick - time.Millisecond)
	time.Sleep(30 * time.Millisecond)
	require.Zero(t, asked(), "looked at again before the tick")
	w.clock.Step(time.Millisecond)
	require.True(t, eventually(func() bool { return asked() == 1 }))
	require.True(t, eventually(func() bool {
		w.clock.Step(Tick)
		return asked() >= 3
	}), "it goes on for as long as it is not settled")
	require.Len(t, w.ledger.told(), 1)
}

func TestAnErrorIsRetriedSooner(t *testing.T) {
	w := newWorld(t)
	w.ledger.broken = errors.New("the sink is down")
	w.roll(deployment("web", "web:1", "1"), "a")
	w.start(1)
	w.told("web 1 initial 0")
	w.waits()
	require.Equal(t, 1, w.queue.NumRequeues(subject("web")))
	w.clock.Step(50 * time.Millisecond)
	w.told("web 1 initial 0", "web 1 initial 0")
	require.True(t, eventually(func() bool { return w.queue.NumRequeues(subject("web")) == 0 }))
}

func TestPokeAsksForEverySubject(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"api", "web"} {
		d := deployment(name, "x:1", "1")
		claimed := settled(d, "a")
		claimed.Settled = false
		w.ledger.record(claimed)
		w.api.put("deployments", d)
	}
	w.start(0)
	for range 2 {
		s, _ := w.queue.Get()
		w.queue.Done(s)
	}
	require.Zero(t, w.queue.Len())
	w.Poke()
	require.Equal(t, 2, w.queue.Len())
}

func TestLateIsWhatWasReadyBeforeTheStart(t *testing.T) {
	started := epoch.Add(time.Hour)
	for _, c := range []struct {
		name        string
		rolled, app time.Time
		want        bool
	}{
		{"nothing is known", time.Time{}, time.Time{}, false},
		{"long before", epoch, time.Time{}, true},
		{"the second before", started.Add(-time.Second), time.Time{}, false},
		{"just beyond that", started.Add(-time.Second - time.Nanosecond), time.Time{}, true},
		{"after", started.Add(time.Minute), time.Time{}, false},
		{"before, and synced after", epoch, started.Add(time.Second), false},
		{"both before", epoch, epoch.Add(time.Second), true},
		{"only a sync before", time.Time{}, epoch, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &Watcher{started: started}
			s := judgeable{release.Snapshot{RolledOutAt: c.rolled, App: release.App{SyncFinishedAt: c.app}}}
			require.Equal(t, c.want, w.late(s))
		})
	}

	w := newWorld(t)
	w.ledger.record(settled(deployment("web", "web:1", "1"), "a"))
	w.roll(changed("web", "web:2", "2", 2), "b")
	w.start(1)
	w.told("web 2 release +")
	require.True(t, w.ledger.snapshots()[0].Late)
	now := changed("web", "web:3", "3", 3)
	now.Status.Conditions[0].LastUpdateTime.Time = w.clock.Now()
	w.roll(now, "c")
	w.told("web 2 release +", "web 3 release +")
	require.False(t, w.ledger.snapshots()[1].Late)
}

func TestAStalledRolloutIsToldAsSuch(t *testing.T) {
	w := newWorld(t)
	w.ledger.record(settled(deployment("web", "web:1", "1"), "a"))
	d := midway(changed("web", "web:2", "2", 2))
	d.Status.Conditions[0].Reason = reasonDeadline
	w.roll(d, "b")
	w.start(1)
	w.told("web 2 release .")
	require.True(t, w.ledger.snapshots()[0].Stalled)
	require.False(t, w.ledger.snapshots()[0].Late)
}

func TestASnapshotSharesNothingWithTheCache(t *testing.T) {
	w := newWorld(t)
	d := deployment("web", "web:1", "1")
	s := w.snapshot(d, release.Release{})
	s.Labels["app"], s.Annotations["x"] = "changed", "y"
	require.Equal(t, "web", d.Labels["app"])
	require.NotContains(t, d.Annotations, "x")
}

// owned is a Deployment that an Application of its name tracks.
func owned(d *appsv1.Deployment) *appsv1.Deployment {
	d.Annotations[trackingAnnotation] = d.Name + ":apps/Deployment:shop/" + d.Name
	return d
}

func TestAnApplicationThatChangesPokesItsDeployments(t *testing.T) {
	w := newWorld(t)
	w.api.install("applications")
	w.ledger.record(settled(deployment("web", "web:1", "1"), "a"))
	a := application("web", "web:1")
	a.Status.Health.Status = "Progressing"
	w.api.put("applications", a)
	w.roll(owned(changed("web", "web:2", "2", 2)), "b")
	w.start(1)
	w.told("web 2 release .")
	got := w.ledger.snapshots()[0]
	require.Equal(t, "the Application is Progressing", got.WaitingFor)
	require.Equal(t, "argocd", got.App.Engine)
	require.False(t, got.Late, "what is not ready is not late")

	w.api.put("applications", application("web", "web:2"))
	w.told("web 2 release .", "web 2 release +")
	require.Equal(t, "c1", w.ledger.snapshots()[1].App.Revision)
	require.Contains(t, w.api.requests(), "list applications /web")
}

func TestTheApplicationIsReadAfterTheDeployment(t *testing.T) {
	w := newWorld(t)
	w.api.install("applications")
	w.ledger.record(settled(deployment("web", "web:1", "1"), "a"))
	w.api.put("applications", application("web", "web:2"))
	w.roll(owned(changed("web", "web:2", "2", 2)), "b")
	w.start(0)
	w.api.requests()
	require.NoError(t, w.look(t.Context(), subject("web")))
	require.Equal(t, []string{"get deployments shop/web", "list replicasets shop/", "list applications /web"}, w.api.requests())
}

func TestAnApplicationThatCannotBeReadHoldsTheReleaseBack(t *testing.T) {
	w := newWorld(t)
	w.api.install("applications")
	w.ledger.record(settled(deployment("web", "web:1", "1"), "a"))
	w.api.put("applications", application("web", "web:2"))
	w.roll(owned(changed("web", "web:2", "2", 2)), "b")
	w.start(0)
	w.api.failing("list applications", 403)
	require.EqualError(t, w.look(t.Context(), subject("web")), "read Application web: Forbidden")
	require.Empty(t, w.ledger.told())
}

func TestApplicationsOfOtherNamespacesAreTold(t *testing.T) {
	w := newWorld(t)
	w.api.install("applications")
	w.ledger.record(settled(deployment("web", "web:1", "1"), "a"))
	elsewhere := application("web", "web:2")
	elsewhere.Namespace = "team"
	w.api.put("applications", application("web", "web:1"))
	w.api.put("applications", elsewhere)
	d := changed("web", "web:2", "2", 2)
	d.Annotations[trackingAnnotation] = "team_web:apps/Deployment:shop/web"
	w.roll(d, "b")
	w.start(1)
	w.told("web 2 release +")
	require.Equal(t, "team", w.ledger.snapshots()[0].App.Namespace)
	require.Contains(t, w.api.requests(), "list applications team/web")
}

func TestADefinitionThatAppearsLaterIsWatchedUntilItGoes(t *testing.T) {
	w := newWorld(t)
	d := owned(midway(changed("web", "web:2", "2", 2)))
	claimed := settled(d, "b")
	claimed.Settled = false
	w.ledger.record(claimed)
	w.roll(d, "b")
	w.start(0)
	require.Nil(t, w.applications.informer())
	require.Nil(t, w.applicationsNamed("web"))
	s, _ := w.queue.Get()
	w.queue.Done(s)

	w.api.install("applications")
	w.api.put("applications", application("web", "web:2"))
	require.True(t, eventually(func() bool { return len(w.applicationsNamed("web")) == 1 }))
	require.True(t, eventually(func() bool { return w.queue.Len() == 1 }), "the Application pokes its Deployment")
	running := w.applications.informer()
	require.Equal(t, "web", w.leanly(w.cached(subject("web")), claimed).App.Name)

	w.api.install("applications") // a change of the definition is no other
	w.api.uninstall("applications")
	require.True(t, eventually(func() bool { return w.applications.informer() == nil }))
	require.True(t, eventually(running.IsStopped))
	require.Nil(t, w.applicationsNamed("web"))
	require.Equal(t, release.App{Ready: true}, w.leanly(w.cached(subject("web")), claimed).App)
	app, err := w.application(t.Context(), d)
	require.NoError(t, err)
	require.Equal(t, release.App{Ready: true}, app)

	w.api.install("applications")
	require.True(t, eventually(func() bool { return len(w.applicationsNamed("web")) == 1 }), "and it may come again")
}

func TestAnUnownedDeploymentAsksForNoApplication(t *testing.T) {
	w := newWorld(t)
	w.api.install("applications")
	app, err := w.application(t.Context(), deployment("web", "web:1", "1"))
	require.NoError(t, err)
	require.Equal(t, release.App{Ready: true}, app)
	require.Empty(t, w.api.requests())
}

func TestManySubjectsAtOnceAreEachToldOnce(t *testing.T) {
	w := newWorld(t)
	const many = 60
	for i := range many {
		d := deployment("web", "web:2", "2")
		d.Name = "web-" + string(rune('a'+i%26)) + string(rune('a'+i/26))
		d.UID = types.UID("uid-" + d.Name)
		before := deployment("web", "web:1", "1")
		before.Name, before.UID = d.Name, d.UID
		w.ledger.record(settled(before, "a"))
		w.roll(d, "b")
	}
	w.start(4)
	require.True(t, eventually(func() bool { return len(w.ledger.told()) >= many }))
	require.True(t, eventually(func() bool { return w.queue.Len() == 0 }))
	once := map[string]bool{}
	for _, s := range w.ledger.told() {
		require.False(t, once[s], s)
		once[s] = true
	}
	require.Len(t, once, many)
}

func TestStartEndsWithItsContext(t *testing.T) {
	w := newWorld(t)
	w.api.failing("list", 403)
	w.api.failing("watch", 403)
	ctx, stop := context.WithCancelCause(t.Context())
	stop(errors.New("enough"))
	require.EqualError(t, w.Start(ctx), "read the cluster: enough")
}

func TestADefaultWatcherHasAClockALogAndABaseline(t *testing.T) {
	a := newAPI(t)
	w, err := New(Config{Kube: a.kube(), Argo: a.argo(), Meta: a.meta()})
	require.NoError(t, err)
	require.NotNil(t, w.Clock)
	require.NotNil(t, w.Log)
	require.True(t, w.Baseline(time.Time{}))
	require.Empty(t, a.requests(), "nothing is read before the start")
	w.queue.ShutDown()
}

// slow is a Handler that takes its time.
type slow struct {
	*ledger
	begun, end chan struct{}
}

func (s slow) Handle(ctx context.Context, snap release.Snapshot) error {
	close(s.begun)
	<-s.end
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return s.ledger.Handle(ctx, snap)
}

func TestWhatIsAtHandIsCarriedThroughWhenTheWorkEnds(t *testing.T) {
	w := newWorld(t)
	h := slow{w.ledger, make(chan struct{}), make(chan struct{})}
	w.Handler = h
	w.roll(deployment("web", "web:1", "1"), "a")
	w.start(0)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Work(ctx, 1)
	}()
	<-h.begun
	stop()
	select {
	case <-done:
		t.Fatal("the work ended before what was at hand")
	case <-time.After(30 * time.Millisecond):
	}
	close(h.end)
	<-done
	w.told("web 1 initial 0")
	require.False(t, w.Next(t.Context()), "the queue is shut down")
}

func TestLosingARaceToWriteIsNothingToReport(t *testing.T) {
	conflict := apierrors.NewConflict(schema.GroupResource{Resource: "releases"}, "web", errors.New("changed"))
	require.Equal(t, slog.LevelDebug, severity(fmt.Errorf("write: %w", conflict)))
	require.Equal(t, slog.LevelWarn, severity(errors.New("no")))
}

// TestRecordedRolloutsAreToldOnceEach plays the recorded states one by one, as
// the cache and the API server show them, with ReplicaSets that claim to be
// fully available all the while.
func TestRecordedRolloutsAreToldOnceEach(t *testing.T) {
	for file, want := range map[string][]string{
		"testdata/rolling.txt":    {"1 initial", "2 release", "3 rollback", "5 reverted", "6 release"},
		"testdata/strategies.txt": {"1 initial", "2 release", "3 release", "4 release", "5 restart", "7 release"},
	} {
		t.Run(file, func(t *testing.T) {
			w := newWorld(t)
			revisions, last := map[string]string{}, ""
			histories := map[string][]string{}
			var told []string
			for i, l := range readLines(t, file) {
				image, revision := l.d.Spec.Template.Spec.Containers[0].Image, l.d.Annotations[revisionAnnotation]
				if bare, restarted := strings.CutSuffix(image, "+"); restarted {
					l.d.Spec.Template.Spec.Containers[0].Image = bare
					l.d.Spec.Template.Annotations = map[string]string{restartedAt: "2026-11-22T10:00:00Z"}
				}
				if revision != last {
					if before := revisions[image]; before != "" {
						histories[image] = append(histories[image], before)
					}
					revisions[image], last = revision, revision
				}
				if revisions[image] != "" {
					rs := replicaSet(l.d, strings.NewReplacer(":", "", "+", "r").Replace(image))
					rs.Annotations[revisionAnnotation] = revisions[image]
					rs.Annotations[historyAnnotation] = strings.Join(histories[image], ",")
					w.api.put("replicasets", rs)
				}
				w.api.put("deployments", l.d)
				small, err := slim(l.d)
				require.NoError(t, err)
				require.NoError(t, w.deployments.GetStore().Add(small))
				w.remember(l.d, i == 0)

				before := len(w.ledger.snapshots())
				if err := w.look(t.Context(), subject("web")); err != nil {
					require.ErrorIs(t, err, release.ErrNotYet)
				}
				announced := 0
				for _, s := range w.ledger.snapshots()[before:] {
					if s.Ready {
						announced++
						told = append(told, s.Release.Revision+" "+string(s.Release.Kind))
					}
				}
				require.Equal(t, l.verdict == "new", announced == 1, "%s:%d: %s: %d", file, l.number, l.text, announced)
			}
			require.Equal(t, want, told)
		})
	}
}
