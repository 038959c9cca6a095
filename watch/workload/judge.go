package workload

import (
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// judgeOf finds the function that judges a kind; nil if there is none.
func judgeOf(o runtime.Object) func() State {
	switch o := o.(type) {
	case *appsv1.Deployment:
		return func() State { return Deployment(o) }
	case *appsv1.StatefulSet:
		return func() State { return StatefulSet(o) }
	case *appsv1.DaemonSet:
		return func() State { return DaemonSet(o) }
	}
	return nil
}
