package conditions_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/rollcall-dev/rollcall/conditions"
	"github.com/rollcall-dev/rollcall/release"
)

// to names sinks that are told nothing of their own.
func to(sinks ...string) []conditions.Send {
	var out []conditions.Send
	for _, s := range sinks {
		out = append(out, conditions.Send{Sink: s})
	}
	return out
}

// noon is when the tests judge.
func noon() time.Time { return time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC) }

// ready is the snapshot of a release that every simple rule holds of.
func ready(change ...func(*release.Snapshot)) release.Snapshot {
	snap := release.Snapshot{
		Release: release.Release{
			Subject:  release.Subject{Cluster: "prod", Kind: "Deployment", Namespace: "shop", Name: "web"},
			Revision: "7",
			Template: release.Template{Images: []string{"registry.example.com/web:2"}},
			Kind:     release.Image,
			Previous: "web-0123456789",
		},
		Labels:    map[string]string{"tier": "web"},
		App:       release.App{Engine: "argocd", Name: "shop", Namespace: "argocd", Project: "shop", Ready: true, Synced: true},
		Ready:     true,
		StartedAt: noon().Add(-time.Minute),
	}
	for _, c := range change {
		c(&snap)
	}
	return snap
}

func notReady(s *release.Snapshot) { s.Ready, s.WaitingFor = false, "2 of 3 pods are ready" }

func ofKind(k release.Kind) func(*release.Snapshot) {
	return func(s *release.Snapshot) { s.Release.Kind = k }
}

// when gives a condition that must compile.
func when(t testing.TB, expr string) *conditions.Condition {
	t.Helper()
	c, err := language(t).Condition(expr)
	require.NoError(t, err)
	return c
}

// text gives an expression that must compile.
func text(t testing.TB, expr string) *conditions.Text {
	t.Helper()
	c, err := language(t).Text(expr)
	require.NoError(t, err)
	return c
}

func onDeployments() conditions.Selector {
	return conditions.Selector{Kind: release.KindRef{Kind: "Deployment"}}
}

func TestJudge(t *testing.T) {
	loop := "release.images.all(a, lists.range(999).all(b, lists.range(999).all(c, b + c >= 0)))"
	for _, tt := range []struct {
		name   string
		when   string
		kinds  []release.Kind
		snap   release.Snapshot
		want   release.Standing
		reason string
	}{
		{name: "the default condition holds of a ready release", snap: ready(), want: release.Holds, reason: "when is true: release.ready"},
		{name: "the default condition waits as the release does", snap: ready(notReady), want: release.Waiting, reason: "2 of 3 pods are ready"},
		{
			name: "a release that is not ready and does not say why", snap: ready(func(s *release.Snapshot) { s.Ready = false }),
			want: release.Waiting, reason: "when is false: release.ready",
		},
		{name: "the default written out", when: "release.ready", snap: ready(), want: release.Holds, reason: "when is true: release.ready"},
		{
			name: "a condition of its own waits", when: "release.ready &&\n  app.project == 'bank'", snap: ready(),
			want: release.Waiting, reason: "when is false: release.ready && app.project == 'bank'",
		},
		{
			name: "a condition may hold before the release is ready", when: "app.synced", snap: ready(notReady),
			want: release.Holds, reason: "when is true: app.synced",
		},
		{
			name: "a kind that is not of the default", snap: ready(ofKind(release.Restart)),
			want: release.Skipped, reason: "rule is not for releases of kind restart",
		},
		{
			name: "a kind that the rule lists", kinds: []release.Kind{release.Restart}, snap: ready(ofKind(release.Restart)),
			want: release.Holds, reason: "when is true: release.ready",
		},
		{
			name: "a kind that the rule leaves out", kinds: []release.Kind{release.Restart}, snap: ready(),
			want: release.Skipped, reason: "rule is not for releases of kind release",
		},
		{
			name: "a reverted release, even if the rule lists it", kinds: []release.Kind{release.Reverted}, snap: ready(ofKind(release.Reverted)),
			want: release.Skipped, reason: "a reverted release is never announced",
		},
		{
			name: "a label that is not there", when: "release.labels['team'] == 'a'", snap: ready(),
			want: release.Broken, reason: "when: no such key: team",
		},
		{
			name: "a label that is asked for first", when: "'team' in release.labels && release.labels['team'] == 'a'", snap: ready(),
			want: release.Waiting, reason: "when is false: 'team' in release.labels && release.labels['team'] == 'a'",
		},
		{
			name: "no labels at all", when: "'team' in release.labels", snap: ready(func(s *release.Snapshot) { s.Labels = nil }),
			want: release.Waiting, reason: "when is false: 'team' in release.labels",
		},
		{
			name: "a loop in a loop in a loop", when: loop, snap: ready(),
			want: release.Broken, reason: "when: operation cancelled: actual cost limit exceeded",
		},
		{
			name: "time", when: "now - release.startedAt == duration('1m')", snap: ready(),
			want: release.Holds, reason: "when is true: now - release.startedAt == duration('1m')",
		},
		{
			name: "an app that nobody owns is ready", when: "app.engine == '' && app.ready", snap: ready(func(s *release.Snapshot) { s.App = release.App{} }),
			want: release.Holds, reason: "when is true: app.engine == '' && app.ready",
		},
		{
			name: "lists that are not there are empty", when: "release.images.size() + app.revisions.size() == 0", snap: release.Snapshot{
				Release: release.Release{Subject: release.Subject{Kind: "Deployment"}, Kind: release.Initial},
			},
			want: release.Holds, reason: "when is true: release.images.size() + app.revisions.size() == 0",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rule := conditions.Rule{Name: "r", On: onDeployments(), Kinds: tt.kinds}
			if tt.when != "" {
				rule.When = when(t, tt.when)
			}
			got := conditions.NewSet([]conditions.Rule{rule}, nil).Judge(t.Context(), tt.snap, noon())
			require.Len(t, got, 1)
			assert.Equal(t, tt.want, got[0].Standing)
			assert.Equal(t, tt.reason, got[0].Reason)
			assert.Equal(t, "r", got[0].Rule)
			assert.Equal(t, rule.Hash(), got[0].Hash)
		})
	}
}

