package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/rollcall-dev/rollcall/conditions"
)

// maxText is the longest text; a ConfigMap cannot hold more.
const maxText = 1 << 20

// Load reads a configuration. What has a mistake is not part of it, and every
// mistake is told. A text that says nothing is a configuration without rules.
func Load(file string, text []byte) (Config, []Mistake) { return LoadTenant("", file, text) }

// LoadTenant reads a configuration that is confined to a namespace: that of its
// subjects, and of what its sinks create.
func LoadTenant(namespace, file string, text []byte) (Config, []Mistake) {
	return load(newSource(file, bytes.TrimPrefix(text, []byte("\ufeff"))), namespace)
}

func load(src source, tenant string) (Config, []Mistake) {
	r := newReader(src)
	r.tenant = tenant
	language, err := conditions.NewLanguage()
	if err != nil {
		r.wrong(Unreadable, position{1, 1}, "%v", err)
		return Config{}, r.mistakes
	}
	r.language = language
	if root := r.parse(); root != nil {
		r.document(root)
		r.doubts()
	}
	return r.config(), sorted(r.mistakes)
}

// config is what was read, without what has a mistake.
func (r *reader) config() Config {
	badRules, badSinks := culprits(r.mistakes)
	rules := slices.DeleteFunc(r.rules, func(rule conditions.Rule) bool { return badRules[rule.Name] })
	for name := range badSinks {
		delete(r.sinks, name)
	}
	c := compose(r.sinks, rules)
	c.Warnings, c.Uses = sorted(r.warnings), r.uses
	return c
}

// culprits are the names of the rules and of the sinks that have mistakes.
func culprits(mistakes []Mistake) (rules, sinks map[string]bool) {
	rules, sinks = map[string]bool{}, map[string]bool{}
	for _, m := range mistakes {
		rules[m.Rule] = true
		sinks[m.Sink] = true
	}
	return rules, sinks
}

// parse gives the one document of the text; nil if there is none.
func (r *reader) parse() *yaml.Node {
	if len(r.src.text) > maxText {
		r.wrong(Unreadable, position{1, 1}, "text is longer than 1 MiB")
		return nil
	}
	if at, ok := invalid(r.src.text); !ok {
		r.wrong(Unreadable, at, "text is not UTF-8")
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(r.src.text))
	var document, next yaml.Node
	if err := decoder.Decode(&document); err != nil {
		r.syntax(err)
		return nil
	}
	switch err := decoder.Decode(&next); {
	case err == nil:
		r.wrong(Unreadable, start(&next), "only one document is allowed")
		return nil
	case !errors.Is(err, io.EOF):
		r.syntax(err)
		return nil
	}
	if len(document.Content) == 0 {
		return nil
	}
	return document.Content[0]
}

// invalid finds the first byte that is not UTF-8.
func invalid(text []byte) (position, bool) {
	at := position{1, 1}
	for len(text) > 0 {
		c, size := utf8.DecodeRune(text)
		if c == utf8.RuneError && size == 1 {
			return at, false
		}
		at.column++
		if c == '\n' {
			at = position{at.line + 1, 1}
		}
		text = text[size:]
	}
	return at, true
}

// document reads the whole text.
func (r *reader) document(root *yaml.Node) {
	if empty(root) || !r.simple(root, 0) {
		return
	}
	top := r.object(root, shape{what: "configuration"})
	// The sinks come first: a rule may name only those that are there.
	if node := top["sinks"]; node != nil && !empty(node) {
		r.readSinks(node)
	}
	if node := top["rules"]; node != nil && !empty(node) {
		r.readRules(node)
	}
}

func (r *reader) readRules(node *yaml.Node) {
	if !r.simple(node, 0) {
		return
	}
	items := r.list(node, "rules")
	r.few(node, "rules", len(items), maxTenantRules)
	for i, item := range items {
		r.readRule(item, fmt.Sprintf("rules[%d]", i))
	}
}
