package watch

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestAStatefulSetIsReleasedWhenAllItsPodsAreOfOneRevision(t *testing.T) {
	w := newWorld(t)
	w.revise(statefulSet("db", "db:1", "a", 1), "a", 1, 0)
	w.start(1)
	w.told("db 1 initial 0")

	w.revise(from("a", statefulSet("db", "db:2", "b", 2)), "b", 2, 10)
	w.told("db 1 initial 0", "db 2 release .")
	require.Equal(t, "1 of 3 replicas are updated", w.ledger.snapshots()[1].WaitingFor)
	w.revise(statefulSet("db", "db:2", "b", 2), "b", 2, 10)
	w.told("db 1 initial 0", "db 2 release .", "db 2 release +")
	second := w.ledger.snapshots()[2]
	require.Equal(t, epoch.Add(10*time.Minute), second.StartedAt.UTC())
	require.Zero(t, second.RolledOutAt, "a StatefulSet does not tell")
	require.Equal(t, []string{"db:2"}, second.Release.Template.Images)
	require.Equal(t, "apps/v1", second.Release.APIVersion)
	require.Equal(t, "StatefulSet shop/db", second.Release.Subject.String())
	require.Equal(t, "db-b", second.Release.Token)
	require.Equal(t, "db-b", second.Release.Template.Hash)

	// Back: the revision is used again, with its name and its age, under a new number.
	w.revise(statefulSet("db", "db:1", "a", 3), "a", 3, 0)
	w.told("db 1 initial 0", "db 2 release .", "db 2 release +", "db 3 rollback +")
	third := w.ledger.snapshots()[3]
	require.Zero(t, third.StartedAt, "a revision that is used again is older than the release")
	require.NotEqual(t, w.ledger.snapshots()[0].Release.Name(), third.Release.Name())
}

func TestAPartitionHoldsAStatefulSetBack(t *testing.T) {
	w := newWorld(t)
	w.revise(statefulSet("db", "db:1", "a", 1), "a", 1, 0)
	w.start(1)
	w.told("db 1 initial 0")
	held := from("a", statefulSet("db", "db:2", "b", 2))
	*held.Spec.UpdateStrategy.RollingUpdate.Partition = 2
	held.Status.AvailableReplicas = 3
	w.revise(held, "b", 2, 1)
	w.told("db 1 initial 0", "db 2 release .")
	require.Equal(t, "the partition holds the pods below ordinal 2 back", w.ledger.snapshots()[1].WaitingFor)
	w.revise(statefulSet("db", "db:2", "b", 3), "b", 2, 1)
	w.told("db 1 initial 0", "db 2 release .", "db 2 release +")
}

func TestAStatefulSetThatItsControllerHasNotSeenIsOfNoRevision(t *testing.T) {
	w := newWorld(t)
	w.revise(statefulSet("db", "db:1", "a", 1), "a", 1, 0)
	w.start(0)
	require.NoError(t, w.look(t.Context(), of("StatefulSet", "db")))
	unseen := statefulSet("db", "db:2", "a", 2) // what the status says is of the template before
	unseen.Status.ObservedGeneration = 1
	w.api.put("statefulsets", unseen)
	w.shows("StatefulSet", "db")
	require.NoError(t, w.look(t.Context(), of("StatefulSet", "db")))
	w.told("db 1 initial 0")

	fresh := statefulSet("new", "new:1", "a", 1)
	fresh.Status = appsv1.StatefulSetStatus{}
	w.api.put("statefulsets", fresh)
	w.shows("StatefulSet", "new")
	w.api.requests()
	require.NoError(t, w.look(t.Context(), of("StatefulSet", "new")))
	require.Empty(t, w.api.requests(), "there will be an event")
}

