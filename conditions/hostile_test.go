package conditions_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/conditions"
	"github.com/rollcall-dev/rollcall/release"
)

// bomb is a condition that would take hours.
const bomb = "[1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, [1,2,3,4,5,6,7,8,9].all(c, " +
	"[1,2,3,4,5,6,7,8,9].all(d, [1,2,3,4,5,6,7,8,9].all(e, [1,2,3,4,5,6,7,8,9].all(f, " +
	"[1,2,3,4,5,6,7,8,9].all(g, [1,2,3,4,5,6,7,8,9].all(h, a + b + c + d + e + f + g + h > 0))))))))"

func TestABombIsStopped(t *testing.T) {
	set := conditions.NewSet([]conditions.Rule{
		{Name: "bomb", On: onDeployments(), When: when(t, bomb)},
		{Name: "neighbour", On: onDeployments()},
	}, nil)
	got := set.Judge(t.Context(), ready(), noon())
	assert.Equal(t, release.Broken, got[0].Standing)
	assert.Contains(t, got[0].Reason, "cost limit exceeded")
	assert.Equal(t, release.Holds, got[1].Standing)
	assert.Equal(t, conditions.Failed, set.Explain(t.Context(), ready(), noon())[0].Tree.Result)
}

func TestALoopCanBeInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	set := conditions.NewSet([]conditions.Rule{{Name: "bomb", On: onDeployments(), When: when(t, bomb)}}, nil)
	got := set.Judge(ctx, ready(), noon())
	assert.Equal(t, release.Broken, got[0].Standing)
	assert.Contains(t, got[0].Reason, "interrupted")
}

// A tenant whose rules take all the time that they can has no more of it, and nobody
// else notices.
func TestATenantTakesItsShareAndNoMore(t *testing.T) {
	set := conditions.NewSet([]conditions.Rule{
		{Name: "greedy", Owner: "bank", On: onDeployments(), When: when(t, bomb)},
		{Name: "greedy-too", Owner: "bank", On: onDeployments()},
		{Name: "modest", Owner: "shop", On: onDeployments()},
		{Name: "operator", On: onDeployments()},
	}, nil)
	var got []release.Verdict
	require.Eventually(t, func() bool {
		got = set.Judge(t.Context(), ready(), noon())
		return strings.Contains(got[0].Reason, "more time than they may")
	}, 30*time.Second, time.Microsecond)
	assert.Equal(t, release.Broken, got[0].Standing)
	assert.Equal(t, release.Broken, got[1].Standing, "they share it")
	assert.Equal(t, release.Holds, got[2].Standing)
	assert.Equal(t, release.Holds, got[3].Standing)
	require.Eventually(t, func() bool {
		return strings.Contains(set.Judge(t.Context(), ready(), noon())[0].Reason, "cost limit")
	}, 30*time.Second, 10*time.Millisecond, "it comes back")
}

