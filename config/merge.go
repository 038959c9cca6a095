package config

import (
	"maps"
	"slices"

	"github.com/rollcall-dev/rollcall/conditions"
)

// Merge gives the configuration to work by after a change: what is right in
// next, and the last good version, from prev, of what is not. A rule that needs
// a sink which has never been right goes on as it was in prev, or is left out
// with a mistake of its own. The mistakes come back with such ones added.
func Merge(prev, next Config, mistakes []Mistake) (Config, []Mistake) {
	if len(mistakes) == 0 {
		return next, nil
	}
	if slices.ContainsFunc(mistakes, Mistake.whole) {
		return prev, mistakes
	}
	m := merger{prev: prev, sinks: map[string]Sink{}, before: map[string]int{}, why: map[string]Mistake{}, mistakes: slices.Clone(mistakes)}
	maps.Copy(m.sinks, next.Sinks)
	for i, rule := range prev.Rules {
		m.before[rule.Name] = i
	}
	for _, wrong := range mistakes {
		if _, told := m.why[wrong.Sink]; !told {
			m.why[wrong.Sink] = wrong
		}
	}
	badRules, badSinks := culprits(mistakes)
	for name := range badSinks {
		m.keepSink(name)
	}
	for _, rule := range next.Rules {
		m.take(rule)
	}
	for _, rule := range prev.Rules {
		if badRules[rule.Name] {
			m.keep(rule)
		}
	}
	return compose(m.sinks, m.rules), sorted(m.mistakes)
}

// merger is a configuration that is being put together.
type merger struct {
	prev     Config
	sinks    map[string]Sink
	rules    []conditions.Rule
	mistakes []Mistake
	// before is where the rules were, by name; why has the first mistake of each sink.
	before map[string]int
	why    map[string]Mistake
}

// keepSink goes on with a sink as it was, if it was.
func (m *merger) keepSink(name string) {
	if sink, ok := m.prev.Sinks[name]; ok {
		m.sinks[name] = sink
	}
}

// take adds a new rule, if all its sinks are there.
func (m *merger) take(rule conditions.Rule) {
	missing := slices.IndexFunc(rule.Send, func(to conditions.Send) bool {
		_, ok := m.sinks[to.Sink]
		return !ok
	})
	if missing < 0 {
		m.rules = append(m.rules, rule)
		return
	}
	m.blame(rule, rule.Send[missing].Sink)
	if i, ok := m.before[rule.Name]; ok {
		m.keep(m.prev.Rules[i])
	}
}

// keep goes on with a rule as it was, and with those of its sinks that the new
// text no longer has.
func (m *merger) keep(rule conditions.Rule) {
	for _, to := range rule.Send {
		if _, ok := m.sinks[to.Sink]; !ok {
			m.keepSink(to.Sink)
		}
	}
	m.rules = append(m.rules, rule)
}

// blame notes that a rule cannot work, in the place of its sink's mistake.
func (m *merger) blame(rule conditions.Rule, sink string) {
	if why, ok := m.why[sink]; ok {
		why.Rule, why.Sink, why.Code = rule.Name, "", Missing
		why.Message = "rule " + rule.Name + " needs sink " + sink + ", which has never been right"
		m.mistakes = append(m.mistakes, why)
	}
}
