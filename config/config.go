package config

import (
	"context"
	"slices"
	"time"

	"github.com/rollcall-dev/rollcall/conditions"
	"github.com/rollcall-dev/rollcall/emit"
	"github.com/rollcall-dev/rollcall/release"
)

// Config is what rollcall works by: rules, and the sinks that they send to. Its
// zero value has neither.
type Config struct {
	// Sinks by name, without those that have a mistake.
	Sinks map[string]Sink
	// Rules in the order of the text, without those that have a mistake.
	Rules []conditions.Rule
	// Warnings say what is no mistake, and most likely not meant.
	Warnings []Mistake
	// Uses are the kinds of objects that the text is about, with and without mistakes.
	Uses []Use

	set *conditions.Set
}

// Sink is where rules send to. Exactly one of the kinds is set.
type Sink struct {
	// Name is unique among the sinks of a configuration.
	Name string
	// ArgoWorkflow creates a Workflow.
	ArgoWorkflow *emit.ArgoWorkflowConfig
	// HTTP posts a CloudEvent.
	HTTP *emit.HTTPConfig
	// Parameters are evaluated once a rule holds that sends to the sink.
	Parameters map[string]*conditions.Text
}

// Follows reports whether what the sink starts is watched to its end.
func (s Sink) Follows() bool { return s.ArgoWorkflow != nil }

// Judge gives one verdict for each rule that selects the snapshot's subject.
func (c Config) Judge(ctx context.Context, snap release.Snapshot, now time.Time) []release.Verdict {
	if c.set == nil {
		return nil
	}
	return c.set.Judge(ctx, snap, now)
}

// Explain gives what each rule that selects the snapshot's subject says, and why.
func (c Config) Explain(ctx context.Context, snap release.Snapshot, now time.Time) []conditions.Explanation {
	if c.set == nil {
		return nil
	}
	return c.set.Explain(ctx, snap, now)
}

// Repeats reports whether some rule may tell of a subject again and again.
func (c Config) Repeats(s release.Subject) bool { return c.set != nil && c.set.Repeats(s) }

// Default is the configuration of an install without a ConfigMap: every
// Deployment is recorded when it is ready, and nobody is told.
func Default() Config {
	return compose(nil, []conditions.Rule{{
		Name: "default",
		On:   conditions.Selector{Kind: release.KindRef{Kind: "Deployment"}},
	}})
}

// compose ties the rules to the sinks.
func compose(sinks map[string]Sink, rules []conditions.Rule) Config {
	targets := make(map[string]conditions.Target, len(sinks))
	for name, s := range sinks {
		targets[name] = conditions.Target{Follows: s.Follows(), Parameters: s.Parameters}
	}
	return Config{Sinks: sinks, Rules: rules, set: conditions.NewSet(rules, targets)}
}

// Kinds lists the kinds of subjects that rules are about, each once.
func (c *Config) Kinds() []release.KindRef {
	var out []release.KindRef
	for _, r := range c.Rules {
		if !slices.Contains(out, r.On.Kind) {
			out = append(out, r.On.Kind)
		}
	}
	return out
}
