package config

import (
	"slices"

	"github.com/rollcall-dev/rollcall/conditions"
	"github.com/rollcall-dev/rollcall/release"
)

// doubts warns of what is in force, and most likely not meant.
func (r *reader) doubts() {
	badRules, badSinks := culprits(r.mistakes)
	for _, name := range r.named {
		if !r.used[name] && !badSinks[name] {
			r.sink = name
			r.warn(UnusedSink, r.places[name], "no rule sends to sink %s", short(name))
		}
	}
	r.sink = ""
	for _, rule := range r.rules {
		if r.rule = rule.Name; !badRules[rule.Name] {
			r.doubt(rule)
		}
	}
	r.rule = ""
}

// doubt warns of a rule that can never hold, or may cost too much, or does nothing.
func (r *reader) doubt(rule conditions.Rule) {
	if node := r.whens[rule.Name]; node != nil && rule.When != nil {
		if rule.NeverHolds() {
			r.warn(NeverTrue, start(node), "when can never be true")
		}
		if cost := rule.When.Cost(); cost > conditions.Affordable {
			r.warn(Costly, start(node), "when may cost up to %d, and is stopped at %d", cost, conditions.Affordable)
		}
	}
	if rule.Event != "" && rule.Event != release.BecameReady && len(rule.Send) == 0 {
		r.warn(NoEffect, r.places[placeOf(rule)], "rule is about %s and sends to nobody: nothing comes of it", rule.Event)
	}
	for _, to := range rule.Send {
		if rule.Event != release.WasTested && slices.ContainsFunc(r.parametersOf(to.Sink), readsOutcome) {
			r.warn(EmptyOutcome, r.places[placeOf(rule)], "sink %s has a parameter that reads outcome, which is empty for this rule", short(to.Sink))
		}
	}
}

func (r *reader) parametersOf(sink string) []*conditions.Text {
	var out []*conditions.Text
	for _, p := range r.sinks[sink].Parameters {
		out = append(out, p)
	}
	return out
}

func readsOutcome(t *conditions.Text) bool { return t != nil && t.Reads().Outcome }

// placeOf is the key of a rule among the places.
func placeOf(rule conditions.Rule) string { return "rule " + rule.Name }
