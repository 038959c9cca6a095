package conditions_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/conditions"
	"github.com/rollcall-dev/rollcall/release"
)

// mixed are conditions as people write them, in a mix.
func mixed() []string {
	return []string{
		"release.ready && app.project == 'shop'",
		"release.ready && release.images.all(i, i.startsWith('registry.example.com/'))",
		"release.ready && 'tier' in release.labels && release.labels['tier'] == 'web'",
		"release.ready && release.kind in ['release', 'rollback'] && !release.late",
		"release.ready && app.synced && app.healthy && app.revision != ''",
	}
}

// bare compiles conditions with nothing but cel-go, over maps.
func bare(b *testing.B, exprs []string) (programs []cel.Program, vars map[string]any) {
	b.Helper()
	env, err := cel.NewEnv(cel.Variable("release", cel.DynType), cel.Variable("app", cel.DynType))
	require.NoError(b, err)
	for _, expr := range exprs {
		ast, issues := env.Compile(expr)
		require.NoError(b, issues.Err())
		program, err := env.Program(ast, cel.EvalOptions(cel.OptOptimize))
		require.NoError(b, err)
		programs = append(programs, program)
	}
	s := ready()
	return programs, map[string]any{
		"release": map[string]any{
			"ready": true, "images": s.Release.Template.Images, "labels": s.Labels, "kind": string(s.Release.Kind), "late": s.Late,
		},
		"app": map[string]any{"project": s.App.Project, "synced": s.App.Synced, "healthy": s.App.Healthy, "revision": s.App.Revision},
	}
}

// BenchmarkJudge judges one snapshot by a hundred rules that are about it, and
// evaluates the same hundred conditions with bare cel-go in turn: what else the
// machine does slows both.
func BenchmarkJudge(b *testing.B) {
	for name, exprs := range map[string][]string{"simple": mixed()[:1], "mixed": mixed()} {
		b.Run(name, func(b *testing.B) {
			var rules []conditions.Rule
			var texts []string
			for i := range 100 {
				expr := exprs[i%len(exprs)]
				texts = append(texts, expr)
				rules = append(rules, conditions.Rule{Name: fmt.Sprintf("rule-%d", i), On: onDeployments(), When: when(b, expr)})
			}
			set, snap := conditions.NewSet(rules, nil), ready()
			programs, vars := bare(b, texts)
			var ours, theirs time.Duration
			b.ReportAllocs()
			for b.Loop() {
				begun := time.Now()
				if got := set.Judge(b.Context(), snap, noon()); got[99].Standing == release.Broken {
					b.Fatal(got[99].Reason)
				}
				half := time.Now()
				for _, p := range programs {
					if _, _, err := p.Eval(vars); err != nil {
						b.Fatal(err)
					}
				}
				ours, theirs = ours+half.Sub(begun), theirs+time.Since(half)
			}
			b.ReportMetric(float64(ours)/float64(theirs), "times-bare")
			b.ReportMetric(float64(ours.Nanoseconds())/float64(b.N), "ns-judge/op")
		})
	}
}

// BenchmarkNotSelected shows what rules cost that are about other subjects: of other
// kinds, and in other namespaces.
func BenchmarkNotSelected(b *testing.B) {
	for _, n := range []int{0, 100, 10_000} {
		b.Run(fmt.Sprintf("others=%d", n), func(b *testing.B) {
			condition := when(b, "release.ready")
			rules := []conditions.Rule{{Name: "ours", On: onDeployments(), When: condition}}
			for i := range n {
				on := conditions.Selector{Kind: release.KindRef{Kind: "StatefulSet"}}
				if i%2 == 0 {
					on = conditions.Selector{Kind: release.KindRef{Kind: "Deployment"}, Namespaces: []string{fmt.Sprintf("team-%d", i)}}
				}
				rules = append(rules, conditions.Rule{Name: fmt.Sprintf("rule-%d", i), On: on, When: condition})
			}
			set, snap := conditions.NewSet(rules, nil), ready()
			for b.Loop() {
				if got := set.Judge(b.Context(), snap, noon()); len(got) != 1 {
					b.Fatal(got)
				}
			}
		})
	}
}

// BenchmarkCompile shows what a configuration costs: a language once, and each
// expression.
func BenchmarkCompile(b *testing.B) {
	b.Run("language", func(b *testing.B) {
		for b.Loop() {
			language(b)
		}
	})
	b.Run("conditions=500", func(b *testing.B) {
		exprs := mixed()
		for b.Loop() {
			l := language(b)
			for i := range 500 {
				if _, err := l.Condition(fmt.Sprintf("%s && release.name != 'x%d'", exprs[i%len(exprs)], i)); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
