package conditions_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/conditions"
)

// language gives the one Language that a test needs.
func language(t testing.TB) *conditions.Language {
	t.Helper()
	l, err := conditions.NewLanguage()
	require.NoError(t, err)
	return l
}

func TestConditionCompiles(t *testing.T) {
	l := language(t)
	for _, expr := range []string{
		"true",
		"release.ready",
		"release.ready && app.project == 'shop'",
		"release.name == 'web' && release.namespace == 'shop' && release.cluster == 'prod'",
		"release.kind in ['initial', 'release'] && release.revision == '7'",
		"release.images.exists(i, i.startsWith('registry.example.com/'))",
		"'tier' in release.labels && release.labels['tier'] == 'web'",
		"has(release.annotations.owner)",
		"release.previous != '' && !release.late && release.waitingFor == ''",
		"now - release.startedAt > duration('10m')",
		"now > timestamp('2026-01-01T00:00:00Z')",
		"app.engine == 'argocd' && app.name == 'shop' && app.namespace == 'argocd'",
		"app.synced && app.healthy && app.ready && app.operation == 'Succeeded'",
		"app.revision == 'abc' || 'abc' in app.revisions || app.repoURL.endsWith('.git')",
		"release.name.lowerAscii().split('-').size() > 1",
		"sets.contains(release.images, ['a'])",
		"math.greatest(1, 2) == 2",
		"lists.range(3).sort() == [0, 1, 2]",
		"base64.encode(b'x') == 'eA=='",
		"release.ready\n  && app.ready",
	} {
		t.Run(expr, func(t *testing.T) {
			c, err := l.Condition(expr)
			require.NoError(t, err)
			assert.Equal(t, expr, c.String())
		})
	}
}

func TestConditionIssues(t *testing.T) {
	l := language(t)
	for _, tt := range []struct {
		name string
		expr string
		want string
	}{
		{"a misspelt field is found when the rule is loaded", "release.redy", `1:9: undefined field 'redy', did you mean "ready"?`},
		{"a field of the other variable", "app.images", "1:5: undefined field 'images', did you mean release.images?"},
		{"every misspelt field is told", "release.redy && app.redy", `1:9: undefined field 'redy', did you mean "ready"?; 1:21: undefined field 'redy', did you mean "ready"?`},
		{"an unknown variable", "relese.ready", `1:1: undeclared reference to 'relese', did you mean "release"?`},
		{"an unknown function", "imgae('a') == 'a'", `1:6: undeclared reference to 'imgae', did you mean "image"?`},
		{"the line is told", "release.ready &&\n  app.helthy", `2:7: undefined field 'helthy', did you mean "healthy"?`},
		{"the result must be a boolean", "release.name", "1:1: condition must be a boolean, but is string"},
		{"nor may it be of any type", "dyn(true)", "1:1: condition must be a boolean, but may be anything: compare it, as in … == true"},
		{"a list is no boolean", "release.images", "1:1: condition must be a boolean, but is list(string)"},
		{"only the first syntax error is told", "release.ready &&", "1:17: syntax error: the expression ends too early"},
		{"an empty expression", "", "1:1: syntax error: the expression ends too early"},
		{"a single equals sign", "app.project = 'shop'", "1:13: syntax error: unexpected '=': equal is written =="},
		{"types must match", "release.name == 1", "1:14: == cannot be applied to string and int"},
		{"types are called as the variables are", "release == 1", "1:9: == cannot be applied to release and int"},
		{"a wrong regular expression", "release.name.matches('(')", "1:22: the regular expression is wrong, or too large"},
		{"a wrong duration", "now - release.startedAt > duration('ten')", "1:36: this is no duration, as duration('90s') and duration('24h') are"},
		{"a wrong timestamp", "now > timestamp('today')", "1:17: this is no time, as timestamp('2026-01-31T12:00:00Z') is"},
		{"columns count characters, not bytes", "'ü' == release.nam", `1:16: undefined field 'nam', did you mean "name"?`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := l.Condition(tt.expr)
			var issues conditions.Issues
			require.ErrorAs(t, err, &issues)
			assert.Equal(t, tt.want, issues.Error())
		})
	}
}

func TestConditionTooLong(t *testing.T) {
	_, err := language(t).Condition("true" + strings.Repeat(" || true", 4096))
	require.Error(t, err)
	assert.Contains(t, err.Error(), "expression is too long: it has 32772 characters, of which 16384 are allowed")
}

func TestConditionTooDeep(t *testing.T) {
	_, err := language(t).Condition(strings.Repeat("(", 2000) + "true" + strings.Repeat(")", 2000))
	require.Error(t, err)
}

func TestText(t *testing.T) {
	l := language(t)
	text, err := l.Text("'http://' + release.name + '.' + release.namespace + '.svc'")
	require.NoError(t, err)
	assert.Equal(t, "'http://' + release.name + '.' + release.namespace + '.svc'", text.String())

	for _, tt := range []struct{ expr, want string }{
		{"release.ready", "1:1: expression must be a string, but is bool"},
		{"release.images", "1:1: expression must be a string, but is list(string)"},
		{"dyn('a')", "1:1: expression must be a string, but may be anything: put it in string(…)"},
		{"release.nam", `1:9: undefined field 'nam', did you mean "name"?`},
		{"'a", "1:1: syntax error: the string that begins with 'a does not end"},
	} {
		t.Run(tt.expr, func(t *testing.T) {
			_, err := l.Text(tt.expr)
			assert.EqualError(t, err, tt.want)
		})
	}
}

func FuzzCondition(f *testing.F) {
	for _, seed := range []string{"release.ready", "app.", "'", "release.images.all(i, i != '')", "ü\n.x"} {
		f.Add(seed)
	}
	l := language(f)
	f.Fuzz(func(t *testing.T, expr string) {
		c, err := l.Condition(expr)
		if err == nil {
			assert.Equal(t, expr, c.String())
			return
		}
		var issues conditions.Issues
		require.ErrorAs(t, err, &issues)
		for _, i := range issues {
			assert.Positive(t, i.Line)
			assert.Positive(t, i.Column)
			assert.NotEmpty(t, i.Message)
		}
	})
}
