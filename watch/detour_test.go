package watch

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/release"
)

func pod(rs *appsv1.ReplicaSet, n int, created time.Time) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: rs.Namespace, Name: fmt.Sprintf("%s-%d", rs.Name, n), Labels: rs.Labels,
		CreationTimestamp: metav1.NewTime(created),
		OwnerReferences:   []metav1.OwnerReference{*metav1.NewControllerRef(rs, appsv1.SchemeGroupVersion.WithKind("ReplicaSet"))},
	}}
}

func TestADetourThatNobodySawIsToldByThePods(t *testing.T) {
	const away = time.Minute // after the first look: when the other ReplicaSet was made
	for _, c := range []struct {
		name     string
		pods     []time.Duration
		recorded bool
		want     release.Kind
	}{
		{"all pods are younger", []time.Duration{2 * away, 3 * away}, false, release.Rollback},
		{"one pod stayed", []time.Duration{0, 3 * away}, false, release.Reverted},
		{"a pod of the very second stayed", []time.Duration{away, 3 * away}, false, release.Reverted},
		{"no pod is left", nil, false, release.Rollback},
		{"the detour is recorded, and never completed", []time.Duration{2 * away}, true, release.Reverted},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			before, now := deployment("web", "web:1", "1"), changed("web", "web:1", "3", 3)
			w.ledger.record(settled(before, "a"))
			other := replicaSet(changed("web", "web:2", "2", 2), "b")
			other.CreationTimestamp = metav1.NewTime(epoch.Add(away))
			w.api.put("replicasets", other)
			if c.recorded {
				p := settled(changed("web", "web:2", "2", 2), "b")
				p.Phase, p.Sequence = release.Superseded, 5
				w.ledger.record(p)
			}
			w.roll(now, "a")
			for i, age := range c.pods {
				w.api.put("pods", pod(replicaSet(now, "a"), i, epoch.Add(age)))
			}
			w.start(0)
			require.NoError(t, w.look(t.Context(), subject("web")))
			got := w.ledger.snapshots()
			require.Equal(t, c.want, got[len(got)-1].Release.Kind)
		})
	}
}

// A version that was there before rollcall has no record, and came before the one
// that has one, even if it was made later: the older was taken up again.
func TestWhatCameBeforeTheBaselineIsNoDetour(t *testing.T) {
	look := func(now *appsv1.Deployment, hash string) release.Snapshot {
		w := newWorld(t)
		baseline := changed("web", "web:1", "3", 3)
		w.ledger.record(settled(baseline, "a"))
		other := replicaSet(changed("web", "web:2", "2", 2), "b")
		other.CreationTimestamp = metav1.NewTime(epoch.Add(time.Minute))
		w.api.put("replicasets", other)
		w.api.put("replicasets", replicaSet(baseline, "a"))
		w.roll(now, hash)
		w.api.put("pods", pod(replicaSet(now, hash), 0, epoch.Add(time.Hour)))
		w.start(0)
		require.NoError(t, w.look(t.Context(), subject("web")))
		got := w.ledger.snapshots()
		return got[len(got)-1]
	}
	require.Equal(t, release.Reverted, look(changed("web", "web:1", "5", 5), "a").Release.Kind)

	next := look(changed("web", "web:3", "4", 4), "c")
	require.Equal(t, release.Image, next.Release.Kind)
	require.Empty(t, next.Superseded)
}

// Another object of the same template is told from one that took over the pods by
// the age of what carries the template.
func TestAnObjectThatTookOverThePodsIsNotRecreated(t *testing.T) {
	for _, c := range []struct {
		name string
		made time.Duration // the ReplicaSet, after the record
		want release.Kind
	}{
		{"the ReplicaSet is older than the record", -time.Hour, release.Reverted},
		{"of the very second", 0, release.Reverted},
		{"it is younger", time.Second, release.Recreate},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			last := settled(deployment("web", "web:1", "1"), "a")
			last.RecordedAt = epoch
			w.ledger.record(last)
			again := deployment("web", "web:1", "1")
			again.UID = "uid-again"
			rs := replicaSet(again, "a")
			rs.CreationTimestamp = metav1.NewTime(epoch.Add(c.made))
			w.api.put("replicasets", rs)
			w.api.put("deployments", again)
			w.start(0)
			require.NoError(t, w.look(t.Context(), subject("web")))
			got := w.ledger.snapshots()
			require.Equal(t, c.want, got[len(got)-1].Release.Kind)
		})
	}
}
