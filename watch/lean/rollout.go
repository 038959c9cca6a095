package lean

import (
	"cmp"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Rollout is a Rollout of Argo Rollouts.
//
// +kubebuilder:object:root=true
type Rollout struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              RolloutSpec   `json:"spec"`
	Status            RolloutStatus `json:"status,omitempty"`
}

// Unreadable says what of the Rollout cannot be read; empty if all can.
func (r *Rollout) Unreadable() string { return cmp.Or(r.Spec.Unreadable, r.Status.Unreadable) }

// RolloutList is a list of Rollouts.
//
// +kubebuilder:object:root=true
type RolloutList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Rollout `json:"items"`
}

// RolloutSpec is what the Rollout wants.
type RolloutSpec struct {
	// Replicas is 1 if it is not there.
	Replicas *Count `json:"replicas,omitempty"`
	// Template is empty if there is a WorkloadRef.
	Template    PodTemplate  `json:"template"`
	WorkloadRef *WorkloadRef `json:"workloadRef,omitempty"`
	// MinReadySeconds is how long a pod must be ready to be available.
	MinReadySeconds Count           `json:"minReadySeconds,omitempty"`
	Strategy        RolloutStrategy `json:"strategy"`
	Paused          bool            `json:"paused,omitempty"`
	// RestartAt asks to replace all pods that are older, with the same template.
	RestartAt  *metav1.Time `json:"restartAt,omitempty"`
	Unreadable string       `json:"-"`
}

// UnmarshalJSON reads the spec, or marks it.
func (s *RolloutSpec) UnmarshalJSON(b []byte) error {
	type plain RolloutSpec
	s.Unreadable = tolerant(b, (*plain)(s))
	return nil
}

// PodTemplate is what pods are made after.
type PodTemplate struct {
	Spec PodSpec `json:"spec,omitempty"`
}

// PodSpec is what pods consist of.
type PodSpec struct {
	InitContainers []Container `json:"initContainers,omitempty"`
	Containers     []Container `json:"containers"`
}

// Container is one container of a pod.
type Container struct {
	Name  string `json:"name"`
	Image string `json:"image,omitempty"`
}

// WorkloadRef names the workload whose template the Rollout takes. The controller
// scales it down, so that it stays with no replicas.
type WorkloadRef struct {
	APIVersion string `json:"apiVersion,omitempty"`
	Kind       string `json:"kind,omitempty"`
	Name       string `json:"name,omitempty"`
}

// RolloutStrategy is one of two ways to replace pods.
type RolloutStrategy struct {
	BlueGreen *Present        `json:"blueGreen,omitempty"`
	Canary    *CanaryStrategy `json:"canary,omitempty"`
}

// CanaryStrategy replaces pods by and by.
type CanaryStrategy struct {
	// TrafficRouting, if it is there, lets old pods run on after the rollout, so
	// that more of them than updated ones is not a rollout that goes on.
	TrafficRouting *Present `json:"trafficRouting,omitempty"`
}

// RolloutStatus is how far the Rollout has come.
type RolloutStatus struct {
	// ObservedGeneration is a string: the types of Argo Rollouts have it so since
	// it was a hash of the spec, before version 0.10. Phase and the numbers are
	// about the spec only if it is the number in metadata.generation.
	ObservedGeneration string `json:"observedGeneration,omitempty"`
	// WorkloadObservedGeneration is a string too. With a WorkloadRef, it has to be
	// the number in the annotation rollout.argoproj.io/workload-generation.
	WorkloadObservedGeneration string `json:"workloadObservedGeneration,omitempty"`
	// CurrentPodHash is the label rollouts-pod-template-hash of the ReplicaSet that
	// is rolled out, and StableRS of the one that was last rolled out to its end.
	CurrentPodHash string          `json:"currentPodHash,omitempty"`
	StableRS       string          `json:"stableRS,omitempty"`
	BlueGreen      BlueGreenStatus `json:"blueGreen,omitempty"`
	// The numbers are of pods that are not being deleted. Only UpdatedReplicas is
	// of the current template; the others count old pods too.
	Replicas          Count `json:"replicas,omitempty"`
	UpdatedReplicas   Count `json:"updatedReplicas,omitempty"`
	ReadyReplicas     Count `json:"readyReplicas,omitempty"`
	AvailableReplicas Count `json:"availableReplicas,omitempty"`
	// ControllerPause without any PauseConditions means that somebody ended the
	// pause, and that the controller has not seen it yet. Both are status, so that
	// ObservedGeneration tells nothing about it.
	ControllerPause bool             `json:"controllerPause,omitempty"`
	PauseConditions []PauseCondition `json:"pauseConditions,omitempty"`
	// Abort is set on a rollout that was given up: stable pods serve.
	Abort       bool         `json:"abort,omitempty"`
	AbortedAt   *metav1.Time `json:"abortedAt,omitempty"`
	RestartedAt *metav1.Time `json:"restartedAt,omitempty"`
	// Phase is empty before version 1.0, which left it to clients to find out.
	Phase      string             `json:"phase,omitempty"`
	Message    string             `json:"message,omitempty"`
	Conditions []RolloutCondition `json:"conditions,omitempty"`
	Unreadable string             `json:"-"`
}

// UnmarshalJSON reads the status, or marks it.
func (s *RolloutStatus) UnmarshalJSON(b []byte) error {
	type plain RolloutStatus
	s.Unreadable = tolerant(b, (*plain)(s))
	return nil
}

// BlueGreenStatus says which ReplicaSet gets the requests.
type BlueGreenStatus struct {
	ActiveSelector string `json:"activeSelector,omitempty"`
}

// PauseCondition is a reason why the controller paused the rollout.
type PauseCondition struct {
	Reason    string      `json:"reason"`
	StartTime metav1.Time `json:"startTime"`
}

// RolloutCondition is one statement about the Rollout. Completed and Healthy are
// two of them: what was completed may be degraded later.
type RolloutCondition struct {
	Type               string      `json:"type"`
	Status             string      `json:"status"`
	LastUpdateTime     metav1.Time `json:"lastUpdateTime"`
	LastTransitionTime metav1.Time `json:"lastTransitionTime"`
	Reason             string      `json:"reason"`
	Message            string      `json:"message"`
}
