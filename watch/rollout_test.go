package watch

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch/lean"
)

// rollout is one in shop whose rollout is complete; hash names its ReplicaSet.
func rollout(name, image, revision, hash string, generation int64) *lean.Rollout {
	three := lean.Count(3)
	return &lean.Rollout{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: name, UID: types.UID("uid-" + name), Generation: generation,
			CreationTimestamp: metav1.NewTime(epoch), Annotations: map[string]string{rolloutRevision: revision},
		},
		Spec: lean.RolloutSpec{
			Replicas: &three, Strategy: lean.RolloutStrategy{Canary: &lean.CanaryStrategy{}},
			Template: lean.PodTemplate{Spec: lean.PodSpec{Containers: []lean.Container{{Name: "c0", Image: image}}}},
		},
		Status: lean.RolloutStatus{
			ObservedGeneration: strconv.FormatInt(generation, 10), CurrentPodHash: hash, StableRS: hash, Phase: "Healthy",
			Replicas: 3, UpdatedReplicas: 3, ReadyReplicas: 3, AvailableReplicas: 3,
			Conditions: []lean.RolloutCondition{{Type: "Completed", Status: "True", LastUpdateTime: *moment(60)}},
		},
	}
}

// canary takes back how far a Rollout has come from an earlier ReplicaSet.
func canary(stable string, r *lean.Rollout) *lean.Rollout {
	r.Status.StableRS, r.Status.Phase, r.Status.UpdatedReplicas, r.Status.Message = stable, "Paused", 1, ""
	r.Status.Conditions[0].Status = "False"
	r.Status.PauseConditions = []lean.PauseCondition{{Reason: "CanaryPauseStep", StartTime: *moment(0)}}
	return r
}

// carry writes a Rollout and the ReplicaSet that carries its template.
func (w *world) carry(r *lean.Rollout, former string, minutes int) {
	hash := r.Status.CurrentPodHash
	rs := &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: r.Name + "-" + hash, UID: types.UID("rs-" + hash), Generation: 1,
			CreationTimestamp: metav1.NewTime(epoch.Add(time.Duration(minutes) * time.Minute)),
			Labels:            map[string]string{rolloutHash: hash},
			Annotations:       map[string]string{rolloutRevision: r.Annotations[rolloutRevision]},
			OwnerReferences:   []metav1.OwnerReference{*metav1.NewControllerRef(r, lean.Rollouts.GroupVersionKind())},
		},
		Spec: appsv1.ReplicaSetSpec{Template: template(r.Spec.Template.Spec.Containers[0].Image)},
	}
	if former != "" {
		rs.Annotations[rolloutHistory] = former
	}
	rs.Spec.Template.Labels[rolloutHash] = hash
	w.api.put("replicasets", rs)
	w.api.put("rollouts", r)
}

func TestARolloutIsReleasedWhenItIsPromoted(t *testing.T) {
	w := newWorld(t)
	w.api.install("rollouts")
	w.carry(rollout("web", "web:1", "1", "a", 1), "", 0)
	w.start(1)
	w.told("web 1 initial 0")

	w.carry(canary("a", rollout("web", "web:2", "2", "b", 2)), "", 10)
	w.told("web 1 initial 0", "web 2 release .")
	require.Equal(t, "the Rollout is paused: CanaryPauseStep", w.ledger.snapshots()[1].WaitingFor)
	w.carry(rollout("web", "web:2", "2", "b", 2), "", 10)
	w.told("web 1 initial 0", "web 2 release .", "web 2 release +")
	got := w.ledger.snapshots()[2]
	require.Equal(t, epoch.Add(time.Minute), got.RolledOutAt.UTC())
	require.Equal(t, []string{"web:2"}, got.Release.Template.Images)
	require.Equal(t, "b", got.Release.Template.Hash)
	require.Equal(t, "argoproj.io/v1alpha1", got.Release.APIVersion)

	w.carry(rollout("web", "web:1", "3", "a", 3), "1", 0)
	w.told("web 1 initial 0", "web 2 release .", "web 2 release +", "web 3 rollback +")
}

