package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/rollcall-dev/rollcall/conditions"
)

// reader turns nodes of YAML into a configuration, and notes every mistake.
type reader struct {
	src       source
	language  *conditions.Language
	reference reference
	// rule or sink is being read: mistakes are its.
	rule string
	sink string

	mistakes []Mistake
	rules    []conditions.Rule
	sinks    map[string]Sink
	// named holds the sinks that are there, good or bad; used has them as well, and says
	// whether a rule sends to them. taken are the names of the rules. places are where
	// the sinks, and the rules' conditions, are.
	named    []string
	used     map[string]bool
	taken    map[string]bool
	places   map[string]position
	whens    map[string]*yaml.Node
	warnings []Mistake
	uses     []Use
	// compared is to how many words one was compared, to ask whether they were meant.
	compared int
	// tenant is the namespace that everything is confined to; empty if nothing is.
	tenant string
}

func newReader(src source) *reader {
	return &reader{
		src: src, reference: newReference(), sinks: map[string]Sink{}, used: map[string]bool{},
		taken: map[string]bool{}, places: map[string]position{}, whens: map[string]*yaml.Node{},
	}
}

// wrong notes a mistake at a place of the text that is read.
func (r *reader) wrong(code Code, at position, format string, args ...any) {
	m := r.note(at, len(r.mistakes), fmt.Sprintf(format, args...))
	m.Code = code
	r.mistakes = append(r.mistakes, m)
}

// warn notes what is no mistake, and most likely not meant.
func (r *reader) warn(code Code, at position, format string, args ...any) {
	m := r.note(at, len(r.warnings), fmt.Sprintf(format, args...))
	m.Code, m.Warning = code, true
	r.warnings = append(r.warnings, m)
}

// note is what is said of a place, of which so much was said before.
func (r *reader) note(at position, before int, message string) Mistake {
	at = r.src.shown(at)
	m := Mistake{File: r.src.file, Line: at.line, Column: at.column, Rule: r.rule, Sink: r.sink, Message: legible(message)}
	if before < maxExcerpts {
		m.Excerpt = excerpt(r.src.line(at.line), at)
	}
	return m
}

// shape says which mapping is read.
type shape struct {
	// what the mapping is, for messages.
	what string
	// path is that of the mapping: which fields it may have stands in the reference.
	path string
	// called is what a field is, in messages; empty means "field".
	called string
}

func (s shape) field() string { return cmp.Or(s.called, "field") }

// place is where a field is, in messages, unless what it is called says so.
func (s shape) place() string {
	if s.called != "" {
		return ""
	}
	return " in " + s.what
}

// object reads a mapping with known fields; nil if it is none.
func (r *reader) object(node *yaml.Node, s shape) map[string]*yaml.Node {
	found := map[string]*yaml.Node{}
	known, later := r.reference.known[s.path], r.reference.later[s.path]
	for _, p := range r.pairs(node, s.what) {
		name := p.key.Value
		switch {
		case slices.Contains(known, name):
			found[name] = p.value
		case slices.Contains(later, name):
			r.wrong(NotSupported, start(p.key), "%s %s is not yet supported", s.field(), name)
		default:
			r.wrong(UnknownField, start(p.key), "unknown %s %q%s%s", s.field(), short(name), s.place(), r.belongs(name, s.path))
		}
	}
	return found
}

// belongs asks whether a field that is near was meant, or one that is called so
// elsewhere, or says where among rules there is one of that name.
func (r *reader) belongs(name, path string) string {
	for _, known := range r.reference.known[path] {
		if f := r.reference.fields[strings.TrimPrefix(path+"."+known, ".")]; slices.Contains(f.Elsewhere, name) {
			return fmt.Sprintf(", did you mean %q?", known)
		}
	}
	if near := r.hint(name, slices.Concat(r.reference.known[path], r.reference.later[path])); near != "" {
		return near
	}
	for _, of := range []string{"rules[]", "rules[].on"} {
		if !strings.HasPrefix(path, "sinks") && of != path && slices.Contains(r.reference.known[of], name) {
			return fmt.Sprintf(": there is %s.%s", of, name)
		}
	}
	return ""
}

// pair is a key of a mapping, and its value.
type pair struct {
	key   *yaml.Node
	value *yaml.Node
}

// pairs reads a mapping whose keys are strings, each of them once.
func (r *reader) pairs(node *yaml.Node, what string) []pair {
	if node.Kind != yaml.MappingNode {
		r.wrong(WrongType, start(node), "%s must be a mapping, but is %s", what, describe(node))
		return nil
	}
	var found []pair
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		p := pair{node.Content[i], node.Content[i+1]}
		if r.once(p.key, seen) {
			found = append(found, p)
		}
	}
	return found
}

