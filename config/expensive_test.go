package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/rollcall-dev/rollcall/config"
	"github.com/rollcall-dev/rollcall/release"
)

// ruleWith is a text of one rule with a condition.
func ruleWith(t *testing.T, when string) []byte {
	t.Helper()
	text, err := yaml.Marshal(map[string]any{"rules": []any{
		map[string]any{"name": "a", "on": map[string]any{"kind": "Deployment"}, "when": when},
	}})
	require.NoError(t, err)
	return text
}

// Whatever an expression is made to cost, it ends in a mistake when it is read, or its
// evaluation is stopped, or it is cheap.
func TestHostileExpressions(t *testing.T) {
	for name, tt := range map[string]struct {
		when string
		// mistake is what is said when it is read; reason, when it is judged.
		mistake, reason string
		warning         config.Code
	}{
		"depth":                           {strings.Repeat("(", 300) + "true" + strings.Repeat(")", 300), "nested too deeply", "", ""},
		"depth that is never closed":      {strings.Repeat("(", 15000), "nested too deeply", "", ""},
		"nots":                            {strings.Repeat("!", 16000) + "true", "", "when is true", ""},
		"minuses":                         {strings.Repeat("-", 16000) + "1 == 1", "", "when is true", ""},
		"dots":                            {"release" + strings.Repeat(".a", 5000), "nested too deeply", "", ""},
		"ternaries":                       {strings.Repeat("true ? ", 2000) + "true", "cannot be read any further", "", ""},
		"length":                          {"true || " + strings.Repeat("false || ", 3000) + "false", "is too long", "", ""},
		"a long text":                     {"release.name != '" + strings.Repeat("a", 16000) + "'", "", "when is true", ""},
		"parts":                           {"[" + strings.Repeat("1,", 5000) + "1].size() > 0", "too many parts", "", ""},
		"a regular expression":            {"'" + strings.Repeat("a", 1000) + "!'.matches('^(a+)+$')", "", "when is false", config.NeverTrue},
		"one that is large":               {"'a'.matches('((a{1,1000}){1,1000}){1,1000}')", "the regular expression is wrong, or too large", "", ""},
		"one that is only known then":     {"release.name.matches('(' + release.name + '{1,1000}){1,1000}')", "", "when: ", ""},
		"loops in loops":                  {"lists.range(1000).all(a, lists.range(1000).all(b, lists.range(1000).all(c, true)))", "", "cost limit exceeded", config.Costly},
		"loops in loops that are bound":   {"cel.bind(v, lists.range(1000), v.all(a, v.all(b, v.all(c, true))))", "", "cost limit exceeded", config.Costly},
		"a range of billions":             {"lists.range(1000000000).size() > 0", "", "when: ", config.Costly},
		"a list that is made":             {"lists.range(1000).map(a, lists.range(1000).map(b, b)).flatten().size() > 0", "", "cost limit exceeded", config.Costly},
		"a text that doubles":             {"cel.bind(a, 'xxxxxxxxxx', " + strings.Repeat("cel.bind(a, a + a, ", 40) + "a.size() > 0" + strings.Repeat(")", 41), "", "cost limit exceeded", ""},
		"a text that is replaced":         {"'aaaaaaaaaa'" + strings.Repeat(".replace('a', 'aaaaaaaaaa')", 20) + ".size() > 0", "", "cost limit exceeded", config.Costly},
		"a format":                        {"'%1000000000d'.format([1]) == ''", "could not parse formatting clause", "", ""},
		"a format of many digits":         {"'%.1000000000f'.format([1.0]) == ''", "could not parse formatting clause", "", ""},
		"a number that overflows":         {"9223372036854775807 + 1 > 0", "", "when: ", ""},
		"a division by zero":              {"1 / 0 == 1", "", "when: ", ""},
		"a duration that overflows":       {"duration('999999999999999h') > duration('1s')", "this is no duration", "", ""},
		"an index that is not there":      {"release.images[99] == ''", "", "when: ", ""},
		"a label that is not there":       {"release.labels['nope'] == ''", "", "when: ", ""},
		"a loop over what is known":       {"release.images.all(a, release.images.all(b, release.images.all(c, a == b || b != c)))", "", "when is false", config.Costly},
		"what looks like our own":         {"@look == 1", "unexpected '@'", "", ""},
		"a lookup in a loop":              {"lists.range(1000).all(a, lookup('v1', 'ConfigMap', string(a)).size() == 0)", "", "has to be read", ""},
		"a comprehension of two":          {"lists.range(1000).transformMapEntry(i, v, {string(v): v}).size() == 1000", "", "", ""},
		"a sort of what is made":          {"lists.range(100).sortBy(x, -x).size() > 0", "", "when is true", ""},
		"a sort of more":                  {"lists.range(1000).sortBy(x, -x).size() > 0", "", "cost limit exceeded", ""},
		"an image of nonsense":            {"image('" + strings.Repeat("a/", 3000) + "').tag == ''", "", "when: ", ""},
		"a version of nonsense":           {"semver('" + strings.Repeat("1.", 3000) + "').major() == 1", "", "when: ", ""},
		"a quantity of nonsense":          {"quantity('" + strings.Repeat("9", 3000) + "').isGreaterThan(quantity('1'))", "", "", ""},
		"a url of nonsense":               {"url('" + strings.Repeat("h", 3000) + "').getHost() == ''", "", "when: ", ""},
		"an address of nonsense":          {"ip('" + strings.Repeat("1.", 3000) + "').family() == 4", "", "when: ", ""},
		"base64 of nonsense":              {"base64.decode('!!!') == b''", "", "when: ", ""},
		"zero bytes":                      {"release.name == '\\x00\\x00'", "", "when is false", ""},
		"letters that turn the direction": {"release.name == '\u202eabc'", "", "when is false", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c, mistakes := config.Load("rules.yaml", ruleWith(t, tt.when))
			if tt.mistake != "" {
				require.NotEmpty(t, mistakes)
				assert.Contains(t, mistakes[0].Message, tt.mistake)
				assert.Empty(t, c.Rules)
				return
			}
			require.Empty(t, mistakes)
			snap := ready()
			snap.Release.Template.Images = []string{"a", "b"}
			got := c.Judge(t.Context(), snap, noon())
			require.Len(t, got, 1)
			assert.Contains(t, got[0].Reason, tt.reason)
			if strings.HasPrefix(tt.reason, "cost") || tt.reason == "when: " {
				assert.Equal(t, release.Broken, got[0].Standing)
			}
			var warned config.Code
			for _, w := range c.Warnings {
				warned = w.Code
			}
			assert.Equal(t, tt.warning, warned)
		})
	}
}