func TestAnAbortedRolloutIsStalledAndItsReturnIsReverted(t *testing.T) {
	w := newWorld(t)
	w.api.install("rollouts")
	w.carry(rollout("web", "web:1", "1", "a", 1), "", 0)
	w.start(1)
	w.told("web 1 initial 0")
	aborted := canary("a", rollout("web", "web:2", "2", "b", 2))
	aborted.Status.Phase, aborted.Status.Abort, aborted.Status.PauseConditions = "Degraded", true, nil
	w.carry(aborted, "", 10)
	w.told("web 1 initial 0", "web 2 release .")
	require.True(t, w.ledger.snapshots()[1].Stalled)
	w.carry(rollout("web", "web:1", "3", "a", 3), "1", 0)
	w.told("web 1 initial 0", "web 2 release .", "web 3 reverted +")
}

// Right after a change, the status still names the ReplicaSet before as the
// current and the stable one.
func TestAStatusThatIsOfTheSpecBeforeNamesNoReplicaSet(t *testing.T) {
	w := newWorld(t)
	w.api.install("rollouts")
	before := rollout("web", "web:1", "1", "a", 1)
	w.carry(before, "", 0)
	w.start(0)
	require.True(t, eventually(func() bool { return w.cached("Rollout", "web") != nil }))
	require.NoError(t, w.look(t.Context(), of("Rollout", "web")))

	for name, change := range map[string]func(r *lean.Rollout){
		"the generation":              func(r *lean.Rollout) { r.Status.ObservedGeneration = "1" },
		"a hash, as before 0.10":      func(r *lean.Rollout) { r.Status.ObservedGeneration = "74c5d9f6b" },
		"the revision":                func(r *lean.Rollout) { r.Status.CurrentPodHash = "b" },
		"a status that is unreadable": func(r *lean.Rollout) { r.Status = lean.RolloutStatus{} },
	} {
		r := rollout("web", "web:2", "2", "a", 2)
		change(r)
		w.api.put("rollouts", r)
		w.shows("Rollout", "web")
		require.ErrorIs(t, w.look(t.Context(), of("Rollout", "web")), release.ErrNotYet, name)
	}
	w.told("web 1 initial 0")
}

func TestWhatARolloutNamesBeforeItsControllerSawTheChangeIsNotItsReplicaSet(t *testing.T) {
	w := newWorld(t)
	w.api.install("rollouts")
	r := rollout("web", "web:1", "1", "a", 1)
	w.carry(r, "", 0)
	r.Generation = 2
	w.api.put("rollouts", r)
	got, err := rollouts{w.Watcher}.read(t.Context(), of("Rollout", "web"))
	require.NoError(t, err)
	require.Nil(t, got.current)
	require.Len(t, got.others, 1)
}

func TestReplicaSetsOfOtherRolloutsAreNone(t *testing.T) {
	w := newWorld(t)
	w.api.install("rollouts")
	other := rollout("api", "api:1", "1", "a", 1)
	w.carry(other, "", 0)
	w.api.put("rollouts", rollout("web", "web:1", "1", "a", 1))
	r, err := rollouts{w.Watcher}.read(t.Context(), of("Rollout", "web"))
	require.NoError(t, err)
	require.Nil(t, r.current)
	require.Empty(t, r.others)
}

func TestRolloutsAreWatchedFromWhenTheyAreInstalled(t *testing.T) {
	w := newWorld(t)
	w.start(1)
	w.api.install("rollouts")
	w.carry(rollout("web", "web:1", "1", "a", 1), "", 0)
	w.told("web 1 initial +")
	w.api.uninstall("rollouts")
	f, _ := w.kind("Rollout")
	require.True(t, eventually(func() bool { return f.feed.informer() == nil }))
	require.False(t, w.Exists(of("Rollout", "web")))
}

// The Deployment that a Rollout takes its template from is scaled to zero.
func TestTheDeploymentThatARolloutRefersToIsNoRelease(t *testing.T) {
	w := newWorld(t)
	w.api.install("rollouts")
	d := deployment("web", "web:1", "1")
	*d.Spec.Replicas, d.Status.Replicas, d.Status.UpdatedReplicas, d.Status.AvailableReplicas = 0, 0, 0, 0
	w.start(1)
	w.roll(d, "x")
	w.told("web 1 initial .")
	require.Equal(t, "the Deployment is scaled to zero", w.ledger.snapshots()[0].WaitingFor)
}
