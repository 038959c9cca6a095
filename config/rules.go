package config

import (
	"errors"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/rollcall-dev/rollcall/conditions"
	"github.com/rollcall-dev/rollcall/release"
)

// readRule reads one rule. One without a name is called by its place.
func (r *reader) readRule(node *yaml.Node, place string) {
	r.rule = nameOf(node, place)
	defer func() { r.rule = "" }()
	if !r.simple(node, -1) {
		return
	}
	found := r.object(node, shape{what: "rule", path: "rules[]"})
	if node.Kind != yaml.MappingNode {
		return
	}
	rule := conditions.Rule{Name: r.ruleName(node, found["name"]), On: r.selector(node, found["on"])}
	if n := found["event"]; n != nil {
		rule.Event = r.event(n)
	}
	if n := found["when"]; n != nil {
		rule.When = r.condition(n)
		r.whens[rule.Name] = n
	}
	r.places[placeOf(rule)] = start(node)
	if n := found["kinds"]; n != nil {
		rule.Kinds = r.kinds(n)
	}
	rule.Terms = r.terms(rule.Event, found)
	if n := found["send"]; n != nil && !empty(n) {
		rule.Send = r.send(n)
	}
	r.consistent(rule, found)
	if rule.Name != "" {
		r.rules = append(r.rules, rule)
	}
}

// nameOf gives a rule's name before the rule is read.
func nameOf(node *yaml.Node, otherwise string) string {
	name := value(node, "name")
	if name == nil || name.Kind != yaml.ScalarNode || name.Value == "" {
		return otherwise
	}
	return name.Value
}

func (r *reader) ruleName(parent, node *yaml.Node) string {
	if node == nil {
		r.wrong(Missing, start(parent), "rule has no name")
		return ""
	}
	name, ok := r.text(node, "name")
	if !ok {
		return ""
	}
	r.label(node, "name")
	if r.taken[name] {
		r.wrong(Twice, start(node), "there is already a rule %s", short(name))
	}
	r.taken[name] = true
	return name
}

// label checks that a string is a DNS label, as Kubernetes wants names to be.
func (r *reader) label(node *yaml.Node, what string) {
	if len(validation.IsDNS1123Label(node.Value)) == 0 {
		return
	}
	ends := ""
	if strings.Trim(node.Value, "-") != node.Value {
		ends = ", with none of these at its ends"
	}
	r.wrong(WrongValue, start(node), "%s %q must be at most 63 lower-case letters, digits and dashes%s", what, short(node.Value), ends)
}

func (r *reader) selector(parent, node *yaml.Node) conditions.Selector {
	if node == nil {
		r.wrong(Missing, start(parent), "rule does not say what it is on")
		return conditions.Selector{}
	}
	found := r.object(node, shape{what: "on", path: "rules[].on"})
	var on conditions.Selector
	if n := found["kind"]; n != nil {
		on.Kind = r.subjectKind(n, found["apiVersion"])
		r.use(start(n), on.Kind, false)
	} else if node.Kind == yaml.MappingNode {
		r.wrong(Missing, start(node), "on has no kind")
		if version := found["apiVersion"]; version != nil {
			r.apiVersion(version)
		}
	}
	if n := found["namespaces"]; n != nil {
		for _, item := range r.texts(n, "namespaces") {
			r.label(item, "namespace")
			on.Namespaces = append(on.Namespaces, item.Value)
		}
	}
	if n := found["selector"]; n != nil {
		on.Labels = r.labelSelector(n)
	}
	r.confine(&on, found)
	return on
}

