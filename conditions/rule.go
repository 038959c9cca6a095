package conditions

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/rollcall-dev/rollcall/release"
)

// Rule says what must hold of which releases, and who is told then.
type Rule struct {
	// Name is unique among the rules of a configuration.
	Name string
	// On selects the subjects.
	On Selector
	// Event says what about a release is told; empty stands for [release.BecameReady].
	Event release.Occasion
	// When must be true; nil stands for [DefaultWhen], and for an event other than
	// that a release is ready, for true.
	When *Condition
	// Kinds of release that the rule is for; none stands for
	// [release.DefaultKinds].
	Kinds []release.Kind
	// Terms say when and how it is told.
	Terms release.Terms
	// Send names the sinks that are told.
	Send []Send
	// Owner is the namespace of the tenant that the rule is of; empty for the
	// operator's. The rules of one owner share what time they may take.
	Owner string
}

// Send is a sink that a rule tells, and what it says to it.
type Send struct {
	// Sink is its name in the configuration.
	Sink string
	// Parameters are evaluated once the rule holds; they win over the sink's own.
	Parameters map[string]*Text
}

// Hash stands for what a rule says: edit it, and it is another rule under the same
// name. The order of kinds and sinks does not matter.
func (r Rule) Hash() string {
	var kinds []string
	for _, k := range r.kinds() {
		kinds = append(kinds, string(k))
	}
	slices.Sort(kinds)
	when := r.when()
	if r.event() != release.BecameReady {
		when = string(r.event()) + " " + when
	}
	parts := []string{when, strings.Join(kinds, ","), strings.Join(r.sends(), ",")}
	if terms := r.terms(); terms != "" { // what most rules do not say must not change their hash
		parts = append(parts, terms)
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])[:12]
}

// sends lists the sinks, with the parameters that the rule gives them.
func (r Rule) sends() []string {
	var out []string
	for _, s := range r.Send {
		words := []string{s.Sink}
		for _, name := range slices.Sorted(maps.Keys(s.Parameters)) {
			words = append(words, name+"="+s.Parameters[name].String())
		}
		out = append(out, strings.Join(words, "\x00"))
	}
	slices.Sort(out)
	return out
}

// terms are those that differ from the usual ones. What becomes of an event when a
// newer release comes does not matter to whether it is told.
func (r Rule) terms() string {
	var out []string
	for name, d := range map[string]time.Duration{"settle": r.Terms.Settle, "deadline": r.Terms.Deadline, "every": r.Terms.Every} {
		if d > 0 {
			out = append(out, fmt.Sprint(name, "=", d))
		}
	}
	if r.Terms.Shadow {
		out = append(out, "shadow")
	}
	slices.Sort(out)
	return strings.Join(out, ",")
}

func (r Rule) event() release.Occasion {
	if r.Event == "" {
		return release.BecameReady
	}
	return r.Event
}

// when is the condition as it is written, or what stands for it.
func (r Rule) when() string {
	if r.When == nil && r.event() != release.BecameReady {
		return "true"
	}
	return r.When.String()
}

func (r Rule) kinds() []release.Kind {
	if len(r.Kinds) == 0 {
		return release.DefaultKinds()
	}
	return r.Kinds
}

// Reads is what the rule's expressions read beside what every snapshot holds.
func (r Rule) Reads() Reads {
	var out Reads
	if r.When != nil {
		out.Merge(r.When.Reads())
	}
	for _, s := range r.Send {
		for _, name := range slices.Sorted(maps.Keys(s.Parameters)) {
			out.Merge(s.Parameters[name].Reads())
		}
	}
	return out
}

// Selector says which subjects a rule is about.
type Selector struct {
	// Kind of the subjects, for example Deployment.
	Kind release.KindRef
	// Namespaces of the subjects; none stands for all.
	Namespaces []string
	// Labels are what the subject's own labels must match; nil matches all.
	Labels labels.Selector
}

// Selects reports whether the rule is about the snapshot's subject.
func (s Selector) Selects(snap release.Snapshot) bool {
	return s.mayBe(snap.Release.Subject) && s.matches(snap.Labels)
}

// mayBe reports whether the rule is about a subject, if its labels match.
func (s Selector) mayBe(subject release.Subject) bool {
	return subject.Kind == s.Kind.Subject() && (len(s.Namespaces) == 0 || slices.Contains(s.Namespaces, subject.Namespace))
}

func (s Selector) matches(l map[string]string) bool {
	return s.Labels == nil || s.Labels.Matches(labels.Set(l))
}

// Target is what the rules must know of a sink.
type Target struct {
	// Follows says that what the sink starts is watched to its end.
	Follows bool
	// Parameters are evaluated once a rule holds that sends to the sink.
	Parameters map[string]*Text
}
