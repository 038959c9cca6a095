package timeline

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/watch/gitops"
)

// Timeline is a story of objects, and what rollcall is expected to say to it.
type Timeline struct {
	// File is where it was read from.
	File string
	// Name is the story in a few words, Why the reason that it must end as it does.
	Name string
	Why  string
	// Source is "recorded" or "derived"; Note says from what.
	Source string
	Note   string
	// Namespace is that of all objects that do not say it.
	Namespace string
	// Rules is the text of the rules; empty for one rule on each kind of workload.
	Rules string
	// Settings are how rollcall is run.
	Settings Settings
	// Objects are there before anything happens.
	Objects []Action
	// Steps happen in their order.
	Steps []Step
	// End is when nobody looks any more.
	End time.Duration
	// Expect lists everything that is sent, in order.
	Expect []Expected
	// Records lists the records that are left, by subject and in order; nil if the
	// file does not say.
	Records []Recorded
	// Undisturbed says for which disturbances the outcome may differ, and why.
	Undisturbed map[Disturbance]string

	kinds []string // of objects that occur, sorted
}

// Settings are those flags of the controller that a story may depend on.
type Settings struct {
	GitOps      gitops.Settings
	GateTimeout time.Duration
	// Hub says that Applications are in another cluster.
	Hub bool
}

// Step is what happens at one moment.
type Step struct {
	At time.Duration
	// Line is where it is written.
	Line int
	// Text is as it is written, for people.
	Text string
	Do   Action
}

// Action is one thing that happens.
type Action interface {
	do(e *engine) error
}

// Disturbance is a kind of trouble that a timeline is replayed with.
type Disturbance string

// The disturbances.
const (
	// Lag makes caches see everything later.
	Lag Disturbance = "lag"
	// Restart stops rollcall and starts it again.
	Restart Disturbance = "restart"
	// Crash kills rollcall after it has called, before it hears the answer.
	Crash Disturbance = "crash"
	// Fail makes calls fail.
	Fail Disturbance = "fail"
)

// Ref names an object.
type Ref struct{ Kind, Namespace, Name string }

// String gives the short form.
func (r Ref) String() string { return r.Kind + "/" + r.Name }

// Said is one event as it was sent.
type Said struct {
	// At is when it was first sent.
	At time.Duration `json:"at"`
	// ID is the event's, the same however often it is sent.
	ID string `json:"id"`
	// Event is what it says, Subject of whom, Kind is the kind of release.
	Event   string `json:"event"`
	Subject Ref    `json:"subject"`
	Kind    string `json:"kind"`
	// Revision is the subject's own, Commit the one from Git; it may be empty.
	Revision string `json:"revision"`
	// With several sources, Commit has one for each, joined by "+". Source is the
	// commit that a hydrated one was made from.
	Commit string `json:"commit,omitempty"`
	Source string `json:"source,omitempty"`
	// Over lists the revisions that came and went before this one.
	Over []string `json:"over,omitempty"`
	// Flags are what else the event says, sorted.
	Flags []string `json:"flags,omitempty"`
	// Repeat counts the times that the release was told before, Result is how its runs
	// ended, if that is what the event tells.
	Repeat int64  `json:"repeat,omitempty"`
	Result string `json:"result,omitempty"`
	// Rule and Sink say who tells whom, Parameters what the sink is given.
	Rule       string            `json:"rule"`
	Sink       string            `json:"sink"`
	Parameters map[string]string `json:"parameters,omitempty"`
	// Again counts how often it was sent beyond the first time.
	Again int `json:"again,omitempty"`
}

// String gives the event as a file expects it.
func (s Said) String() string {
	words := []string{s.Event, s.Subject.String(), s.Kind}
	if s.Revision != "" {
		words = append(words, "rev "+s.Revision)
	}
	if len(s.Over) > 0 {
		words = append(words, "over "+strings.Join(s.Over, ","))
	}
	if s.Repeat > 0 {
		words = append(words, fmt.Sprint("repeat ", s.Repeat))
	}
	if s.Result != "" {
		words = append(words, "result "+s.Result)
	}
	words = append(words, s.Flags...)
	if s.Commit != "" {
		words = append(words, "commit "+shortened(s.Commit))
	}
	if s.Source != "" {
		words = append(words, "source "+shortened(s.Source))
	}
	return strings.Join(append(words, "-> "+s.Rule+"/"+s.Sink), " ")
}

func shortened(commits string) string {
	all := strings.Split(commits, "+")
	for i := range all {
		all[i] = shorten(all[i])
	}
	return strings.Join(all, "+")
}

// moment gives a time of a story as people write it.
func moment(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%gs", float64(d.Milliseconds())/1000)
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Kinds are the kinds of objects that the timeline is about, sorted.
func (t *Timeline) Kinds() []string { return slices.Clone(t.kinds) }