// subjectKind reads a kind: one of our own, or any other with its apiVersion.
func (r *reader) subjectKind(kind, version *yaml.Node) release.KindRef {
	known := r.reference.fields["rules[].on.kind"].Words
	if version == nil {
		if word := kind.Value; kind.ShortTag() == "!!str" && word != "" && !slices.Contains(known, word) && r.hint(word, known) == "" {
			if written := r.anyKind(kind); strings.ToLower(word[:1]) == word[:1] {
				r.wrong(UnknownWord, start(kind), "unknown on.kind %q: write it as objects bear it, for example Deployment", short(written))
			} else if !strings.Contains(word, ".") {
				r.wrong(Missing, start(kind), "on.kind %q needs its apiVersion beside it", short(word))
			}
			return release.KindRef{Kind: word}
		}
		return release.KindRef{Kind: r.choice(kind, "on.kind", known)}
	}
	return release.KindRef{APIVersion: r.apiVersion(version), Kind: r.anyKind(kind)}
}

// anyKind reads a kind that need not be known.
func (r *reader) anyKind(node *yaml.Node) string {
	word, ok := r.text(node, "on.kind")
	if ok && len(validation.IsDNS1035Label(strings.ToLower(word))) > 0 {
		r.wrong(WrongValue, start(node), "on.kind %q must be a kind as objects bear it, for example Certificate", short(word))
	}
	return word
}

func (r *reader) apiVersion(node *yaml.Node) string {
	text, ok := r.text(node, "on.apiVersion")
	gv, err := schema.ParseGroupVersion(text)
	wrong := err != nil || len(validation.IsDNS1035Label(gv.Version)) > 0 ||
		gv.Group != "" && len(validation.IsDNS1123Subdomain(gv.Group)) > 0
	if ok && wrong {
		r.wrong(WrongValue, start(node), "on.apiVersion %q must be a version, or a group and a version, for example apps/v1", short(text))
	}
	return text
}

func (r *reader) event(node *yaml.Node) release.Occasion {
	return release.Occasion(r.choice(node, "event", r.reference.fields["rules[].event"].Words))
}

// choice reads one of the words that are known.
func (r *reader) choice(node *yaml.Node, what string, known []string) string {
	word, ok := r.text(node, what)
	if ok && !slices.Contains(known, word) {
		r.wrong(UnknownWord, start(node), "unknown %s %q%s", what, short(word), r.hint(word, known))
	}
	return word
}

func (r *reader) labelSelector(node *yaml.Node) labels.Selector {
	if node.Kind == yaml.MappingNode {
		r.wrong(WrongType, start(node), "selector must be a string, but is a mapping: write it as in tier=web,team=shop")
		return nil
	}
	text, ok := r.text(node, "selector")
	if !ok {
		return nil
	}
	selector, err := labels.Parse(text)
	if err != nil {
		why, _, _ := strings.Cut(err.Error(), " (e.g. ")
		r.wrong(WrongValue, start(node), "selector is wrong: %s", strings.NewReplacer("unable to parse requirement: ", "", "<nil>: ", "", "found ''", "it ends too early").Replace(why))
	}
	return selector
}

func (r *reader) condition(node *yaml.Node) *conditions.Condition {
	expr, ok := r.text(node, "when")
	if !ok {
		return nil
	}
	condition, err := r.language.Condition(expr)
	r.issues(node, err)
	if condition != nil {
		r.lookups(node, condition.Reads())
	}
	return condition
}

// issues notes the mistakes in an expression where they are written.
func (r *reader) issues(node *yaml.Node, err error) {
	if err == nil {
		return
	}
	var issues conditions.Issues
	if !errors.As(err, &issues) {
		r.wrong(Expression, start(node), "%v", err)
		return
	}
	written := newScalar(r.src.lines, node)
	for _, i := range issues {
		r.wrong(Expression, written.at(position{i.Line, i.Column}), "%s", i.Message)
	}
}

func (r *reader) kinds(node *yaml.Node) []release.Kind {
	known := r.reference.fields["rules[].kinds"].Words
	var kinds []release.Kind
	for _, item := range r.texts(node, "kinds") {
		switch {
		case item.Value == string(release.Reverted):
			r.wrong(WrongValue, start(item), "a reverted release is never announced")
		case !slices.Contains(known, item.Value):
			r.wrong(UnknownWord, start(item), "unknown kind of release %q%s", short(item.Value), r.hint(item.Value, known))
		}
		kinds = append(kinds, release.Kind(item.Value))
	}
	return kinds
}
