package conditions

import (
	"slices"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/interpreter"

	"github.com/rollcall-dev/rollcall/release"
)

// NeverHolds reports whether the rule's condition is false whatever is seen: it is
// evaluated for each kind and namespace that the rule is for, and nothing else is
// known.
func (r Rule) NeverHolds() bool {
	if r.When == nil {
		return false
	}
	program, err := r.When.env.Program(r.When.tree, cel.EvalOptions(cel.OptPartialEval), cel.CostTracking(actual{}), cel.CostLimit(maxCost))
	if err != nil {
		return false
	}
	for _, kind := range r.kinds() {
		for _, ns := range namespaces(r.On) {
			if !neverHolds(program, r.given(kind, ns)) {
				return false
			}
		}
	}
	return true
}

// given is what is known of a release that the rule is asked about.
func (r Rule) given(kind release.Kind, namespace string) *guess {
	g := &guess{look: newLook(release.Snapshot{Release: release.Release{
		Kind: kind, Subject: release.Subject{Namespace: namespace},
	}}, time.Time{})}
	g.known = []string{"kind"}
	if namespace != "" {
		g.known = append(g.known, "namespace")
	}
	switch r.event() {
	case release.BecameReady, release.WasTested:
		g.snap.Ready = true
		g.known = append(g.known, "ready", "waitingFor")
	case release.DidStall, release.WasSuperseded:
		g.known = append(g.known, "ready")
	}
	return g
}

// guess is a look of which only some fields of release are known.
type guess struct {
	*look
	known []string
}

func neverHolds(program cel.Program, g *guess) bool {
	patterns := []*cel.AttributePatternType{
		cel.AttributePattern(appName), cel.AttributePattern(outcomeName), cel.AttributePattern(nowName),
		cel.AttributePattern(objectName), cel.AttributePattern(lookName),
	}
	for _, f := range ofRelease() {
		if !slices.Contains(g.known, f.name) {
			patterns = append(patterns, cel.AttributePattern(releaseName).QualString(f.name))
		}
	}
	vars, err := interpreter.NewPartialActivation(g.look, patterns...)
	if err != nil {
		return false
	}
	out, _, err := program.Eval(vars)
	return err == nil && out == types.False
}