// missed is a StatefulSet that went from a to b and back to a while nobody watched:
// its token is the same.
func missed(t *testing.T, pods ...time.Duration) *world {
	w := newWorld(t)
	w.revise(statefulSet("db", "db:1", "a", 1), "a", 1, 0)
	w.start(1)
	w.told("db 1 initial 0")
	w.stop()
	w.revise(statefulSet("db", "db:2", "b", 2), "b", 2, 10)
	back := statefulSet("db", "db:1", "a", 3)
	w.revise(back, "a", 3, 0)
	for i, age := range pods {
		w.api.put("pods", &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: fmt.Sprint("db-", i), CreationTimestamp: metav1.NewTime(epoch.Add(age)),
			Labels:          map[string]string{"app": "web", appsv1.ControllerRevisionHashLabelKey: "db-a"},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(back, appsv1.SchemeGroupVersion.WithKind("StatefulSet"))},
		}})
	}
	return w
}

func TestAReturnOfAStatefulSetThatNobodySawIsToldByItsGenerationAndItsPods(t *testing.T) {
	w := missed(t, 20*time.Minute, 21*time.Minute)
	w.restart(1)
	w.told("db 3 rollback +")

	w = missed(t, 0, 20*time.Minute)
	w.restart(1)
	w.told("db 3 reverted +")
}

func TestAStatefulSetThatWasScaledWhileNobodyWatchedIsReadOnce(t *testing.T) {
	w := newWorld(t)
	w.revise(statefulSet("db", "db:1", "a", 1), "a", 1, 0)
	w.start(1)
	w.told("db 1 initial 0")
	w.stop()
	w.revise(statefulSet("db", "db:1", "a", 5), "a", 1, 0)
	w.restart(0)
	before, _ := w.ledger.Recorded(of("StatefulSet", "db"))
	require.NoError(t, w.look(t.Context(), of("StatefulSet", "db")))
	after, _ := w.ledger.Recorded(of("StatefulSet", "db"))
	require.Equal(t, before.Release, after.Release, "it is the release that it was")
	w.api.requests()
	require.NoError(t, w.look(t.Context(), of("StatefulSet", "db")))
	require.Empty(t, w.api.requests())
}

func TestAStatefulSetMayChangeBeforeItsBaselineIsWritten(t *testing.T) {
	w := newWorld(t)
	w.revise(statefulSet("db", "db:1", "a", 1), "a", 1, 0)
	w.start(0)
	w.revise(statefulSet("db", "db:2", "b", 2), "b", 2, 10)
	w.shows("StatefulSet", "db")
	require.NoError(t, w.look(t.Context(), of("StatefulSet", "db")))
	w.told("db 1 initial 0", "db 2 release +")
	require.Equal(t, "db-a", w.ledger.snapshots()[0].Release.Token)
	require.NoError(t, w.look(t.Context(), of("StatefulSet", "db")))
	require.Len(t, w.ledger.told(), 2)
}

func TestRevisionsOfOthersAreNotAStatefulSets(t *testing.T) {
	w := newWorld(t)
	s := statefulSet("db", "db:1", "a", 1)
	w.revise(s, "a", 1, 0)
	stray := controllerRevision(s, "StatefulSet", "z", 9, 0, template("db:9"))
	stray.OwnerReferences[0].UID = "uid-other"
	w.api.put("controllerrevisions", stray)
	other := controllerRevision(s, "StatefulSet", "y", 8, 0, template("db:8"))
	other.Labels["app"] = "other"
	w.api.put("controllerrevisions", other)
	r, err := statefulSets{w.Watcher}.read(t.Context(), of("StatefulSet", "db"))
	require.NoError(t, err)
	require.Equal(t, "1", r.current.number)
	require.Empty(t, r.others)
}

func TestWhatAStatefulSetNamesBeforeItsControllerSawTheChangeIsNotItsRevision(t *testing.T) {
	w := newWorld(t)
	s := statefulSet("db", "db:2", "a", 2)
	s.Status.ObservedGeneration = 1
	w.revise(s, "a", 1, 0)
	r, err := statefulSets{w.Watcher}.read(t.Context(), of("StatefulSet", "db"))
	require.NoError(t, err)
	require.Nil(t, r.current)
	require.Len(t, r.others, 1)
}
