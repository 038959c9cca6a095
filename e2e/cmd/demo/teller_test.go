package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

const sha = "d56d743aabbccddeeff00112233445566778899a"

// heard shows a teller states of objects, one a second, and returns what it tells.
func heard(t *testing.T, told *teller, states ...string) []string {
	t.Helper()
	var out []string
	for i, state := range states {
		o := &unstructured.Unstructured{}
		require.NoError(t, yaml.Unmarshal([]byte(state), &o.Object))
		for _, l := range told.see(sight{at: time.Unix(int64(i), 0), object: o}) {
			out = append(out, l.who+": "+l.what)
		}
	}
	return out
}

func app(status string) string {
	return "{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: shop}, status: " + strings.ReplaceAll(status, "SHA", sha) + "}"
}

func TestASyncIsToldStepByStep(t *testing.T) {
	told := newTeller(sha)
	require.Equal(t, []string{
		"Argo CD: finds commit d56d743, which the cluster is not yet like",
		"Argo CD: syncs revision d56d743",
		"Argo CD: sync succeeded",
		"Argo CD: application is Synced and Healthy",
	}, heard(t, told,
		app(`{sync: {status: Synced, revision: before}, health: {status: Healthy}, operationState: {phase: Succeeded, operation: {sync: {revision: before}}}}`),
		app(`{sync: {status: OutOfSync, revision: SHA}, operationState: {phase: Succeeded, operation: {sync: {revision: before}}}}`),
		app(`{sync: {status: OutOfSync, revision: SHA}, operationState: {phase: Running, operation: {sync: {revision: SHA}}}}`),
		app(`{sync: {status: OutOfSync, revision: SHA}, health: {status: Healthy}, operationState: {phase: Succeeded, operation: {sync: {revision: SHA}}}}`),
		app(`{sync: {status: Synced, revision: SHA}, health: {status: Progressing}, operationState: {phase: Succeeded, operation: {sync: {revision: SHA}}}}`),
		app(`{sync: {status: Synced, revision: SHA}, health: {status: Healthy}, operationState: {phase: Succeeded, operation: {sync: {revision: SHA}}}}`),
	))
	require.False(t, told.over)
}

func TestASyncThatFailsEndsTheStory(t *testing.T) {
	told := newTeller(sha)
	require.Contains(t, heard(t, told, app(`{operationState: {phase: Failed, operation: {sync: {revision: SHA}}}}`)), "Argo CD: sync: Failed")
	require.True(t, told.over)
	require.EqualError(t, told.failure, "sync commit d56d743: Argo CD says Failed")
}

func web(image, status string) string {
	return `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, generation: 2},
spec: {replicas: 3, template: {spec: {containers: [{name: web, image: "` + image + `"}]}}}, status: ` + status + "}"
}

func TestPodsAreCountedUpAndDown(t *testing.T) {
	told := newTeller(sha)
	require.Equal(t, []string{
		"Kubernetes: Deployment web has image web:2",
		"Kubernetes: pods □□□  0/3 new ready, 3 old",
		"Kubernetes: pods ■□□  1/3 new ready, 3 old",
		"Kubernetes: pods ■□□  1/3 new ready, 2 old",
		"Kubernetes: pods ■■■  3/3 new ready, 0 old",
	}, heard(t, told,
		web("web:1", "{observedGeneration: 2, replicas: 3, updatedReplicas: 3, readyReplicas: 3}"),
		web("web:2", "{observedGeneration: 1, replicas: 3, updatedReplicas: 3, readyReplicas: 3}"), // of before
		web("web:2", "{observedGeneration: 2, replicas: 4, updatedReplicas: 1, readyReplicas: 3}"),
		web("web:2", "{observedGeneration: 2, replicas: 4, updatedReplicas: 1, readyReplicas: 3}"),
		web("web:2", "{observedGeneration: 2, replicas: 4, updatedReplicas: 1, readyReplicas: 4}"),
		web("web:2", "{observedGeneration: 2, replicas: 3, updatedReplicas: 1, readyReplicas: 3}"),
		web("web:2", "{observedGeneration: 2, replicas: 3, updatedReplicas: 3, readyReplicas: 3}"),
	))
}

func record(spec, status string) string {
	return `{apiVersion: rollcall.dev/v1alpha1, kind: Release, metadata: {name: web-1}, spec: {kind: release, template: {images: ["` +
		newImage + `"]}` + spec + `}, status: ` + status + "}"
}

const (
	ready   = `timeline: {ready: "2026-11-22T10:00:00.000000Z"}, readyIn: 9s`
	pending = `deliveries: [{rule: web-ready, sink: smoke, state: Pending}]`
	sent    = `deliveries: [{rule: web-ready, sink: smoke, state: Sent, object: {kind: Workflow, name: w}}]`
)

