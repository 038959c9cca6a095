package lean

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Workflow is an Argo Workflow.
//
// +kubebuilder:object:root=true
type Workflow struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Status            WorkflowStatus `json:"status,omitempty"`
}

// WorkflowList is a list of Workflows.
//
// +kubebuilder:object:root=true
type WorkflowList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Workflow `json:"items"`
}

// WorkflowStatus is how far the Workflow has come.
type WorkflowStatus struct {
	Phase      string       `json:"phase,omitempty"`
	StartedAt  *metav1.Time `json:"startedAt,omitempty"`
	FinishedAt *metav1.Time `json:"finishedAt,omitempty"`
	Message    string       `json:"message,omitempty"`
	// Nodes are the steps; a large Workflow has them in CompressedNodes instead,
	// as JSON that was packed with gzip and written in base64.
	Nodes           map[string]Node `json:"nodes,omitempty"`
	CompressedNodes string          `json:"compressedNodes,omitempty"`
}

// UnmarshalJSON reads a status. One that cannot be read comes out as that of a
// Workflow that has not ended, with the reason for its message.
func (s *WorkflowStatus) UnmarshalJSON(b []byte) error {
	type plain WorkflowStatus
	if why := tolerant(b, (*plain)(s)); why != "" {
		s.Message = why
	}
	return nil
}

// Node is one step of a Workflow, or a group of them.
type Node struct {
	ID          string       `json:"id"`
	DisplayName string       `json:"displayName,omitempty"`
	Type        string       `json:"type"`
	Phase       string       `json:"phase,omitempty"`
	Message     string       `json:"message,omitempty"`
	StartedAt   *metav1.Time `json:"startedAt,omitempty"`
	FinishedAt  *metav1.Time `json:"finishedAt,omitempty"`
}
