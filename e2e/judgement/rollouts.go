package judgement

import (
	"strconv"

	"github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ArgoRollouts hands on every Rollout of the space.
func ArgoRollouts(add func(kind string, typed any)) {
	for triple := range counters() {
		for _, want := range sizes() {
			for _, how := range hows() {
				for _, hash := range [][2]string{{"b", "b"}, {"a", "b"}, {"", ""}} {
					for _, phase := range []v1alpha1.RolloutPhase{"", v1alpha1.RolloutPhaseHealthy, v1alpha1.RolloutPhaseProgressing} {
						r := argoRollout(triple, want, hash, phase)
						how(r)
						add("Rollout", r)
					}
				}
			}
		}
	}
	for triple := range telling() {
		for _, observed := range []string{"", "1", "2", "3", "6f4c"} {
			for _, phase := range []v1alpha1.RolloutPhase{"", v1alpha1.RolloutPhaseHealthy, v1alpha1.RolloutPhasePaused, v1alpha1.RolloutPhaseDegraded} {
				for _, say := range sayings() {
					for _, how := range hows() {
						r := argoRollout(triple, new(int32(2)), [2]string{"b", "b"}, phase)
						r.Status.ObservedGeneration = observed
						how(r)
						say(r)
						add("Rollout", r)
					}
				}
			}
		}
	}
}

// hows are the ways in which a Rollout may replace its pods.
func hows() []func(*v1alpha1.Rollout) {
	blueGreen := func(active string) func(*v1alpha1.Rollout) {
		return func(r *v1alpha1.Rollout) {
			r.Spec.Strategy.BlueGreen = &v1alpha1.BlueGreenStrategy{}
			r.Status.BlueGreen.ActiveSelector = active
		}
	}
	return []func(*v1alpha1.Rollout){
		func(r *v1alpha1.Rollout) { r.Spec.Strategy.Canary = &v1alpha1.CanaryStrategy{} },
		func(r *v1alpha1.Rollout) {
			r.Spec.Strategy.Canary = &v1alpha1.CanaryStrategy{TrafficRouting: &v1alpha1.RolloutTrafficRouting{}}
		},
		blueGreen("a"), blueGreen("b"),
	}
}

// sayings are what a Rollout may ask for or say besides.
func sayings() []func(*v1alpha1.Rollout) {
	template := func(at, is string) func(*v1alpha1.Rollout) {
		return func(r *v1alpha1.Rollout) {
			r.Spec.WorkloadRef = &v1alpha1.ObjectRef{Kind: "Deployment", Name: "web"}
			r.Annotations = map[string]string{"rollout.argoproj.io/workload-generation": at}
			r.Status.WorkloadObservedGeneration = is
		}
	}
	return []func(*v1alpha1.Rollout){
		func(*v1alpha1.Rollout) {},
		func(r *v1alpha1.Rollout) { r.DeletionTimestamp = deletion(true) },
		func(r *v1alpha1.Rollout) { r.Spec.Paused = true },
		func(r *v1alpha1.Rollout) { r.Status.ControllerPause = true },
		func(r *v1alpha1.Rollout) {
			r.Status.PauseConditions = []v1alpha1.PauseCondition{{Reason: v1alpha1.PauseReasonCanaryPauseStep}}
		},
		func(r *v1alpha1.Rollout) { r.Status.Abort = true },
		func(r *v1alpha1.Rollout) { r.Spec.RestartAt = deletion(true) },
		func(r *v1alpha1.Rollout) { r.Spec.RestartAt, r.Status.RestartedAt = deletion(true), deletion(true) },
		template("7", "7"), template("8", "7"), template("", ""),
	}
}

func argoRollout(triple [3]int32, want *int32, hash [2]string, phase v1alpha1.RolloutPhase) *v1alpha1.Rollout {
	const generation = 2
	return &v1alpha1.Rollout{
		TypeMeta:   metav1.TypeMeta{APIVersion: "argoproj.io/v1alpha1", Kind: "Rollout"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", Generation: generation},
		Spec:       v1alpha1.RolloutSpec{Replicas: want},
		Status: v1alpha1.RolloutStatus{
			ObservedGeneration: strconv.Itoa(generation), Phase: phase, StableRS: hash[0], CurrentPodHash: hash[1],
			Replicas: triple[0], UpdatedReplicas: triple[1], AvailableReplicas: triple[2], ReadyReplicas: triple[2],
		},
	}
}
