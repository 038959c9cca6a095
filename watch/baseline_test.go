package watch

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
)

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
	require.Equal(t, "2", known.token, "what is settled takes the place of the first look")
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
