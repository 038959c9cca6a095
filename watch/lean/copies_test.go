package lean_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rollcall-dev/rollcall/watch/lean"
)

// TestCopiesShareNothing copies full objects, empties the copy through every
// pointer, list and map, and looks whether the original has changed.
func TestCopiesShareNothing(t *testing.T) {
	for name, o := range map[string]runtime.Object{
		"application": new(read[lean.Application](t, "application.json")),
		"sources":     new(read[lean.Application](t, "sources.json")),
		"workflow":    new(read[lean.Workflow](t, "workflow.json")),
		"applications": &lean.ApplicationList{Items: []lean.Application{
			read[lean.Application](t, "application.json"), read[lean.Application](t, "sources.json"),
		}},
		"workflows":      &lean.WorkflowList{Items: []lean.Workflow{read[lean.Workflow](t, "workflow.json")}},
		"rollout":        new(read[lean.Rollout](t, "rollout.json")),
		"blue and green": new(read[lean.Rollout](t, "bluegreen.json")),
		"kustomization":  new(read[lean.Kustomization](t, "kustomization.json")),
		"helm release":   new(read[lean.HelmRelease](t, "helmrelease.json")),
		"flux sources":   new(read[lean.FluxSourceList](t, "fluxsources.json")),
		"rollouts":       &lean.RolloutList{Items: []lean.Rollout{read[lean.Rollout](t, "rollout.json")}},
		"kustomizations": &lean.KustomizationList{Items: []lean.Kustomization{read[lean.Kustomization](t, "kustomization.json")}},
		"helm releases":  &lean.HelmReleaseList{Items: []lean.HelmRelease{read[lean.HelmRelease](t, "helmrelease.json")}},
		"hydrated": decoded[lean.Application](t, `{"spec": {"sourceHydrator": {}}, "operation": {"sync": {"sources": [{"repoURL": "x"}]}}, "status": {
			"sourceHydrator": {"lastSuccessfulOperation": {"drySHA": "x"}, "currentOperation": {"phase": "x"}}, "history": [{"revisions": ["x"]}],
			"operationState": {"syncResult": {"sources": [{"repoURL": "x"}]}}}}`),
		"empty": &lean.Application{},
	} {
		t.Run(name, func(t *testing.T) {
			before, err := json.Marshal(o)
			require.NoError(t, err)
			c := o.DeepCopyObject()
			require.Equal(t, o, c)
			wipe(reflect.ValueOf(c))
			after, err := json.Marshal(o)
			require.NoError(t, err)
			require.JSONEq(t, string(before), string(after))
		})
	}
	for _, none := range []runtime.Object{
		(*lean.Application)(nil), (*lean.ApplicationList)(nil), (*lean.Workflow)(nil), (*lean.WorkflowList)(nil), (*lean.Rollout)(nil), (*lean.RolloutList)(nil),
		(*lean.Kustomization)(nil), (*lean.KustomizationList)(nil), (*lean.HelmRelease)(nil), (*lean.HelmReleaseList)(nil), (*lean.FluxSource)(nil), (*lean.FluxSourceList)(nil),
	} {
		require.Nil(t, none.DeepCopyObject())
	}
}

// TestEveryTypeCopiesItself calls the copy methods of the types that are only
// ever copied as a part of others.
func TestEveryTypeCopiesItself(t *testing.T) {
	for _, o := range []any{
		&lean.ApplicationCondition{Type: "x"}, &lean.ApplicationSpec{Project: "x"}, &lean.ApplicationStatus{ControllerNamespace: "x"},
		&lean.ApplicationSummary{Images: []string{"x"}}, &lean.ComparedTo{Destination: lean.Destination{Name: "x"}}, &lean.HealthStatus{Status: "x"},
		&lean.InitiatedBy{Username: "x"}, &lean.Node{ID: "x"}, &lean.Operation{InitiatedBy: lean.InitiatedBy{Username: "x"}},
		&lean.OperationState{Phase: "x"}, &lean.ResourceStatus{Name: "x"}, &lean.Source{RepoURL: "x"}, &lean.SyncOperation{Revision: "x"},
		&lean.SyncResult{Revision: "x"}, &lean.SyncStatus{Status: "x"}, &lean.SyncedElement{Name: "x"}, &lean.WorkflowStatus{Phase: "x"},
		&lean.Artifact{Revision: "x"}, &lean.BlueGreenStatus{ActiveSelector: "x"}, &lean.CanaryStrategy{TrafficRouting: &lean.Present{}},
		&lean.ChartTemplate{Spec: lean.ChartTemplateSpec{Chart: "x"}}, &lean.ChartTemplateSpec{Chart: "x"}, &lean.Container{Name: "x"}, &lean.Destination{Name: "x"},
		&lean.DrySource{RepoURL: "x"}, &lean.FluxSourceSpec{URL: "x"}, &lean.FluxSourceStatus{ObservedGeneration: 1}, &lean.HelmReleaseSpec{TargetNamespace: "x"},
		&lean.HelmReleaseStatus{HelmChart: "x"}, &lean.HelmSnapshot{Name: "x"}, &lean.HelmTest{Enable: true}, &lean.HelmTestHook{Phase: "x"}, &lean.Hydration{Phase: "x"},
		&lean.Inventory{Entries: []lean.InventoryEntry{{ID: "x"}}}, &lean.InventoryEntry{ID: "x"}, &lean.KustomizationSpec{Wait: true}, &lean.KustomizationStatus{LastAppliedRevision: "x"},
		&lean.ObjectRef{Name: "x"}, &lean.PauseCondition{Reason: "x"}, &lean.PodSpec{Containers: []lean.Container{{Name: "x"}}},
		&lean.PodTemplate{Spec: lean.PodSpec{Containers: []lean.Container{{Name: "x"}}}}, &lean.Reconciliation{Digest: "x"}, &lean.RevisionHistory{ID: 1},
		&lean.RolloutCondition{Type: "x"}, &lean.RolloutSpec{Paused: true}, &lean.RolloutStatus{Phase: "x"}, &lean.RolloutStrategy{Canary: &lean.CanaryStrategy{}},
		&lean.SourceHydrator{DrySource: lean.DrySource{RepoURL: "x"}}, &lean.SourceHydratorStatus{CurrentOperation: &lean.Hydration{Phase: "x"}}, &lean.SourceRef{Name: "x"},
		&lean.SuccessfulHydration{DrySHA: "x"}, &lean.SyncSource{Path: "x"}, &lean.WorkloadRef{Name: "x"},
	} {
		v := reflect.ValueOf(o)
		c := v.MethodByName("DeepCopy").Call(nil)[0]
		require.Equal(t, o, c.Interface())
		require.NotSame(t, o, c.Interface())
		require.True(t, reflect.Zero(v.Type()).MethodByName("DeepCopy").Call(nil)[0].IsNil())
	}
}

//go:fix inline

// wipe sets everything that can be reached to zero, the innermost first.
func wipe(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			wipe(v.Elem())
		}
	case reflect.Struct:
		if _, ok := v.Interface().(time.Time); ok {
			v.SetZero()
			return
		}
		for _, field := range v.Fields() {
			if field.CanSet() {
				wipe(field)
			}
		}
		if v.CanSet() {
			v.SetZero()
		}
	case reflect.Slice:
		for i := range v.Len() {
			wipe(v.Index(i))
		}
	case reflect.Map:
		v.Clear()
	default:
		if v.CanSet() {
			v.SetZero()
		}
	}
}
