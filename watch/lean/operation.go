package lean

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// OperationState is the last operation, or the one in flight.
type OperationState struct {
	Operation Operation `json:"operation"`
	Phase     string    `json:"phase"`
	Message   string    `json:"message,omitempty"`
	// SyncResult may be the result of the operation before for as long as this one
	// runs: Argo CD merges its patches and leaves out what is empty.
	SyncResult *SyncResult `json:"syncResult,omitempty"`
	StartedAt  metav1.Time `json:"startedAt"`
	// FinishedAt is also there between two attempts, with Phase Running.
	FinishedAt *metav1.Time `json:"finishedAt,omitempty"`
}

// Operation is what was asked for.
type Operation struct {
	Sync        *SyncOperation `json:"sync,omitempty"`
	InitiatedBy InitiatedBy    `json:"initiatedBy,omitempty"`
	Unreadable  string         `json:"-"`
}

// UnmarshalJSON reads the operation, or marks it.
func (o *Operation) UnmarshalJSON(b []byte) error {
	type plain Operation
	o.Unreadable = tolerant(b, (*plain)(o))
	return nil
}

// InitiatedBy says who asked.
type InitiatedBy struct {
	Username  string `json:"username,omitempty"`
	Automated bool   `json:"automated,omitempty"`
}

// SyncOperation is a requested sync.
type SyncOperation struct {
	Revision  string   `json:"revision,omitempty"`
	Revisions []string `json:"revisions,omitempty"`
	Prune     bool     `json:"prune,omitempty"`
	DryRun    bool     `json:"dryRun,omitempty"`
	// Resources are what the sync is limited to, if it is.
	Resources []SyncedElement `json:"resources,omitempty"`
	// Source and Sources are set by a rollback, in place of those of the spec.
	Source  *Source  `json:"source,omitempty"`
	Sources []Source `json:"sources,omitempty"`
}

// SyncedElement is a resource that a sync was limited to.
type SyncedElement struct {
	Group     string `json:"group,omitempty"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

// SyncResult is what a sync did.
type SyncResult struct {
	Revision  string   `json:"revision"`
	Revisions []string `json:"revisions,omitempty"`
	Source    *Source  `json:"source,omitempty"`
	Sources   []Source `json:"sources,omitempty"`
}
