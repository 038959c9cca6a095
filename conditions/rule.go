package conditions

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

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
	// Send names the sinks that are told.
	Send []string
}

// Hash stands for the rule's condition, kinds and sinks: edit one of them, and
// it is another rule under the same name. Their order does not matter.
func (r Rule) Hash() string {
	var kinds []string
	for _, k := range r.kinds() {
		kinds = append(kinds, string(k))
	}
	slices.Sort(kinds)
	sinks := slices.Sorted(slices.Values(r.Send))
	when := r.when()
	if r.event() != release.BecameReady {
		when = string(r.event()) + " " + when
	}
	parts := []string{when, strings.Join(kinds, ","), strings.Join(sinks, ",")}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])[:12]
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
	subject := snap.Release.Subject
	if subject.Kind != s.Kind.Subject() {
		return false
	}
	if len(s.Namespaces) > 0 && !slices.Contains(s.Namespaces, subject.Namespace) {
		return false
	}
	return s.Labels == nil || s.Labels.Matches(labels.Set(snap.Labels))
}

// Target is what the rules must know of a sink.
type Target struct {
	// Follows says that what the sink starts is watched to its end.
	Follows bool
	// Parameters are evaluated once a rule holds that sends to the sink.
	Parameters map[string]*Text
}
