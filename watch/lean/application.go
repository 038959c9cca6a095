package lean

import (
	"cmp"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Application is an Argo CD Application.
//
// +kubebuilder:object:root=true
type Application struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              ApplicationSpec   `json:"spec"`
	Status            ApplicationStatus `json:"status,omitempty"`
	// Operation is a requested operation that has not been finished.
	Operation *Operation `json:"operation,omitempty"`
}

// Unreadable says what of the Application cannot be read; empty if all can.
func (a *Application) Unreadable() string {
	why := cmp.Or(a.Spec.Unreadable, a.Status.Unreadable)
	if a.Operation != nil {
		why = cmp.Or(why, a.Operation.Unreadable)
	}
	return why
}

// ApplicationList is a list of Applications.
//
// +kubebuilder:object:root=true
type ApplicationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Application `json:"items"`
}

// ApplicationSpec is what the Application wants. It has a Source, or Sources, or
// a SourceHydrator.
type ApplicationSpec struct {
	Source         *Source         `json:"source,omitempty"`
	Sources        []Source        `json:"sources,omitempty"`
	SourceHydrator *SourceHydrator `json:"sourceHydrator,omitempty"`
	Destination    Destination     `json:"destination"`
	Project        string          `json:"project"`
	Unreadable     string          `json:"-"`
}

// UnmarshalJSON reads the spec, or marks it.
func (s *ApplicationSpec) UnmarshalJSON(b []byte) error {
	type plain ApplicationSpec
	s.Unreadable = tolerant(b, (*plain)(s))
	return nil
}

// ApplicationStatus is what Argo CD found and did.
type ApplicationStatus struct {
	// Resources are what the Application consists of. Argo CD 3 does not write
	// their Health here unless it is told to.
	Resources []ResourceStatus `json:"resources,omitempty"`
	Sync      SyncStatus       `json:"sync,omitempty"`
	Health    HealthStatus     `json:"health,omitempty"`
	// History has the full syncs that succeeded, the latest last. A sync of some
	// resources only, as self-heal makes them, never gets into it.
	History    []RevisionHistory      `json:"history,omitempty"`
	Conditions []ApplicationCondition `json:"conditions,omitempty"`
	// ReconciledAt is when Git was last compared with the cluster. A change of a
	// live object alone renews Health and leaves this as it is.
	ReconciledAt        *metav1.Time       `json:"reconciledAt,omitempty"`
	OperationState      *OperationState    `json:"operationState,omitempty"`
	Summary             ApplicationSummary `json:"summary,omitempty"`
	ControllerNamespace string             `json:"controllerNamespace,omitempty"`
	// SourceHydrator is there since Argo CD 2.14.
	SourceHydrator SourceHydratorStatus `json:"sourceHydrator,omitempty"`
	Unreadable     string               `json:"-"`
}

// UnmarshalJSON reads the status, or marks it.
func (s *ApplicationStatus) UnmarshalJSON(b []byte) error {
	type plain ApplicationStatus
	s.Unreadable = tolerant(b, (*plain)(s))
	if op := s.OperationState; op != nil && op.Operation.Unreadable != "" {
		*s = ApplicationStatus{Unreadable: op.Operation.Unreadable}
	}
	return nil
}

// ResourceStatus is one resource of the Application.
type ResourceStatus struct {
	Group           string        `json:"group,omitempty"`
	Kind            string        `json:"kind,omitempty"`
	Namespace       string        `json:"namespace,omitempty"`
	Name            string        `json:"name,omitempty"`
	Status          string        `json:"status,omitempty"`
	Health          *HealthStatus `json:"health,omitempty"`
	Hook            bool          `json:"hook,omitempty"`
	RequiresPruning bool          `json:"requiresPruning,omitempty"`
	SyncWave        int64         `json:"syncWave,omitempty"`
}

// SyncStatus is the last comparison of Git and cluster.
type SyncStatus struct {
	Status     string     `json:"status"`
	ComparedTo ComparedTo `json:"comparedTo,omitempty"`
	// Revision was compared, which does not mean that it was deployed. With
	// several sources it is empty, and Revisions has one for each of them. With a
	// hydrator it is the hydrated commit. A chart has a version for a revision,
	// and since Argo CD 3.1 an OCI source has a digest.
	Revision  string   `json:"revision,omitempty"`
	Revisions []string `json:"revisions,omitempty"`
}

// ComparedTo is the spec that the comparison was made for.
type ComparedTo struct {
	Source      *Source     `json:"source,omitempty"`
	Sources     []Source    `json:"sources,omitempty"`
	Destination Destination `json:"destination"`
}

// HealthStatus is the health of one resource, or the worst of all of them.
type HealthStatus struct {
	Status string `json:"status,omitempty"`
}

// RevisionHistory is one full sync that succeeded.
type RevisionHistory struct {
	ID              int64        `json:"id"`
	Revision        string       `json:"revision,omitempty"`
	Revisions       []string     `json:"revisions,omitempty"`
	DeployStartedAt *metav1.Time `json:"deployStartedAt,omitempty"`
	DeployedAt      metav1.Time  `json:"deployedAt"`
}

// ApplicationCondition is a problem that Argo CD reports.
type ApplicationCondition struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

// ApplicationSummary sums up the resource tree.
type ApplicationSummary struct {
	// Images are those of all pods, of old ones too for as long as they are there.
	Images []string `json:"images,omitempty"`
}
