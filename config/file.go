package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Key is the key of the ConfigMap that holds the text.
const Key = "rules.yaml"

// File reads a configuration from a file as people keep it: the bare text, or
// manifests among which there is a ConfigMap that holds it. Mistakes are told
// where they are in the file.
func File(path string, raw []byte) (Config, []Mistake) { return FileOf("", path, raw) }

// FileOf reads a file as [File] does, confined to a namespace as [LoadTenant] is.
func FileOf(tenant, path string, raw []byte) (Config, []Mistake) {
	parts := Parts(path, raw)
	switch len(parts) {
	case 0:
		return reject(newSource(path, raw), position{1, 1}, "file has no ConfigMap with "+Key)
	case 1:
		return parts[0].Load(tenant)
	}
	return reject(newSource(path, raw), start(parts[1].text), "file has a second ConfigMap with "+Key)
}

// Text gives the text of a configuration from a file as [File] reads it.
func Text(path string, raw []byte) (string, []Mistake) {
	if _, mistakes := File(path, raw); len(mistakes) > 0 {
		return "", mistakes
	}
	return string(Parts(path, raw)[0].src.text), nil
}

// Part is one text of rules in a file: that of a ConfigMap, or the file itself.
type Part struct {
	// Namespace and Name are those of the ConfigMap; both are empty if there is none.
	Namespace, Name string
	// Tenant says that it bears [TenantLabel].
	Tenant bool

	src  source
	text *yaml.Node
	// bare are the documents of a file that is no manifest; broken says why it is not
	// YAML.
	bare   []*yaml.Node
	broken error
}

// Load reads the text, confined to a namespace as [LoadTenant] is; empty is not at all.
func (p Part) Load(tenant string) (Config, []Mistake) {
	switch {
	case p.broken != nil && len(p.src.text) <= maxText: // longer ones are not looked at
		r := newReader(p.src)
		r.syntax(p.broken)
		return Config{}, r.mistakes
	case p.text != nil && p.text.Kind != yaml.ScalarNode:
		return reject(p.src, start(p.text), fmt.Sprintf("%s must be a string, but is %s: write it as a block, behind |", Key, describe(p.text)))
	}
	return load(p.src, tenant)
}

// IsRules reports whether the text looks like rules, and not like somebody else's
// YAML that happens to lie beside them.
func (p Part) IsRules() bool {
	if p.broken != nil {
		return looksLikeRules.Match(p.src.text) && !looksElse.Match(p.src.text) || looksHeld.Match(p.src.text)
	}
	return p.text != nil || slices.ContainsFunc(p.bare, func(root *yaml.Node) bool {
		rules, sinks := value(root, "rules"), value(root, "sinks")
		return rules != nil && (rules.Kind == yaml.SequenceNode || empty(rules)) || sinks != nil && (sinks.Kind == yaml.MappingNode || empty(sinks))
	})
}

// What a text that is not YAML is taken for: rules alone, a manifest, or a ConfigMap
// that holds rules.
var (
	looksLikeRules = regexp.MustCompile(`(?m)^(rules|sinks) *:`)
	looksElse      = regexp.MustCompile(`(?m)^(kind|apiVersion) *:`)
	looksHeld      = regexp.MustCompile(`(?m)^ +rules\.yaml *:`)
)

// Parts finds the texts of rules in a file, in order. Of manifests without a ConfigMap
// that holds rules there is none; whatever else a file is, it may be the bare text.
func Parts(path string, raw []byte) []Part {
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	src := newSource(path, raw)
	if !utf8.Valid(raw) { // YAML may be in UTF-16; a ConfigMap is not
		return []Part{{src: src}}
	}
	documents, err := documents(raw)
	if err != nil {
		return []Part{{src: src, broken: err}}
	}
	var found []Part
	manifests := false
	for _, root := range documents {
		held := inManifest(root)
		manifests = manifests || len(held) > 0 || value(root, "kind") != nil && value(root, "apiVersion") != nil
		for _, p := range held {
			if p.src = src; p.text.Kind == yaml.ScalarNode {
				p.src = src.inside(p.text)
			}
			found = append(found, p)
		}
	}
	if !manifests {
		return []Part{{src: src, bare: documents}}
	}
	return found
}

func reject(src source, at position, message string) (Config, []Mistake) {
	r := newReader(src)
	r.wrong(Unreadable, at, "%s", message)
	return Config{}, r.mistakes
}

// documents are the roots of those of a file that are not empty.
func documents(raw []byte) ([]*yaml.Node, error) {
	var out []*yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	for {
		var document yaml.Node
		switch err := decoder.Decode(&document); {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return out, err
		case len(document.Content) > 0:
			out = append(out, document.Content[0])
		}
	}
}

// inManifest finds the rules of a ConfigMap, or of those in a list as kubectl writes
// it.
func inManifest(root *yaml.Node) []Part {
	switch word(root, "kind") {
	case "ConfigMap":
		if text := value(value(root, "data"), Key); text != nil {
			head := value(root, "metadata")
			return []Part{{
				Namespace: word(head, "namespace"), Name: word(head, "name"), text: text,
				Tenant: word(value(head, "labels"), TenantLabel) == "true",
			}}
		}
	case "List", "ConfigMapList":
		var found []Part
		if items := value(root, "items"); items != nil && items.Kind == yaml.SequenceNode {
			for _, item := range items.Content {
				found = append(found, inManifest(item)...)
			}
		}
		return found
	}
	return nil
}

// word is what a mapping holds under a key, if that is a scalar.
func word(node *yaml.Node, key string) string {
	if found := value(node, key); found != nil && found.Kind == yaml.ScalarNode {
		return found.Value
	}
	return ""
}

// value gives what a mapping holds under a key; nil if it does not.
func value(node *yaml.Node, key string) *yaml.Node {
	if node == nil || node.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i+1]
		}
	}
	return nil
}
