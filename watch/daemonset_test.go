package watch

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/release"
)

func TestADaemonSetIsReleasedWhenItsPodsAreOnAllNodes(t *testing.T) {
	w := newWorld(t)
	w.revise(daemonSet("log", "log:1", "1", 1), "a", 1, 0)
	w.start(1)
	w.told("log 1 initial 0")

	mid := daemonSet("log", "log:2", "2", 2)
	mid.Status.UpdatedNumberScheduled = 1
	w.revise(mid, "b", 2, 10)
	w.told("log 1 initial 0", "log 2 release .")
	require.Equal(t, "1 of 3 pods are updated", w.ledger.snapshots()[1].WaitingFor)
	w.revise(daemonSet("log", "log:2", "2", 2), "b", 2, 10)
	w.told("log 1 initial 0", "log 2 release .", "log 2 release +")
	require.Equal(t, "2", w.ledger.snapshots()[2].Release.Token)
	require.Equal(t, "b", w.ledger.snapshots()[2].Release.Template.Hash)

	w.revise(daemonSet("log", "log:1", "3", 3), "a", 3, 0)
	w.told("log 1 initial 0", "log 2 release .", "log 2 release +", "log 3 rollback +")
}

func TestANodeThatComesOrGoesIsNoReleaseOfADaemonSet(t *testing.T) {
	w := newWorld(t)
	d := daemonSet("log", "log:1", "1", 1)
	w.revise(d, "a", 1, 0)
	w.start(0)
	require.NoError(t, w.look(t.Context(), of("DaemonSet", "log")))
	w.api.requests()
	for _, available := range []int32{3, 4, 5, 1} {
		d.Status.DesiredNumberScheduled, d.Status.NumberAvailable = 4, available
		w.api.put("daemonsets", d)
		w.shows("DaemonSet", "log")
		require.NoError(t, w.look(t.Context(), of("DaemonSet", "log")))
	}
	require.Empty(t, w.api.requests())
	w.told("log 1 initial 0")
}

func TestADaemonSetMayChangeBeforeItsBaselineIsWritten(t *testing.T) {
	w := newWorld(t)
	w.revise(daemonSet("log", "log:1", "7", 1), "a", 1, 0) // the revisions were counted anew
	w.start(0)
	w.revise(daemonSet("log", "log:2", "8", 2), "b", 2, 10)
	w.shows("DaemonSet", "log")
	require.NoError(t, w.look(t.Context(), of("DaemonSet", "log")))
	w.told("log 1 initial 0", "log 2 release +")
	require.Equal(t, "7", w.ledger.snapshots()[0].Release.Token)
}

func TestAReturnOfADaemonSetThatNobodySaw(t *testing.T) {
	for _, c := range []struct {
		pod  time.Duration
		want string
	}{{0, "log 3 reverted +"}, {20 * time.Minute, "log 3 rollback +"}} {
		w := newWorld(t)
		w.revise(daemonSet("log", "log:1", "1", 1), "a", 1, 0)
		w.start(1)
		w.told("log 1 initial 0")
		w.stop()
		w.revise(daemonSet("log", "log:2", "2", 2), "b", 2, 10)
		back := daemonSet("log", "log:1", "3", 3)
		w.revise(back, "a", 3, 0)
		w.api.put("pods", &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: "log-x", CreationTimestamp: metav1.NewTime(epoch.Add(c.pod)),
			Labels:          map[string]string{"app": "web", appsv1.ControllerRevisionHashLabelKey: "a"},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(back, appsv1.SchemeGroupVersion.WithKind("DaemonSet"))},
		}})
		w.restart(1)
		w.told(c.want)
	}
}

// The API server counts changes that its controller takes for none: a list that is
// empty, where there was none.
func TestATemplateThatIsTheSameToItsControllerIsTheSameRelease(t *testing.T) {
	w := newWorld(t)
	w.revise(daemonSet("log", "log:1", "1", 1), "a", 1, 0)
	w.start(0)
	require.NoError(t, w.look(t.Context(), of("DaemonSet", "log")))
	w.api.put("daemonsets", daemonSet("log", "log:1", "2", 2))
	w.shows("DaemonSet", "log")
	require.NoError(t, w.look(t.Context(), of("DaemonSet", "log")))
	first, again := w.ledger.snapshots()[0].Release, w.ledger.snapshots()[1].Release
	require.Equal(t, first.Key(), again.Key())
	w.api.requests()
	require.NoError(t, w.look(t.Context(), of("DaemonSet", "log")))
	require.Empty(t, w.api.requests(), "it is read once")
}

func TestADaemonSetWaitsForItsRevision(t *testing.T) {
	w := newWorld(t)
	w.api.put("daemonsets", daemonSet("log", "log:1", "1", 1))
	w.start(0)
	require.ErrorIs(t, w.look(t.Context(), of("DaemonSet", "log")), release.ErrNotYet)

	unseen := daemonSet("log", "log:1", "1", 1)
	unseen.Status.ObservedGeneration = 0
	w.revise(unseen, "a", 1, 0)
	w.shows("DaemonSet", "log")
	w.api.requests()
	require.NoError(t, w.look(t.Context(), of("DaemonSet", "log")))
	require.Empty(t, w.api.requests())
	require.Empty(t, w.ledger.told())
}

func TestOfTwoRevisionsWithOneTemplateTheHighestIsTheCurrentOne(t *testing.T) {
	w := newWorld(t)
	d := daemonSet("log", "log:1", "5", 1)
	w.revise(d, "a", 2, 0)
	w.api.put("controllerrevisions", controllerRevision(d, "DaemonSet", "b", 5, 1, d.Spec.Template))
	w.api.put("controllerrevisions", controllerRevision(d, "DaemonSet", "c", 4, 2, template("log:0")))
	r, err := daemonSets{w.Watcher}.read(t.Context(), of("DaemonSet", "log"))
	require.NoError(t, err)
	require.Equal(t, "b", r.current.hash)
	require.Len(t, r.others, 2)
	require.True(t, r.others[0].carried("4"))
	require.Equal(t, "c", r.others[0].hash)
}
