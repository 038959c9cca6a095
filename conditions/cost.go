package conditions

import (
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"
	"k8s.io/apiserver/pkg/cel/library"
)

// hides reports whether an expression may be dearer than its estimate says. What a
// loop goes over is of a known size only if it is a field; of what cel.bind, map and
// their like have made, the estimate takes every item for a short name, and with a
// dozen of them inside one another a text of ten letters grows to terabytes.
func hides(tree *ast.AST) bool {
	var out bool
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.ComprehensionKind {
			of := e.AsComprehension().IterRange().Kind()
			out = out || of != ast.SelectKind && of != ast.IdentKind
		}
	}))
	return out
}

// actual counts what an evaluation costs: as Kubernetes does, and for what it or
// cel-go take for cheap though it makes something long, by how long that is.
type actual struct{ library.CostEstimator }

var _ interpreter.ActualCostEstimator = actual{}

// perUnit is how many characters one unit of cost makes, as cel-go has it; of a list
// each item is one.
const perUnit = 10

// long is what may be made for nothing.
const long = 100

// CallCost is part of interpreter.ActualCostEstimator.
func (a actual) CallCost(function, overload string, args []ref.Val, result ref.Val) *uint64 {
	known := a.CostEstimator.CallCost(function, overload, args, result)
	made := madeOf(result)
	if _, list := result.(traits.Lister); list && function == operators.Add && len(args) == 2 {
		made = added(args[1])
	}
	if made < long || known != nil && *known >= made {
		return known
	}
	return &made
}

// added is what it costs to add a list to another, as a loop does with each item by
// itself. An item that is a list counts as one: flatten would make it so at once.
func added(v ref.Val) uint64 {
	total := madeOf(v)
	list, ok := v.(traits.Lister)
	if !ok || total > long {
		return total
	}
	for i := range int(total) {
		if inner, ok := list.Get(types.Int(i)).(traits.Lister); ok {
			total += madeOf(inner)
		}
	}
	return total
}

// madeOf is what it costs to make a text, or a list; anything else is small.
func madeOf(v ref.Val) uint64 {
	switch made := v.(type) {
	case types.String:
		return uint64(len(made)) / perUnit
	case types.Bytes:
		return uint64(len(made)) / perUnit
	case traits.Lister:
		if n, ok := made.Size().(types.Int); ok {
			return uint64(max(n, 0))
		}
	}
	return 0
}
