package timeline

import (
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// steps reads "- TIME: ACTION".
func (r *reader) steps(n *yaml.Node) {
	last := time.Duration(0)
	for _, item := range r.list(n, "steps") {
		if item.Kind != yaml.MappingNode || len(item.Content) != 2 {
			r.wrong(item, "a step is written as in 12s: restart")
			continue
		}
		at := r.moment(item.Content[0])
		if at < last {
			r.wrong(item, "a step cannot be before the last one")
		}
		last = at
		r.t.Steps = append(r.t.Steps, Step{At: at, Line: item.Line, Text: summary(item.Content[1]), Do: r.action(item.Content[1])})
	}
}

// summary is an action as people are told of it.
func summary(n *yaml.Node) string {
	switch n.Kind {
	case yaml.ScalarNode:
		return n.Value
	case yaml.MappingNode:
		if len(n.Content) == 0 {
			return ""
		}
		if n.Content[1].Kind == yaml.ScalarNode && !strings.Contains(n.Content[1].Value, "\n") {
			return n.Content[0].Value + " " + n.Content[1].Value
		}
		return n.Content[0].Value
	}
	var all []string
	for _, c := range n.Content {
		all = append(all, summary(c))
	}
	return strings.Join(all, "; ")
}

// action reads one action, or a list of them.
func (r *reader) action(n *yaml.Node) Action {
	switch n.Kind {
	case yaml.ScalarNode:
		return r.object(n)
	case yaml.SequenceNode:
		var all several
		for _, item := range n.Content {
			all = append(all, r.action(item))
		}
		return all
	}
	found := map[string]*yaml.Node{}
	for _, p := range r.pairs(n, "a step", "apply", "patch", "with", "rules") {
		found[p[0].Value] = p[1]
	}
	switch {
	case found["apply"] != nil && len(found) == 1:
		return apply{r.whole(found["apply"])}
	case found["rules"] != nil && len(found) == 1:
		// A mistake in rules is a thing that happens: what was right stays in force.
		return rules{r.text(found["rules"], "rules") + "\n"}
	case found["patch"] != nil && found["with"] != nil && len(found) == 2:
		ref, err := readRef(r.text(found["patch"], "patch"))
		if err != nil {
			r.wrong(found["patch"], "%v", err)
		}
		return patch{ref, r.json(found["with"])}
	}
	r.wrong(n, "a step has apply, or patch and with, or rules")
	return several{}
}
