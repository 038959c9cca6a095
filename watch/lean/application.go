package lean

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

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

// ApplicationList is a list of Applications.
//
// +kubebuilder:object:root=true
type ApplicationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Application `json:"items"`
}

// ApplicationSpec is what the Application wants.
type ApplicationSpec struct {
	Source      *Source     `json:"source,omitempty"`
	Sources     []Source    `json:"sources,omitempty"`
	Destination Fingerprint `json:"destination"`
	Project     string      `json:"project"`
}

// ApplicationStatus is what Argo CD found and did.
type ApplicationStatus struct {
	Resources           []ResourceStatus       `json:"resources,omitempty"`
	Sync                SyncStatus             `json:"sync,omitempty"`
	Health              HealthStatus           `json:"health,omitempty"`
	Conditions          []ApplicationCondition `json:"conditions,omitempty"`
	ReconciledAt        *metav1.Time           `json:"reconciledAt,omitempty"`
	OperationState      *OperationState        `json:"operationState,omitempty"`
	Summary             ApplicationSummary     `json:"summary,omitempty"`
	ControllerNamespace string                 `json:"controllerNamespace,omitempty"`
}

// ResourceStatus is one resource of the Application.
type ResourceStatus struct {
	Group     string `json:"group,omitempty"`
	Kind      string `json:"kind,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name,omitempty"`
	Status    string `json:"status,omitempty"`
}

// SyncStatus is the last comparison of Git and cluster.
type SyncStatus struct {
	Status     string     `json:"status"`
	ComparedTo ComparedTo `json:"comparedTo,omitempty"`
	Revision   string     `json:"revision,omitempty"`
	Revisions  []string   `json:"revisions,omitempty"`
}

// ComparedTo is the spec that the comparison was made for.
type ComparedTo struct {
	Source      *Source     `json:"source,omitempty"`
	Sources     []Source    `json:"sources,omitempty"`
	Destination Fingerprint `json:"destination"`
}

// HealthStatus is the aggregated health.
type HealthStatus struct {
	Status string `json:"status,omitempty"`
}

// ApplicationCondition is a problem that Argo CD reports.
type ApplicationCondition struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

// ApplicationSummary sums up the resource tree.
type ApplicationSummary struct {
	Images []string `json:"images,omitempty"`
}

// OperationState is the last operation, or the one in flight.
type OperationState struct {
	Operation  Operation    `json:"operation"`
	Phase      string       `json:"phase"`
	SyncResult *SyncResult  `json:"syncResult,omitempty"`
	StartedAt  metav1.Time  `json:"startedAt"`
	FinishedAt *metav1.Time `json:"finishedAt,omitempty"`
}

// Operation is what was asked for.
type Operation struct {
	Sync        *SyncOperation `json:"sync,omitempty"`
	InitiatedBy InitiatedBy    `json:"initiatedBy,omitempty"`
}

// InitiatedBy says who asked.
type InitiatedBy struct {
	Username  string `json:"username,omitempty"`
	Automated bool   `json:"automated,omitempty"`
}

// SyncOperation is a requested sync.
type SyncOperation struct {
	Revision  string          `json:"revision,omitempty"`
	Revisions []string        `json:"revisions,omitempty"`
	DryRun    bool            `json:"dryRun,omitempty"`
	Resources []SyncedElement `json:"resources,omitempty"`
	Source    *Source         `json:"source,omitempty"`
}

// SyncedElement is a resource that a sync was limited to.
type SyncedElement struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

// SyncResult is what a sync did.
type SyncResult struct {
	Revision  string   `json:"revision"`
	Revisions []string `json:"revisions,omitempty"`
	Source    *Source  `json:"source,omitempty"`
}

// Source is where manifests come from: its repository, and a fingerprint of
// everything it says, to compare it by.
type Source struct {
	RepoURL     string      `json:"repoURL"`
	Fingerprint Fingerprint `json:"-"`
}

// UnmarshalJSON reads the repository, and takes the fingerprint of the whole.
func (s *Source) UnmarshalJSON(b []byte) error {
	type plain Source
	if err := json.Unmarshal(b, (*plain)(s)); err != nil {
		return err
	}
	return s.Fingerprint.UnmarshalJSON(b)
}

// Fingerprint stands for a JSON value. Values that differ only in the order of
// keys, or in members that are empty, have the same one: Argo CD writes a spec
// back without its empty members. The fingerprint of nothing is "".
type Fingerprint string

// UnmarshalJSON takes the fingerprint of a JSON value.
func (f *Fingerprint) UnmarshalJSON(b []byte) error {
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	v = prune(v)
	if v == nil {
		*f = ""
		return nil
	}
	canon, err := json.Marshal(v) // map keys come out sorted
	if err != nil {
		return fmt.Errorf("encode value: %w", err)
	}
	sum := sha256.Sum256(canon)
	*f = Fingerprint(hex.EncodeToString(sum[:8]))
	return nil
}

// prune removes members that Go's omitempty would not write.
func prune(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if e = prune(e); e == nil {
				delete(v, k)
			} else {
				v[k] = e
			}
		}
		if len(v) == 0 {
			return nil
		}
		return v
	case []any:
		for i := range v {
			v[i] = prune(v[i])
		}
		if len(v) == 0 {
			return nil
		}
		return v
	case string:
		if v == "" {
			return nil
		}
	case bool:
		if !v {
			return nil
		}
	case float64:
		if v == 0 {
			return nil
		}
	}
	return v
}
