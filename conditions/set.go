package conditions

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/rollcall-dev/rollcall/release"
)

// Set is an immutable set of rules, with the sinks that they send to.
type Set struct {
	rules   []prepared
	targets map[string]Target
}

// prepared is a rule with what is the same at every judgement.
type prepared struct {
	Rule
	hash  string
	kinds []release.Kind
}

// NewSet makes a set of rules. The targets are the sinks by name; a rule that
// sends to another one is Broken when it would hold.
func NewSet(rules []Rule, targets map[string]Target) *Set {
	s := &Set{targets: maps.Clone(targets)}
	for _, r := range rules {
		s.rules = append(s.rules, prepared{Rule: r, hash: r.Hash(), kinds: r.kinds()})
	}
	return s
}

// look is one snapshot as all rules see it.
type look struct {
	snap release.Snapshot
	vars map[string]any
}

// Judge gives one verdict for each rule that selects the snapshot's subject, in
// the order of the rules.
func (s *Set) Judge(snap release.Snapshot, now time.Time) []release.Verdict {
	l := look{snap: snap, vars: variables(snap, now)}
	var verdicts []release.Verdict
	for _, r := range s.rules {
		if r.On.Selects(snap) {
			verdicts = append(verdicts, s.verdict(r, l))
		}
	}
	return verdicts
}

func (s *Set) verdict(r prepared, l look) release.Verdict {
	v := release.Verdict{Rule: r.Name, Hash: r.hash, Event: r.event()}
	if reason := r.skips(l.snap.Release.Kind); reason != "" {
		v.Standing, v.Reason = release.Skipped, reason
		return v
	}
	holds, err := r.holds(l)
	switch {
	case err != nil:
		v.Standing, v.Reason = release.Broken, fmt.Sprintf("when: %v", err)
	case !holds:
		v.Standing, v.Reason = release.Waiting, r.waitsFor(l.snap)
	default:
		s.fill(&v, r, l)
	}
	return v
}

// holds reports whether the condition is true. Without one, whatever a rule is
// about other than that a release is ready is true once it is asked about.
func (p prepared) holds(l look) (bool, error) {
	if p.When == nil && p.event() != release.BecameReady {
		return true, nil
	}
	return p.When.holds(l)
}

// fill completes the verdict of a rule whose condition is true.
func (s *Set) fill(v *release.Verdict, r prepared, l look) {
	send, err := s.messages(r.Send, l)
	if err != nil {
		v.Standing, v.Reason = release.Broken, err.Error()
		return
	}
	v.Standing, v.Reason, v.Send = release.Holds, "when is true: "+quote(r.when()), send
}

// skips says why the rule is not for a release of this kind; empty if it is.
func (p prepared) skips(kind release.Kind) string {
	if kind == release.Reverted {
		return "a reverted release is never announced"
	}
	if !slices.Contains(p.kinds, kind) {
		return fmt.Sprintf("rule is not for releases of kind %s", kind)
	}
	return ""
}

// waitsFor says why the condition is not true.
func (p prepared) waitsFor(snap release.Snapshot) string {
	if p.event() == release.BecameReady && !snap.Ready && snap.WaitingFor != "" {
		return snap.WaitingFor
	}
	return "when is false: " + quote(p.when())
}

func (s *Set) messages(sinks []string, l look) ([]release.Message, error) {
	messages := make([]release.Message, 0, len(sinks))
	for _, name := range sinks {
		target, ok := s.targets[name]
		if !ok {
			return nil, fmt.Errorf("sink %s is not configured", name)
		}
		parameters, err := target.evaluate(l)
		if err != nil {
			return nil, fmt.Errorf("sink %s, %w", name, err)
		}
		messages = append(messages, release.Message{Sink: name, Follows: target.Follows, Parameters: parameters})
	}
	return messages, nil
}

// evaluate gives the values of the parameters. The first failing one, by name,
// is the one that is told, so that the same mistake reads the same every time.
func (t Target) evaluate(l look) (map[string]string, error) {
	if len(t.Parameters) == 0 {
		return nil, nil
	}
	values := make(map[string]string, len(t.Parameters))
	for _, name := range slices.Sorted(maps.Keys(t.Parameters)) {
		value, err := t.Parameters[name].value(l)
		if err != nil {
			return nil, fmt.Errorf("parameter %s: %w", name, err)
		}
		values[name] = value
	}
	return values, nil
}
