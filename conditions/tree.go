package conditions

import (
	"context"
	"fmt"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"

	"github.com/rollcall-dev/rollcall/release"
)

// turns is how many turns of a loop are shown, and allTurns how many of all loops
// together: loops may stand in loops.
const (
	turns    = 20
	allTurns = 100
)

// grower makes the tree of one expression in one evaluation.
type grower struct {
	ctx  context.Context //nolint:containedctx // a tree is grown within one call
	env  *cel.Env
	tree *ast.AST
	vars interpreter.Activation
	// state holds the value of each part.
	state interpreter.EvalState
	// left is how many turns are shown yet; all growers of a tree share it.
	left *int
}

// explain evaluates every part of the expression.
func (e *expression) explain(ctx context.Context, l *look) *Node {
	left := allTurns
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	g := &grower{ctx: ctx, env: e.env, tree: e.tree.NativeRep(), vars: l, left: &left}
	return g.whole(g.tree.Expr())
}

// whole evaluates an expression that nothing was evaluated of yet.
func (g *grower) whole(e ast.Expr) *Node {
	part := ast.NewCheckedAST(ast.NewAST(e, g.tree.SourceInfo()), g.tree.TypeMap(), g.tree.ReferenceMap())
	program, err := g.env.PlanProgram(part, cel.EvalOptions(cel.OptExhaustiveEval, cel.OptTrackState), cel.CostTracking(actual{}), cel.CostLimit(maxCost),
		cel.InterruptCheckFrequency(interruptEvery))
	if err != nil {
		return &Node{Expr: g.text(e), Result: Failed, Error: err.Error()}
	}
	out, details, err := program.ContextEval(g.ctx, g.vars)
	inner := *g
	inner.state = details.State()
	n := inner.grow(e)
	if err != nil && n.Result != Failed {
		out = types.WrapErr(err)
	}
	if out != nil {
		n.settle(out)
	}
	return n
}

// grow makes the node of a part whose value is known, and those below it.
func (g *grower) grow(e ast.Expr) *Node {
	n := &Node{Expr: g.text(e)}
	if v, ok := g.state.Value(e.ID()); ok {
		n.settle(v)
	} else {
		n.Result = Unread
	}
	switch e.Kind() {
	case ast.CallKind:
		g.call(n, e.AsCall())
	case ast.ComprehensionKind:
		g.loop(n, e)
	case ast.SelectKind:
		if s := e.AsSelect(); !g.isPath(s.Operand()) {
			n.Children = g.parts(s.Operand())
		}
	}
	return n
}

// settle gives a node its value.
func (n *Node) settle(v ref.Val) {
	n.Value, n.Error = nil, ""
	switch v := v.(type) {
	case types.Bool:
		n.Result = map[bool]Result{true: True, false: False}[bool(v)]
	case *types.Err:
		n.Result, n.Error = Failed, v.Error()
	case *types.Unknown:
		n.Result = Unread
	default:
		n.Result, n.Value = Other, brief(plainValue(v))
	}
}

// call adds the parts of a call, except those that say nothing.
func (g *grower) call(n *Node, c ast.CallExpr) {
	switch c.FunctionName() {
	case operators.LogicalAnd:
		n.kind, n.Children = all, g.chain(operators.LogicalAnd, c.Args())
	case operators.LogicalOr:
		n.kind, n.Children = some, g.chain(operators.LogicalOr, c.Args())
	case operators.LogicalNot:
		n.kind, n.Children = negated, []*Node{g.grow(c.Args()[0])}
	case operators.Conditional:
		n.kind = alternative
		for _, a := range c.Args() {
			n.Children = append(n.Children, g.grow(a))
		}
	case atLookup:
		n.Children = g.parts(c.Args()[1:]...)
	default:
		if c.IsMemberFunction() {
			n.Children = g.parts(c.Target())
		}
		n.Children = append(n.Children, g.parts(c.Args()...)...)
	}
}

// chain takes a chain of one operator apart: a && b && c has three parts.
func (g *grower) chain(operator string, args []ast.Expr) []*Node {
	var out []*Node
	for _, a := range args {
		if a.Kind() == ast.CallKind && a.AsCall().FunctionName() == operator {
			out = append(out, g.chain(operator, a.AsCall().Args())...)
			continue
		}
		out = append(out, g.grow(a))
	}
	return out
}

// parts are the nodes of expressions, without those whose value is their text, or
// stands above: constants, and the variable of a loop.
func (g *grower) parts(all ...ast.Expr) []*Node {
	var out []*Node
	for _, e := range all {
		switch e.Kind() {
		case ast.LiteralKind, ast.ListKind, ast.MapKind:
		case ast.IdentKind:
			if name(g.tree, e) == nowName {
				out = append(out, g.grow(e))
			}
		default:
			out = append(out, g.grow(e))
		}
	}
	return out
}

// isPath reports whether an expression is a variable and names behind it.
func (g *grower) isPath(e ast.Expr) bool {
	for e.Kind() == ast.SelectKind {
		e = e.AsSelect().Operand()
	}
	return e.Kind() == ast.IdentKind
}

// loop adds what a loop goes over, and the turns of those that ask whether something
// is true of all, of some or of one.
func (g *grower) loop(n *Node, e ast.Expr) {
	c := e.AsComprehension()
	n.Children = g.parts(c.IterRange())
	body, kind := question(c)
	items, ok := g.state.Value(c.IterRange().ID())
	list, is := items.(traits.Lister)
	if body == nil || !ok || !is || c.IterVar2() != "" {
		return
	}
	n.kind = kind
	i := list.Iterator()
	for turn := 0; turn < turns && *g.left > 0 && i.HasNext() == types.True; turn++ {
		*g.left--
		item := i.Next()
		inner := *g
		inner.vars = interpreter.NewHierarchicalActivation(g.vars, bound{c.IterVar(), item})
		part := inner.whole(body)
		part.Expr = fmt.Sprintf("%s = %s: %s", c.IterVar(), label(item), part.Expr)
		n.Children = append(n.Children, part)
	}
}

// label names what a loop is at: a workload by its kind and name.
func label(v ref.Val) string {
	if w, ok := v.Value().(release.Workload); ok {
		return w.Kind + "/" + w.Name
	}
	return shown(brief(plainValue(v)))
}

// question finds what a loop asks at each turn, by the way that CEL's macros are
// written out; nil if it does not ask.
func question(c ast.ComprehensionExpr) (body ast.Expr, kind combination) {
	step := c.LoopStep()
	if step.Kind() != ast.CallKind {
		return nil, plainly
	}
	switch call := step.AsCall(); call.FunctionName() {
	case operators.LogicalAnd:
		return call.Args()[1], all
	case operators.LogicalOr:
		return call.Args()[1], some
	case operators.Conditional:
		return call.Args()[0], plainly
	}
	return nil, plainly
}

// bound is a variable of a loop.
type bound struct {
	name  string
	value ref.Val
}

// ResolveName is part of interpreter.Activation.
func (b bound) ResolveName(name string) (any, bool) { return b.value, name == b.name }

// Parent is part of interpreter.Activation.
func (b bound) Parent() interpreter.Activation { return nil }

// text is a part as it could be written.
func (g *grower) text(e ast.Expr) string {
	s, err := cel.ExprToString(e, g.tree.SourceInfo())
	if err != nil {
		return "…" // what macros make and nobody could write
	}
	return s
}
