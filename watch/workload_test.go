package watch

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

var epoch = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// template is a pod template with one container for each image.
func template(images ...string) corev1.PodTemplateSpec {
	t := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}}}
	for i, image := range images {
		t.Spec.Containers = append(t.Spec.Containers, corev1.Container{Name: fmt.Sprint("c", i), Image: image})
	}
	return t
}

// deployment is one in shop whose rollout is complete.
func deployment(name, image, revision string) *appsv1.Deployment {
	three := int32(3)
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: name, UID: types.UID("uid-" + name), Generation: 1,
			CreationTimestamp: metav1.NewTime(epoch),
			Labels:            map[string]string{"app": "web"},
			Annotations:       map[string]string{revisionAnnotation: revision},
		},
		Spec: appsv1.DeploymentSpec{
			Replicas: &three, Template: template(image),
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
		},
		Status: appsv1.DeploymentStatus{
			ObservedGeneration: 1, Replicas: 3, UpdatedReplicas: 3, AvailableReplicas: 3,
			Conditions: []appsv1.DeploymentCondition{{
				Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: reasonComplete,
				LastTransitionTime: metav1.NewTime(epoch), LastUpdateTime: metav1.NewTime(epoch.Add(time.Minute)),
			}},
		},
	}
}

// replicaSet is the one that carries a Deployment's template, complete.
func replicaSet(d *appsv1.Deployment, hash string) *appsv1.ReplicaSet {
	rs := &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: d.Namespace, Name: d.Name + "-" + hash, UID: types.UID("rs-" + hash), Generation: 1,
			CreationTimestamp: metav1.NewTime(epoch),
			Labels:            map[string]string{"app": "web", appsv1.DefaultDeploymentUniqueLabelKey: hash},
			Annotations:       map[string]string{revisionAnnotation: d.Annotations[revisionAnnotation]},
			OwnerReferences:   []metav1.OwnerReference{*metav1.NewControllerRef(d, appsv1.SchemeGroupVersion.WithKind("Deployment"))},
		},
		Spec: appsv1.ReplicaSetSpec{Template: *d.Spec.Template.DeepCopy()},
		Status: appsv1.ReplicaSetStatus{
			ObservedGeneration: 1, Replicas: replicas(d), AvailableReplicas: replicas(d),
		},
	}
	rs.Spec.Template.Labels[appsv1.DefaultDeploymentUniqueLabelKey] = hash
	return rs
}

func TestEachClauseOfTheCountersIsNeeded(t *testing.T) {
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
		{"observed beyond this view", func(d *appsv1.Deployment) { d.Status.ObservedGeneration = 9 }, ""},
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
		{"past its deadline", func(d *appsv1.Deployment) { d.Status.Conditions[0].Reason = reasonDeadline }, "the rollout exceeded its progress deadline"},
		{"no condition at all", func(d *appsv1.Deployment) { d.Status.Conditions = nil }, ""},
		{"another condition", func(d *appsv1.Deployment) {
			d.Status.Conditions[0].Type, d.Status.Conditions[0].Reason = appsv1.DeploymentAvailable, reasonDeadline
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
			d := deployment("web", "web:1", "1")
			c.change(d)
			require.Equal(t, c.want, rolling(d))
		})
	}
}

func TestEachClauseOfTheReplicaSetIsNeeded(t *testing.T) {
	now := metav1.Now()
	for _, c := range []struct {
		name   string
		change func(*appsv1.ReplicaSet)
		want   string
	}{
		{"a complete one lacks nothing", func(*appsv1.ReplicaSet) {}, ""},
		{"being deleted", func(rs *appsv1.ReplicaSet) { rs.DeletionTimestamp = &now }, "the ReplicaSet is being deleted"},
		{"another revision", func(rs *appsv1.ReplicaSet) { rs.Annotations[revisionAnnotation] = "2" }, "the revision is not assigned yet"},
		{"no revision", func(rs *appsv1.ReplicaSet) { rs.Annotations = nil }, "the revision is not assigned yet"},
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
	require.Equal(t, "no ReplicaSet carries the Deployment's template", carrying(deployment("web", "web:1", "1"), nil))
}

// line is one state of a recorded sequence.
type line struct {
	number  int
	text    string
	d       *appsv1.Deployment
	verdict string
}

func readLines(t *testing.T, file string) []line {
	t.Helper()
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	var out []line
	for i, text := range strings.Split(string(raw), "\n") {
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		col := strings.Split(text, " | ")
		require.Len(t, col, 7, "%s:%d", file, i+1)
		d := deployment("web", "", "")
		scan := func(s, format string, to ...any) {
			t.Helper()
			_, err := fmt.Sscanf(s, format, to...)
			require.NoError(t, err, "%s:%d", file, i+1)
		}
		var revision string
		st := &d.Status
		scan(col[0], "%d/%d", &d.Generation, &st.ObservedGeneration)
		scan(col[1], "%d", d.Spec.Replicas)
		scan(col[2], "%d/%d/%d", &st.Replicas, &st.UpdatedReplicas, &st.AvailableReplicas)
		scan(col[3], "rev %s", &revision)
		d.Annotations[revisionAnnotation] = revision
		if st.Conditions[0].Reason = col[4]; col[4] == "-" {
			st.Conditions = nil
		}
		image, paused := strings.CutSuffix(col[5], " paused")
		d.Spec.Template, d.Spec.Paused = template(image), paused
		out = append(out, line{i + 1, text, d, col[6]})
	}
	return out
}

func TestReadyIsReachedExactlyAtTheRightLinesOfRecordedRollouts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.Len(t, files, 3)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			var announced []string
			for _, l := range readLines(t, file) {
				got, why := "ready", rolling(l.d)
				revision := l.d.Annotations[revisionAnnotation]
				switch {
				case why != "":
					got = "not"
				case !slices.Contains(announced, revision):
					got, announced = "new", append(announced, revision)
				}
				require.Equal(t, l.verdict, got, "%s:%d: %s (%s)", file, l.number, l.text, why)
			}
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
	require.True(t, sameTemplate(d.Spec.Template, rs.Spec.Template))
	require.Equal(t, "a", rs.Spec.Template.Labels[appsv1.DefaultDeploymentUniqueLabelKey])
}

func TestTheTimeOfTheRolloutIsThatOfTheLastUpdate(t *testing.T) {
	d := deployment("web", "web:1", "1")
	require.Equal(t, epoch.Add(time.Minute), rolledOut(d))
	d.Status.Conditions[0].Reason = "ReplicaSetUpdated"
	require.Zero(t, rolledOut(d))
	d.Status.Conditions = nil
	require.Zero(t, rolledOut(d))
}

func TestARevisionIsCarriedNowOrOnce(t *testing.T) {
	rs := replicaSet(deployment("web", "web:1", "7"), "a")
	rs.Annotations[historyAnnotation] = "1,13,5"
	for revision, want := range map[string]bool{"7": true, "1": true, "13": true, "5": true, "3": false, "1,13": false} {
		require.Equal(t, want, carried(rs, revision), revision)
	}
}
