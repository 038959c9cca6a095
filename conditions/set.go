package conditions

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/rollcall-dev/rollcall/release"
)

// Set is an immutable set of rules, with the sinks that they send to.
type Set struct {
	targets map[string]Target
	// about has, for each kind of subject and each namespace, the rules that may be
	// about it, in order; those for all namespaces are under the empty one.
	about map[place][]*prepared
}

// place is where subjects are that a rule is about.
type place struct{ kind, namespace string }

// prepared is a rule with what is the same at every judgement.
type prepared struct {
	Rule
	order int
	kinds []release.Kind
	// said is the verdict of a rule that holds and sends nothing; waits is the reason
	// of one whose condition is false.
	said  release.Verdict
	waits string
	// budget is that of all rules of the owner.
	budget *budget
}

// NewSet makes a set of rules. The targets are the sinks by name; a rule that
// sends to another one is Broken when it would hold.
func NewSet(rules []Rule, targets map[string]Target) *Set {
	s := &Set{targets: maps.Clone(targets), about: map[place][]*prepared{}}
	budgets := map[string]*budget{"": nil}
	for i, r := range rules {
		p := &prepared{
			Rule: r, order: i, kinds: r.kinds(), waits: "when is false: " + quote(r.when()),
			said: release.Verdict{
				Rule: r.Name, Hash: r.Hash(), Event: r.event(), Terms: r.Terms,
				Standing: release.Holds, Reason: "when is true: " + quote(r.when()), Send: []release.Message{},
			},
		}
		if _, ok := budgets[r.Owner]; !ok {
			budgets[r.Owner] = newBudget()
		}
		p.budget = budgets[r.Owner]
		for _, ns := range namespaces(r.On) {
			at := place{r.On.Kind.Subject(), ns}
			s.about[at] = append(s.about[at], p)
		}
	}
	return s
}

func namespaces(on Selector) []string {
	if len(on.Namespaces) == 0 {
		return []string{""}
	}
	return on.Namespaces
}

// Judge gives one verdict for each rule that selects the snapshot's subject, in
// the order of the rules. What the rules need and was not found yet stands in their
// verdicts.
func (s *Set) Judge(ctx context.Context, snap release.Snapshot, now time.Time) []release.Verdict {
	rules := s.selected(snap)
	if len(rules) == 0 {
		return nil
	}
	l := newLook(snap, now)
	verdicts := make([]release.Verdict, len(rules))
	for i, r := range rules {
		if r.budget == nil {
			s.judge(ctx, &verdicts[i], r, l)
			continue
		}
		s.within(ctx, &verdicts[i], r, l)
	}
	return verdicts
}

// selected lists the rules that are about the snapshot's subject, in order.
func (s *Set) selected(snap release.Snapshot) []*prepared {
	everywhere, here := s.candidates(snap.Release.Subject)
	if len(everywhere)+len(here) == 0 {
		return nil
	}
	out := make([]*prepared, 0, len(everywhere)+len(here))
	for _, all := range [][]*prepared{everywhere, here} {
		for _, r := range all {
			if r.On.matches(snap.Labels) {
				out = append(out, r)
			}
		}
	}
	if len(here) > 0 && len(everywhere) > 0 {
		slices.SortFunc(out, func(a, b *prepared) int { return a.order - b.order })
	}
	return out
}

// candidates are the rules that may be about a subject: those for all namespaces,
// and those for its own.
func (s *Set) candidates(subject release.Subject) (everywhere, here []*prepared) {
	everywhere = s.about[place{kind: subject.Kind}]
	if subject.Namespace != "" {
		here = s.about[place{subject.Kind, subject.Namespace}]
	}
	return everywhere, here
}

// Repeats reports whether some rule may tell of a subject again and again.
func (s *Set) Repeats(subject release.Subject) bool {
	everywhere, here := s.candidates(subject)
	repeats := func(r *prepared) bool { return r.Terms.Every > 0 }
	return slices.ContainsFunc(everywhere, repeats) || slices.ContainsFunc(here, repeats)
}

// judge fills in the verdict of a rule: there may be many, and they are large.
func (s *Set) judge(ctx context.Context, v *release.Verdict, r *prepared, l *look) {
	*v = r.said
	if reason := r.skips(l.snap.Release.Kind); reason != "" {
		v.Standing, v.Reason, v.Send = release.Skipped, reason, nil
		return
	}
	if r.Event == release.WasTested && l.snap.Outcome == nil {
		v.Standing, v.Reason, v.Send = release.Waiting, "no run has ended", nil
		return
	}
	switch holds, err := r.holds(ctx, l); {
	case err != nil:
		s.open(ctx, v, r, l, err)
	case !holds:
		v.Standing, v.Reason, v.Send = release.Waiting, r.waitsFor(l.snap), nil
		s.foresee(ctx, v, r, l)
	case len(r.Send) > 0:
		s.fill(ctx, v, r, l)
	}
	l.needs = nil
}

