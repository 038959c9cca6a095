package scenarios

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// statefulSet is a StatefulSet whose pods take a second to become ready.
type statefulSet struct {
	name, image string
	replicas    int
	strategy    string // YAML, in one line
}

func (d statefulSet) yaml() string {
	if d.strategy == "" {
		d.strategy = "{}"
	}
	return fmt.Sprintf(`
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: %[1]s}
spec:
  replicas: %[3]d
  serviceName: %[1]s
  updateStrategy: %[4]s
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata:
      labels: {app: %[1]s}
      annotations: {e2e.rollcall.dev/ready-after: 1s}
    spec:
      containers: [{name: main, image: "%[2]s"}]
---
`, d.name, d.image, d.replicas, d.strategy)
}

// put applies manifests that name no namespace to the stage's.
func (s *stage) put(manifests ...string) {
	s.Helper()
	for _, m := range manifests {
		require.NoError(s, cluster.ApplyTo(s.Context(), s.ns, []byte(m)))
	}
}

// updated waits until so many pods of a StatefulSet are of its template, and all
// are available.
func (s *stage) updated(name string, n int32) {
	s.Helper()
	s.eventually(fmt.Sprintf("%d pods of %s are updated", n, name), func() bool {
		o, ok := s.seen.before("StatefulSet/"+name, 1<<62).Object.(*appsv1.StatefulSet)
		return ok && o.Status.ObservedGeneration >= o.Generation && o.Status.UpdatedReplicas == n && o.Status.AvailableReplicas == *o.Spec.Replicas
	})
}

func TestStatefulSetsAreAnnouncedWhenEveryPodIsNew(t *testing.T) {
	t.Parallel()
	s := newStage(t, "sets", time.Second)
	rolling := statefulSet{name: "rolling", image: "db:1", replicas: 2}
	canary := statefulSet{name: "canary", image: "db:1", replicas: 2}
	byHand := statefulSet{name: "by-hand", image: "db:1", replicas: 2, strategy: "{type: OnDelete}"}
	s.put(rolling.yaml(), canary.yaml(), byHand.yaml())
	for _, d := range []statefulSet{rolling, canary, byHand} {
		s.readyAs("StatefulSet/"+d.name, "db:1")
	}
	s.rules(s.smokeRulesFor("StatefulSet"))
	s.start()
	s.eventually("baselines are written", func() bool { return len(latest(t, s.ns)) == 3 })

	rolling.image, canary.image, byHand.image = "db:2", "db:2", "db:2"
	canary.strategy = "{rollingUpdate: {partition: 1}}"
	s.put(rolling.yaml(), canary.yaml(), byHand.yaml())
	s.readyAs("StatefulSet/rolling", "db:2")
	s.fired("rolling", 1)
	require.Equal(t, "release", parameter(s.seen.startedFor("rolling")[0], "kind"))
	s.updated("canary", 1)
	s.updated("by-hand", 0)
	rolling.replicas = 3 // which is no release
	s.put(rolling.yaml())
	s.readyAs("StatefulSet/rolling", "db:2")
	s.quiet()
	require.Len(t, s.seen.started(), 1, "a canary and old pods are not a release")

	canary.strategy = "{rollingUpdate: {partition: 0}}"
	s.put(canary.yaml())
	for i := range byHand.replicas {
		name := fmt.Sprintf("by-hand-%d", i)
		require.NoError(t, cluster.Client().CoreV1().Pods(s.ns).Delete(t.Context(), name, metav1.DeleteOptions{}))
		s.updated("by-hand", int32(i+1))
	}
	s.fired("canary", 1)
	s.fired("by-hand", 1)

	rolling.image = "db:1" // for which there is a ControllerRevision
	s.put(rolling.yaml())
	s.fired("rolling", 2)
	require.Equal(t, "rollback", parameter(s.seen.startedFor("rolling")[1], "kind"))
	s.kill()
	s.start()
	s.quiet()
	require.Len(t, s.seen.started(), 4)
}
