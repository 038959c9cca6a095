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

// RuleState is what a rule said about the release.
type RuleState struct {
	// Name of the rule.
	Name string `json:"name"`
	// Hash of the rule when it was first judged.
	Hash string `json:"hash"`
	// State is Holds, Waiting, Skipped or Error.
	// +kubebuilder:validation:Enum=Holds;Waiting;Skipped;Error
	State string `json:"state"`
	// Reason says why, in words.
	// +optional
	Reason string `json:"reason,omitempty"`
	// Since is from when on the condition has held without a break, while it settles.
	// +optional
	Since *metav1.MicroTime `json:"since,omitempty"`
	// Overdue says that the rule's deadline passed before it held.
	// +optional
	Overdue bool `json:"overdue,omitempty"`
	// Next is when the release is told again, if it still runs then.
	// +optional
	Next *metav1.MicroTime `json:"next,omitempty"`
	// Repeats counts the times that it was to be told again so far.
	// +optional
	Repeats int64 `json:"repeats,omitempty"`
}

// Delivery is one event to one sink.
type Delivery struct {
	// Rule and Sink say who sends what to whom.
	Rule string `json:"rule"`
	// Sink is the sink's name in the configuration.
	Sink string `json:"sink"`
	// Event is what is told: ready if it is empty, or stalled, superseded or tested.
	// +optional
	Event string `json:"event,omitempty"`
	// EventID is the same for every attempt.
	EventID string `json:"eventID"`
	// State of the delivery. Pending is not sent yet; Sent is; Dead was given up;
	// Skipped is not sent because a newer release came first; Shadow is what a rule in
	// shadow mode would have sent.
	// +kubebuilder:validation:Enum=Pending;Sent;Dead;Skipped;Shadow
	State string `json:"state"`
	// Created is when the event was written down, before anything was sent.
	Created metav1.MicroTime `json:"created"`
	// Traceparent is what the sink is given to continue the trace.
	// +optional
	Traceparent string `json:"traceparent,omitempty"`
	// Parameters for the sink, evaluated when the rule held.
	// +optional
	Parameters map[string]string `json:"parameters,omitempty"`
	// Attempts counts the attempts so far.
	// +optional
	Attempts int32 `json:"attempts,omitempty"`
	// First is the first attempt, as the trace shows it.
	// +optional
	First *Attempt `json:"first,omitempty"`
	// NextAttempt is when it is tried again.
	// +optional
	NextAttempt *metav1.MicroTime `json:"nextAttempt,omitempty"`
	// LastError is why the last attempt did not succeed.
	// +optional
	LastError string `json:"lastError,omitempty"`
	// Object is what the sink created.
	// +optional
	Object *ObjectRef `json:"object,omitempty"`
	// URL is where it can be looked at.
	// +optional
	URL string `json:"url,omitempty"`
	// Repeat counts the times that the release is told again, from 1; absent is the
	// first time.
	// +optional
	Repeat int64 `json:"repeat,omitempty"`
	// Supersede is what becomes of it when a newer release comes: deliver if it is
	// empty, skip, or cancel.
	// +kubebuilder:validation:Enum=deliver;skip;cancel
	// +optional
	Supersede string `json:"supersede,omitempty"`
	// Stop says that the run is to be stopped, because a newer release came.
	// +optional
	Stop bool `json:"stop,omitempty"`
	// Stopped is when it was asked to stop.
	// +optional
	Stopped *metav1.MicroTime `json:"stopped,omitempty"`
	// Told says that the rules about tested have had their say on how the run ended.
	// +optional
	Told bool `json:"told,omitempty"`
	// Tested is how the runs ended that the event tested is about.
	// +optional
	Tested *Tested `json:"tested,omitempty"`
	// Follows says that the run is watched to its end.
	// +optional
	Follows bool `json:"follows,omitempty"`
	// Outcome is how the run ended.
	// +optional
	Outcome *Outcome `json:"outcome,omitempty"`
}

// Tested is how runs ended.
type Tested struct {
	// Result is the worst of them.
	// +kubebuilder:validation:Enum=success;failure;error;cancellation
	Result string `json:"result"`
	// Failed names the sinks whose runs did not pass.
	// +optional
	// +listType=atomic
	Failed []string `json:"failed,omitempty"`
	// Message is the word of the first of those.
	// +optional
	Message string `json:"message,omitempty"`
	// Finished is when the last one ended.
	Finished metav1.MicroTime `json:"finished"`
}

// Attempt is one call of a sink.
type Attempt struct {
	// Started is when it began.
	Started metav1.MicroTime `json:"started"`
	// Finished is when it returned.
	Finished metav1.MicroTime `json:"finished"`
	// Error is why it did not succeed; empty if it did.
	// +optional
	Error string `json:"error,omitempty"`
}

// ObjectRef names an object.
type ObjectRef struct {
	// APIVersion of the object.
	APIVersion string `json:"apiVersion"`
	// Kind of the object.
	Kind string `json:"kind"`
	// Namespace of the object.
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// Name of the object.
	Name string `json:"name"`
	// UID of the object.
	// +optional
	UID string `json:"uid,omitempty"`
}

// Outcome is how a run ended.
type Outcome struct {
	// Result is success, failure or error, or cancellation if it was stopped because a
	// newer release came.
	// +kubebuilder:validation:Enum=success;failure;error;cancellation
	Result string `json:"result"`
	// Message is the engine's word on it.
	// +optional
	Message string `json:"message,omitempty"`
	// Created is when the run was created.
	Created metav1.MicroTime `json:"created"`
	// Started is when it began to run.
	// +optional
	Started *metav1.MicroTime `json:"started,omitempty"`
	// Finished is when it ended.
	Finished metav1.MicroTime `json:"finished"`
	// Steps are the parts that did work; at most 100 are kept.
	// +kubebuilder:validation:MaxItems=100
	// +optional
	// +listType=atomic
	Steps []Step `json:"steps,omitempty"`
	// Drawn says that the run's spans have been exported.
	// +optional
	Drawn bool `json:"drawn,omitempty"`
}

// Step is one part of a run.
type Step struct {
	// ID of the step in its engine.
	ID string `json:"id"`
	// Name of the step.
	Name string `json:"name"`
	// Result is success, failure or error.
	Result string `json:"result"`
	// Message is the engine's word on it.
	// +optional
	Message string `json:"message,omitempty"`
	// Started is when it began.
	Started metav1.MicroTime `json:"started"`
	// Finished is when it ended.
	Finished metav1.MicroTime `json:"finished"`
}
