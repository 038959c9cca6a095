package judgement

import (
	"github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	"github.com/argoproj/argo-rollouts/utils/rollout"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/kubectl/pkg/polymorphichelpers"
	"k8s.io/kubernetes/pkg/controller/deployment/util"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

// Verdict is what somebody says of a state.
type Verdict int

// Silent is of a judge who does not know the kind or its strategy.
const (
	Silent Verdict = iota
	Waiting
	Done
)

// Names of the judges, and what each calls a state that is done.
const (
	Kubectl    = "kubectl"
	Controller = "controller"
	Kstatus    = "kstatus"
	ArgoCD     = "Argo CD"
	Rollouts   = "Argo Rollouts"
)

// Judges are all but Argo CD, which needs libraries so old that it is asked in
// another process: see Health.
func Judges() map[string]func(Object) Verdict {
	return map[string]func(Object) Verdict{
		Kubectl: kubectl, Controller: controller, Kstatus: kstatus, Rollouts: rollouts,
	}
}

func verdict(done bool) Verdict {
	if done {
		return Done
	}
	return Waiting
}

// kubectl is "kubectl rollout status". It refuses strategies other than
// RollingUpdate with an error, and says besides that it is done.
func kubectl(o Object) Verdict {
	viewer, err := polymorphichelpers.StatusViewerFor(o.Map.GroupVersionKind().GroupKind())
	if err != nil {
		return Silent
	}
	_, done, err := viewer.Status(o.Map, 0)
	if err != nil && done {
		return Silent
	}
	return verdict(err == nil && done)
}

// controller is the Deployment controller, with the API's default of one replica.
func controller(o Object) Verdict {
	d, ok := o.Typed.(*appsv1.Deployment)
	if !ok {
		return Silent
	}
	if d.Spec.Replicas == nil {
		d = d.DeepCopy()
		d.Spec.Replicas = new(int32(1))
	}
	return verdict(util.DeploymentComplete(d, &d.Status))
}

// kstatus is what Flux waits for. It reads nothing of a Rollout, whose observed
// generation is a string.
func kstatus(o Object) Verdict {
	if _, is := o.Typed.(*v1alpha1.Rollout); is {
		return Silent
	}
	res, err := status.Compute(o.Map)
	return verdict(err == nil && res.Status == status.CurrentStatus)
}

// rollouts is what the controller of Argo Rollouts and its plugin go by.
func rollouts(o Object) Verdict {
	r, ok := o.Typed.(*v1alpha1.Rollout)
	if !ok {
		return Silent
	}
	phase, _ := rollout.GetRolloutPhase(r)
	return verdict(phase == v1alpha1.RolloutPhaseHealthy)
}
