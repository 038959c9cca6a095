package scenarios

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rollcall-dev/rollcall/e2e/lab"
)

// BenchmarkReadyToWorkflow measures the time from the status update that completes
// a Deployment to the Workflow that is created because of it, both as a watch of
// the same client tells them, over a hundred releases. Beside it stands the time
// that a bare client takes for the same calls, one after the other.
func BenchmarkReadyToWorkflow(b *testing.B) {
	s := newStage(b, "latency", time.Second)
	s.rules(s.smokeRules())
	s.start()
	// The API server keeps the first object of a definition waiting that is newer
	// than two seconds.
	s.deploy(deployment{name: "warm-up", image: "app:1", replicas: 1})
	s.fired("warm-up", 1)
	const n = 100
	for b.Loop() {
		var took, bare []time.Duration
		for i := range n {
			name := fmt.Sprintf("app-%d", i)
			s.deploy(deployment{name: name, image: "app:1", replicas: 1})
			s.fired(name, 1)
			took = append(took, s.latency(name))
		}
		for i := range n {
			bare = append(bare, s.bare(fmt.Sprintf("app-%d", i)))
		}
		report(b, took, "rollcall")
		report(b, bare, "bare")
		b.ReportMetric(float64(median(took))/float64(median(bare)), "ratio-of-medians")
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(s.memory("VmRSS:"), "MiB-RSS")
	b.ReportMetric(s.memory("RssAnon:"), "MiB-anonymous")
}

func report(b *testing.B, all []time.Duration, who string) {
	b.Helper()
	slices.Sort(all)
	b.ReportMetric(float64(median(all).Microseconds())/1000, who+"-median-ms")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, who+"-p99-ms")
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

// latency is the time between the arrival of the completing status and that of
// the Workflow.
func (s *stage) latency(name string) time.Duration {
	s.Helper()
	w := s.seen.startedFor(name)[0]
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	for _, d := range s.seen.workloads {
		if d.GetName() == name && complete(d) {
			return s.seen.arrived[w.GetResourceVersion()].Sub(s.seen.arrived[d.GetResourceVersion()])
		}
	}
	require.Fail(s, "no completing status of "+name)
	return 0
}

// bare makes the calls that rollcall makes between the two: it reads the
// Deployment and its ReplicaSets, writes the record's status, reads
// it back, and creates a Workflow.
func (s *stage) bare(name string) time.Duration {
	s.Helper()
	ctx := s.Context()
	rec := latestOf(ctx, s, name)
	w := s.seen.startedFor(name)[0].DeepCopy()
	w.SetName("bare-" + name)
	w.SetResourceVersion("")
	w.SetUID("")
	unstructured.RemoveNestedField(w.Object, "status")
	w.SetLabels(nil)
	records := cluster.Dynamic().Resource(releasesResource).Namespace(s.ns)
	begun := time.Now()
	_, err := cluster.Client().AppsV1().Deployments(s.ns).Get(ctx, name, metav1.GetOptions{})
	require.NoError(s, err)
	_, err = cluster.Client().AppsV1().ReplicaSets(s.ns).List(ctx, metav1.ListOptions{LabelSelector: "app=" + name})
	require.NoError(s, err)
	_ = unstructured.SetNestedField(rec.Object, "measured", "status", "waitingFor")
	rec, err = records.UpdateStatus(ctx, rec, metav1.UpdateOptions{})
	require.NoError(s, err)
	_, err = records.Get(ctx, rec.GetName(), metav1.GetOptions{})
	require.NoError(s, err)
	_, err = cluster.Dynamic().Resource(lab.WorkflowResource()).Namespace(s.ns).Create(ctx, w, metav1.CreateOptions{})
	took := time.Since(begun)
	require.NoError(s, err)
	return took
}

// latestOf waits until the record of a Deployment is at rest, and returns it.
func latestOf(ctx context.Context, s *stage, name string) *unstructured.Unstructured {
	s.Helper()
	var rec *unstructured.Unstructured
	s.eventually("the record of "+name+" is at rest", func() bool {
		for _, r := range latest(s.TB, s.ns) {
			if r.Spec.Subject.Name == name && r.Status.Phase == "Passed" {
				o, err := cluster.Dynamic().Resource(releasesResource).Namespace(s.ns).Get(ctx, r.Name, metav1.GetOptions{})
				rec = o
				return err == nil
			}
		}
		return false
	})
	return rec
}

// memory is what rollcall holds of the machine's memory, in MiB: all of it, or
// what is not just its own program text.
func (s *stage) memory(kind string) float64 {
	s.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.program.PID()))
	require.NoError(s, err)
	_, rest, _ := strings.Cut(string(raw), kind)
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	require.NoError(s, err)
	return float64(kib) / 1024
}
