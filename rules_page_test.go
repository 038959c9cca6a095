package rollcall_test

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/conditions"
	"github.com/rollcall-dev/rollcall/config"
	"github.com/rollcall-dev/rollcall/emit"
	"github.com/rollcall-dev/rollcall/release"
)

var update = flag.Bool("update", false, "write the tables of docs/rules.md anew")

// rulesPage is the reference of the rules: prose, and between it what is made from
// the code.
const rulesPage = "docs/rules.md"

var made = regexp.MustCompile(`(?s)(<!-- made from (\w+\.\w+): [^\n]* -->\n)(.*?)(<!-- end -->\n)`)

// makers give the parts of the page by what they are made from.
func makers() map[string]func() string {
	return map[string]func() string{
		"config.Fields": fieldsOfRules,
		"config.Events": func() string { return meanings("event", config.Events()) },
		"config.Kinds":  func() string { return meanings("kind", config.Kinds()) },
		"conditions.Fields": func() string {
			var rows [][]string
			for _, f := range conditions.Fields() {
				rows = append(rows, []string{code(f.Name), code(f.Type), f.Doc})
			}
			return markdown([]string{"variable", "type", "what"}, rows)
		},
		"conditions.Functions": func() string {
			var rows [][]string
			for _, f := range conditions.Functions() {
				rows = append(rows, []string{code(f.Name), f.Doc})
			}
			return markdown([]string{"function", "what it gives"}, rows)
		},
		"conditions.Libraries": func() string {
			return "- " + strings.Join(conditions.Libraries(), "\n- ") + "\n"
		},
		"config.Sorts": func() string {
			var rows [][]string
			for _, s := range config.Sorts() {
				rows = append(rows, []string{code(string(s.Code)), map[bool]string{true: "warning", false: "mistake"}[s.Warning], strings.TrimSuffix(s.Doc, ".")})
			}
			return markdown([]string{"code", "is a", "what it says"}, rows)
		},
		"emit.Facts": func() string { return meanings("parameter", facts()) },
	}
}

func TestRulesPage(t *testing.T) {
	text := read(t, rulesPage)
	left := maps.Clone(makers())
	fresh := made.ReplaceAllStringFunc(text, func(part string) string {
		m := made.FindStringSubmatch(part)
		make, ok := left[m[2]]
		require.True(t, ok, "nothing is made from %s, or it is there twice", m[2])
		delete(left, m[2])
		return m[1] + make() + m[4]
	})
	assert.Empty(t, left, "the page leaves them out")
	if *update {
		require.NoError(t, os.WriteFile(rulesPage, []byte(fresh), 0o644))
		return
	}
	assert.Equal(t, fresh, text, "write it anew: go test . -run TestRulesPage -update")
}

func fieldsOfRules() string {
	var rows [][]string
	for _, f := range config.Fields() {
		if f.Later {
			continue
		}
		otherwise := f.Default
		if f.Required {
			otherwise = "needed"
		}
		rows = append(rows, []string{code(f.Path), typeOf(f), otherwise, f.Doc})
	}
	return markdown([]string{"field", "type", "default", "what"}, rows)
}

// typeOf says what a field may hold.
func typeOf(f config.Field) string {
	words := "`" + strings.Join(f.Words, "`, `") + "`"
	if len(f.Words) == 1 {
		return words
	}
	switch f.Type {
	case config.Word:
		return "one of " + words
	case config.Words:
		return "list of " + words
	case config.Kind:
		return words + ", or another"
	case config.Time:
		return fmt.Sprintf("duration, %s to %s%s", config.Spell(f.Least), config.Spell(f.Most), ofEvents(f))
	}
	return string(f.Type)
}

func ofEvents(f config.Field) string {
	var out []string
	for _, e := range f.Events {
		out = append(out, code(string(e)))
	}
	return "; only of " + strings.Join(out, " and ")
}

// facts says what each of the parameters is that every Workflow gets.
func facts() []config.Meaning {
	return []config.Meaning{
		{Word: "event", Doc: "what happened: " + inWords(release.Occasions())},
		{Word: "app", Doc: "the owner's name, or the workload's if nobody owns it"},
		{Word: "cluster", Doc: "the cluster"},
		{Word: "namespace", Doc: "the workload's namespace"},
		{Word: "name", Doc: "the workload's name"},
		{Word: "workload", Doc: "kind and name, for example `Deployment/web`"},
		{Word: "kind", Doc: "the kind of release"},
		{Word: "images", Doc: "all images, with commas"},
		{Word: "revision", Doc: "the Git revision that was synced, or empty"},
		{Word: "release", Doc: "the name of the record"},
		{Word: "event-id", Doc: "the same for each attempt to deliver the event"},
		{Word: "repeat", Doc: "how often it was told before, for a rule with `every`; else 0"},
		{Word: "result", Doc: "how the release's runs ended, if `event` is `tested`; else empty"},
		{Word: "trace-id", Doc: "the trace"},
		{Word: "traceparent", Doc: "the W3C trace context that the Workflow continues; it is also the annotation `opentelemetry.io/traceparent` of the Workflow and of its pods"},
	}
}

func TestFactsAreAllTold(t *testing.T) {
	var told []string
	for _, f := range facts() {
		told = append(told, f.Word)
	}
	assert.ElementsMatch(t, slices.Collect(maps.Keys(emit.Facts(release.Event{}))), told)
}

// What the prose says in numbers.
func TestNumbersOfTheRulesPage(t *testing.T) {
	page := strings.Join(strings.Fields(read(t, rulesPage)), " ")
	assert.Contains(t, page, fmt.Sprintf("could not be created within %.0f hours", emit.GiveUpAfter.Hours()))
	rule := "{name: r%d, on: {kind: Deployment}}"
	for n, want := range map[int]int{100: 0, 101: 1} {
		var rules []string
		for i := range n {
			rules = append(rules, fmt.Sprintf(rule, i))
		}
		_, mistakes := config.LoadTenant("shop", "", []byte("rules: ["+strings.Join(rules, ", ")+"]"))
		assert.Len(t, mistakes, want, "more than 100 rules")
	}
	assert.Contains(t, page, "more than 100 rules, or 100 sinks")
	assert.Contains(t, page, "the label `"+config.TenantLabel+`: "true"`)
}

func meanings(head string, all []config.Meaning) string {
	var rows [][]string
	for _, m := range all {
		rows = append(rows, []string{code(m.Word), m.Doc})
	}
	return markdown([]string{head, "what"}, rows)
}

func inWords[T ~string](all []T) string {
	var out strings.Builder
	out.WriteString(code(string(all[0])))
	for i, one := range all[1:] {
		out.WriteString(cmp.Or(map[bool]string{true: " or "}[i == len(all)-2], ", ") + code(string(one)))
	}
	return out.String()
}

func code(text string) string { return "`" + text + "`" }

// markdown writes a table.
func markdown(head []string, rows [][]string) string {
	var b strings.Builder
	line := func(cells []string) {
		row := "| " + strings.Join(cells, " | ") + " |\n"
		b.WriteString(strings.ReplaceAll(row, "|  |", "| |"))
	}
	line(head)
	b.WriteString(strings.Repeat("|---", len(head)) + "|\n")
	for _, r := range rows {
		line(r)
	}
	return b.String()
}
