package lean_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/watch/lean"
)

func read[T any](t testing.TB, file string) T {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + file)
	require.NoError(t, err)
	var out T
	require.NoError(t, json.Unmarshal(raw, &out))
	return out
}

func clock(hms string) *metav1.Time {
	t, err := time.Parse(time.RFC3339, "2026-11-22T"+hms+"Z")
	if err != nil {
		panic(err)
	}
	local := metav1.NewTime(t.Local())
	return &local
}

func TestAnApplicationIsDecodedToTheFieldsThatAreRead(t *testing.T) {
	const commit = "8f14e45fceea167a5a36dedd4bea2543aa11bb22"
	a := read[lean.Application](t, "application.json")
	require.Equal(t, "argocd/web", a.Namespace+"/"+a.Name)
	require.Equal(t, map[string]string{"argocd.argoproj.io/refresh": "normal"}, a.Annotations)
	require.Equal(t, "default", a.Spec.Project)
	require.Equal(t, "https://git.example/shop.git", a.Spec.Source.RepoURL)
	require.NotEmpty(t, a.Spec.Source.Fingerprint)
	require.Equal(t, "https://kubernetes.default.svc/shop", a.Spec.Destination.Server+"/"+a.Spec.Destination.Namespace)
	require.NotEmpty(t, a.Spec.Destination.Fingerprint)
	require.Empty(t, a.Unreadable())
	require.Nil(t, a.Operation)

	sources := a.Spec.Source
	require.Equal(t, lean.ApplicationStatus{
		Resources: []lean.ResourceStatus{
			{Kind: "Service", Namespace: "shop", Name: "web", Status: "Synced", Health: &lean.HealthStatus{Status: "Healthy"}},
			{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web", Status: "Synced", Health: &lean.HealthStatus{Status: "Healthy"}, SyncWave: 1},
		},
		Sync: lean.SyncStatus{
			Status: "Synced", Revision: commit,
			ComparedTo: lean.ComparedTo{Source: sources, Destination: a.Spec.Destination},
		},
		Health:       lean.HealthStatus{Status: "Healthy"},
		History:      []lean.RevisionHistory{{ID: 41, Revision: commit, DeployStartedAt: clock("10:00:10"), DeployedAt: *clock("10:00:19")}},
		Conditions:   []lean.ApplicationCondition{{Type: "OrphanedResourceWarning", Message: "Application has 1 orphaned resources"}},
		ReconciledAt: clock("10:00:21"),
		OperationState: &lean.OperationState{
			Operation: lean.Operation{
				Sync:        &lean.SyncOperation{Revision: commit, Prune: true, Resources: []lean.SyncedElement{{Group: "apps", Kind: "Deployment", Name: "web"}}},
				InitiatedBy: lean.InitiatedBy{Automated: true},
			},
			Phase:      "Succeeded",
			Message:    "successfully synced (all tasks run)",
			SyncResult: &lean.SyncResult{Revision: commit, Source: sources},
			StartedAt:  *clock("10:00:10"),
			FinishedAt: clock("10:00:20"),
		},
		Summary:             lean.ApplicationSummary{Images: []string{"registry.example/proxy:2", "registry.example/web:1.2.0"}},
		ControllerNamespace: "argocd",
	}, a.Status)
}

func TestAnApplicationOfSeveralSources(t *testing.T) {
	a := read[lean.Application](t, "sources.json")
	require.Nil(t, a.Spec.Source)
	require.Len(t, a.Spec.Sources, 2)
	require.Equal(t, "https://git.example/values.git", a.Spec.Sources[1].RepoURL)
	require.NotEqual(t, a.Spec.Sources[0].Fingerprint, a.Spec.Sources[1].Fingerprint)
	to := a.Status.Sync.ComparedTo
	require.Equal(t, a.Spec.Sources, to.Sources)
	require.Equal(t, a.Spec.Destination, to.Destination)
	require.Empty(t, to.Source.Fingerprint, "Argo CD writes an empty source beside several")
	require.Equal(t, []string{"1.2.3", "c0ffee"}, a.Status.Sync.Revisions)
	op := a.Status.OperationState
	require.True(t, op.Operation.Sync.DryRun)
	require.Equal(t, []string{"1.2.2", "c0ffee"}, op.Operation.Sync.Revisions)
	require.Equal(t, []string{"1.2.2", "c0ffee"}, op.SyncResult.Revisions)
	require.Equal(t, "eve", op.Operation.InitiatedBy.Username)
	require.Nil(t, op.FinishedAt)
	require.Equal(t, "https://charts.example", a.Operation.Sync.Source.RepoURL)
}

func TestAWorkflowIsDecodedToTheFieldsThatAreRead(t *testing.T) {
	w := read[lean.Workflow](t, "workflow.json")
	require.Equal(t, "shop/smoke-0123", w.Namespace+"/"+w.Name)
	require.Equal(t, "0123456789abcdef0123456789abcdef", w.Labels["rollcall.dev/event-id"])
	require.Equal(t, lean.WorkflowStatus{
		Phase: "Failed", StartedAt: clock("10:01:01"), FinishedAt: clock("10:01:31"),
		Message: "child 'smoke-0123-2' failed",
		Nodes: map[string]lean.Node{
			"smoke-0123":   {ID: "smoke-0123", DisplayName: "smoke-0123", Type: "DAG", Phase: "Failed", StartedAt: clock("10:01:01"), FinishedAt: clock("10:01:31")},
			"smoke-0123-1": {ID: "smoke-0123-1", DisplayName: "login", Type: "Pod", Phase: "Succeeded", StartedAt: clock("10:01:02"), FinishedAt: clock("10:01:12")},
			"smoke-0123-2": {ID: "smoke-0123-2", DisplayName: "pay", Type: "Pod", Phase: "Failed", Message: "Error (exit code 1)", StartedAt: clock("10:01:13")},
		},
	}, w.Status)
}

func fingerprint(t testing.TB, raw string) lean.Fingerprint {
	t.Helper()
	var f lean.Fingerprint
	require.NoError(t, json.Unmarshal([]byte(raw), &f), raw)
	return f
}

func TestFingerprintsOfTheSame(t *testing.T) {
	for name, pair := range map[string][2]string{
		"the order of keys":            {`{"a":1,"b":{"c":"x","d":[1,2]}}`, `{"b":{"d":[1,2],"c":"x"},"a":1}`},
		"spaces":                       {`{"a": [ 1 ] }`, `{"a":[1]}`},
		"an empty string":              {`{"a":1,"b":""}`, `{"a":1}`},
		"an empty list":                {`{"a":1,"b":[]}`, `{"a":1}`},
		"an empty object":              {`{"a":1,"b":{}}`, `{"a":1}`},
		"an object of nothing":         {`{"a":1,"b":{"c":{"d":""}}}`, `{"a":1}`},
		"false":                        {`{"a":1,"b":false}`, `{"a":1}`},
		"zero":                         {`{"a":1,"b":0}`, `{"a":1}`},
		"null":                         {`{"a":1,"b":null}`, `{"a":1}`},
		"empty members inside of list": {`[{"a":1,"b":""}]`, `[{"a":1}]`},
		"ways to write a number":       {`{"a":1.0}`, `{"a":1}`},
		"ways to write a letter":       {`{"a":"\u0061"}`, `{"a":"a"}`},
	} {
		require.Equal(t, fingerprint(t, pair[0]), fingerprint(t, pair[1]), name)
	}
}

func TestFingerprintsOfNothingAreEmpty(t *testing.T) {
	for _, raw := range []string{`null`, `{}`, `[]`, `""`, `0`, `false`, `{"repoURL":""}`, `{"a":{"b":[]}}`} {
		require.Empty(t, fingerprint(t, raw), raw)
	}
}

func TestFingerprintsOfDifferentValues(t *testing.T) {
	seen := map[lean.Fingerprint]string{}
	for _, raw := range []string{
		`{"a":1}`, `{"a":2}`, `{"a":"1"}`, `{"b":1}`, `[1]`, `[1,2]`, `[2,1]`, `["",1]`, `[1,""]`,
		`{"a":true}`, `"a"`, `1`, `{"a":{"b":1}}`, `{"a":[{"b":1}]}`,
	} {
		f := fingerprint(t, raw)
		require.Regexp(t, `^[0-9a-f]{16}$`, string(f))
		require.Empty(t, seen[f], "%s and %s", seen[f], raw)
		seen[f] = raw
	}
}

func TestFingerprintsDoNotDependOnTheOrderOfKeys(t *testing.T) {
	keys := []string{`"repoURL":"x"`, `"path":"a"`, `"helm":{"values":"","parameters":[{"name":"n","value":"v"}]}`, `"ref":""`, `"chart":"c"`}
	want := fingerprint(t, "{"+strings.Join(keys, ",")+"}")
	for range 50 {
		rand.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		require.Equal(t, want, fingerprint(t, "{"+strings.Join(keys, ",")+"}"))
	}
}

func TestGarbageIsAnErrorAndNoPanic(t *testing.T) {
	for _, raw := range []string{``, `{`, `{"a"`, `nul`, `1e999`, `{"repoURL":{}}`} {
		var s lean.Source
		require.Error(t, json.Unmarshal([]byte(raw), &s), raw)
	}
	var f lean.Fingerprint
	require.Error(t, f.UnmarshalJSON([]byte(`{`)))
	require.Error(t, new(lean.Source).UnmarshalJSON([]byte(`{`)))
}

func FuzzFingerprint(f *testing.F) {
	for _, seed := range []string{`{"a":[{"b":""},null,0,false,1.5e3],"c":{}}`, `[]`, `"x"`, `[[[[]]]]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var v any
		if json.Unmarshal(raw, &v) != nil {
			return
		}
		got := fingerprint(t, string(raw))
		canon, err := json.Marshal(v) // other order of keys, other spaces
		require.NoError(t, err)
		require.Equal(t, got, fingerprint(t, string(canon)))
		var spaced bytes.Buffer
		require.NoError(t, json.Indent(&spaced, raw, " ", "\t"))
		require.Equal(t, got, fingerprint(t, spaced.String()))
	})
}

func TestAWorkflowWhoseStatusCannotBeReadHidesNoOther(t *testing.T) {
	var list lean.WorkflowList
	require.NoError(t, json.Unmarshal([]byte(`{"items": [
		{"metadata": {"name": "bad"}, "status": {"phase": "Succeeded", "nodes": "none", "finishedAt": "2026-01-01T00:00:00Z"}},
		{"metadata": {"name": "worse"}, "status": 7},
		{"metadata": {"name": "good"}, "status": {"phase": "Succeeded"}}
	]}`), &list))
	require.Empty(t, list.Items[0].Status.Phase)
	require.Nil(t, list.Items[0].Status.FinishedAt)
	require.Contains(t, list.Items[0].Status.Message, "cannot be read")
	require.Contains(t, list.Items[1].Status.Message, "cannot be read")
	require.Equal(t, "Succeeded", list.Items[2].Status.Phase)
}
