package config

import (
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/rollcall-dev/rollcall/conditions"
	"github.com/rollcall-dev/rollcall/release"
)

// The bounds of a rule's times.
const (
	leastSettle, mostSettle     = time.Second, 24 * time.Hour
	leastDeadline, mostDeadline = time.Second, 30 * 24 * time.Hour
	leastEvery, mostEvery       = time.Minute, 366 * 24 * time.Hour
)

// terms reads when and how a rule is told.
func (r *reader) terms(event release.Occasion, found map[string]*yaml.Node) release.Terms {
	var t release.Terms
	if n := found["settle"]; n != nil && r.only(n, "settle", event, release.BecameReady) {
		t.Settle = r.duration(n, "settle", leastSettle, mostSettle)
	}
	if n := found["deadline"]; n != nil && r.only(n, "deadline", event, release.BecameReady, release.DidStall) {
		t.Deadline = r.duration(n, "deadline", leastDeadline, mostDeadline)
	}
	if n := found["every"]; n != nil && r.only(n, "every", event, release.BecameReady) {
		t.Every = r.duration(n, "every", leastEvery, mostEvery)
	}
	if n := found["supersede"]; n != nil && r.only(n, "supersede", event, release.BecameReady) {
		t.Supersede = release.Supersede(r.choice(n, "supersede", supersedes()))
	}
	if n := found["mode"]; n != nil {
		t.Shadow = r.choice(n, "mode", modes()) == shadow
	}
	if t.Settle > 0 && t.Deadline > 0 && t.Settle >= t.Deadline {
		r.wrong(start(found["settle"]), "settle %s must be shorter than deadline %s, or the rule never holds in time", t.Settle, t.Deadline)
	}
	return t
}

func supersedes() []string {
	return []string{string(release.Deliver), string(release.Skip), string(release.Cancel)}
}

const (
	live   = "live"
	shadow = "shadow"
)

func modes() []string { return []string{live, shadow} }

// only checks that a field stands in a rule about an event that it means something
// for.
func (r *reader) only(node *yaml.Node, field string, event release.Occasion, may ...release.Occasion) bool {
	if event == "" || slices.Contains(may, event) || !slices.Contains(release.Occasions(), event) {
		return true
	}
	r.wrong(start(node), "%s means nothing for the event %s", field, event)
	return false
}

// duration reads a time as Go writes it.
func (r *reader) duration(node *yaml.Node, field string, least, most time.Duration) time.Duration {
	text := node.Value
	d, err := time.ParseDuration(text)
	switch {
	case node.Kind != yaml.ScalarNode:
		r.wrong(start(node), "%s must be a duration, but is %s", field, describe(node))
	case err != nil:
		r.wrong(start(node), "%s %q must be a duration, for example 90s, 15m or 24h", field, short(text))
	case d < least:
		r.wrong(start(node), "%s %s must be at least %s", field, text, least)
	case d > most:
		r.wrong(start(node), "%s %s must be at most %s", field, text, most)
	default:
		return d
	}
	return 0
}

// send reads the sinks that a rule tells: names, or mappings with parameters.
func (r *reader) send(node *yaml.Node) []conditions.Send {
	var out []conditions.Send
	for _, item := range r.list(node, "send") {
		to, name := r.sendItem(item)
		switch {
		case name == nil:
		case slices.ContainsFunc(out, func(o conditions.Send) bool { return o.Sink == to.Sink }):
			r.wrong(start(name), "%s is twice in send", short(to.Sink))
		default:
			out = append(out, to)
		}
	}
	return out
}

// sendItem reads one of them, and gives the node that has the sink's name; nil if
// there is none.
func (r *reader) sendItem(item *yaml.Node) (conditions.Send, *yaml.Node) {
	name, parameters := item, (*yaml.Node)(nil)
	if item.Kind == yaml.MappingNode {
		found := r.object(item, shape{what: "item of send", fields: []string{"sink", "parameters"}})
		name, parameters = found["sink"], found["parameters"]
		if name == nil {
			r.wrong(start(item), "item of send has no sink")
			return conditions.Send{}, nil
		}
	}
	sink, ok := r.text(name, "item of send")
	if !ok {
		return conditions.Send{}, nil
	}
	if !slices.Contains(r.named, sink) {
		r.wrong(start(name), "unknown sink %q%s", short(sink), hint(sink, r.named))
	}
	r.used[sink] = true
	return conditions.Send{Sink: sink, Parameters: r.parameters(parameters)}, name
}

// consistent checks what only the rule as a whole shows.
func (r *reader) consistent(rule conditions.Rule, found map[string]*yaml.Node) {
	if rule.Event != release.WasTested && rule.Reads().Outcome {
		at := found["when"]
		if rule.When == nil || !rule.When.Reads().Outcome {
			at = found["send"]
		}
		r.wrong(start(at), "outcome is only known to rules with event: tested")
	}
}
