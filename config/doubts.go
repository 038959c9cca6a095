package config

import (
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
	outcome := r.readOutcome()
	for _, rule := range r.rules {
		if r.rule = rule.Name; !badRules[rule.Name] {
			r.doubt(rule)
			r.doubtSends(rule, outcome)
		}
	}
	r.rule = ""
}

// doubt warns of a rule that can never hold, or may cost too much, or does nothing.
func (r *reader) doubt(rule conditions.Rule) {
	if node := r.whens[rule.Name]; node != nil && rule.When != nil {
		// What may cost too much is not tried out: it would cost as much here.
		if cost := rule.When.Cost(); cost > conditions.Affordable {
			r.warn(Costly, start(node), "when may cost up to %d, and is stopped at %d", cost, conditions.Affordable)
		} else if small(rule, cost) && rule.NeverHolds() {
			r.warn(NeverTrue, start(node), "when can never be true")
		}
	}
	if rule.Event != "" && rule.Event != release.BecameReady && len(rule.Send) == 0 {
		r.warn(NoEffect, r.places[placeOf(rule)], "rule is about %s and sends to nobody: nothing comes of it", rule.Event)
	}
}

// small reports whether a condition can be tried out for each namespace of its rule.
func small(rule conditions.Rule, cost uint64) bool {
	return uint64(len(rule.On.Namespaces))*cost <= conditions.Affordable
}

// doubtSends warns of parameters that say nothing.
func (r *reader) doubtSends(rule conditions.Rule, outcome map[string]bool) {
	for _, to := range rule.Send {
		if rule.Event != release.WasTested && outcome[to.Sink] {
			r.warn(EmptyOutcome, r.places[placeOf(rule)], "sink %s has a parameter that reads outcome, which is empty for this rule", short(to.Sink))
		}
	}
}

// readOutcome are the sinks that have a parameter which reads how runs ended.
func (r *reader) readOutcome() map[string]bool {
	out := map[string]bool{}
	for name, s := range r.sinks {
		for _, p := range s.Parameters {
			out[name] = out[name] || p.Reads().Outcome
		}
	}
	return out
}

// placeOf is the key of a rule among the places.
func placeOf(rule conditions.Rule) string { return "rule " + rule.Name }
