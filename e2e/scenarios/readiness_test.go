package scenarios

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
)

// ready waits until a Deployment is complete with an image.
func (s *stage) ready(name, image string) {
	s.Helper()
	s.readyAs("Deployment/"+name, image)
}

// readyAs waits until a workload, named Kind/name, is complete with an image.
func (s *stage) readyAs(name, image string) {
	s.Helper()
	s.eventually(name+" becomes ready with "+image, func() bool {
		o := s.seen.before(name, 1<<62)
		return o.Object != nil && complete(o) && o.image == image
	})
}

// fired waits for the n-th Workflow of a subject, and asserts that there is no
// other and that none came early.
func (s *stage) fired(name string, n int) {
	s.Helper()
	s.eventually(fmt.Sprintf("%s has %d Workflows", name, n), func() bool { return len(s.seen.startedFor(name)) >= n })
	all := s.seen.startedFor(name)
	require.Len(s, all, n)
	for _, w := range all {
		s.neverEarly(w)
	}
}

func (s *stage) patch(name, patch string) {
	s.Helper()
	_, err := cluster.Client().AppsV1().Deployments(s.ns).Patch(s.Context(), name, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{})
	require.NoError(s, err)
}

// undo does what kubectl rollout undo does: it puts the template of an earlier
// ReplicaSet back.
func (s *stage) undo(name, image string) {
	s.Helper()
	sets, err := cluster.Client().AppsV1().ReplicaSets(s.ns).List(s.Context(), metav1.ListOptions{LabelSelector: "app=" + name})
	require.NoError(s, err)
	for _, rs := range sets.Items {
		if rs.Spec.Template.Spec.Containers[0].Image != image {
			continue
		}
		delete(rs.Spec.Template.Labels, appsv1.DefaultDeploymentUniqueLabelKey)
		require.NoError(s, retry.RetryOnConflict(retry.DefaultBackoff, func() error {
			d, err := cluster.Client().AppsV1().Deployments(s.ns).Get(s.Context(), name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			d.Spec.Template = rs.Spec.Template
			_, err = cluster.Client().AppsV1().Deployments(s.ns).Update(s.Context(), d, metav1.UpdateOptions{})
			return err
		}))
		return
	}
	require.Fail(s, "no ReplicaSet of "+name+" has image "+image)
}

func TestTheCountersThatLieMakeNothingFireEarly(t *testing.T) {
	t.Parallel()
	s := newStage(t, "lies", time.Second)
	slow := 3 * time.Second
	rolling := deployment{name: "rolling", image: "app:1", after: slow}
	surge := deployment{name: "surge", image: "app:1", after: slow, strategy: `{rollingUpdate: {maxSurge: 100%, maxUnavailable: 0}}`}
	recreate := deployment{name: "recreate", image: "app:1", after: slow, strategy: `{type: Recreate}`}
	scaled := deployment{name: "scaled", image: "app:1", after: slow}
	back := deployment{name: "back", image: "app:1", after: slow}
	unborn := deployment{name: "unborn", image: "app:1", after: slow}
	all := []*deployment{&rolling, &surge, &recreate, &scaled, &back}
	for _, d := range all {
		s.deploy(*d)
	}
	for _, d := range all {
		s.ready(d.name, "app:1")
	}
	s.rules(s.smokeRules())
	s.start()
	s.eventually("baselines are written", func() bool { return len(latest(t, s.ns)) == len(all) })

	s.deploy(unborn) // a first release
	for _, d := range all {
		d.image = "app:2"
	}
	scaled.replicas = 5 // and the image, in one apply
	for _, d := range all {
		s.deploy(*d)
	}
	for _, d := range all {
		s.ready(d.name, "app:2")
		s.fired(d.name, 1)
	}
	s.fired("unborn", 1)
	require.Equal(t, "initial", parameter(s.seen.startedFor("unborn")[0], "kind"))

	s.undo("back", "app:1") // to a ReplicaSet that is there
	s.ready("back", "app:1")
	s.fired("back", 2)
	require.Equal(t, "rollback", parameter(s.seen.startedFor("back")[1], "kind"))

	rolling.image = "app:3" // and back before one pod of it is ready
	s.deploy(rolling)
	s.eventually("the rollout of app:3 begins", func() bool {
		o := s.seen.before("Deployment/rolling", 1<<62)
		d, ok := o.Object.(*appsv1.Deployment)
		return ok && o.image == "app:3" && d.Status.UpdatedReplicas > 0
	})
	s.undo("rolling", "app:2")
	s.ready("rolling", "app:2")
	s.quiet()
	s.fired("rolling", 1)
}

func TestWhatIsNotAReleaseFiresNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t, "settled", time.Second)
	const n = 50
	var all []deployment
	for i := range n {
		all = append(all, deployment{name: fmt.Sprintf("app-%d", i), image: "app:1", replicas: 1})
	}
	s.deploy(all...)
	for _, d := range all {
		s.ready(d.name, "app:1")
	}
	s.rules(s.smokeRules())
	s.start()
	s.eventually("a baseline is written for each", func() bool { return len(latest(t, s.ns)) == n })

	s.patch("app-0", `{"spec":{"replicas":4}}`)
	s.patch("app-1", `{"metadata":{"annotations":{"note":"edited"}}}`)
	s.patch("app-2", `{"spec":{"minReadySeconds":1}}`)
	s.patch("app-3", `{"spec":{"paused":true}}`)
	pods, err := cluster.Client().CoreV1().Pods(s.ns).List(t.Context(), metav1.ListOptions{LabelSelector: "app=app-4"})
	require.NoError(t, err)
	for _, p := range pods.Items {
		require.NoError(t, cluster.Client().CoreV1().Pods(s.ns).Delete(t.Context(), p.Name, metav1.DeleteOptions{}))
	}
	s.patch("app-5", `{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"2026-01-01T00:00:00Z"}}}}}`)
	s.quiet()
	s.patch("app-3", `{"spec":{"paused":false}}`)
	s.kill() // a relist of everything
	s.start()
	s.quiet()
	require.Empty(t, s.seen.started())
	for _, r := range latest(t, s.ns) {
		if r.Spec.Kind != "restart" {
			require.Equal(t, "Adopted", r.Status.Phase, "%s", r.Name)
		}
	}

	s.deploy(deployment{name: "app-6", image: "app:2", replicas: 1})
	s.fired("app-6", 1)
	s.undo("app-6", "app:1")
	s.fired("app-6", 2)
	require.Equal(t, "rollback", parameter(s.seen.startedFor("app-6")[1], "kind"))
	s.quiet()
	require.Len(t, s.seen.started(), 2)

	require.NoError(t, cluster.Dynamic().Resource(releasesResource).Namespace(s.ns).
		DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}))
	s.patch("app-0", `{"spec":{"replicas":2}}`)
	s.eventually("a lost record is written again", func() bool { return len(latest(t, s.ns)) > 0 })
	require.Equal(t, "Adopted", s.newest("Adopted").Status.Phase)
	s.quiet()
	require.Len(t, s.seen.started(), 2)
}
