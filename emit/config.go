package emit

// ArgoWorkflowConfig says which Workflow an event creates. Exactly one of the
// two templates is set.
type ArgoWorkflowConfig struct {
	// WorkflowTemplate is a template in the Workflow's own namespace.
	WorkflowTemplate string
	// ClusterWorkflowTemplate is a template of the whole cluster.
	ClusterWorkflowTemplate string
	// Namespace the Workflow is created in; empty means the subject's.
	Namespace string
	// Labels and Annotations are put on the Workflow beside rollcall's own.
	Labels      map[string]string
	Annotations map[string]string
}

// HTTPConfig says where an event is posted to as a CloudEvent.
type HTTPConfig struct {
	// URL of the receiver, http or https.
	URL string
}
