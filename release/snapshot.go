package release

import "time"

// Snapshot is one consistent look at a subject, its current release, and the
// GitOps application that owns it. It shares no memory with any cache.
type Snapshot struct {
	Release Release
	// Labels and Annotations are the subject's own.
	Labels      map[string]string
	Annotations map[string]string
	// App is the owner; its zero Engine says that nobody owns the subject.
	App App
	// Ready is the whole verdict: the workload's and the owner's.
	Ready bool
	// WaitingFor says in words what Ready still misses; empty if Ready.
	WaitingFor string
	// Stalled says that the rollout passed its progress deadline.
	Stalled bool
	// RolledOut says that the subject itself lacks nothing, whatever an engine says.
	RolledOut bool
	// Live says that the objects were read from the API server for this very
	// snapshot. What a cache says may start a live look, and never an event.
	Live bool
	// Baseline says that the release ran before rollcall first looked.
	Baseline bool
	// Late says that the release was ready before this process could see it.
	Late bool
	// OutOfBand says that an engine owns the subject, and somebody else wrote the
	// template last.
	OutOfBand bool
	// GateTimeout says that the engine did not vouch for the release, and rollcall
	// was told to wait no longer.
	GateTimeout bool
	// Superseded lists the subject's revisions since the last completed one that
	// came and went before they were ready.
	Superseded []string
	// Workloads are what the release consists of: the subject itself, or, of an
	// application, all of its workloads, by kind, namespace and name.
	Workloads []Workload
	// Found is what was read beside all this because a rule asked for it.
	Found map[Query]Found
	// Outcome is how the release's runs ended; nil unless that is what is told.
	Outcome *Tested
	// StartedAt is when the rollout began, RolledOutAt when its last pod became
	// available; zero if unknown.
	StartedAt   time.Time
	RolledOutAt time.Time
}

// Recall makes a snapshot of a release that is recorded already bear what its
// record says: what it was is decided once.
func (s *Snapshot) Recall(p Past) {
	token := s.Release.Token
	s.Release, s.Superseded = p.Release, p.Superseded
	s.Release.Token = token
	if s.RolledOutAt.IsZero() {
		s.RolledOutAt = p.RolledOutAt
	}
}

// Workload is one of those that a release consists of.
type Workload struct {
	// Kind, Namespace and Name are the object's.
	Kind      string
	Namespace string
	Name      string
	// Revision is the workload's own, Images are those of its pod template.
	Revision string
	Images   []string
	// Ready is the workload's own verdict, whatever an engine says; WaitingFor says
	// in words what it still misses.
	Ready      bool
	WaitingFor string
}

// Query asks for something that a snapshot does not hold by itself: an object in
// the subject's namespace, or [OldPods].
type Query struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Name       string `json:"name,omitempty"`
}

// String names what is asked for, as people do.
func (q Query) String() string { return q.Kind + " " + q.Name }

// OldPods asks how many pods there are that the subject controls, or did, and that
// are not of the current release: those that are being deleted count.
func OldPods() Query { return Query{APIVersion: "v1", Kind: "Pod"} }

// Found is the answer to a [Query].
type Found struct {
	// Object is what was asked for, and shares no memory with a cache; nil if there
	// is none of that name.
	Object map[string]any
	// Pods is how many there are.
	Pods int
	// Err says why it could not be read; empty if it could.
	Err string
}

// Tested is how the runs ended that a release started.
type Tested struct {
	// Result is the worst of them, Passed says that all succeeded.
	Result Result
	Passed bool
	// Failed names the sinks whose runs did not pass, Message is the word of the
	// first of them.
	Failed  []string
	Message string
	// FinishedAt is when the last one ended.
	FinishedAt time.Time
}

// App is what a GitOps engine says about the application that owns a subject.
type App struct {
	// Engine is "argocd" or "flux", or empty if nobody owns the subject.
	Engine string
	// Kind is the kind of the owner: Application, Kustomization or HelmRelease.
	Kind string
	// Namespace and Name are the owner's, Project is an Application's.
	Namespace string
	Name      string
	Project   string
	// RepoURL is the (first) source's repository; Revision what was last synced
	// from it. With several sources, Revisions holds one for each, in order. A
	// revision is a commit, or the version of a chart, or a digest.
	RepoURL   string
	Revision  string
	Revisions []string
	// Synced and Healthy repeat the engine's own words, Ready is our verdict on
	// them: true only if they are certainly about the current release. It is
	// true if nobody owns the subject.
	Synced  bool
	Healthy bool
	Ready   bool
	// Source is the commit that a hydrated Revision was made from; else empty.
	Source string
	// WaitingFor says in words what Ready still misses.
	WaitingFor string
	// Operation is the phase of the last operation, in the engine's words.
	Operation string
	// Partial says that the last sync was limited to some of the resources.
	Partial bool
	// SyncStartedAt and SyncFinishedAt bound the last operation.
	SyncStartedAt  time.Time
	SyncFinishedAt time.Time
	// Annotations are the Application's own: a trace context may be among them.
	Annotations map[string]string
}

// Standing is what a rule says about a release.
type Standing string

const (
	// Holds says that the rule's condition is true of a live snapshot.
	Holds Standing = "Holds"
	// Waiting says that the condition is not true yet.
	Waiting Standing = "Waiting"
	// Skipped says that the rule is not for a release of this kind.
	Skipped Standing = "Skipped"
	// Broken says that the condition could not be evaluated. It means "not yet".
	Broken Standing = "Error"
)

// Verdict is what one rule says about one snapshot, and why.
type Verdict struct {
	// Rule is the rule's name, Hash stands for its condition and its sinks.
	Rule string
	Hash string
	// Event is what the rule is about; the verdict counts only when that happens.
	Event Occasion
	// Standing is the answer, Reason the same in words.
	Standing Standing
	Reason   string
	// Needs lists what has to be read before the rule can be judged.
	Needs []Query
	// Send lists what is to be told to whom, if the rule holds. If there is a
	// deadline it is known as soon as nothing has to be read for it.
	Send []Message
	// Terms are what the rule asks for beyond its condition.
	Terms Terms
}

// Terms say when and how a rule that holds is told.
type Terms struct {
	// Settle is how long the condition must hold without a break; zero is not at all.
	Settle time.Duration
	// Deadline is how long after the rollout began the release is told as stalled
	// unless the rule has held by then; zero is never.
	Deadline time.Duration
	// Every is after how long it is told again, as long as the release runs; zero is
	// never.
	Every time.Duration
	// Supersede says what becomes of what was not done yet when a newer release comes.
	Supersede Supersede
	// Shadow says that what would be sent is written down, and not sent.
	Shadow bool
}

// Supersede is what becomes of an event once a newer release has come.
type Supersede string

const (
	// Deliver sends it all the same. It is the default.
	Deliver Supersede = "deliver"
	// Skip does not send what was not sent yet.
	Skip Supersede = "skip"
	// Cancel does not send it either, and stops the runs that were started.
	Cancel Supersede = "cancel"
)

// Message is what a rule tells one sink.
type Message struct {
	// Sink is the sink's name in the configuration, Follows says that the run
	// which it starts is watched to its end.
	Sink    string
	Follows bool
	// Parameters are the sink's own, evaluated on the snapshot.
	Parameters map[string]string
}
