package scenarios

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/e2e/lab"
)

// daemonSet is a DaemonSet for the nodes of a pool.
func daemonSet(name, image, pool string) string {
	return fmt.Sprintf(`
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: %[1]s}
spec:
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata:
      labels: {app: %[1]s}
      annotations: {e2e.rollcall.dev/ready-after: 1s}
    spec:
      nodeSelector: {%[4]s: %[3]s}
      tolerations: [{key: %[4]s, operator: Exists}]
      containers: [{name: main, image: "%[2]s"}]
`, name, image, pool, lab.PoolLabel)
}

// pool makes nodes that are the stage's own. They go before the stage does.
func (s *stage) pool(names ...string) {
	s.Helper()
	for _, name := range names {
		require.NoError(s, cluster.AddNode(s.Context(), name, s.ns))
		s.afterwards(func(ctx context.Context) { _ = cluster.RemoveNode(ctx, name) })
	}
}

// served waits until so many nodes have an available pod of a DaemonSet.
func (s *stage) served(name string, n int32) {
	s.Helper()
	s.eventually(fmt.Sprintf("%d nodes are served by %s", n, name), func() bool {
		o := s.seen.before("DaemonSet/"+name, 1<<62)
		d, ok := o.Object.(*appsv1.DaemonSet)
		return ok && complete(o) && d.Status.DesiredNumberScheduled == n
	})
}

func TestADaemonSetIsAnnouncedForItsImageAndNotForANode(t *testing.T) {
	t.Parallel()
	s := newStage(t, "nodes", time.Second)
	s.pool("nodes-a", "nodes-b")
	s.put(daemonSet("agent", "agent:1", s.ns))
	s.served("agent", 2)
	s.rules(s.smokeRulesFor("DaemonSet"))
	s.start()
	s.eventually("the baseline is written", func() bool { return len(latest(t, s.ns)) == 1 })

	s.pool("nodes-c")
	s.served("agent", 3)
	s.quiet()
	require.Empty(t, s.seen.started(), "a node that joins is no release")

	s.put(daemonSet("agent", "agent:2", s.ns))
	s.readyAs("DaemonSet/agent", "agent:2")
	s.fired("agent", 1)
	require.Equal(t, "release", parameter(s.seen.startedFor("agent")[0], "kind"))

	s.put(daemonSet("agent", "agent:1", s.ns)) // for which there is a ControllerRevision
	s.readyAs("DaemonSet/agent", "agent:1")
	s.fired("agent", 2)
	require.Equal(t, "rollback", parameter(s.seen.startedFor("agent")[1], "kind"))
	s.quiet()
	require.Len(t, s.seen.started(), 2)

	// The pods go first: nobody would tell that those of a node that is gone are.
	require.NoError(t, cluster.Client().AppsV1().DaemonSets(s.ns).Delete(t.Context(), "agent", metav1.DeleteOptions{}))
	s.eventually("the pods are gone", func() bool {
		pods, err := cluster.Client().CoreV1().Pods(s.ns).List(t.Context(), metav1.ListOptions{LabelSelector: "app=agent"})
		return err == nil && len(pods.Items) == 0
	})
}
