package inspect

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/rollcall-dev/rollcall/conditions"
	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// Report is what is said of a subject. Its JSON is stable: fields may come, and none
// changes its meaning.
type Report struct {
	Subject Subject `json:"subject"`
	Release Release `json:"release"`
	// App is the owner; absent if nobody owns the subject.
	App *App `json:"app,omitempty"`
	// Record is the Release object; absent if there is none of this release.
	Record *Record `json:"record,omitempty"`
	// Rules are those that are about the subject, in order.
	Rules []Rule `json:"rules"`
	// Notes say what was made up or is missed, of objects from files.
	Notes []string `json:"notes,omitempty"`
}

// Subject is whom the report is about.
type Subject struct {
	Cluster   string `json:"cluster"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// Release is what it runs now.
type Release struct {
	Ready bool `json:"ready"`
	// Kind is that of the release; empty while its controller has not taken it up.
	Kind string `json:"kind"`
	// WaitingFor is what is missing, in words.
	WaitingFor string `json:"waitingFor"`
	// New says that it is not recorded, Why how that is known.
	New bool   `json:"new"`
	Why string `json:"why"`
	// Name is what its record is called, or would be. UID, Revision and Template, with
	// the subject, are its identity.
	Name       string     `json:"name,omitempty"`
	UID        string     `json:"uid,omitempty"`
	Revision   string     `json:"revision,omitempty"`
	Template   string     `json:"template,omitempty"`
	Images     []string   `json:"images,omitempty"`
	Previous   string     `json:"previous,omitempty"`
	Superseded []string   `json:"superseded,omitempty"`
	OutOfBand  bool       `json:"outOfBand,omitempty"`
	Stalled    bool       `json:"stalled,omitempty"`
	StartedAt  *time.Time `json:"startedAt,omitempty"`
	FinishedAt *time.Time `json:"finishedAt,omitempty"`
}

// App is what the owner says.
type App struct {
	Engine     string `json:"engine"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace"`
	Name       string `json:"name"`
	Project    string `json:"project,omitempty"`
	Ready      bool   `json:"ready"`
	Synced     bool   `json:"synced"`
	Healthy    bool   `json:"healthy"`
	Revision   string `json:"revision,omitempty"`
	WaitingFor string `json:"waitingFor,omitempty"`
}

// Record is what is recorded of the release.
type Record struct {
	Name         string     `json:"name"`
	Phase        string     `json:"phase"`
	WaitingSince *time.Time `json:"waitingSince,omitempty"`
	Tests        string     `json:"tests,omitempty"`
	Trace        string     `json:"trace,omitempty"`
}

// Verdict is what a rule says, in a word.
type Verdict string

// The verdicts.
const (
	// Waiting is a rule that does not hold yet.
	Waiting Verdict = "waiting"
	// Ready is a rule that holds, and of which nothing is recorded yet.
	Ready Verdict = "ready"
	// Fired is a rule that held, and was told.
	Fired Verdict = "fired"
	// Skipped is a rule that says nothing of this release.
	Skipped Verdict = "skipped"
	// Error is a rule whose condition cannot be evaluated.
	Error Verdict = "error"
)

// Rule is what one rule says.
type Rule struct {
	Name    string            `json:"name"`
	Event   string            `json:"event"`
	Verdict Verdict           `json:"verdict"`
	Reason  string            `json:"reason"`
	Tree    *conditions.Node  `json:"tree"`
	Reads   *conditions.Reads `json:"reads,omitempty"`
	// Next is when something about it is due: it settles, its deadline passes, or it
	// is told again.
	Next *time.Time `json:"next,omitempty"`
	// Deliveries are what was sent, or is to be, oldest first.
	Deliveries []Delivery `json:"deliveries,omitempty"`
}

// Delivery is one event to one sink.
type Delivery struct {
	Sink        string     `json:"sink"`
	Event       string     `json:"event"`
	Repeat      int64      `json:"repeat,omitempty"`
	State       string     `json:"state"`
	Attempts    int32      `json:"attempts"`
	NextAttempt *time.Time `json:"nextAttempt,omitempty"`
	LastError   string     `json:"lastError,omitempty"`
	// Object is what was created, as namespace/name.
	Object  string `json:"object,omitempty"`
	URL     string `json:"url,omitempty"`
	Outcome string `json:"outcome,omitempty"`
	Message string `json:"message,omitempty"`
}

