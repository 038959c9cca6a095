package workload_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/watch/workload"
)

var epoch = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// deployment is one whose rollout is complete.
func deployment() *appsv1.Deployment {
	three := int32(3)
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", Generation: 1},
		Spec:       appsv1.DeploymentSpec{Replicas: &three},
		Status: appsv1.DeploymentStatus{
			ObservedGeneration: 1, Replicas: 3, UpdatedReplicas: 3, ReadyReplicas: 3, AvailableReplicas: 3,
			Conditions: []appsv1.DeploymentCondition{{
				Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: "NewReplicaSetAvailable",
				LastTransitionTime: metav1.NewTime(epoch), LastUpdateTime: metav1.NewTime(epoch.Add(time.Minute)),
			}},
		},
	}
}

func available(d *appsv1.Deployment, is corev1.ConditionStatus) {
	d.Status.Conditions = append(d.Status.Conditions, appsv1.DeploymentCondition{Type: appsv1.DeploymentAvailable, Status: is})
}

func TestEachClauseOfADeploymentIsNeeded(t *testing.T) {
	now := metav1.Now()
	for _, c := range []struct {
		name   string
		change func(*appsv1.Deployment)
		want   string
	}{
		{"a complete rollout lacks nothing", func(*appsv1.Deployment) {}, ""},
		{"being deleted", func(d *appsv1.Deployment) { d.DeletionTimestamp = &now }, "the Deployment is being deleted"},
		{"paused", func(d *appsv1.Deployment) { d.Spec.Paused = true }, "the Deployment is paused"},
		{"not observed", func(d *appsv1.Deployment) { d.Generation = 2 }, "the Deployment controller has not seen the latest change"},
		{"observed in another life", func(d *appsv1.Deployment) { d.Status.ObservedGeneration = 9 }, "the Deployment controller has not seen the latest change"},
		{"never observed", func(d *appsv1.Deployment) { d.Status = appsv1.DeploymentStatus{} }, "the Deployment controller has not seen the latest change"},
		{"scaled to zero", func(d *appsv1.Deployment) { *d.Spec.Replicas = 0 }, "the Deployment is scaled to zero"},
		{"scaled to zero and nothing left", func(d *appsv1.Deployment) {
			*d.Spec.Replicas = 0
			d.Status = appsv1.DeploymentStatus{ObservedGeneration: 1}
		}, "the Deployment is scaled to zero"},
		{"a negative number is wanted", func(d *appsv1.Deployment) { *d.Spec.Replicas = -1 }, "the Deployment is scaled to zero"},
		{"negative counters that agree", func(d *appsv1.Deployment) {
			*d.Spec.Replicas = -3
			d.Status.Replicas, d.Status.UpdatedReplicas, d.Status.AvailableReplicas = -3, -3, -3
		}, "the Deployment is scaled to zero"},
		{"negative counters", func(d *appsv1.Deployment) { d.Status.UpdatedReplicas = -3 }, "-3 of 3 replicas are updated"},
		{"past its deadline", func(d *appsv1.Deployment) { d.Status.Conditions[0].Reason = "ProgressDeadlineExceeded" }, "the rollout exceeded its progress deadline"},
		{"no condition at all", func(d *appsv1.Deployment) { d.Status.Conditions = nil }, ""},
		{"never observed, and without a generation", func(d *appsv1.Deployment) {
			d.Generation, d.Status.ObservedGeneration = 0, 0
		}, "the Deployment controller has not seen the latest change"},
		{"no condition at all, with a deadline", func(d *appsv1.Deployment) {
			d.Spec.ProgressDeadlineSeconds, d.Status.Conditions = new(int32(600)), nil
		}, "the Deployment controller has not said yet how the rollout goes"},
		{"no condition at all, with a deadline that is none", func(d *appsv1.Deployment) {
			d.Spec.ProgressDeadlineSeconds, d.Status.Conditions = new(int32(math.MaxInt32)), nil
		}, ""},
		{"not called complete", func(d *appsv1.Deployment) {
			d.Status.Conditions[0].Reason = "ReplicaSetUpdated"
		}, `the condition Progressing is "True" because of ReplicaSetUpdated`},
		{"not known to be complete", func(d *appsv1.Deployment) {
			d.Status.Conditions[0].Status = corev1.ConditionUnknown
		}, `the condition Progressing is "Unknown" because of NewReplicaSetAvailable`},
		{"available", func(d *appsv1.Deployment) { available(d, corev1.ConditionTrue) }, ""},
		{"not called available", func(d *appsv1.Deployment) { available(d, corev1.ConditionFalse) }, `the condition Available is "False"`},
		{"another condition", func(d *appsv1.Deployment) {
			d.Status.Conditions[0].Type, d.Status.Conditions[0].Reason = appsv1.DeploymentReplicaFailure, "ProgressDeadlineExceeded"
		}, ""},
		{"too few updated", func(d *appsv1.Deployment) { d.Status.UpdatedReplicas = 2 }, "2 of 3 replicas are updated"},
		{"too many updated", func(d *appsv1.Deployment) { d.Status.UpdatedReplicas = 4 }, "4 of 3 replicas are updated"},
		{"old pods count", func(d *appsv1.Deployment) { d.Status.Replicas = 6 }, "6 pods still count where 3 are wanted"},
		{"pods are missing", func(d *appsv1.Deployment) { d.Status.Replicas = 2 }, "2 pods still count where 3 are wanted"},
		{"too few available", func(d *appsv1.Deployment) { d.Status.AvailableReplicas = 2 }, "2 of 3 replicas are available"},
		{"too many available", func(d *appsv1.Deployment) { d.Status.AvailableReplicas = 5 }, "5 of 3 replicas are available"},
		{"the default number, not met", func(d *appsv1.Deployment) { d.Spec.Replicas = nil }, "3 of 1 replicas are updated"},
		{"the default number, met", func(d *appsv1.Deployment) {
			d.Spec.Replicas = nil
			d.Status.Replicas, d.Status.UpdatedReplicas, d.Status.AvailableReplicas = 1, 1, 1
		}, ""},
		{"missing counters", func(d *appsv1.Deployment) {
			d.Status = appsv1.DeploymentStatus{ObservedGeneration: 1}
		}, "0 of 3 replicas are updated"},
		{"huge counters", func(d *appsv1.Deployment) {
			*d.Spec.Replicas, d.Generation, d.Status.ObservedGeneration = math.MaxInt32, math.MaxInt64, math.MaxInt64
			d.Status.Replicas, d.Status.UpdatedReplicas, d.Status.AvailableReplicas = math.MaxInt32, math.MaxInt32, math.MaxInt32
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := deployment()
			c.change(d)
			require.Equal(t, c.want, workload.Deployment(d).WaitingFor)
		})
	}
}

func TestTheTimeOfTheRolloutIsThatOfTheLastUpdate(t *testing.T) {
	d := deployment()
	require.Equal(t, epoch.Add(time.Minute), workload.Deployment(d).RolledOutAt)
	d.Status.Conditions[0].Reason = "ReplicaSetUpdated"
	require.Zero(t, workload.Deployment(d).RolledOutAt)
	d.Status.Conditions = nil
	require.Zero(t, workload.Deployment(d).RolledOutAt)
}

func TestARolloutIsNotOverBeforeEnoughPodsAreAvailable(t *testing.T) {
	for _, c := range []struct {
		is   corev1.ConditionStatus
		at   time.Duration // after the condition Progressing was updated
		want time.Duration
	}{
		{corev1.ConditionTrue, -time.Second, 0},
		{corev1.ConditionTrue, time.Hour, time.Hour},
		{corev1.ConditionFalse, time.Hour, 0},
	} {
		d := deployment()
		done := workload.Deployment(d).RolledOutAt
		available(d, c.is)
		d.Status.Conditions[1].LastTransitionTime = metav1.NewTime(done.Add(c.at))
		require.Equal(t, done.Add(c.want), workload.Deployment(d).RolledOutAt, c)
	}
}