func TestJudgeQuotesLongConditionsInPart(t *testing.T) {
	rule := conditions.Rule{Name: "r", On: onDeployments(), When: when(t, "release.name == '"+strings.Repeat("ü", 300)+"'")}
	got := conditions.NewSet([]conditions.Rule{rule}, nil).Judge(t.Context(), ready(), noon())
	assert.Less(t, len(got[0].Reason), 250)
	assert.True(t, strings.HasSuffix(got[0].Reason, "ü …"), got[0].Reason)
}

func TestSelects(t *testing.T) {
	parse := func(s string) labels.Selector {
		selector, err := labels.Parse(s)
		require.NoError(t, err)
		return selector
	}
	for _, tt := range []struct {
		name string
		on   conditions.Selector
		want bool
	}{
		{"a kind", conditions.Selector{Kind: release.KindRef{Kind: "Deployment"}}, true},
		{"another kind", conditions.Selector{Kind: release.KindRef{Kind: "StatefulSet"}}, false},
		{"no kind", conditions.Selector{}, false},
		{"a namespace", conditions.Selector{Kind: release.KindRef{Kind: "Deployment"}, Namespaces: []string{"bank", "shop"}}, true},
		{"another namespace", conditions.Selector{Kind: release.KindRef{Kind: "Deployment"}, Namespaces: []string{"bank"}}, false},
		{"a label", conditions.Selector{Kind: release.KindRef{Kind: "Deployment"}, Labels: parse("tier=web")}, true},
		{"another label", conditions.Selector{Kind: release.KindRef{Kind: "Deployment"}, Labels: parse("tier=db")}, false},
		{"a label that must not be", conditions.Selector{Kind: release.KindRef{Kind: "Deployment"}, Labels: parse("!tier")}, false},
		{"everything", conditions.Selector{Kind: release.KindRef{Kind: "Deployment"}, Labels: labels.Everything()}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, tt.on.Selects(ready()))
			got := conditions.NewSet([]conditions.Rule{{Name: "r", On: tt.on}}, nil).Judge(t.Context(), ready(), noon())
			assert.Len(t, got, map[bool]int{true: 1}[tt.want])
		})
	}
}