func TestWhatHasToBeReadIsAskedFor(t *testing.T) {
	itself := release.Query{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"}
	gate := release.Query{APIVersion: "v1", Kind: "ConfigMap", Name: "gate"}
	open := map[string]any{"data": map[string]any{"next": "other"}}
	for name, tt := range map[string]struct {
		when  string
		found map[release.Query]release.Found
		needs []release.Query
		want  release.Standing
	}{
		"nothing":                         {"release.ready", nil, nil, release.Holds},
		"the subject":                     {"object.spec.replicas == 2", nil, []release.Query{itself}, release.Waiting},
		"not if it does not matter":       {"release.name == 'api' && object.spec.replicas == 2", nil, nil, release.Waiting},
		"nor if it does not matter twice": {"release.ready || object.spec.replicas == 2", nil, nil, release.Holds},
		"pods":                            {"release.oldPodsGone", nil, []release.Query{release.OldPods()}, release.Waiting},
		"pods that are gone":              {"release.oldPodsGone", map[release.Query]release.Found{release.OldPods(): {}}, nil, release.Holds},
		"pods that are not":               {"release.oldPodsGone", map[release.Query]release.Found{release.OldPods(): {Pods: 1}}, nil, release.Waiting},
		"pods that cannot be listed":      {"release.oldPodsGone", map[release.Query]release.Found{release.OldPods(): {Err: "forbidden"}}, nil, release.Broken},
		"another object":                  {"lookup('v1', 'ConfigMap', 'gate').data.next == 'other'", nil, []release.Query{gate}, release.Waiting},
		"it was found":                    {"lookup('v1', 'ConfigMap', 'gate').data.next == 'other'", map[release.Query]release.Found{gate: {Object: open}}, nil, release.Holds},
		"it is not there":                 {"lookup('v1', 'ConfigMap', 'gate') == {}", map[release.Query]release.Found{gate: {}}, nil, release.Holds},
		"one after the other": {
			"lookup('v1', 'ConfigMap', string(lookup('v1', 'ConfigMap', 'gate').data.next)).data.open == 'yes'",
			map[release.Query]release.Found{gate: {Object: open}},
			[]release.Query{{APIVersion: "v1", Kind: "ConfigMap", Name: "other"}},
			release.Waiting,
		},
		"a secret by another name": {"lookup('v' + '1', 'Sec' + 'ret', 'a') == {}", nil, nil, release.Broken},
		"nothing by name":          {"lookup('v1', 'ConfigMap', '') == {}", nil, nil, release.Broken},
	} {
		t.Run(name, func(t *testing.T) {
			snap := ready(func(s *release.Snapshot) { s.Release.APIVersion, s.Found = "apps/v1", tt.found })
			got := conditions.NewSet([]conditions.Rule{{Name: "r", On: onDeployments(), When: when(t, tt.when)}}, nil).Judge(t.Context(), snap, noon())[0]
			assert.Equal(t, tt.needs, got.Needs)
			assert.Equal(t, tt.want, got.Standing, got.Reason)
		})
	}
}

func TestAParameterCanAskToo(t *testing.T) {
	targets := map[string]conditions.Target{"bus": {Parameters: map[string]*conditions.Text{"n": text(t, "string(object.spec.replicas)")}}}
	set := conditions.NewSet([]conditions.Rule{{Name: "r", On: onDeployments(), Send: to("bus")}}, targets)
	snap := ready(func(s *release.Snapshot) { s.Release.APIVersion = "apps/v1" })
	got := set.Judge(t.Context(), snap, noon())[0]
	itself := release.Query{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"}
	assert.Equal(t, release.Waiting, got.Standing)
	assert.Equal(t, []release.Query{itself}, got.Needs)
	snap.Found = map[release.Query]release.Found{itself: {Object: map[string]any{"spec": map[string]any{"replicas": int64(3)}}}}
	got = set.Judge(t.Context(), snap, noon())[0]
	assert.Equal(t, map[string]string{"n": "3"}, got.Send[0].Parameters)
}

func TestReadsAreFoundInTheTree(t *testing.T) {
	l := language(t)
	for expr, want := range map[string]conditions.Reads{
		"release.ready":              {},
		"object.spec.paused == true": {Object: true},
		"release.oldPodsGone":        {OldPods: true},
		"outcome.passed":             {Outcome: true},
		"release.images.exists(i, lookup('v1', 'ConfigMap', i) == {} || lookup('v1', 'ConfigMap', 'a') == {})": {
			Lookups: []release.Query{{APIVersion: "v1", Kind: "ConfigMap"}, {APIVersion: "v1", Kind: "ConfigMap", Name: "a"}},
		},
	} {
		c, err := l.Condition(expr)
		require.NoError(t, err, expr)
		assert.Equal(t, want, c.Reads(), expr)
	}
}

func TestImages(t *testing.T) {
	const sum = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	for reference, want := range map[string][]string{
		"nginx":                         {"docker.io", "library/nginx", "latest", ""},
		"nginx:1.27":                    {"docker.io", "library/nginx", "1.27", ""},
		"acme/web:2":                    {"docker.io", "acme/web", "2", ""},
		"ghcr.io/acme/web@" + sum:       {"ghcr.io", "acme/web", "", sum},
		"localhost:5000/a/b/c:x@" + sum: {"localhost:5000", "a/b/c", "x", sum},
	} {
		expr := "image('" + reference + "').registry + ' ' + image('" + reference + "').repository + ' ' + image('" + reference + "').tag + ' ' + image('" + reference + "').digest"
		v, err := language(t).Value(expr)
		require.NoError(t, err)
		got, _, err := v.Of(t.Context(), release.Snapshot{}, noon())
		require.NoError(t, err)
		assert.Equal(t, strings.Join(want, " "), got)
	}
}

// FuzzJudge judges and explains whatever compiles: there is a verdict, soon, and the
// two agree.
func FuzzJudge(f *testing.F) {
	for _, seed := range []string{
		"release.ready && app.project == 'shop'", "release.images.map(i, image(i).tag).exists(t, t.matches('^v[0-9]+$'))",
		"lookup('v1', 'ConfigMap', release.name).?data.open.orValue('no') == 'yes'", "object.a.b[0] == 'x' ? release.late : !release.late",
		"cel.bind(x, release.labels, x.all(k, x[k] != ''))", "lists.range(1000).all(i, i < 2000)", "'a'.repeat(3) == 'aaa'",
		"quantity('1Gi').compareTo(quantity('1G')) > 0", "release.labels.transformMap(k, v, v + v) == {}", "optional.none().hasValue()",
		"[[[[[[1]]]]]] == [[[[[[1]]]]]]", "now - release.startedAt > duration('1h')", "release.name.format([1])", "math.greatest([1, 2, 3]) == 3",
	} {
		f.Add(seed)
	}
	l := language(f)
	f.Fuzz(func(t *testing.T, expr string) {
		c, err := l.Condition(expr)
		if err != nil {
			return
		}
		rule := conditions.Rule{Name: "r", On: onDeployments(), When: c}
		set := conditions.NewSet([]conditions.Rule{rule}, nil)
		judged := set.Judge(t.Context(), explained(), noon())
		told := set.Explain(t.Context(), explained(), noon())
		require.Len(t, judged, 1)
		require.Len(t, told, 1)
		assert.Equal(t, judged[0].Standing, told[0].Standing)
		assert.NotEmpty(t, told[0].String())
		rule.NeverHolds()
	})
}