func TestAReleaseIsToldToItsVerdict(t *testing.T) {
	told := newTeller(sha)
	require.Equal(t, []string{
		`rollcall: records web-1, kind "release"`,
		"rollcall: release ready, in 9s",
		"rollcall: rule web-ready holds",
		"rollcall: event of rule web-ready sent to sink smoke: Workflow w",
		"rollcall: verdict: Passed (smoke ✓)",
	}, heard(t, told,
		record(", baseline: true", "{phase: Adopted}"),
		record("", "{phase: Rolling}"),
		record("", "{phase: Ready, "+ready+", "+pending+"}"),
		record("", "{phase: Testing, "+ready+", "+sent+"}"),
		record("", "{phase: Passed, tests: smoke ✓, "+ready+", "+sent+"}"),
	))
	require.True(t, told.over)
	require.NoError(t, told.failure)
	require.Equal(t, "Passed", told.record.Status.Phase)
}

func TestAReleaseThatDoesNotPassIsAnError(t *testing.T) {
	for status, want := range map[string]string{
		"{phase: Failed, tests: smoke ✗}": "release web-1: it ended as Failed, not as Passed",
		"{phase: Superseded}":             "release web-1: it ended as Superseded, not as Passed",
		"{phase: Ready, deliveries: [{sink: smoke, state: Dead, lastError: no such template}]}": "send event to smoke: no such template",
	} {
		told := newTeller(sha)
		heard(t, told, record("", status))
		require.True(t, told.over)
		require.EqualError(t, told.failure, want)
	}
}

func workflow(status string) string {
	return "{apiVersion: argoproj.io/v1alpha1, kind: Workflow, metadata: {name: w}, status: " + status + "}"
}

func TestStepsOfAWorkflowAreTold(t *testing.T) {
	const (
		group  = `w: {id: w, displayName: main, type: Steps, phase: Running, startedAt: "2026-11-22T10:00:00Z"}`
		warmUp = `a: {id: a, displayName: warm-up, type: Suspend, phase: Succeeded, startedAt: "2026-11-22T10:00:00Z", finishedAt: "2026-11-22T10:00:01Z"}`
		ui     = `b: {id: b, displayName: ui-checks, type: Pod, phase: Pending, startedAt: "2026-11-22T10:00:01Z", finishedAt: null}`
		api    = `c: {id: c, displayName: api-checks, type: Pod, phase: Failed, startedAt: "2026-11-22T10:00:01Z", finishedAt: "2026-11-22T10:00:04Z"}`
	)
	require.Equal(t, []string{
		"Argo Workflows: Workflow w is there",
		"Argo Workflows: step warm-up started",
		"Argo Workflows: step warm-up succeeded",
		"Argo Workflows: step api-checks started",
		"Argo Workflows: step api-checks failed",
		"Argo Workflows: step ui-checks started",
		"Argo Workflows: Workflow failed",
	}, heard(t, newTeller(sha),
		workflow("{}"),
		workflow("{phase: Running, nodes: {"+group+", "+warmUp+"}}"),
		workflow("{phase: Running, nodes: {"+group+", "+ui+", "+warmUp+", "+api+"}}"),
		workflow("{phase: Failed, nodes: {"+group+", "+ui+", "+warmUp+", "+api+"}}"),
	))
}

func TestTimeInTheStoryNeverRunsBack(t *testing.T) {
	told := newTeller(sha)
	o := &unstructured.Unstructured{}
	require.NoError(t, yaml.Unmarshal([]byte(workflow("{}")), &o.Object))
	told.latest = time.Unix(9, 0)
	require.Equal(t, time.Unix(9, 0), told.see(sight{at: time.Unix(8, 0), object: o})[0].at)
}

func TestWhatCannotBeReadEndsTheStory(t *testing.T) {
	told := newTeller(sha)
	require.Empty(t, heard(t, told, "{kind: Deployment, apiVersion: apps/v1, metadata: {name: web}, spec: {replicas: many}}"))
	require.ErrorContains(t, told.failure, "read Deployment web: ")
	require.Empty(t, heard(t, told, "{kind: Secret, apiVersion: v1, metadata: {name: web}}"))
}

func TestTheLastWordSaysWhereItStopped(t *testing.T) {
	told := newTeller(sha)
	require.Equal(t, "; no release was recorded", told.lastWord())
	heard(t, told, record("", "{phase: Testing}"))
	require.Equal(t, "; the release is Testing", told.lastWord())
	heard(t, told, record("", "{phase: Rolling, waitingFor: 1 of 3 pods}"))
	require.Equal(t, "; rollcall waits for: 1 of 3 pods", told.lastWord())
}
