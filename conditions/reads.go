package conditions

import (
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"

	"github.com/rollcall-dev/rollcall/release"
)

// Reads is what an expression reads beside what every snapshot holds, as its syntax
// tree shows. Nothing else is fetched for it, and that only where the result depends
// on it.
type Reads struct {
	// Object says that it reads the subject as a whole.
	Object bool `json:"object,omitempty"`
	// OldPods says that pods have to be listed.
	OldPods bool `json:"oldPods,omitempty"`
	// Outcome says that it reads how runs ended.
	Outcome bool `json:"outcome,omitempty"`
	// Lookups are the objects that it looks up. What is only known at run time is
	// empty.
	Lookups []release.Query `json:"lookups,omitempty"`
}

// readsOf finds what a checked syntax tree reads.
func readsOf(tree *ast.AST) Reads {
	var r Reads
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.IdentKind:
			r.ident(name(tree, e))
		case ast.SelectKind:
			of := e.AsSelect().Operand()
			r.OldPods = r.OldPods || e.AsSelect().FieldName() == oldPodsGone && of.Kind() == ast.IdentKind && name(tree, of) == releaseName
		case ast.CallKind:
			if e.AsCall().FunctionName() == atLookup {
				r.lookup(e.AsCall().Args()[1:])
			}
		}
	}))
	return r
}

// name is that of the variable that an identifier is bound to; empty if it is one
// of a loop.
func name(tree *ast.AST, e ast.Expr) string {
	if bound, ok := tree.ReferenceMap()[e.ID()]; ok {
		return bound.Name
	}
	return ""
}

func (r *Reads) ident(name string) {
	r.Object = r.Object || name == objectName
	r.Outcome = r.Outcome || name == outcomeName
}

func (r *Reads) lookup(args []ast.Expr) {
	if len(args) != 3 {
		return
	}
	q := release.Query{APIVersion: constant(args[0]), Kind: constant(args[1]), Name: constant(args[2])}
	if !slices.Contains(r.Lookups, q) {
		r.Lookups = append(r.Lookups, q)
	}
}

func constant(e ast.Expr) string {
	if e.Kind() != ast.LiteralKind {
		return ""
	}
	s, _ := e.AsLiteral().(types.String)
	return string(s)
}

// refused says what of this may not be read; empty if all may.
func (r Reads) refused() string {
	for _, q := range r.Lookups {
		if q.APIVersion == "v1" && q.Kind == "Secret" {
			return "lookup: " + refuse(q)
		}
	}
	return ""
}

// Merge adds what another expression reads.
func (r *Reads) Merge(o Reads) {
	r.Object, r.OldPods, r.Outcome = r.Object || o.Object, r.OldPods || o.OldPods, r.Outcome || o.Outcome
	for _, q := range o.Lookups {
		if !slices.Contains(r.Lookups, q) {
			r.Lookups = append(r.Lookups, q)
		}
	}
}
