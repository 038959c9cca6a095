package watch

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"

	"github.com/rollcall-dev/rollcall/release"
)

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
	want := claimed.Release
	want.Token = "2" // as the cache shows it, whatever the record says
	require.Equal(t, want, w.ledger.asked[0].Release)
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
		{"the ReplicaSets cannot be read", func(w *world) { w.api.failing("list replicasets", 403) }, "read Deployment shop/web: list ReplicaSets: Forbidden", nil},
		{"the ReplicaSet is not there", func(w *world) { w.api.remove("replicasets", "shop", "web-b") }, release.ErrNotYet.Error(), nil},
		{"the ReplicaSet has another revision", func(w *world) {
			rs := replicaSet(changed("web", "web:2", "1", 2), "b")
			w.api.put("replicasets", rs)
		}, release.ErrNotYet.Error(), nil},
		{"the ReplicaSet has no revision", func(w *world) {
			rs := replicaSet(changed("web", "web:2", "2", 2), "b")
			rs.Annotations = nil
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
	require.ErrorContains(t, w.look(t.Context(), subject("web")), "read Deployment shop/web: read the selector: ")
}

func TestADeploymentDeletedWhileQueuedIsNoError(t *testing.T) {
	w := newWorld(t)
	w.roll(deployment("web", "web:1", "1"), "a")
	w.start(0)
	require.Equal(t, 1, w.queue.Len())
	w.api.remove("deployments", "shop", "web")
	require.True(t, eventually(func() bool { return w.cached("Deployment", "web") == nil }))
	w.api.requests()
	require.True(t, w.Next(t.Context()))
	require.Zero(t, w.queue.Len())
	require.Empty(t, w.api.requests())
	require.Empty(t, w.ledger.told())
}
