package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/config"
)

// fill repeats a text up to a size.
func fill(text string, size int) string { return strings.Repeat(text, max(size/len(text), 1)) }

// count makes a text of numbered parts, up to a size.
func count(format string, size int) string {
	var b strings.Builder
	for i := 0; b.Len()+len(format) < size; i++ {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// laughs is a text of aliases that stand for a billion words.
func laughs() string {
	var text strings.Builder
	text.WriteString("a: &a [x]\n")
	for c := 'b'; c < 'z'; c++ {
		text.WriteString(fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c, ", c-1), 8), ", ")))
	}
	return text.String()
}

// TestHostileTexts reads what nobody writes who means well. There is no clock here:
// what took more than its share would run into the limit of all tests.
func TestHostileTexts(t *testing.T) {
	const (
		kib64 = 64 << 10
		one   = "rules: [{name: a, on: {kind: Deployment}, "
	)
	for name, tt := range map[string]struct {
		text string
		// want is what some mistake says; nothing means that there is none.
		want string
	}{
		"lists in lists":                {fill("[", kib64), "text is not YAML: exceeded max depth of 10000"},
		"lists in lists that end":       {fill("[", 9000) + fill("]", 9000), "configuration must be a mapping, but is a list"},
		"mappings in mappings":          {fill("{a: ", kib64), "text is not YAML: exceeded max depth of 10000"},
		"rules in rules":                {"rules: " + fill("[", 9000) + fill("]", 9000), "rule must be a mapping, but is a list"},
		"dashes":                        {fill("- ", kib64), "text is not YAML: exceeded max depth of 10000"},
		"questions":                     {fill("? ", kib64), "text is not YAML: exceeded max depth of 10000"},
		"a billion laughs":              {laughs(), `unknown field "a" in configuration`},
		"laughs in rules":               {"rules: [&a {name: a, on: {kind: Deployment}}, *a, *a]", "anchors are not supported: write the value where it is needed"},
		"merge keys":                    {"rules:\n- &a {name: a, on: {kind: Deployment}}\n- {<<: *a, name: b}", "aliases are not supported: write the value again"},
		"merged without an alias":       {one + "<<: {when: 'true'}}]", `unknown field "<<" in rule`},
		"merged into all":               {"<<: {rules: []}", `unknown field "<<" in configuration`},
		"an anchor on everything":       {"&a\nrules: []", "anchors are not supported: write the value where it is needed"},
		"an alias of itself":            {"rules: &a [*a]", "anchors are not supported: write the value where it is needed"},
		"an alias of nothing":           {"rules: *a", "text is not YAML: unknown anchor 'a' referenced"},
		"a quote that never ends":       {"rules: \"" + fill("a b\n", kib64), "text is not YAML: found unexpected end of stream"},
		"a name that is everything":     {"rules: [{name: " + fill("a", kib64) + ", on: {kind: Deployment}}]", "must be at most 63 lower-case letters, digits and dashes"},
		"a key that is everything":      {"\"" + fill("a", kib64) + "\": b", "text is not YAML: mapping values are not allowed in this context"},
		"a key that is long":            {"\"" + fill("a", 1000) + "\": b", "aaa…\" in configuration"},
		"a wrong duration of all":       {one + "settle: \"" + fill("9", kib64) + "\"}]", "99…\" must be a duration, for example 90s, 15m or 24h"},
		"a long duration":               {one + "settle: \"" + fill("1h", kib64) + "\"}]", "1h1h1h1h1h1h1h1h1h1h1h1h1h1h1h1h1h1h1h1h1h1h1h1h1h1h1h1h1h1h1h1h… must be at most 24h"},
		"a selector of many":            {"rules: [{name: a, on: {kind: Deployment, selector: \"a in (" + fill("b,", kib64) + "b)\"}}]", ""},
		"a selector that is wrong":      {"rules: [{name: a, on: {kind: Deployment, selector: \"" + fill("(", kib64) + "\"}}]", "selector is wrong: "},
		"a url of everything":           {"sinks: {a: {http: {url: 'http://" + fill("a", kib64) + "'}}}", ""},
		"tabs":                          {fill("\t", kib64), "text is not YAML: tab in the indentation, where YAML wants spaces"},
		"carriage returns alone":        {fill("\r", kib64) + "rules: [a]", "rule must be a mapping, but is a string"},
		"lines that end as on Windows":  {"rules:\r\n- name: a\r\n  on: {kind: Deployment}\r\n", ""},
		"lines that end as on old Macs": {"rules:\r- name: a\r  on: {kind: Deployment}\r", ""},
		"odd ends of lines":             {"rules:\u2028- name: a\u0085  on: {kind: Deployment}\u2029", ""},
		"a byte order mark":             {"\ufeffrules: []", ""},
		"a byte order mark inside":      {"rules: []\n\ufeff", "text is not YAML: could not find expected ':'"},
		"a zero byte":                   {"rules: []\x00", "text is not YAML: control characters are not allowed"},
		"a zero byte in a string":       {one + "when: \"'\\0' == release.name\"}]", ""},
		"a bell":                        {"rules: [\a]", "text is not YAML: control characters are not allowed"},
		"half a character":              {"rules: []\n# \xc3", "text is not UTF-8"},
		"UTF-16":                        {"\xff\xfer\x00u\x00l\x00e\x00s\x00", "text is not UTF-8"},
		"many documents":                {fill("---\n", kib64), "only one document is allowed"},
		"a document that ended":         {"rules: []\n...\nrules: []", "text is not YAML: did not find expected <document start>"},
		"a directive":                   {"%YAML 1.1\n---\nrules: []", ""},
		"another version of YAML":       {"%YAML 2.0\n---\nrules: []", "text is not YAML: found incompatible YAML document"},
		"a tag of all":                  {"!!map {rules: []}", "tags are not supported"},
		"a binary":                      {"rules: !!binary aGVsbG8=", "tags are not supported"},
		"keys twice":                    {"rules: []\nrules: []", "rules is given twice, first in line 1"},
		"a key in quotes twice":         {one + "when: 'true', \"when\": 'true'}]", "when is given twice, first in line 1"},
		"a key that is a list":          {"? [a]\n: b", "key must be a string, but is a list"},
		"a key that is nothing":         {"? \n: b", `unknown field "" in configuration`},
		"names that are the same":       {"rules:\n" + fill("- {name: a, on: {kind: Deployment}}\n", kib64), "there is already a rule a"},
		"one namespace, many times":     {"rules: [{name: a, on: {kind: Deployment, namespaces: [" + fill("b, ", kib64) + "]}}]", "b is twice in namespaces"},
		"many namespaces and a loop":    {"rules: [{name: a, on: {kind: Deployment, namespaces: [" + count("n%d, ", kib64) + "]}, when: \"" + fill("release.name == 'a' || ", 15000) + "false\"}]", ""},
		"a sink, many times":            {one + "send: [" + fill("b, ", kib64) + "]}]", `unknown sink "b"`},
		"sinks, and others sent to":     {"sinks:\n" + count("  s%d: {http: {url: 'http://x'}}\n", kib64) + "rules:\n" + count("- {name: r%d, on: {kind: Deployment}, send: [nobody]}\n", kib64), `unknown sink "nobody"`},
		"parameters, and rules":         {"sinks: {s: {http: {url: 'http://x', parameters: {" + count("p%d: release.name, ", kib64) + "}}}}\nrules:\n" + count("- {name: r%d, on: {kind: Deployment}, send: [s]}\n", kib64), ""},
		"mistakes in one line":          {"rules: [" + fill("{name: a, on: {kind: Deployment}, when: release.redy}, ", kib64) + "]", `undefined field 'redy', did you mean "ready"?`},
	} {
		t.Run(name, func(t *testing.T) {
			_, mistakes := config.Load("rules.yaml", []byte(tt.text))
			_, inFile := config.File("rules.yaml", []byte(tt.text))
			assert.Equal(t, len(mistakes), len(inFile), "a file is read as its text is")
			inMap := "apiVersion: v1\nkind: ConfigMap\ndata:\n  rules.yaml: |\n    " + strings.ReplaceAll(tt.text, "\n", "\n    ")
			_, _ = config.File("rules.yaml", []byte(inMap))
			if tt.want == "" {
				assert.Empty(t, mistakes)
				return
			}
			require.NotEmpty(t, mistakes)
			var all []string
			for _, m := range mistakes[:min(len(mistakes), 200)] {
				assert.Less(t, len(m.Message), 400, "a message is for people")
				assert.Less(t, len(m.Excerpt), 1000)
				all = append(all, m.Message)
			}
			assert.Contains(t, strings.Join(all, "\n"), tt.want)
		})
	}
}

// A text as long as a ConfigMap can be is read, and every mistake told; what is shown
// of it is bounded.
func TestTextsAtTheLimit(t *testing.T) {
	const most = 1 << 20
	for name, tt := range map[string]struct {
		text            string
		rules, mistakes int
	}{
		"rules":                {"rules:\n" + count("- {name: r%d, on: {kind: Deployment}}\n", most-100), 25_000, 0},
		"mistakes, in lines":   {"rules:\n" + count("- {name: r%d, on: {kind: Deployment, namespaces: A}}\n", most-100), 0, 17_000},
		"mistakes, in a line":  {"rules: [" + count("{name: r%d, on: {kind: Deployment}, when: release.redy, kinds: ["+fill("a,", 2000)+"]}, ", most-100) + "]", 0, 500_000},
		"words that are wrong": {"rules: [" + fill("[], ", most-100) + "]", 0, 262_000},
	} {
		t.Run(name, func(t *testing.T) {
			require.LessOrEqual(t, len(tt.text), most)
			c, mistakes := config.Load("rules.yaml", []byte(tt.text))
			assert.GreaterOrEqual(t, len(c.Rules), tt.rules)
			assert.GreaterOrEqual(t, len(mistakes), tt.mistakes)
			shown := 0
			for _, m := range mistakes {
				if m.Excerpt != "" {
					shown++
				}
			}
			assert.Equal(t, min(len(mistakes), 100), shown)
			merged, _ := config.Merge(c, c, mistakes)
			assert.Len(t, merged.Rules, len(c.Rules))
		})
	}
}
