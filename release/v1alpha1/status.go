package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// The conditions of a Release, for kubectl wait.
const (
	// ConditionReady is true once the release has been fully ready.
	ConditionReady = "Ready"
	// ConditionPassed is true if every run that it started passed, false if one
	// did not, and unknown until they have all ended.
	ConditionPassed = "Passed"
	// ConditionGone is true, on the newest record, once the subject is deleted.
	ConditionGone = "SubjectGone"
)

// ReleaseStatus says how far a release has come.
type ReleaseStatus struct {
	// Phase is how far it has come, in one word.
	// +kubebuilder:validation:Enum=Adopted;Rolling;Stalled;Ready;Testing;Passed;Failed;Superseded;Reverted
	// +optional
	Phase string `json:"phase,omitempty"`
	// Subject, Revision, Tests and ReadyIn are what kubectl get shows.
	// +optional
	Subject string `json:"subject,omitempty"`
	// Revision is the Git revision if known, else the workload's.
	// +optional
	Revision string `json:"revision,omitempty"`
	// Tests sums up the runs that the release started.
	// +optional
	Tests string `json:"tests,omitempty"`
	// ReadyIn is the time from the start of the rollout until it was ready.
	// +optional
	ReadyIn string `json:"readyIn,omitempty"`
	// WaitingFor says in words what is missing, give or take ten seconds.
	// +optional
	WaitingFor string `json:"waitingFor,omitempty"`
	// WaitingSince is when that was first missing.
	// +optional
	WaitingSince *metav1.MicroTime `json:"waitingSince,omitempty"`
	// Late says that rollcall was not there when the release became ready.
	// +optional
	Late bool `json:"late,omitempty"`
	// OutOfBand says that an engine owned the subject when it became ready, and
	// somebody else had written the template.
	// +optional
	OutOfBand bool `json:"outOfBand,omitempty"`
	// GateTimeout says that the engine did not vouch for the release, and was not
	// waited for any longer.
	// +optional
	GateTimeout bool `json:"gateTimeout,omitempty"`
	// Conditions are Ready, Passed and SubjectGone.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// GitOps is the application that owned the subject when it became ready. Of one
	// that never did, it says no more than who owned it.
	// +optional
	GitOps *GitOps `json:"gitOps,omitempty"`
	// Trace is the trace that the release belongs to.
	// +optional
	Trace *Trace `json:"trace,omitempty"`
	// Timeline is when what happened.
	// +optional
	Timeline Timeline `json:"timeline,omitempty"`
	// Rules is what each rule said.
	// +optional
	// +listType=map
	// +listMapKey=name
	Rules []RuleState `json:"rules,omitempty"`
	// Deliveries is what was, or is to be, sent.
	// +optional
	// +listType=atomic
	Deliveries []Delivery `json:"deliveries,omitempty"`
}

// GitOps is the application that owned the subject.
type GitOps struct {
	// Engine is argocd or flux.
	Engine string `json:"engine"`
	// Kind of the application: Application, Kustomization or HelmRelease.
	// +optional
	Kind string `json:"kind,omitempty"`
	// Namespace of the application.
	Namespace string `json:"namespace"`
	// Name of the application.
	Name string `json:"name"`
	// Project of the application.
	// +optional
	Project string `json:"project,omitempty"`
	// RepoURL of its (first) source, without credentials.
	// +optional
	RepoURL string `json:"repoURL,omitempty"`
	// Revision that was synced from it.
	// +optional
	Revision string `json:"revision,omitempty"`
	// Revisions, one for each source, if there are several.
	// +optional
	Revisions []string `json:"revisions,omitempty"`
	// Source is the commit that a hydrated revision, or an artifact, was made from.
	// +optional
	Source string `json:"source,omitempty"`
	// Operation is the phase of the sync.
	// +optional
	Operation string `json:"operation,omitempty"`
	// Partial says that only some of the resources were synced.
	// +optional
	Partial bool `json:"partial,omitempty"`
}

// Trace says which trace the release belongs to, and why.
type Trace struct {
	// ID is the trace id, 32 hex digits.
	// +kubebuilder:validation:Pattern=`^[0-9a-f]{32}$`
	ID string `json:"id"`
	// Parent is the span that was found with the trace id, if one was.
	// +optional
	Parent string `json:"parent,omitempty"`
	// Source says where the id comes from.
	// +kubebuilder:validation:Enum=annotation;commit;digest;release
	Source string `json:"source"`
	// Drawn says that the spans up to the event have been exported.
	// +optional
	Drawn bool `json:"drawn,omitempty"`
}

// Timeline is when what happened, as the objects themselves say.
type Timeline struct {
	// SyncStarted and SyncFinished bound the engine's sync.
	// +optional
	SyncStarted *metav1.MicroTime `json:"syncStarted,omitempty"`
	// SyncFinished is when the sync ended.
	// +optional
	SyncFinished *metav1.MicroTime `json:"syncFinished,omitempty"`
	// RolloutStarted is when the ReplicaSet was created, or taken up again.
	// +optional
	RolloutStarted *metav1.MicroTime `json:"rolloutStarted,omitempty"`
	// RolloutFinished is when the workload was completely rolled out: as its object
	// says, or else when it was first seen to be.
	// +optional
	RolloutFinished *metav1.MicroTime `json:"rolloutFinished,omitempty"`
	// Stalled is when the release was first found to be stalled.
	// +optional
	Stalled *metav1.MicroTime `json:"stalled,omitempty"`
	// Seen is when rollcall first saw the release.
	// +optional
	Seen *metav1.MicroTime `json:"seen,omitempty"`
	// Ready is when rollcall found the release ready.
	// +optional
	Ready *metav1.MicroTime `json:"ready,omitempty"`
}