func report(l *Look, said []conditions.Explanation) *Report {
	s := l.Snapshot
	out := &Report{
		Subject: Subject(s.Release.Subject),
		Release: Release{
			Ready: s.Ready, Kind: string(s.Release.Kind), WaitingFor: s.WaitingFor,
			UID: s.Release.UID, Revision: s.Release.Revision, Template: s.Release.Template.Hash,
			Images: s.Release.Template.Images, Previous: s.Release.Previous, Superseded: s.Superseded,
			OutOfBand: s.OutOfBand, Stalled: s.Stalled, StartedAt: known(s.StartedAt), FinishedAt: known(s.RolledOutAt),
		},
		Rules: []Rule{},
	}
	if s.Release.Kind != "" {
		out.Release.Name = s.Release.Name()
	}
	out.Release.New, out.Release.Why = news(l)
	if a := s.App; a.Engine != "" {
		out.App = &App{
			Engine: a.Engine, Kind: a.Kind, Namespace: a.Namespace, Name: a.Name, Project: a.Project, Ready: a.Ready,
			Synced: a.Synced, Healthy: a.Healthy, Revision: a.Revision, WaitingFor: a.WaitingFor,
		}
	}
	if rec := l.Record; rec != nil {
		out.Record = &Record{Name: rec.Name, Phase: rec.Status.Phase, Tests: rec.Status.Tests}
		if t := rec.Status.WaitingSince; t != nil {
			out.Record.WaitingSince = known(t.Time)
		}
		if rec.Status.Trace != nil {
			out.Record.Trace = rec.Status.Trace.ID
		}
	}
	for _, e := range said {
		out.Rules = append(out.Rules, ruleOf(l, e))
	}
	return out
}

// news says whether the release is a new one, and why.
func news(l *Look) (bool, string) {
	switch {
	case l.Snapshot.Release.Kind == "":
		return false, "which release it is, is not known yet"
	case l.Denied:
		return false, "the records may not be read, and so nobody knows"
	case l.Record != nil && l.Record.Spec.Baseline:
		return false, "it ran before rollcall looked, and is the baseline"
	case l.Record != nil:
		return false, "it is recorded as " + l.Record.Name
	case len(l.Past) == 0:
		return true, "no release of it is recorded"
	}
	last := l.Past[0]
	return true, fmt.Sprintf("it is none of the %d recorded releases; the last is %s, revision %s", len(l.Past), last.Name(), last.Revision)
}

func ruleOf(l *Look, e conditions.Explanation) Rule {
	out := Rule{Name: e.Rule, Event: string(e.Event), Tree: e.Tree}
	if e.Reads.Object || e.Reads.OldPods || len(e.Reads.Lookups) > 0 {
		out.Reads = &e.Reads
	}
	out.Verdict, out.Reason = verdict(l, e)
	if l.Record == nil {
		return out
	}
	if st := stateOf(l.Record, e.Rule); st != nil {
		out.Next = next(st, e)
	}
	for _, d := range l.Record.Status.Deliveries {
		if d.Rule == e.Rule {
			out.Deliveries = append(out.Deliveries, deliveryOf(d))
		}
	}
	return out
}

func stateOf(rec *v1alpha1.Release, rule string) *v1alpha1.RuleState {
	i := slices.IndexFunc(rec.Status.Rules, func(r v1alpha1.RuleState) bool { return r.Name == rule })
	if i < 0 {
		return nil
	}
	return &rec.Status.Rules[i]
}

// next is when something about a rule is due.
func next(st *v1alpha1.RuleState, e conditions.Explanation) *time.Time {
	switch {
	case st.Next != nil:
		return known(st.Next.Time)
	case st.Since != nil:
		return known(st.Since.Add(e.Terms.Settle))
	}
	return nil
}

// verdict is what a rule says in a word: what is recorded of it counts, and if
// nothing is, what it would say now.
func verdict(l *Look, e conditions.Explanation) (Verdict, string) {
	if l.Record != nil {
		if v, reason := recorded(l.Record, e); v != "" {
			return v, reason
		}
	}
	switch e.Standing {
	case release.Skipped:
		return Skipped, e.Reason
	case release.Broken:
		return Error, e.Reason
	case release.Waiting:
		return Waiting, e.Reason
	}
	switch {
	case e.Event == release.BecameReady && !l.Snapshot.Ready:
		return Waiting, cmp.Or(l.Snapshot.WaitingFor, "the release is not ready")
	case e.Event == release.DidStall && !l.Snapshot.Stalled:
		return Waiting, "the release has not stalled"
	case e.Event == release.WasSuperseded:
		return Waiting, "no newer release has come"
	}
	return Ready, e.Reason
}

// recorded is what a record says of a rule; nothing if it is still open.
func recorded(rec *v1alpha1.Release, e conditions.Explanation) (Verdict, string) {
	st := stateOf(rec, e.Rule)
	switch {
	case st == nil && e.Event == release.BecameReady && release.Phase(rec.Status.Phase).Completed():
		return Skipped, "the rule was not there when the release became ready, or the release is the baseline"
	case st == nil:
		return "", ""
	}
	switch release.Standing(st.State) {
	case release.Holds:
		return Fired, st.Reason
	case release.Skipped:
		return Skipped, st.Reason
	}
	if st.Since != nil {
		return Waiting, st.Reason
	}
	return "", ""
}

func deliveryOf(d v1alpha1.Delivery) Delivery {
	out := Delivery{
		Sink: d.Sink, Event: cmp.Or(d.Event, string(release.BecameReady)), Repeat: d.Repeat, State: d.State, Attempts: d.Attempts,
		LastError: d.LastError, URL: d.URL,
	}
	if d.NextAttempt != nil {
		out.NextAttempt = known(d.NextAttempt.Time)
	}
	if d.Object != nil {
		out.Object = d.Object.Kind + " " + d.Object.Namespace + "/" + d.Object.Name
	}
	if d.Outcome != nil {
		out.Outcome, out.Message = d.Outcome.Result, d.Outcome.Message
	}
	return out
}

func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
