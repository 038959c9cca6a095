package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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
