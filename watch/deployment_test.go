package watch

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestEachClauseOfTheReplicaSetIsNeeded(t *testing.T) {
	now := metav1.Now()
	for _, c := range []struct {
		name   string
		change func(*appsv1.ReplicaSet)
		want   string
	}{
		{"a complete one lacks nothing", func(*appsv1.ReplicaSet) {}, ""},
		{"being deleted", func(rs *appsv1.ReplicaSet) { rs.DeletionTimestamp = &now }, "the ReplicaSet is being deleted"},
		{"not observed", func(rs *appsv1.ReplicaSet) { rs.Generation = 2 }, "the ReplicaSet controller has not seen the latest change"},
		{"too few available", func(rs *appsv1.ReplicaSet) { rs.Status.AvailableReplicas = 1 }, "1 of 3 replicas of the new ReplicaSet are available"},
		{"too many available", func(rs *appsv1.ReplicaSet) { rs.Status.AvailableReplicas = 4 }, "4 of 3 replicas of the new ReplicaSet are available"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := deployment("web", "web:1", "1")
			rs := replicaSet(d, "a")
			c.change(rs)
			require.Equal(t, c.want, carrying(d, rs))
		})
	}
}

func TestTheCurrentReplicaSet(t *testing.T) {
	for _, c := range []struct {
		name string
		sets func(d *appsv1.Deployment) []*appsv1.ReplicaSet
		want string
	}{
		{"there is none", func(*appsv1.Deployment) []*appsv1.ReplicaSet { return nil }, ""},
		{"the hash label is ignored", func(d *appsv1.Deployment) []*appsv1.ReplicaSet {
			return []*appsv1.ReplicaSet{replicaSet(d, "a")}
		}, "web-a"},
		{"the hash label alone is no difference to no labels", func(d *appsv1.Deployment) []*appsv1.ReplicaSet {
			d.Spec.Template.Labels = nil
			rs := replicaSet(&appsv1.Deployment{ObjectMeta: d.ObjectMeta, Spec: deployment("web", "web:1", "1").Spec}, "a")
			delete(rs.Spec.Template.Labels, "app")
			return []*appsv1.ReplicaSet{rs}
		}, "web-a"},
		{"another template", func(d *appsv1.Deployment) []*appsv1.ReplicaSet {
			rs := replicaSet(d, "a")
			rs.Spec.Template.Spec.Containers[0].Image = "web:2"
			return []*appsv1.ReplicaSet{rs}
		}, ""},
		{"another label", func(d *appsv1.Deployment) []*appsv1.ReplicaSet {
			rs := replicaSet(d, "a")
			rs.Spec.Template.Labels["version"] = "2"
			return []*appsv1.ReplicaSet{rs}
		}, ""},
		{"a template with a field that the API server has defaulted since", func(d *appsv1.Deployment) []*appsv1.ReplicaSet {
			grace := int64(30)
			d.Spec.Template.Spec.TerminationGracePeriodSeconds = &grace
			whole, bare := replicaSet(d, "new"), replicaSet(d, "bare")
			bare.Spec.Template.Spec.TerminationGracePeriodSeconds = nil
			bare.CreationTimestamp = metav1.NewTime(epoch.Add(-time.Hour))
			return []*appsv1.ReplicaSet{bare, whole}
		}, "web-new"},
		{"an empty list equals none", func(d *appsv1.Deployment) []*appsv1.ReplicaSet {
			rs := replicaSet(d, "a")
			rs.Spec.Template.Spec.Volumes = []corev1.Volume{}
			return []*appsv1.ReplicaSet{rs}
		}, "web-a"},
		{"not controlled by anything", func(d *appsv1.Deployment) []*appsv1.ReplicaSet {
			rs := replicaSet(d, "a")
			rs.OwnerReferences = nil
			return []*appsv1.ReplicaSet{rs}
		}, ""},
		{"owned and not controlled", func(d *appsv1.Deployment) []*appsv1.ReplicaSet {
			rs := replicaSet(d, "a")
			rs.OwnerReferences[0].Controller = nil
			return []*appsv1.ReplicaSet{rs}
		}, ""},
		{"controlled by a Deployment that was there before", func(d *appsv1.Deployment) []*appsv1.ReplicaSet {
			rs := replicaSet(d, "a")
			rs.OwnerReferences[0].UID = "uid-before"
			return []*appsv1.ReplicaSet{rs}
		}, ""},
		{"the oldest of equals", func(d *appsv1.Deployment) []*appsv1.ReplicaSet {
			young, old := replicaSet(d, "a"), replicaSet(d, "b")
			old.CreationTimestamp = metav1.NewTime(epoch.Add(-time.Minute))
			return []*appsv1.ReplicaSet{young, old}
		}, "web-b"},
		{"the first by name of those of one second", func(d *appsv1.Deployment) []*appsv1.ReplicaSet {
			return []*appsv1.ReplicaSet{replicaSet(d, "c"), replicaSet(d, "a"), replicaSet(d, "b")}
		}, "web-a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := deployment("web", "web:1", "1")
			var sets, turned []appsv1.ReplicaSet
			for _, rs := range c.sets(d) {
				sets = append(sets, *rs)
			}
			turned = slices.Clone(sets)
			slices.Reverse(turned)
			for _, all := range [][]appsv1.ReplicaSet{sets, turned} {
				got := ""
				if rs := current(d, all); rs != nil {
					got = rs.Name
				}
				require.Equal(t, c.want, got)
			}
		})
	}
}

func TestComparingTemplatesLeavesThemAsTheyWere(t *testing.T) {
	d := deployment("web", "web:1", "1")
	rs := replicaSet(d, "a")
	require.True(t, sameTemplate(&d.Spec.Template, &rs.Spec.Template))
	require.Equal(t, "a", rs.Spec.Template.Labels[appsv1.DefaultDeploymentUniqueLabelKey])
}

func TestARevisionIsCarriedNowOrOnce(t *testing.T) {
	rs := replicaSet(deployment("web", "web:1", "7"), "a")
	rs.Annotations[historyAnnotation] = "1,13,5"
	for revision, want := range map[string]bool{"7": true, "1": true, "13": true, "5": true, "3": false, "1,13": false, "": false} {
		require.Equal(t, want, versionOf(rs).carried(revision), revision)
	}
}
