package workload_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/watch/workload"
)

// daemonSet is one whose rollout is complete.
func daemonSet() *appsv1.DaemonSet {
	return &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "agent", Generation: 2},
		Spec:       appsv1.DaemonSetSpec{UpdateStrategy: appsv1.DaemonSetUpdateStrategy{Type: appsv1.RollingUpdateDaemonSetStrategyType}},
		Status: appsv1.DaemonSetStatus{
			ObservedGeneration: 2, DesiredNumberScheduled: 3, CurrentNumberScheduled: 3,
			UpdatedNumberScheduled: 3, NumberReady: 3, NumberAvailable: 3,
		},
	}
}

func TestEachClauseOfADaemonSetIsNeeded(t *testing.T) {
	now := metav1.Now()
	for _, c := range []struct {
		name   string
		change func(*appsv1.DaemonSet)
		want   string
	}{
		{"a complete rollout lacks nothing", func(*appsv1.DaemonSet) {}, ""},
		{"being deleted", func(d *appsv1.DaemonSet) { d.DeletionTimestamp = &now }, "the DaemonSet is being deleted"},
		{"not observed", func(d *appsv1.DaemonSet) { d.Generation = 3 }, "the DaemonSet controller has not seen the latest change"},
		{"observed in another life", func(d *appsv1.DaemonSet) { d.Status.ObservedGeneration = 9 }, "the DaemonSet controller has not seen the latest change"},
		{"never observed", func(d *appsv1.DaemonSet) { d.Status = appsv1.DaemonSetStatus{} }, "the DaemonSet controller has not seen the latest change"},
		{"never observed, and without a generation", func(d *appsv1.DaemonSet) {
			d.Generation, d.Status.ObservedGeneration = 0, 0
		}, "the DaemonSet controller has not seen the latest change"},
		{"no node fits", func(d *appsv1.DaemonSet) { d.Status = appsv1.DaemonSetStatus{ObservedGeneration: 2} }, "no node fits the DaemonSet"},
		{"negative counters that agree", func(d *appsv1.DaemonSet) {
			d.Status = appsv1.DaemonSetStatus{
				ObservedGeneration: 2, DesiredNumberScheduled: -1, CurrentNumberScheduled: -1, UpdatedNumberScheduled: -1, NumberAvailable: -1,
			}
		}, "no node fits the DaemonSet"},
		{"too few updated", func(d *appsv1.DaemonSet) { d.Status.UpdatedNumberScheduled = 2 }, "2 of 3 pods are updated"},
		{"more updated than wanted: a node has left", func(d *appsv1.DaemonSet) { d.Status.UpdatedNumberScheduled = 4 }, "4 of 3 pods are updated"},
		{"a node has joined", func(d *appsv1.DaemonSet) { d.Status.CurrentNumberScheduled = 2 }, "2 of 3 nodes are served"},
		{"more nodes served than wanted", func(d *appsv1.DaemonSet) { d.Status.CurrentNumberScheduled = 4 }, "4 of 3 nodes are served"},
		{"ready and not long enough", func(d *appsv1.DaemonSet) { d.Status.NumberAvailable = 2 }, "2 of 3 pods are available"},
		{"too many available", func(d *appsv1.DaemonSet) { d.Status.NumberAvailable = 4 }, "4 of 3 pods are available"},
		{"negative counters", func(d *appsv1.DaemonSet) { d.Status.NumberAvailable = -3 }, "-3 of 3 pods are available"},
		{"pods on nodes that do not fit any more", func(d *appsv1.DaemonSet) { d.Status.NumberMisscheduled = 2 }, ""},
		{"no strategy, so the API's default", func(d *appsv1.DaemonSet) { d.Spec.UpdateStrategy.Type = "" }, ""},
		{"OnDelete, all deleted", func(d *appsv1.DaemonSet) { d.Spec.UpdateStrategy.Type = appsv1.OnDeleteDaemonSetStrategyType }, ""},
		{"OnDelete, one to delete", func(d *appsv1.DaemonSet) {
			d.Spec.UpdateStrategy.Type, d.Status.UpdatedNumberScheduled = appsv1.OnDeleteDaemonSetStrategyType, 2
		}, "2 of 3 pods are updated"},
		{"a strategy of later times", func(d *appsv1.DaemonSet) { d.Spec.UpdateStrategy.Type = "Sideways" }, `the update strategy "Sideways" is not known`},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := daemonSet()
			c.change(d)
			require.Equal(t, workload.State{WaitingFor: c.want}, workload.DaemonSet(d))
		})
	}
}