func TestJudgeSends(t *testing.T) {
	targets := map[string]conditions.Target{
		"smoke": {Follows: true, Parameters: map[string]*conditions.Text{
			"url":   text(t, "'http://' + release.name + '.' + release.namespace + '.svc'"),
			"image": text(t, "release.images[0]"),
		}},
		"bus":   {},
		"wrong": {Parameters: map[string]*conditions.Text{"b": text(t, "release.images[7]"), "a": text(t, "release.labels['team']")}},
	}
	for _, tt := range []struct {
		name   string
		send   []string
		snap   release.Snapshot
		want   []release.Message
		reason string
	}{
		{name: "to nobody", snap: ready(), want: []release.Message{}, reason: "when is true: release.ready"},
		{
			name: "to both, in the rule's order", send: []string{"bus", "smoke"}, snap: ready(),
			want: []release.Message{
				{Sink: "bus"},
				{Sink: "smoke", Follows: true, Parameters: map[string]string{"url": "http://web.shop.svc", "image": "registry.example.com/web:2"}},
			},
			reason: "when is true: release.ready",
		},
		{
			name: "a parameter that cannot be evaluated breaks the rule", send: []string{"bus", "wrong"}, snap: ready(),
			reason: "sink wrong, parameter a: no such key: team",
		},
		{name: "parameters are not evaluated before the rule holds", send: []string{"wrong"}, snap: ready(notReady), reason: "2 of 3 pods are ready"},
		{name: "a sink that is not there", send: []string{"nobody"}, snap: ready(), reason: "sink nobody is not configured"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rule := conditions.Rule{Name: "r", On: onDeployments(), Send: to(tt.send...)}
			got := conditions.NewSet([]conditions.Rule{rule}, targets).Judge(t.Context(), tt.snap, noon())
			require.Len(t, got, 1)
			assert.Equal(t, tt.want, got[0].Send)
			assert.Equal(t, tt.reason, got[0].Reason)
		})
	}
}

func TestJudgeKeepsTheOrderOfTheRules(t *testing.T) {
	set := conditions.NewSet([]conditions.Rule{
		{Name: "b", On: onDeployments(), When: when(t, "release.labels['team'] == 'a'")},
		{Name: "other", On: conditions.Selector{Kind: release.KindRef{Kind: "StatefulSet"}}},
		{Name: "a", On: onDeployments()},
	}, nil)
	var got []string
	for _, v := range set.Judge(t.Context(), ready(), noon()) {
		got = append(got, v.Rule+" "+string(v.Standing))
	}
	assert.Equal(t, []string{"b Error", "a Holds"}, got)
}

func TestHash(t *testing.T) {
	base := conditions.Rule{Name: "r", On: onDeployments(), Send: to("a", "b")}
	assert.Regexp(t, "^[0-9a-f]{12}$", base.Hash())
	assert.Equal(t, "4276b9b33fd8", base.Hash(), "an upgrade must not make every rule another one")
	for _, tt := range []struct {
		name string
		edit func(*conditions.Rule)
		same bool
	}{
		{"its name", func(r *conditions.Rule) { r.Name = "s" }, true},
		{"its subjects", func(r *conditions.Rule) { r.On.Namespaces = []string{"shop"} }, true},
		{"the default condition written out", func(r *conditions.Rule) { r.When = when(t, "release.ready") }, true},
		{"the default kinds written out", func(r *conditions.Rule) { r.Kinds = release.DefaultKinds() }, true},
		{"the order of its sinks", func(r *conditions.Rule) { r.Send = to("b", "a") }, true},
		{"its condition", func(r *conditions.Rule) { r.When = when(t, "app.ready") }, false},
		{"its kinds", func(r *conditions.Rule) { r.Kinds = []release.Kind{release.Image} }, false},
		{"its sinks", func(r *conditions.Rule) { r.Send = to("a") }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			edited := base
			tt.edit(&edited)
			assert.Equal(t, tt.same, edited.Hash() == base.Hash())
		})
	}
}

func TestSetIsConcurrentSafe(t *testing.T) {
	set := conditions.NewSet([]conditions.Rule{
		{Name: "a", On: onDeployments(), When: when(t, "release.ready && app.project == 'shop'"), Send: to("smoke")},
	}, map[string]conditions.Target{"smoke": {Parameters: map[string]*conditions.Text{"n": text(t, "release.name")}}})
	var done sync.WaitGroup
	for range 8 {
		done.Go(func() {
			for range 200 {
				got := set.Judge(t.Context(), ready(), noon())
				if len(got) != 1 || got[0].Standing != release.Holds {
					t.Errorf("got %v, want one verdict that holds", got)
				}
			}
		})
	}
	done.Wait()
}

func TestSetIsImmutable(t *testing.T) {
	targets := map[string]conditions.Target{"bus": {}}
	rules := []conditions.Rule{{Name: "a", On: onDeployments(), Send: to("bus")}}
	set := conditions.NewSet(rules, targets)
	delete(targets, "bus")
	rules[0].Name = "b"
	got := set.Judge(t.Context(), ready(), noon())
	assert.Equal(t, "a", got[0].Rule)
	assert.Equal(t, release.Holds, got[0].Standing)
}
