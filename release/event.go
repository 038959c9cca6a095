package release

import "time"

// Occasion is what about a release is told.
type Occasion string

const (
	// BecameReady is a release that is fully ready.
	BecameReady Occasion = "ready"
	// DidStall is a release that passed its progress deadline before it was ready.
	DidStall Occasion = "stalled"
	// WasSuperseded is a release that a newer one replaced before it was ready.
	WasSuperseded Occasion = "superseded"
	// WasTested is a release whose runs have all ended.
	WasTested Occasion = "tested"
)

// Occasions lists them all.
func Occasions() []Occasion { return []Occasion{BecameReady, DidStall, WasSuperseded, WasTested} }

// EventType is its CloudEvents type; nothing said is that it became ready.
func (o Occasion) EventType() string {
	if o == "" {
		o = BecameReady
	}
	return "dev.rollcall.release." + string(o) + ".v1"
}

// Event is what a rule tells a sink about one release. It is made from the
// record alone, so that every attempt to deliver it says the same.
type Event struct {
	// ID is [Release.EventID]: the same for every attempt.
	ID string
	// Rule and Sink are names in the configuration.
	Rule string
	Sink string
	// Occasion is what is told.
	Occasion Occasion
	// Release is what it happened to, and App its owner: as it was when the release
	// became ready, or else no more of it than who it is.
	Release Release
	App     App
	// Repeat counts the times that it is told again, from 1; zero is the first time.
	Repeat int64
	// Outcome is how the release's runs ended, if that is what is told.
	Outcome *Tested
	// Late says that rollcall was not there when the release became ready.
	Late bool
	// OutOfBand, GateTimeout and Superseded are those of the [Snapshot].
	OutOfBand   bool
	GateTimeout bool
	Superseded  []string
	// At is when that happened, RecordedAt when rollcall said so.
	At         time.Time
	RecordedAt time.Time
	// Record is the object that holds the release's record.
	Record Ref
	// Traceparent is the W3C trace context for what the sink starts.
	Traceparent string
	// Parameters are the sink's own, evaluated when the rule held.
	Parameters map[string]string
}

// Ref names an object in the cluster.
type Ref struct {
	APIVersion string
	Kind       string
	Namespace  string
	Name       string
	UID        string
}

// Receipt is what a sink started, precisely enough to find it again.
type Receipt struct {
	// Object is what was created; zero if nothing in the cluster was.
	Object Ref
	// URL is where it can be looked at; empty if unknown.
	URL string
	// Status is the receiver's answer in a word, for people.
	Status string
}

// Result is how a run ended, in the words of OpenTelemetry's
// cicd.pipeline.result (semantic conventions v1.44.0).
type Result string

const (
	// Success is a run that passed.
	Success Result = "success"
	// Failure is a run whose steps did not all pass.
	Failure Result = "failure"
	// RunError is a run that could not be carried out.
	RunError Result = "error"
	// Cancelled is a run that was stopped because a newer release had come.
	Cancelled Result = "cancellation"
)

// Outcome is how a started run ended.
type Outcome struct {
	// EventID and Record say which event of which release started it.
	EventID string
	Sink    string
	Record  Ref
	// Object is the run itself.
	Object Ref
	// Result is how it ended, Message the engine's word on it.
	Result  Result
	Message string
	// CreatedAt, StartedAt and FinishedAt are the run's own times.
	CreatedAt  time.Time
	StartedAt  time.Time
	FinishedAt time.Time
	// Steps are the parts of the run that did work, in the order they started.
	Steps []Step
}

// Step is one part of a run.
type Step struct {
	ID         string
	Name       string
	Result     Result
	Message    string
	StartedAt  time.Time
	FinishedAt time.Time
}
