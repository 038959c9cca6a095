package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Schema is the JSON Schema of the rules, by which editors complete and check them.
// It is draft-07, the one that every YAML language server knows. It cannot tell what
// an expression means, or whether a sink is there: [Load] is what counts.
func Schema() ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(rulesSchema()); err != nil {
		return nil, fmt.Errorf("write schema: %w", err)
	}
	return out.Bytes(), nil
}

// jsonSchema is as much of JSON Schema as the rules need.
type jsonSchema struct {
	Schema        string                 `json:"$schema,omitempty"`
	Title         string                 `json:"title,omitempty"`
	Description   string                 `json:"description,omitempty"`
	Type          any                    `json:"type,omitempty"`
	Enum          []string               `json:"enum,omitempty"`
	Default       string                 `json:"default,omitempty"`
	MinLength     int                    `json:"minLength,omitempty"`
	MaxLength     int                    `json:"maxLength,omitempty"`
	Pattern       string                 `json:"pattern,omitempty"`
	Items         *jsonSchema            `json:"items,omitempty"`
	MinItems      int                    `json:"minItems,omitempty"`
	UniqueItems   bool                   `json:"uniqueItems,omitempty"`
	Properties    map[string]*jsonSchema `json:"properties,omitempty"`
	PropertyNames *jsonSchema            `json:"propertyNames,omitempty"`
	// Additional is false, or the schema of all properties.
	Additional    any           `json:"additionalProperties,omitempty"`
	MinProperties int           `json:"minProperties,omitempty"`
	MaxProperties int           `json:"maxProperties,omitempty"`
	Required      []string      `json:"required,omitempty"`
	If            *jsonSchema   `json:"if,omitempty"`
	Then          *jsonSchema   `json:"then,omitempty"`
	Not           *jsonSchema   `json:"not,omitempty"`
	AllOf         []*jsonSchema `json:"allOf,omitempty"`
	AnyOf         []*jsonSchema `json:"anyOf,omitempty"`
	OneOf         []*jsonSchema `json:"oneOf,omitempty"`
}

// The patterns of strings. A kind and a name are longer than a pattern can say: at
// most 63 letters.
const (
	namePattern      = `^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	dottedPattern    = `^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	durationPattern  = `^\+?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$`
	parameterPattern = `^[A-Za-z0-9_-]+$`
	urlPattern       = `^[hH][tT][tT][pP][sS]?://[^/?#@]+([/?#].*)?$`
	kindPattern      = `^[A-Za-z]([-A-Za-z0-9]*[A-Za-z0-9])?$`
	versionPattern   = `^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[a-z]([-a-z0-9]*[a-z0-9])?$`
	labelPattern     = `^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$`

	longName   = 63
	longDotted = 253
)

func rulesSchema() *jsonSchema {
	w := schemaWriter{newReference()}
	s := w.mapping("")
	s.Schema, s.Title = "http://json-schema.org/draft-07/schema#", "Rules of rollcall"
	s.Description = "What must hold of which releases, and who is told then. The reference is docs/rules.md; rollcall check finds what this schema cannot."
	s.Type = orNull("object")
	return s
}

// schemaWriter makes a schema of the reference.
type schemaWriter struct{ reference reference }

// mapping is the schema of a mapping with the fields of a path.
func (w schemaWriter) mapping(path string) *jsonSchema {
	s := &jsonSchema{Type: "object", Properties: map[string]*jsonSchema{}, Additional: false}
	for _, name := range w.reference.known[path] {
		f := w.reference.fields[strings.TrimPrefix(path+"."+name, ".")]
		s.Properties[name] = w.field(f)
		if f.Required {
			s.Required = append(s.Required, name)
		}
	}
	switch path {
	case "sinks.*":
		s.MinProperties, s.MaxProperties = 1, 1
	case "sinks.*.argoWorkflow":
		s.OneOf = []*jsonSchema{{Required: []string{"workflowTemplate"}}, {Required: []string{"clusterWorkflowTemplate"}}}
	case "rules[].on":
		words := w.reference.fields["rules[].on.kind"].Words
		s.AnyOf = []*jsonSchema{{Properties: map[string]*jsonSchema{"kind": {Enum: words}}}, {Required: []string{"apiVersion"}}}
	case "rules[]":
		s.AllOf = w.meaningless()
	}
	return s
}

