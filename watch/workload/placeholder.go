package workload

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rollcall-dev/rollcall/watch/lean"
)

func Rollout(r *lean.Rollout) State          { return State{WaitingFor: "x"} }
func Any(o *unstructured.Unstructured) State { return State{WaitingFor: "x"} }
