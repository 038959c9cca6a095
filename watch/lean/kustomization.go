package lean

import (
	"cmp"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Kustomization is a Kustomization of Flux.
//
// +kubebuilder:object:root=true
type Kustomization struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              KustomizationSpec   `json:"spec,omitempty"`
	Status            KustomizationStatus `json:"status,omitempty"`
}

// Unreadable says what of the Kustomization cannot be read; empty if all can.
func (k *Kustomization) Unreadable() string { return cmp.Or(k.Spec.Unreadable, k.Status.Unreadable) }

// KustomizationList is a list of Kustomizations.
//
// +kubebuilder:object:root=true
type KustomizationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Kustomization `json:"items"`
}

// KustomizationSpec is what the Kustomization wants.
type KustomizationSpec struct {
	SourceRef ObjectRef `json:"sourceRef"`
	// Suspend freezes the status.
	Suspend bool `json:"suspend,omitempty"`
	// Without Wait and HealthChecks, being ready means being applied and no more.
	Wait         bool        `json:"wait,omitempty"`
	HealthChecks []ObjectRef `json:"healthChecks,omitempty"`
	// KubeConfig, if it is there, means that the objects are in another cluster.
	KubeConfig *Present `json:"kubeConfig,omitempty"`
	Unreadable string   `json:"-"`
}

// UnmarshalJSON reads the spec, or marks it.
func (s *KustomizationSpec) UnmarshalJSON(b []byte) error {
	type plain KustomizationSpec
	s.Unreadable = tolerant(b, (*plain)(s))
	return nil
}

// ObjectRef names an object. Without a Namespace it is in that of the object
// that says so.
type ObjectRef struct {
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Namespace string `json:"namespace,omitempty"`
}

// KustomizationStatus is what Flux has done.
type KustomizationStatus struct {
	// ObservedGeneration is written only when the Kustomization gets ready or is
	// stuck. The API server fills in -1 for a new one.
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Conditions go from True to Unknown and back each time Flux looks.
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// LastAttemptedRevision is written before the manifests are built, and
	// LastAppliedRevision only after the health checks passed.
	LastAttemptedRevision     string `json:"lastAttemptedRevision,omitempty"`
	LastAppliedRevision       string `json:"lastAppliedRevision,omitempty"`
	LastAppliedOriginRevision string `json:"lastAppliedOriginRevision,omitempty"`
	// Inventory is what was applied.
	Inventory *Inventory `json:"inventory,omitempty"`
	// History has what was reconciled last, the latest first. It is there since
	// kustomize-controller 1.7, and has at most five entries.
	History    []Reconciliation `json:"history,omitempty"`
	Unreadable string           `json:"-"`
}

// UnmarshalJSON reads the status, or marks it.
func (s *KustomizationStatus) UnmarshalJSON(b []byte) error {
	type plain KustomizationStatus
	s.Unreadable = tolerant(b, (*plain)(s))
	return nil
}

// Inventory lists objects.
type Inventory struct {
	Entries []InventoryEntry `json:"entries"`
}

// InventoryEntry is one object, as NAMESPACE_NAME_GROUP_KIND.
type InventoryEntry struct {
	ID string `json:"id"`
}

// Reconciliation is what came of some manifests. One with the same digest and
// the same result as one before takes that one's place.
type Reconciliation struct {
	// Digest is that of the manifests that were built: a commit that changes
	// nothing of them leaves it as it is.
	Digest               string      `json:"digest"`
	FirstReconciled      metav1.Time `json:"firstReconciled"`
	LastReconciled       metav1.Time `json:"lastReconciled"`
	LastReconciledStatus string      `json:"lastReconciledStatus"`
	// Metadata has the keys revision and originRevision.
	Metadata map[string]string `json:"metadata,omitempty"`
}
