package judgement

import (
	"encoding/json"
	"fmt"

	"github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rollcall-dev/rollcall/watch/lean"
	"github.com/rollcall-dev/rollcall/watch/workload"
)

// Object is one state of one workload.
type Object struct {
	Kind string
	// JSON is the object as the API server tells it, and Map the same, decoded.
	JSON []byte
	Map  *unstructured.Unstructured
	// Typed is what it was made from: a pointer to the kind's Go type, or to an
	// unstructured object.
	Typed any
	// Ours is what rollcall waits for; empty if it is ready.
	Ours string
}

// NewObject has rollcall judge a state.
func NewObject(kind string, typed any) (Object, error) {
	raw, err := json.Marshal(typed)
	if err != nil {
		return Object{}, fmt.Errorf("encode %s: %w", kind, err)
	}
	o := Object{Kind: kind, Typed: typed, JSON: raw, Map: &unstructured.Unstructured{}}
	if err := o.Map.UnmarshalJSON(raw); err != nil {
		return Object{}, fmt.Errorf("decode %s: %w", kind, err)
	}
	o.Ours, err = o.ours()
	return o, err
}

func (o Object) ours() (string, error) {
	switch v := o.Typed.(type) {
	case *appsv1.Deployment:
		return workload.Deployment(v).WaitingFor, nil
	case *appsv1.StatefulSet:
		return workload.StatefulSet(v).WaitingFor, nil
	case *appsv1.DaemonSet:
		return workload.DaemonSet(v).WaitingFor, nil
	case *v1alpha1.Rollout:
		var r lean.Rollout
		if err := json.Unmarshal(o.JSON, &r); err != nil {
			return "", fmt.Errorf("decode Rollout: %w", err)
		}
		return workload.Rollout(&r).WaitingFor, nil
	}
	return workload.Any(o.Map).WaitingFor, nil
}