// once checks that a key is a string that was not seen before.
func (r *reader) once(key *yaml.Node, seen map[string]int) bool {
	if key.Kind != yaml.ScalarNode {
		r.wrong(WrongType, start(key), "key must be a string, but is %s", describe(key))
		return false
	}
	if line, ok := seen[key.Value]; ok {
		r.wrong(Twice, start(key), "%s is given twice, first in line %d", short(key.Value), r.src.shown(position{line, 1}).line)
		return false
	}
	seen[key.Value] = key.Line
	return true
}

// list reads a sequence; nil if it is none.
func (r *reader) list(node *yaml.Node, what string) []*yaml.Node {
	if node.Kind != yaml.SequenceNode {
		r.wrong(WrongType, start(node), "%s must be a list, but is %s%s", what, describe(node), bracketing(node, what))
		return nil
	}
	return node.Content
}

// text reads a string that is not empty.
func (r *reader) text(node *yaml.Node, what string) (string, bool) {
	if node.Kind != yaml.ScalarNode || node.ShortTag() != "!!str" {
		r.wrong(WrongType, start(node), "%s must be a string, but is %s%s", what, describe(node), quoting(node))
		return "", false
	}
	if node.Value == "" {
		r.wrong(Missing, start(node), "%s is empty", what)
		return "", false
	}
	return node.Value, true
}

// texts reads a list of strings that are all different and of which there is at
// least one.
func (r *reader) texts(node *yaml.Node, what string) []*yaml.Node {
	items := r.list(node, what)
	if node.Kind == yaml.SequenceNode && len(items) == 0 {
		r.wrong(Missing, start(node), "%s is an empty list: leave it out for the default", what)
	}
	return r.distinct(items, what)
}

// distinct keeps the items that are strings, each of them once.
func (r *reader) distinct(items []*yaml.Node, what string) []*yaml.Node {
	var found []*yaml.Node
	seen := map[string]bool{}
	for _, item := range items {
		word, ok := r.text(item, "item of "+what)
		if ok && seen[word] {
			r.wrong(Twice, start(item), "%s is twice in %s", short(word), what)
			ok = false
		}
		if ok {
			seen[word] = true
			found = append(found, item)
		}
	}
	return found
}

// simple checks that a node, and what it holds to a depth, is written without
// anchors, aliases and tags. A depth of -1 is all of it.
func (r *reader) simple(node *yaml.Node, depth int) bool {
	switch {
	case node.Kind == yaml.AliasNode:
		r.wrong(NotSupported, start(node), "aliases are not supported: write the value again")
		return false
	case node.Anchor != "":
		r.wrong(NotSupported, start(node), "anchors are not supported: write the value where it is needed")
		return false
	case node.Style&yaml.TaggedStyle != 0:
		r.wrong(NotSupported, start(node), "tags are not supported%s", tagging(node))
		return false
	}
	ok := true
	for _, child := range node.Content {
		if depth != 0 {
			ok = r.simple(child, depth-1) && ok
		}
	}
	return ok
}

func empty(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null" }

// describe says in words what a node is.
func describe(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	switch node.ShortTag() {
	case "!!null":
		return "empty"
	case "!!bool":
		return "a boolean"
	case "!!int", "!!float":
		return "a number"
	case "!!timestamp":
		return "a date"
	}
	return "a string"
}

// quoting helps where YAML took a word for something else.
func quoting(node *yaml.Node) string {
	if node.Kind == yaml.ScalarNode && !empty(node) {
		return ": put it in quotes"
	}
	return ""
}

// bracketing helps where one word stands in place of a list of words.
func bracketing(node *yaml.Node, what string) string {
	if node.Kind != yaml.ScalarNode || empty(node) || what == "rules" {
		return ""
	}
	return fmt.Sprintf(": write [%s]", short(node.Value))
}

// tagging helps where YAML took a negation for a tag.
func tagging(node *yaml.Node) string {
	if strings.HasPrefix(node.Tag, "!!") || node.Kind != yaml.ScalarNode {
		return ""
	}
	return ": put what begins with ! in quotes"
}

// maxCompared bounds how many words are compared to find those that were meant.
const maxCompared = 100_000

// hint asks whether a word that is near was meant.
func (r *reader) hint(word string, known []string) string {
	if r.compared += len(known); r.compared > maxCompared {
		return ""
	}
	return conditions.DidYouMean(word, known)
}
