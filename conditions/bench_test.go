package conditions_test

import (
	"fmt"
	"testing"

	"github.com/google/cel-go/cel"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/conditions"
	"github.com/rollcall-dev/rollcall/release"
)

// BenchmarkJudge judges one snapshot by a hundred rules, beside a bare CEL
// program over untyped maps that is evaluated a hundred times.
func BenchmarkJudge(b *testing.B) {
	const expr = "release.ready && app.project == 'shop'"
	b.Run("rules=100", func(b *testing.B) {
		condition := when(b, expr)
		var rules []conditions.Rule
		for i := range 100 {
			rules = append(rules, conditions.Rule{Name: fmt.Sprintf("rule-%d", i), On: onDeployments(), When: condition})
		}
		set, snap := conditions.NewSet(rules, nil), ready()
		b.ReportAllocs()
		for b.Loop() {
			if got := set.Judge(b.Context(), snap, noon()); got[99].Standing != release.Holds {
				b.Fatal(got[99].Reason)
			}
		}
	})
	b.Run("bare=100", func(b *testing.B) {
		env, err := cel.NewEnv(cel.Variable("release", cel.DynType), cel.Variable("app", cel.DynType))
		require.NoError(b, err)
		ast, issues := env.Compile(expr)
		require.NoError(b, issues.Err())
		program, err := env.Program(ast)
		require.NoError(b, err)
		vars := map[string]any{"release": map[string]any{"ready": true}, "app": map[string]any{"project": "shop"}}
		b.ReportAllocs()
		for b.Loop() {
			for range 100 {
				if _, _, err := program.Eval(vars); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

// BenchmarkCompile shows what a configuration costs: a language once, and each
// expression.
func BenchmarkCompile(b *testing.B) {
	b.Run("language", func(b *testing.B) {
		for b.Loop() {
			language(b)
		}
	})
	b.Run("condition", func(b *testing.B) {
		l := language(b)
		for b.Loop() {
			if _, err := l.Condition("release.ready && app.project == 'shop'"); err != nil {
				b.Fatal(err)
			}
		}
	})
}