// meaningless forbids the fields that mean nothing for an event.
func (w schemaWriter) meaningless() []*jsonSchema {
	var out []*jsonSchema
	for _, name := range w.reference.known["rules[]"] {
		f := w.reference.fields["rules[]."+name]
		if len(f.Events) == 0 {
			continue
		}
		others := &jsonSchema{Required: []string{"event"}, Properties: map[string]*jsonSchema{
			"event": {Not: &jsonSchema{Enum: asWords(f.Events)}},
		}}
		out = append(out, &jsonSchema{If: others, Then: &jsonSchema{Not: &jsonSchema{Required: []string{name}}}})
	}
	return out
}

// field is the schema of a field, with its description.
func (w schemaWriter) field(f Field) *jsonSchema {
	s := w.typed(f)
	s.Description = described(f)
	if len(f.Words) > 0 && f.Type == Word {
		s.Default = strings.Trim(f.Default, "`")
	}
	return s
}

func (w schemaWriter) typed(f Field) *jsonSchema {
	switch f.Type {
	case Mapping:
		return w.mapping(f.Path)
	case Mappings:
		return &jsonSchema{Type: orNull("array"), Items: w.mapping(f.Path + "[]")}
	case ByName:
		return &jsonSchema{Type: orNull("object"), PropertyNames: dnsName(), Additional: w.mapping(f.Path + ".*")}
	case Sends:
		return &jsonSchema{Type: orNull("array"), Items: &jsonSchema{AnyOf: []*jsonSchema{dnsName(), w.mapping(f.Path + "[]")}}}
	case Parameters:
		return &jsonSchema{Type: orNull("object"), PropertyNames: &jsonSchema{Pattern: parameterPattern}, Additional: someText()}
	case Labels:
		return &jsonSchema{Type: orNull("object"), Additional: &jsonSchema{Type: "string", MaxLength: longName, Pattern: labelPattern}}
	case Annotations:
		return &jsonSchema{Type: orNull("object"), Additional: &jsonSchema{Type: "string"}}
	case Names:
		return &jsonSchema{Type: "array", Items: dnsName(), MinItems: 1, UniqueItems: true}
	case Words:
		return &jsonSchema{Type: "array", Items: &jsonSchema{Type: "string", Enum: f.Words}, MinItems: 1, UniqueItems: true}
	}
	return ofText(f)
}

// ofText is the schema of a field that holds one string.
func ofText(f Field) *jsonSchema {
	switch f.Type {
	case Word:
		return &jsonSchema{Type: "string", Enum: f.Words}
	case Name:
		return dnsName()
	case Dotted:
		return &jsonSchema{Type: "string", Pattern: dottedPattern, MaxLength: longDotted}
	case Time:
		return &jsonSchema{Type: "string", Pattern: durationPattern}
	case URL:
		return &jsonSchema{Type: "string", Pattern: urlPattern}
	case Kind:
		return &jsonSchema{Type: "string", Pattern: kindPattern, MaxLength: longName}
	case Version:
		return &jsonSchema{Type: "string", Pattern: versionPattern}
	}
	return someText()
}

func dnsName() *jsonSchema {
	return &jsonSchema{Type: "string", Pattern: namePattern, MaxLength: longName}
}

func someText() *jsonSchema { return &jsonSchema{Type: "string", MinLength: 1} }

// orNull lets a heading stand alone.
func orNull(kind string) []string { return []string{kind, "null"} }

// described is what an editor shows beside a field.
func described(f Field) string {
	var b strings.Builder
	b.WriteString(strings.ToUpper(f.Doc[:1]) + f.Doc[1:] + ".")
	for _, m := range meanings(f.Path) {
		fmt.Fprintf(&b, "\n- `%s`: %s", m.Word, m.Doc)
	}
	if f.Type == Time {
		fmt.Fprintf(&b, " From %s to %s.", Spell(f.Least), Spell(f.Most))
	}
	if f.Default != "" {
		fmt.Fprintf(&b, "\nDefault: %s.", f.Default)
	}
	return b.String()
}

// meanings are those of the words that a field may hold.
func meanings(path string) []Meaning {
	switch path {
	case "rules[].event":
		return Events()
	case "rules[].kinds":
		return Kinds()[:len(Kinds())-1] // nobody can ask for the last
	}
	return nil
}
