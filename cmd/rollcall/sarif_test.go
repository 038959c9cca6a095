package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/config"
)

// sarifSchema is what SARIF 2.1.0 says of the parts that we write: what has to be
// there, and nothing that it does not know.
const sarifSchema = `{
  "type": "object", "required": ["version", "runs"], "additionalProperties": false,
  "properties": {"$schema": {"type": "string", "format": "uri"}, "version": {"const": "2.1.0"}, "runs": {"type": "array", "items": {"$ref": "#/definitions/run"}}},
  "definitions": {
    "message": {"type": "object", "required": ["text"], "additionalProperties": false, "properties": {"text": {"type": "string", "minLength": 1}}},
    "level": {"enum": ["none", "note", "warning", "error"]},
    "run": {
      "type": "object", "required": ["tool"], "additionalProperties": false,
      "properties": {
        "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
        "results": {"type": "array", "items": {"$ref": "#/definitions/result"}},
        "tool": {"type": "object", "required": ["driver"], "additionalProperties": false, "properties": {"driver": {
          "type": "object", "required": ["name"], "additionalProperties": false, "properties": {
            "name": {"type": "string"}, "version": {"type": "string"},
            "rules": {"type": "array", "uniqueItems": true, "items": {"type": "object", "required": ["id"], "additionalProperties": false, "properties": {
              "id": {"type": "string"}, "shortDescription": {"$ref": "#/definitions/message"},
              "defaultConfiguration": {"type": "object", "additionalProperties": false, "properties": {"level": {"$ref": "#/definitions/level"}}}
            }}}
        }}}}
      }
    },
    "result": {
      "type": "object", "required": ["message"], "additionalProperties": false,
      "properties": {
        "ruleId": {"type": "string"}, "ruleIndex": {"type": "integer", "minimum": 0}, "level": {"$ref": "#/definitions/level"},
        "message": {"$ref": "#/definitions/message"},
        "locations": {"type": "array", "minItems": 1, "items": {"type": "object", "additionalProperties": false, "properties": {
          "physicalLocation": {"type": "object", "additionalProperties": false, "required": ["artifactLocation"], "properties": {
            "artifactLocation": {"type": "object", "additionalProperties": false, "properties": {"uri": {"type": "string", "format": "uri-reference"}}},
            "region": {"type": "object", "additionalProperties": false, "properties": {"startLine": {"type": "integer", "minimum": 1}, "startColumn": {"type": "integer", "minimum": 1}}}
          }},
          "logicalLocations": {"type": "array", "items": {"type": "object", "additionalProperties": false, "properties": {
            "name": {"type": "string"}, "fullyQualifiedName": {"type": "string"}, "kind": {"type": "string"}
          }}}
        }}}
      }
    }
  }
}`

func TestCheckAsSARIF(t *testing.T) {
	folder(t, map[string]string{"my rules.yaml": bad, "warn.yaml": unused, "fine.yaml": good})
	here, err := os.Getwd()
	require.NoError(t, err)
	outside := filepath.Join(t.TempDir(), "bad.yaml")
	require.NoError(t, os.WriteFile(outside, []byte(bad), 0o600))
	got := rollcall(t, "", "check", "-o", "sarif", "my rules.yaml", filepath.Join(here, "warn.yaml"), "fine.yaml", outside)
	assert.Equal(t, 1, got.code)
	validate(t, sarifSchema, got.out)
	var log sarifLog
	require.NoError(t, json.Unmarshal([]byte(got.out), &log))
	require.Len(t, log.Runs, 1)
	var said []string
	for _, r := range log.Runs[0].Results {
		at := r.Locations[0].Physical
		require.Equal(t, r.RuleID, log.Runs[0].Tool.Driver.Rules[r.RuleIndex].ID)
		said = append(said, fmt.Sprintf("%s %s %s:%d:%d %s %s", r.Level, r.RuleID, at.Artifact.URI, at.Region.StartLine, at.Region.StartColumn, r.Locations[0].Logical[0].Full, r.Message.Text))
	}
	assert.Equal(t, []string{
		"error expression my%20rules.yaml:5:19 rules/web undefined field 'redy', did you mean \"ready\"?",
		"warning unused-sink warn.yaml:6:3 sinks/bus no rule sends to sink bus",
		"error expression file://" + outside + ":5:19 rules/web undefined field 'redy', did you mean \"ready\"?",
	}, said)
	validate(t, sarifSchema, rollcall(t, good, "check", "-o", "sarif", "-").out)
}

func validate(t *testing.T, schema, text string) {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(schema))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7)
	c.AssertFormat()
	require.NoError(t, c.AddResource("schema.json", document))
	s, err := c.Compile("schema.json")
	require.NoError(t, err)
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	require.NoError(t, err)
	require.NoError(t, s.Validate(value))
}

// Every code that a mistake can have is one that SARIF's rules know.
func TestSortsOfMistakesAreTold(t *testing.T) {
	var log sarifLog
	require.NoError(t, json.Unmarshal([]byte(rollcall(t, various, "check", "-o", "sarif", "-").out), &log))
	require.Len(t, log.Runs[0].Tool.Driver.Rules, len(config.Sorts()))
	for _, r := range log.Runs[0].Results {
		assert.Equal(t, r.RuleID, log.Runs[0].Tool.Driver.Rules[r.RuleIndex].ID)
	}
}
