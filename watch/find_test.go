package watch

import (
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rollcall-dev/rollcall/release"
)

// podOf is a pod of a ReplicaSet, by its name and hash.
func podOf(name, owner, hash string) *corev1.Pod {
	controller := true
	return &corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: name, UID: types.UID("uid-" + name), Labels: map[string]string{"app": "web", "pod-template-hash": hash},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: owner, UID: types.UID(owner), Controller: &controller}},
		},
		Status: corev1.PodStatus{Phase: corev1.PodRunning},
	}
}

func TestFindReadsObjectsOfTheNamespace(t *testing.T) {
	w := newWorld(t)
	w.api.install("widgets")
	w.api.put("widgets", widget("gear", "small", 1))
	ask := func(q release.Query) release.Found {
		return w.Find(t.Context(), subject("web"), []release.Query{q})[q]
	}
	gear := release.Query{APIVersion: "example.com/v1", Kind: "Widget", Name: "gear"}
	got := ask(gear)
	require.Empty(t, got.Err)
	require.Equal(t, map[string]any{"size": "small"}, got.Object["spec"])
	gear.Name = "other"
	require.Equal(t, release.Found{}, ask(gear), "that there is none is an answer")
	require.Contains(t, ask(release.Query{APIVersion: "a/b/c", Kind: "Widget", Name: "gear"}).Err, "read apiVersion")
	require.Contains(t, ask(release.Query{APIVersion: "example.com/v1", Kind: "Gadget", Name: "gear"}).Err, "the cluster has no kind Gadget in example.com/v1")
	gear.Name = "gear"
	w.api.failing("get widgets", 403)
	require.NotEmpty(t, ask(gear).Err)
	w.Mapper = nil
	require.Equal(t, "nothing maps kinds to resources", ask(gear).Err)
}

func TestOldPodsAreThoseOfOtherVersions(t *testing.T) {
	w := newWorld(t)
	d := deployment("web", "web:2", "2")
	rs := replicaSet(d, "bbb")
	w.roll(d, "bbb")
	count := func() release.Found {
		return w.Find(t.Context(), subject("web"), []release.Query{release.OldPods()})[release.OldPods()]
	}
	require.Equal(t, release.Found{}, count(), "there are no pods")
	w.api.put("pods", podOf("new", string(rs.UID), "bbb"))
	require.Zero(t, count().Pods)

	old := podOf("old", "uid-of-the-old-set", "aaa")
	w.api.put("pods", old)
	require.Equal(t, 1, count().Pods, "its ReplicaSet may be gone already")
	now := metav1.Now()
	old.DeletionTimestamp, old.Finalizers = &now, []string{"x"}
	w.api.put("pods", old)
	require.Equal(t, 1, count().Pods, "one that is being deleted is still there")
	old.Status.Phase = corev1.PodFailed
	w.api.put("pods", old)
	require.Zero(t, count().Pods, "one that has ended serves nobody")

	bare := podOf("bare", "x", "aaa")
	bare.OwnerReferences = nil
	w.api.put("pods", bare)
	require.Zero(t, count().Pods, "what nobody controls is not the workload's")
	w.api.failing("list pods", 403)
	require.NotEmpty(t, count().Err)
}

func TestOldPodsOfWhatHasNone(t *testing.T) {
	w := newWorld(t)
	ask := func(s release.Subject) release.Found {
		return w.Find(t.Context(), s, []release.Query{release.OldPods()})[release.OldPods()]
	}
	require.Equal(t, "it is not known which pods are old", ask(subject("gone")).Err)
	require.Contains(t, ask(of("Gadget.example.com", "x")).Err, "is not followed")
	w.api.install("widgets")
	w.Follow([]release.KindRef{widgets})
	w.api.put("widgets", widget("gear", "small", 1))
	require.Equal(t, release.Found{}, ask(of(someWidget, "gear")), "a kind that is not known to have pods has no old ones")
}

func TestInspectSaysWhatItSeesAndDoesNothing(t *testing.T) {
	w := newWorld(t)
	_, err := w.Inspect(t.Context(), subject("web"))
	require.ErrorIs(t, err, ErrGone)
	_, err = w.Inspect(t.Context(), of("Gadget.example.com", "x"))
	require.ErrorContains(t, err, "is no kind that is followed")

	d := deployment("web", "web:2", "2")
	w.api.put("deployments", d)
	s, err := w.Inspect(t.Context(), subject("web"))
	require.NoError(t, err)
	require.False(t, s.Ready)
	require.Empty(t, s.Release.Kind, "which release it is, is not known")
	require.NotEmpty(t, s.WaitingFor)

	w.roll(d, "bbb")
	s, err = w.Inspect(t.Context(), subject("web"))
	require.NoError(t, err)
	require.True(t, s.Ready, s.WaitingFor)
	require.Equal(t, release.Initial, s.Release.Kind)
	require.Equal(t, []release.Workload{{
		Kind: "Deployment", Namespace: "shop", Name: "web", Revision: "2", Images: []string{"web:2"}, Ready: true,
	}}, s.Workloads)
	require.Empty(t, w.ledger.snapshots(), "nothing came of it")
}
