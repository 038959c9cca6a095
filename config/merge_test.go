package config_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/config"
)

// parts writes a configuration from sinks "name=url" and rules
// "name when -> sink sink".
func parts(sinks, rules []string) []byte {
	var b strings.Builder
	b.WriteString("sinks:\n")
	for _, s := range sinks {
		name, url, _ := strings.Cut(s, "=")
		fmt.Fprintf(&b, "  %s: {http: {url: %q}}\n", name, url)
	}
	b.WriteString("rules:\n")
	for _, r := range rules {
		left, send, _ := strings.Cut(r, " -> ")
		name, when, _ := strings.Cut(left, " ")
		send = strings.ReplaceAll(send, " ", ", ")
		fmt.Fprintf(&b, "  - {name: %s, on: {kind: Deployment}, when: %q, send: [%s]}\n", name, when, send)
	}
	return []byte(b.String())
}

// summary is what parts would have been given, sorted.
func summary(cfg config.Config) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(cfg.Sinks)) {
		all = append(all, name+"="+cfg.Sinks[name].HTTP.URL)
	}
	var rules []string
	for _, r := range cfg.Rules {
		rules = append(rules, r.Name+" "+r.When.String()+" -> "+strings.Join(sends(r), " "))
	}
	slices.Sort(rules)
	return append(all, rules...)
}

const (
	one = "http://one"
	two = "http://two"
)

func TestMerge(t *testing.T) {
	prev := parts(
		[]string{"a=" + one, "b=" + one},
		[]string{"ra release.ready -> a", "rb release.ready -> b", "none release.ready -> "},
	)
	for _, tt := range []struct {
		name  string
		sinks []string
		rules []string
		want  []string
		// blames are the mistakes that Merge adds.
		blames []string
	}{
		{
			name:  "what is right replaces all",
			sinks: []string{"c=" + two}, rules: []string{"rc app.ready -> c"},
			want: []string{"c=" + two, "rc app.ready -> c"},
		},
		{
			name:  "a bad rule stays what it was, its neighbours change",
			sinks: []string{"a=" + two, "b=" + one}, rules: []string{"ra release.redy -> a", "rb app.ready -> b a"},
			want: []string{"a=" + two, "b=" + one, "ra release.ready -> a", "rb app.ready -> b a"},
		},
		{
			name:  "a bad rule that was not there before is left out",
			sinks: []string{"a=" + one}, rules: []string{"ra app.ready -> a", "new release.redy -> a"},
			want: []string{"a=" + one, "ra app.ready -> a"},
		},
		{
			name:  "a bad sink stays what it was, for new rules too",
			sinks: []string{"a=nowhere", "b=" + two}, rules: []string{"ra app.ready -> a", "rc app.ready -> a b"},
			want: []string{"a=" + one, "b=" + two, "ra app.ready -> a", "rc app.ready -> a b"},
		},
		{
			name:  "a rule that needs a sink which has never been right stays what it was",
			sinks: []string{"a=" + two, "c=nowhere"}, rules: []string{"ra app.ready -> c"},
			want:   []string{"a=" + two, "ra release.ready -> a"},
			blames: []string{"rule ra needs sink c, which has never been right"},
		},
		{
			name:  "and so do the sinks that it had",
			sinks: []string{"c=nowhere"}, rules: []string{"ra app.ready -> c"},
			want:   []string{"a=" + one, "ra release.ready -> a"},
			blames: []string{"rule ra needs sink c, which has never been right"},
		},
		{
			name:  "a new rule that needs such a sink is left out",
			sinks: []string{"a=" + one, "c=nowhere"}, rules: []string{"ra release.ready -> a", "rc app.ready -> a c"},
			want:   []string{"a=" + one, "ra release.ready -> a"},
			blames: []string{"rule rc needs sink c, which has never been right"},
		},
		{
			name:  "a bad rule goes on with a sink that is no longer there",
			sinks: []string{"b=" + two}, rules: []string{"ra release.redy -> b", "rb app.ready -> b"},
			want: []string{"a=" + one, "b=" + two, "ra release.ready -> a", "rb app.ready -> b"},
		},
		{
			name:  "a rule that is taken away is gone, though another is bad",
			sinks: []string{"a=" + one}, rules: []string{"ra release.redy -> a"},
			want: []string{"a=" + one, "ra release.ready -> a"},
		},
		{
			name:  "of two rules with one name neither is taken",
			sinks: []string{"a=" + one}, rules: []string{"ra app.ready -> a", "ra app.synced -> a"},
			want: []string{"a=" + one, "ra release.ready -> a"},
		},
		{
			name: "nothing left", want: nil,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before, mistakes := config.Load("rules.yaml", prev)
			require.Empty(t, mistakes)
			after, mistakes := config.Load("rules.yaml", parts(tt.sinks, tt.rules))
			got, all := config.Merge(before, after, mistakes)
			assert.Equal(t, tt.want, summary(got))
			var blames []string
			for _, m := range all {
				if !slices.Contains(mistakes, m) {
					blames = append(blames, m.Message)
					assert.NotEmpty(t, m.Rule)
					assert.Positive(t, m.Line)
				}
			}
			assert.Equal(t, tt.blames, blames)
			assert.Len(t, all, len(mistakes)+len(blames))
		})
	}
}

func TestMergeKeepsAllAfterAMistakeOfTheWhole(t *testing.T) {
	prev, mistakes := config.Load("rules.yaml", parts([]string{"a=" + one}, []string{"ra release.ready -> a"}))
	require.Empty(t, mistakes)
	for _, text := range []string{"rules: {}", "- a", "rules: [", "ruls: []", "rules: []\n---\n", "\xff"} {
		t.Run(text, func(t *testing.T) {
			next, mistakes := config.Load("rules.yaml", []byte(text))
			require.NotEmpty(t, mistakes)
			got, all := config.Merge(prev, next, mistakes)
			assert.Equal(t, summary(prev), summary(got))
			assert.Equal(t, mistakes, all)
		})
	}
}

func TestMergeLeavesBothSidesAlone(t *testing.T) {
	prev, _ := config.Load("rules.yaml", parts([]string{"a=" + one}, []string{"ra release.ready -> a"}))
	next, mistakes := config.Load("rules.yaml", parts([]string{"a=nowhere"}, []string{"ra app.ready -> a"}))
	before, after := summary(prev), summary(next)
	config.Merge(prev, next, mistakes)
	assert.Equal(t, before, summary(prev))
	assert.Equal(t, after, summary(next))
}

func TestMergeJudgesByTheSinksThatAreKept(t *testing.T) {
	prev, _ := config.Load("rules.yaml", parts([]string{"a=" + one}, []string{"ra release.ready -> a"}))
	next, mistakes := config.Load("rules.yaml", parts([]string{"a=nowhere"}, []string{"ra app.ready -> a"}))
	got, _ := config.Merge(prev, next, mistakes)
	verdicts := got.Judge(t.Context(), ready(), noon())
	require.Len(t, verdicts, 1)
	assert.Equal(t, "when is true: app.ready", verdicts[0].Reason)
	require.Len(t, verdicts[0].Send, 1)
	assert.Equal(t, "a", verdicts[0].Send[0].Sink)
}
