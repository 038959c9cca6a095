package workload_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/rollcall-dev/rollcall/watch/workload"
)

// object reads YAML as the API server's JSON is read.
func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(text))
	require.NoError(t, err)
	var u unstructured.Unstructured
	require.NoError(t, u.UnmarshalJSON(raw))
	return &u
}

const queue = `{apiVersion: x.dev/v1, kind: Queue, metadata: {name: q, generation: 2}, spec: {size: 1}, `

func TestEachClauseOfAnyKindIsNeeded(t *testing.T) {
	const ready = `conditions: [{type: Ready, status: "True"}]`
	for _, c := range []struct {
		name, text, want string
		stalled          bool
	}{
		{"observed", queue + `status: {observedGeneration: 2}}`, "", false},
		{"Ready", queue + `status: {` + ready + `}}`, "", false},
		{"observed and Ready", queue + `status: {observedGeneration: 2, ` + ready + `}}`, "", false},
		{"being deleted", `{apiVersion: x.dev/v1, kind: Queue, metadata: {generation: 2, deletionTimestamp: "2026-11-22T10:00:00Z"}, status: {observedGeneration: 2}}`, "the Queue is being deleted", false},
		{"no status", queue[:len(queue)-2] + `}`, "the Queue has no status yet", false},
		{"an empty status", queue + `status: {}}`, "the Queue has no status yet", false},
		{"a status that is null", queue + `status: null}`, "the Queue has no status yet", false},
		{"a status about no generation", queue + `status: {phase: Good}}`, "the status of the Queue says neither what generation it is about nor Ready", false},
		{"not observed", queue + `status: {observedGeneration: 1, ` + ready + `}}`, "Queue generation is 2, but latest observed generation is 1", false},
		{"observed in another life", queue + `status: {observedGeneration: 3, ` + ready + `}}`, "Queue generation is 2, but latest observed generation is 3", false},
		{"the generation zero", `{apiVersion: x.dev/v1, kind: Queue, metadata: {generation: 0}, status: {observedGeneration: 0}}`, "the Queue controller has not seen the latest change", false},
		{"Ready about another generation", queue + `status: {conditions: [{type: Ready, status: "True", observedGeneration: 1}]}}`, "the condition Ready is about generation 1, not 2", false},
		{"not Ready, and why", queue + `status: {conditions: [{type: Ready, status: "False", message: pods are slow}]}}`, "pods are slow", false},
		{"not Ready, without a word", queue + `status: {conditions: [{type: Ready, status: "False"}]}}`, "the Queue is InProgress", false},
		{"Ready is not known", queue + `status: {observedGeneration: 2, conditions: [{type: Ready, status: Unknown, message: wait}]}}`, "wait", false},
		{"Ready is not a word that is known", queue + `status: {observedGeneration: 2, conditions: [{type: Ready, status: "true"}]}}`, `the condition Ready is "true"`, false},
		{"two of Ready", queue + `status: {observedGeneration: 2, conditions: [{type: Ready, status: "True"}, {type: Ready, status: "False"}]}}`, `the condition Ready is "False"`, false},
		{"Reconciling", queue + `status: {observedGeneration: 2, conditions: [{type: Reconciling, status: "True", message: busy}, {type: Ready, status: "True"}]}}`, "busy", false},
		{"Reconciling is not known", queue + `status: {observedGeneration: 2, conditions: [{type: Reconciling, status: Unknown}]}}`, `the condition Reconciling is "Unknown"`, false},
		{"no longer Reconciling", queue + `status: {observedGeneration: 2, conditions: [{type: Reconciling, status: "False"}]}}`, "", false},
		{"Stalled", queue + `status: {observedGeneration: 2, conditions: [{type: Stalled, status: "True", message: broken}]}}`, "broken", true},
		{"Stalled is not known", queue + `status: {observedGeneration: 2, conditions: [{type: Stalled, status: Unknown}]}}`, `the condition Stalled is "Unknown"`, false},
		{"no generation, so nobody to wait for", `{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a: b}}`, "", false},
		{"a Job that runs", `{apiVersion: batch/v1, kind: Job, metadata: {generation: 1}, status: {startTime: "2026-11-22T10:00:00Z", active: 1}}`, "the Job is not complete", false},
		{"a Job that is complete", `{apiVersion: batch/v1, kind: Job, metadata: {generation: 1}, status: {startTime: "2026-11-22T10:00:00Z", conditions: [{type: Complete, status: "True"}]}}`, "", false},
		{"a Job that failed", `{apiVersion: batch/v1, kind: Job, metadata: {generation: 1}, status: {failed: 1, conditions: [{type: Failed, status: "True"}]}}`, "Job Failed. failed: 1/1", true},
		{"a Pod that is ready", `{apiVersion: v1, kind: Pod, status: {phase: Running, conditions: [{type: Ready, status: "True"}]}}`, "", false},
		{"a Pod that failed", `{apiVersion: v1, kind: Pod, status: {phase: Failed}}`, "the Pod has failed", false},
		{"a Pod that did its work", `{apiVersion: v1, kind: Pod, status: {phase: Succeeded, conditions: [{type: Ready, status: "False"}]}}`, "", false},
		{"a ReplicaSet", `{apiVersion: apps/v1, kind: ReplicaSet, metadata: {generation: 1}, spec: {replicas: 1}, status: {observedGeneration: 1, replicas: 1, fullyLabeledReplicas: 1, readyReplicas: 1, availableReplicas: 1}}`, "", false},
		{"a ReplicaSet that was never observed", `{apiVersion: apps/v1, kind: ReplicaSet, metadata: {generation: 1}, spec: {replicas: 1}, status: {replicas: 1, fullyLabeledReplicas: 1, readyReplicas: 1, availableReplicas: 1}}`, "the ReplicaSet controller has not seen the latest change", false},
		{"a ReplicaSet of none", `{apiVersion: apps/v1, kind: ReplicaSet, metadata: {generation: 1}, spec: {replicas: 0}, status: {observedGeneration: 1, replicas: 0}}`, "the ReplicaSet is scaled to zero", false},
		{"a disruption budget that was never observed", `{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {generation: 1}, status: {}}`, "the PodDisruptionBudget controller has not seen the latest change", false},
		{"a Deployment is judged as one", `{apiVersion: apps/v1, kind: Deployment, metadata: {generation: 1}, spec: {replicas: 1, paused: true}, status: {observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1, conditions: [{type: Available, status: "True"}]}}`, "the Deployment is paused", false},
		{"a StatefulSet is judged as one", `{apiVersion: apps/v1, kind: StatefulSet, metadata: {generation: 1}, spec: {replicas: 1, updateStrategy: {type: OnDelete}}, status: {observedGeneration: 1, replicas: 1}}`, "the revision is not assigned yet", false},
		{"a DaemonSet is judged as one", `{apiVersion: apps/v1, kind: DaemonSet, metadata: {generation: 1}, status: {observedGeneration: 1, desiredNumberScheduled: 0}}`, "no node fits the DaemonSet", false},
		{"a Rollout is judged as one", `{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {generation: 1}, status: {observedGeneration: "1"}}`, "the Rollout has no phase yet", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := workload.Any(object(t, c.text))
			require.Equal(t, workload.State{WaitingFor: c.want, Stalled: c.stalled}, got)
		})
	}
}