// within judges a rule of a tenant, unless its namespace has taken its share.
func (s *Set) within(ctx context.Context, v *release.Verdict, r *prepared, l *look) {
	if r.budget.spent() {
		*v = r.said
		v.Standing, v.Send = release.Broken, nil
		v.Reason = "the rules of namespace " + r.Owner + " have taken more time than they may, and are judged later"
		return
	}
	begun := time.Now()
	s.judge(ctx, v, r, l)
	r.budget.spend(time.Since(begun))
}

// open completes the verdict of a rule that could not be judged.
func (s *Set) open(ctx context.Context, v *release.Verdict, r *prepared, l *look, err error) {
	if errors.Is(err, errUnread) {
		v.Standing, v.Reason, v.Needs, v.Send = release.Waiting, unread(l.needs), l.needs, nil
		return
	}
	v.Standing, v.Reason, v.Send = release.Broken, fmt.Sprintf("when: %v", err), nil
	s.foresee(ctx, v, r, l)
}

// unread says what has to be read first.
func unread(needs []release.Query) string {
	if len(needs) == 0 {
		return errUnread.Error()
	}
	return needs[0].String() + " has to be read"
}

// holds reports whether the condition is true. Without one, whatever a rule is
// about other than that a release is ready is true once it is asked about.
func (p *prepared) holds(ctx context.Context, l *look) (bool, error) {
	if p.When == nil && p.event() != release.BecameReady {
		return true, nil
	}
	return p.When.holds(ctx, l)
}

// fill completes the verdict of a rule whose condition is true.
func (s *Set) fill(ctx context.Context, v *release.Verdict, r *prepared, l *look) {
	send, err := s.messages(ctx, r.Send, l)
	switch {
	case errors.Is(err, errUnread):
		v.Standing, v.Reason, v.Needs, v.Send = release.Waiting, unread(l.needs), l.needs, nil
	case err != nil:
		v.Standing, v.Reason, v.Send = release.Broken, err.Error(), nil
	default:
		v.Send = send
	}
}

// foresee adds what is sent should the rule not hold in time. A parameter that
// cannot be evaluated yet is no mistake then: the message goes without the
// parameters.
func (s *Set) foresee(ctx context.Context, v *release.Verdict, r *prepared, l *look) {
	if r.Terms.Deadline == 0 {
		return
	}
	send, err := s.messages(ctx, r.Send, l)
	if err != nil {
		send = nil
		for _, to := range r.Send {
			send = append(send, release.Message{Sink: to.Sink, Follows: s.targets[to.Sink].Follows})
		}
	}
	v.Send = send
}

// skips says why the rule is not for a release of this kind; empty if it is. What
// is told again is so of whatever runs, a release that was reverted to as well, and so
// is how those runs ended. Of a release whose kind is not known yet, nothing can be said.
func (p *prepared) skips(kind release.Kind) string {
	switch {
	case kind == "", kind == release.Reverted && (p.Terms.Every > 0 || p.event() == release.WasTested):
		return ""
	case kind == release.Reverted:
		return "a reverted release is never announced"
	}
	if !slices.Contains(p.kinds, kind) {
		return fmt.Sprintf("rule is not for releases of kind %s", kind)
	}
	return ""
}

// waitsFor says why the condition is not true.
func (p *prepared) waitsFor(snap release.Snapshot) string {
	if p.event() == release.BecameReady && !snap.Ready && snap.WaitingFor != "" {
		return snap.WaitingFor
	}
	return p.waits
}

func (s *Set) messages(ctx context.Context, sends []Send, l *look) ([]release.Message, error) {
	messages := make([]release.Message, 0, len(sends))
	for _, to := range sends {
		target, ok := s.targets[to.Sink]
		if !ok {
			return nil, fmt.Errorf("sink %s is not configured", to.Sink)
		}
		parameters, err := evaluate(ctx, l, target.Parameters, to.Parameters)
		if err != nil {
			return nil, fmt.Errorf("sink %s, %w", to.Sink, err)
		}
		messages = append(messages, release.Message{Sink: to.Sink, Follows: target.Follows, Parameters: parameters})
	}
	return messages, nil
}

// evaluate gives the values of the parameters: those of the sink, and those of the
// rule, which win. The first failing one, by name, is the one that is told, so that
// the same mistake reads the same every time.
func evaluate(ctx context.Context, l *look, ofSink, ofRule map[string]*Text) (map[string]string, error) {
	if len(ofSink)+len(ofRule) == 0 {
		return nil, nil
	}
	all := make(map[string]*Text, len(ofSink)+len(ofRule))
	maps.Copy(all, ofSink)
	maps.Copy(all, ofRule)
	values := make(map[string]string, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		value, err := all[name].value(ctx, l)
		if err != nil {
			return nil, fmt.Errorf("parameter %s: %w", name, err)
		}
		values[name] = value
	}
	return values, nil
}
