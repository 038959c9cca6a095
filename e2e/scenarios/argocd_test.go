package scenarios

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/e2e/lab"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// gitOps is a stage whose Deployment comes from Git through Argo CD.
type gitOps struct {
	*stage
	repo *lab.Repo
	app  deployment
}

func newGitOps(t *testing.T, ns string, runFor time.Duration) *gitOps {
	t.Helper()
	g := &gitOps{stage: newStage(t, ns, runFor), app: deployment{name: "web", image: "web:1", after: 3 * time.Second}}
	var err error
	g.repo, err = lab.NewRepo(t.TempDir())
	require.NoError(t, err)
	g.commit("web:1")
	require.NoError(t, cluster.CreateApplication(t.Context(), lab.Application{
		Name: ns, RepoURL: g.repo.URL(), Path: "deploy", Namespace: ns, Automated: true,
	}))
	g.afterwards(func(ctx context.Context) {
		_ = cluster.Dynamic().Resource(lab.ApplicationResource()).Namespace(lab.ArgoCDNamespace).
			Delete(ctx, ns, metav1.DeleteOptions{})
	})
	g.ready("web", "web:1")
	return g
}

// commit writes an image to Git.
func (g *gitOps) commit(image string) (sha string) {
	g.Helper()
	g.app.image = image
	require.NoError(g, g.repo.Write("deploy/web.yaml", g.app.yaml(g.ns)))
	sha, err := g.repo.Commit("release " + image)
	require.NoError(g, err)
	return sha
}

// release commits an image, and has Argo CD look at Git.
func (g *gitOps) release(image string) (sha string) {
	g.Helper()
	sha = g.commit(image)
	require.NoError(g, cluster.RefreshApplication(g.Context(), g.ns))
	return sha
}

// newest waits until the newest release has reached a phase.
func (s *stage) newest(phase string) v1alpha1.Release {
	s.Helper()
	var last v1alpha1.Release
	s.eventually("the newest release is "+phase, func() bool {
		all := latest(s.TB, s.ns)
		if len(all) > 0 {
			last = all[len(all)-1]
		}
		return last.Status.Phase == phase
	})
	return last
}

func TestANewImageThroughArgoCDStartsOneWorkflow(t *testing.T) {
	t.Parallel()
	g := newGitOps(t, "delivery", 2*time.Second)
	g.rules(strings.Replace(g.smokeRules(), "{workflowTemplate: smoke}",
		`{workflowTemplate: smoke, parameters: {url: "'http://' + release.name + '.' + release.namespace + '.svc/' + app.name"}}`, 1))
	g.start("OTEL_EXPORTER_OTLP_ENDPOINT=http://" + cluster.OTLP)
	g.newest("Adopted")
	sha := g.release("web:2")

	rec := g.newest("Passed")
	g.quiet()
	g.fired("web", 1)
	w := g.seen.started()[0]
	for name, want := range map[string]string{
		"app": "delivery", "namespace": "delivery", "name": "web", "workload": "Deployment/web", "cluster": "lab",
		"images": "web:2", "revision": sha, "kind": "release", "release": rec.Name,
		"url": "http://web.delivery.svc/delivery",
	} {
		require.Equal(t, want, parameter(w, name), name)
	}
	parent := parameter(w, "traceparent")
	require.Regexp(t, `^00-[0-9a-f]{32}-[0-9a-f]{16}-01$`, parent)
	require.Equal(t, parent, w.GetAnnotations()["opentelemetry.io/traceparent"])
	require.Equal(t, rec.Status.Trace.ID, w.GetLabels()["rollcall.dev/trace-id"])
	require.Equal(t, rec.Status.Trace.ID, parameter(w, "trace-id"))
	require.Equal(t, "commit", rec.Status.Trace.Source)
	require.Equal(t, sha, rec.Status.GitOps.Revision)
	require.Equal(t, "smoke ✓", rec.Status.Tests)
	require.False(t, rec.Status.Late)

	spans := g.trace(rec.Status.Trace.ID, "RUN smoke")
	checkTrace(t, spans)
	require.Subset(t, names(spans), []string{
		"release web", "SYNC delivery", "rollout delivery/web rev 2", "release ready", "send smoke", "RUN smoke", "warm-up", "checks",
	})
	run := spans[index(spans, "RUN smoke")]
	require.Equal(t, parent, fmt.Sprintf("00-%s-%s-01", run.TraceID, run.SpanID), "what the Workflow was handed is the span of its run")
}

func TestATraceIsWholeAfterACrash(t *testing.T) {
	t.Parallel()
	g := newGitOps(t, "crash", 4*time.Second)
	g.rules(g.smokeRules())
	otlp := "OTEL_EXPORTER_OTLP_ENDPOINT=http://" + cluster.OTLP
	g.start(otlp)
	g.newest("Adopted")
	g.release("web:2")
	g.eventually("the Workflow is there", func() bool { return len(g.seen.started()) == 1 })
	g.kill()
	g.start(otlp)
	rec := g.newest("Passed")
	spans := g.trace(rec.Status.Trace.ID, "RUN smoke")
	checkTrace(t, spans)
	before := len(spans)

	g.kill() // and once more, after everything was drawn
	g.start(otlp)
	g.quiet()
	again := g.trace(rec.Status.Trace.ID, "RUN smoke")
	checkTrace(t, again)
	require.Len(t, again, before)
	g.fired("web", 1)
}

func TestARunThatFailsFailsTheRelease(t *testing.T) {
	t.Parallel()
	s := newStage(t, "failing", time.Second)
	s.apply(strings.Replace(template(s.ns, time.Second), "spec:\n", "spec:\n  podMetadata: {annotations: {e2e.rollcall.dev/fail: \"true\"}}\n", 1))
	s.rules(s.smokeRules())
	s.start("OTEL_EXPORTER_OTLP_ENDPOINT=http://" + cluster.OTLP)
	s.deploy(deployment{name: "web", image: "web:1", replicas: 1})
	rec := s.newest("Failed")
	require.Equal(t, "initial", rec.Spec.Kind)
	require.Equal(t, "smoke ✗", rec.Status.Tests)
	require.Equal(t, "failure", rec.Status.Deliveries[0].Outcome.Result)
	spans := s.trace(rec.Status.Trace.ID, "RUN smoke")
	checkTrace(t, spans)
	require.Equal(t, "failure", spans[index(spans, "RUN smoke")].tag("cicd.pipeline.result"))
}

func TestARunDeletedWhileNobodyWatchedFailsTheRelease(t *testing.T) {
	t.Parallel()
	s := newStage(t, "deleted", time.Minute)
	s.rules(s.smokeRules())
	s.start()
	s.deploy(deployment{name: "web", image: "web:1", replicas: 1})
	s.eventually("the run is on record", func() bool { return s.newest("Testing").Status.Deliveries[0].Object != nil })
	rec := s.newest("Testing")
	s.stop()
	run := rec.Status.Deliveries[0].Object
	require.NoError(t, cluster.Dynamic().Resource(lab.WorkflowResource()).Namespace(s.ns).Delete(t.Context(), run.Name, metav1.DeleteOptions{}))
	s.start()
	rec = s.newest("Failed")
	require.Equal(t, "the Workflow was deleted before it ended", rec.Status.Deliveries[0].Outcome.Message)
}
