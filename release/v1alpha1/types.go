package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Release is the record of one release of one subject.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=rel,categories=all
// +kubebuilder:printcolumn:name="Subject",type=string,JSONPath=`.status.subject`
// +kubebuilder:printcolumn:name="Kind",type=string,JSONPath=`.spec.kind`
// +kubebuilder:printcolumn:name="Revision",type=string,JSONPath=`.status.revision`
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Tests",type=string,JSONPath=`.status.tests`
// +kubebuilder:printcolumn:name="Ready In",type=string,JSONPath=`.status.readyIn`
// +kubebuilder:printcolumn:name="Trace",type=string,JSONPath=`.status.trace.id`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.spec == oldSelf.spec",message="the spec of a Release cannot be changed"
type Release struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec says which release this is.
	Spec ReleaseSpec `json:"spec"`
	// Status says how far it has come.
	// +optional
	Status ReleaseStatus `json:"status,omitempty"`
}

// ReleaseList is a list of releases.
//
// +kubebuilder:object:root=true
type ReleaseList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []Release `json:"items"`
}

// ReleaseSpec says which release of which subject this is.
type ReleaseSpec struct {
	// Cluster names the cluster the subject runs in.
	// +kubebuilder:validation:MinLength=1
	Cluster string `json:"cluster"`
	// Subject is what was released.
	Subject Subject `json:"subject"`
	// Revision is the subject's own number for its template: a Deployment's
	// deployment.kubernetes.io/revision annotation, or that of a ControllerRevision.
	// +kubebuilder:validation:MinLength=1
	Revision string `json:"revision"`
	// Token is what the subject's object alone tells the release by, if it is not
	// the revision.
	// +optional
	Token string `json:"token,omitempty"`
	// Template describes the pod template.
	Template Template `json:"template"`
	// Kind says how the release differs from what ran before.
	// +kubebuilder:validation:Enum=initial;release;config;rollback;restart;recreate;reverted
	Kind string `json:"kind"`
	// Baseline says that the release ran before rollcall first looked: it is
	// recorded to compare with, and never announced.
	// +optional
	Baseline bool `json:"baseline,omitempty"`
	// Generation is the subject's metadata.generation when it was first seen.
	// +kubebuilder:validation:Minimum=0
	Generation int64 `json:"generation"`
	// Sequence counts the recorded releases of the subject.
	// +kubebuilder:validation:Minimum=1
	Sequence int64 `json:"sequence"`
	// Previous names the Release that was completed last before this one.
	// +optional
	Previous string `json:"previous,omitempty"`
	// Completed lists the hashes of templates that had been complete before, newest
	// first.
	// +kubebuilder:validation:MaxItems=50
	// +optional
	// +listType=atomic
	Completed []string `json:"completed,omitempty"`
	// Superseded lists the subject's revisions since the last completed one that
	// came and went before they were ready.
	// +kubebuilder:validation:MaxItems=50
	// +optional
	// +listType=atomic
	Superseded []string `json:"superseded,omitempty"`
}

// Subject names the object that was released, in the record's namespace.
type Subject struct {
	// APIVersion of the object.
	// +kubebuilder:validation:MinLength=1
	APIVersion string `json:"apiVersion"`
	// Kind of the object.
	// +kubebuilder:validation:MinLength=1
	Kind string `json:"kind"`
	// Name of the object.
	// +kubebuilder:validation:MinLength=1
	Name string `json:"name"`
	// UID of the object.
	// +kubebuilder:validation:MinLength=1
	UID string `json:"uid"`
}

// Template describes a pod template.
type Template struct {
	// Hash is the pod-template-hash label of the ReplicaSet, or the name of the
	// ControllerRevision.
	Hash string `json:"hash"`
	// Digest is the SHA-256 of the template.
	Digest string `json:"digest"`
	// DigestSansRestart is Digest without kubectl's restartedAt annotation.
	DigestSansRestart string `json:"digestSansRestart"`
	// Images of all containers and init containers, sorted.
	// +optional
	Images []string `json:"images,omitempty"`
}