func TestFieldsOfTheWrongTypeNeverPass(t *testing.T) {
	require.NotEmpty(t, workload.Any(nil).WaitingFor)
	require.NotEmpty(t, workload.Any(&unstructured.Unstructured{}).WaitingFor)
	for name, text := range map[string]string{
		"generation":              `{apiVersion: x.dev/v1, kind: Queue, metadata: {generation: "2"}, status: {observedGeneration: 2}}`,
		"metadata":                `{apiVersion: x.dev/v1, kind: Queue, metadata: 7, status: {observedGeneration: 2}}`,
		"observedGeneration":      queue + `status: {observedGeneration: "2"}}`,
		"half a generation":       queue + `status: {observedGeneration: 2.5}}`,
		"status":                  queue + `status: [2]}`,
		"conditions":              queue + `status: {observedGeneration: 2, conditions: {Ready: true}}}`,
		"a condition":             queue + `status: {observedGeneration: 2, conditions: [7]}}`,
		"a condition's status":    queue + `status: {observedGeneration: 2, conditions: [{type: Ready, status: true}]}}`,
		"a condition's number":    queue + `status: {observedGeneration: 2, conditions: [{type: Ready, status: "True", observedGeneration: "2"}]}}`,
		"a Pod's containers":      `{apiVersion: v1, kind: Pod, status: {phase: Running, containerStatuses: [7]}}`,
		"a ReplicaSet's replicas": `{apiVersion: apps/v1, kind: ReplicaSet, metadata: {generation: 1}, spec: {replicas: "3"}, status: {observedGeneration: 1, replicas: 1, fullyLabeledReplicas: 1, readyReplicas: 1, availableReplicas: 1}}`,
		"a Deployment's replicas": `{apiVersion: apps/v1, kind: Deployment, metadata: {generation: 1}, spec: {replicas: "3"}, status: {observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1, conditions: [{type: Available, status: "True"}]}}`,
		"a Rollout's generation":  `{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {generation: 1}, status: {observedGeneration: 1, phase: Healthy}}`,
	} {
		got := workload.Any(object(t, text))
		require.NotEmpty(t, got.WaitingFor, name)
	}
}
