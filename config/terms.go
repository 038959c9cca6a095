package config

import (
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/rollcall-dev/rollcall/conditions"
	"github.com/rollcall-dev/rollcall/release"
)

// terms reads when and how a rule is told.
func (r *reader) terms(event release.Occasion, found map[string]*yaml.Node) release.Terms {
	var t release.Terms
	t.Settle = r.duration(event, found, "settle")
	t.Deadline = r.duration(event, found, "deadline")
	t.Every = r.duration(event, found, "every")
	t.Supersede = release.Supersede(r.term(event, found, "supersede"))
	t.Shadow = r.term(event, found, "mode") == shadow
	if t.Settle > 0 && t.Deadline > 0 && t.Settle >= t.Deadline {
		r.wrong(Contradiction, start(found["settle"]), "settle %s must be shorter than deadline %s, or the rule never holds in time", Spell(t.Settle), Spell(t.Deadline))
	}
	return t
}

// means checks that a field, if it is there, means something for the event of its
// rule.
func (r *reader) means(event release.Occasion, node *yaml.Node, f Field) bool {
	if node == nil {
		return false
	}
	if event == "" || len(f.Events) == 0 || slices.Contains(f.Events, event) || !slices.Contains(release.Occasions(), event) {
		return true
	}
	r.wrong(Contradiction, start(node), "%s means nothing for the event %s", f.Name(), event)
	return false
}

// term reads one of the words that a field of a rule may hold.
func (r *reader) term(event release.Occasion, found map[string]*yaml.Node, name string) string {
	node, f := found[name], r.reference.fields["rules[]."+name]
	if !r.means(event, node, f) {
		return ""
	}
	return r.choice(node, name, f.Words)
}

// duration reads a time as Go writes it.
func (r *reader) duration(event release.Occasion, found map[string]*yaml.Node, name string) time.Duration {
	node, f := found[name], r.reference.fields["rules[]."+name]
	if !r.means(event, node, f) {
		return 0
	}
	text := node.Value
	d, err := time.ParseDuration(text)
	switch {
	case node.Kind != yaml.ScalarNode:
		r.wrong(WrongType, start(node), "%s must be a duration, but is %s", name, describe(node))
	case text == "" || empty(node):
		r.wrong(Missing, start(node), "%s is empty", name)
	case err != nil:
		r.wrong(WrongValue, start(node), "%s %q must be a duration, for example 90s, 15m or 24h", name, short(text))
	case d < f.Least:
		r.wrong(WrongValue, start(node), "%s %s must be at least %s", name, short(text), Spell(f.Least))
	case d > f.Most:
		r.wrong(WrongValue, start(node), "%s %s must be at most %s", name, short(text), Spell(f.Most))
	default:
		return d
	}
	return 0
}

// send reads the sinks that a rule tells: names, or mappings with parameters.
func (r *reader) send(node *yaml.Node) []conditions.Send {
	var out []conditions.Send
	seen := map[string]bool{}
	for _, item := range r.list(node, "send") {
		to, name := r.sendItem(item)
		switch {
		case name == nil:
		case seen[to.Sink]:
			r.wrong(Twice, start(name), "%s is twice in send", short(to.Sink))
		default:
			seen[to.Sink] = true
			out = append(out, to)
		}
	}
	return out
}

// sendItem reads one of them, and gives the node that has the sink's name; nil if
// there is none.
func (r *reader) sendItem(item *yaml.Node) (conditions.Send, *yaml.Node) {
	name, parameters := item, map[string]*conditions.Text(nil)
	if item.Kind == yaml.MappingNode {
		found := r.object(item, shape{what: "item of send", path: "rules[].send[]"})
		name, parameters = found["sink"], r.parameters(found["parameters"])
		if name == nil {
			r.wrong(Missing, start(item), "item of send has no sink")
			return conditions.Send{}, nil
		}
	}
	sink, ok := r.text(name, "item of send")
	if !ok {
		return conditions.Send{}, nil
	}
	if _, there := r.used[sink]; there {
		r.used[sink] = true
	} else {
		r.wrong(UnknownWord, start(name), "unknown sink %q%s", short(sink), r.hint(sink, r.named))
	}
	return conditions.Send{Sink: sink, Parameters: parameters}, name
}

// consistent checks what only the rule as a whole shows.
func (r *reader) consistent(rule conditions.Rule, found map[string]*yaml.Node) {
	if rule.Event != release.WasTested && rule.Reads().Outcome {
		at := found["when"]
		if rule.When == nil || !rule.When.Reads().Outcome {
			at = found["send"]
		}
		r.wrong(Contradiction, start(at), "outcome is only known to rules with event: tested")
	}
}
