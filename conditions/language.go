package conditions

import (
	"fmt"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/checker"
	"github.com/google/cel-go/ext"
	"k8s.io/apiserver/pkg/cel/library"
)

const (
	// DefaultWhen is the condition of a rule that names none.
	DefaultWhen = "release.ready"

	// maxSize is the longest expression, in characters; maxNodes and maxDepth bound
	// its syntax tree. What is larger was made by a program, and would be slow to
	// check.
	maxSize  = 16 * 1024
	maxNodes = 4096
	maxDepth = 64

	// maxCost bounds one evaluation, to about a tenth of a second at worst. A
	// comparison costs about one, so no condition that a person wrote comes near
	// it, and a loop in a loop over long lists cannot hold up the other rules.
	maxCost = 100_000

	// maxRange is the longest list that lists.range makes, maxRegex the largest
	// program that a regular expression may become.
	maxRange = 1_000
	maxRegex = 10_000

	// interruptEvery is after how many turns of a loop it is asked whether to go on.
	interruptEvery = 100
)

// Language compiles expressions. It is costly to make and safe for concurrent
// use: one is enough for all rules of a configuration.
type Language struct {
	env *cel.Env
}

// NewLanguage prepares the variables and functions that expressions may use.
func NewLanguage() (*Language, error) {
	env, err := cel.NewEnv(append(options(), functions()...)...)
	if err != nil {
		return nil, fmt.Errorf("prepare CEL: %w", err)
	}
	return &Language{env: env}, nil
}

// options are CEL as Kubernetes sets it up for admission policies (apiserver's
// pkg/cel/environment), without what asks an authorizer; cel-go's other extensions;
// and our variables.
func options() []cel.EnvOption {
	return []cel.EnvOption{
		cel.HomogeneousAggregateLiterals(), cel.EagerlyValidateDeclarations(true), cel.DefaultUTCTimeZone(true),
		cel.CrossTypeNumericComparisons(true), cel.OptionalTypes(), cel.EnableMacroCallTracking(),
		library.URLs(), library.Regex(), library.Lists(library.ListsVersion(1)), library.Quantity(), library.IP(), library.CIDR(),
		library.Format(), library.SemverLib(library.SemverVersion(1)),
		ext.Strings(), ext.Lists(ext.ListsMaxRangeSize(maxRange)), ext.Sets(), ext.Math(), ext.Encoders(), ext.Bindings(),
		ext.TwoVarComprehensions(), ext.Regex(),
		cel.ParserExpressionSizeLimit(maxSize), cel.ExpressionNodeLimit(maxNodes), cel.ExpressionNestingDepthLimit(maxDepth),
		cel.RegexProgramSizeLimit(maxRegex),
		cel.ASTValidators(
			cel.ValidateRegexLiterals(),
			cel.ValidateDurationLiterals(),
			cel.ValidateTimestampLiterals(),
			cel.ValidateHomogeneousAggregateLiterals(),
		),
		func(e *cel.Env) (*cel.Env, error) { return cel.CustomTypeProvider(newProvider(e.CELTypeProvider()))(e) },
		cel.Variable(releaseName, releaseType),
		cel.Variable(appName, appType),
		cel.Variable(outcomeName, outcomeType),
		cel.Variable(nowName, cel.TimestampType),
		cel.Variable(objectName, cel.DynType),
	}
}

// Condition compiles an expression that is true or false. What is wrong with
// it is returned as [Issues].
func (l *Language) Condition(expr string) (*Condition, error) {
	e, err := l.compile(expr, wanted{noun: "condition", adjective: "a boolean", kind: cel.BoolType, remedy: "compare it, as in … == true"})
	if err != nil {
		return nil, err
	}
	return &Condition{*e}, nil
}

// Text compiles an expression that gives a string. What is wrong with it is
// returned as [Issues].
func (l *Language) Text(expr string) (*Text, error) {
	e, err := l.compile(expr, wanted{noun: "expression", adjective: "a string", kind: cel.StringType, remedy: "put it in string(…)"})
	if err != nil {
		return nil, err
	}
	return &Text{*e}, nil
}

// Value compiles an expression that gives whatever it does. What is wrong with it
// is returned as [Issues].
func (l *Language) Value(expr string) (*Value, error) {
	e, err := l.compile(expr, wanted{})
	if err != nil {
		return nil, err
	}
	return &Value{*e}, nil
}

// wanted says what an expression must result in, for the compiler and in words; its
// zero value is anything.
type wanted struct {
	noun      string
	adjective string
	kind      *cel.Type
	remedy    string
}

// mistaken says what is wrong with a type; empty if it will do. A type that is only
// known at run time will not: what was misunderstood would show much later.
func (w wanted) mistaken(t *cel.Type) string {
	switch {
	case w.kind == nil || t.IsExactType(w.kind):
		return ""
	case t.IsExactType(cel.DynType):
		return fmt.Sprintf("%s must be %s, but may be anything: %s", w.noun, w.adjective, w.remedy)
	}
	return fmt.Sprintf("%s must be %s, but is %s", w.noun, w.adjective, plainType(t))
}

func (l *Language) compile(expr string, want wanted) (*expression, error) {
	tree, found := l.env.Compile(expr)
	if found.Err() != nil {
		return nil, newIssues(expr, found)
	}
	if wrong := want.mistaken(tree.OutputType()); wrong != "" {
		return nil, Issues{{Line: 1, Column: 1, Message: wrong}}
	}
	e := &expression{text: expr, env: l.env, tree: tree, reads: readsOf(tree.NativeRep()), hides: hides(tree.NativeRep())}
	if why := e.reads.refused(); why != "" {
		return nil, Issues{{Line: 1, Column: 1, Message: why}}
	}
	var err error
	if e.cost, err = l.costs(tree); err != nil {
		return nil, Issues{{Line: 1, Column: 1, Message: err.Error()}}
	}
	if e.program, err = l.env.Program(tree, e.options()...); err != nil {
		return nil, Issues{{Line: 1, Column: 1, Message: err.Error()}}
	}
	return e, nil
}

// costs estimates what an expression costs at the most.
func (l *Language) costs(tree *cel.Ast) (uint64, error) {
	c, err := l.env.EstimateCost(tree, &library.CostEstimator{SizeEstimator: sizes{}})
	if err != nil {
		return 0, fmt.Errorf("estimate the cost: %w", err)
	}
	return c.Max, nil
}

// sizes tells how large what an expression reads may be.
type sizes struct{}

var _ checker.CostEstimator = sizes{}

// EstimateSize is part of checker.CostEstimator.
func (sizes) EstimateSize(n checker.AstNode) *checker.SizeEstimate {
	path := n.Path()
	if len(path) < 2 {
		return &checker.SizeEstimate{Min: 0, Max: sizeOfUnknown}
	}
	if len(path) > 2 { // within a list or a map
		return &checker.SizeEstimate{Min: 0, Max: sizeOfName}
	}
	if size, ok := sizesOf(path[0])[path[1]]; ok {
		return &checker.SizeEstimate{Min: 0, Max: size}
	}
	return &checker.SizeEstimate{Min: 0, Max: sizeOfUnknown}
}

// EstimateCallCost is part of checker.CostEstimator: we have no opinion.
func (sizes) EstimateCallCost(string, string, *checker.AstNode, []checker.AstNode) *checker.CallEstimate {
	return nil
}

// sizesOf are those of the fields of a variable.
func sizesOf(variable string) map[string]uint64 {
	out := map[string]uint64{}
	fill := func(fields []field[*look]) {
		for _, f := range fields {
			out[f.name] = f.size
		}
	}
	switch variable {
	case releaseName:
		fill(ofRelease())
	case appName:
		fill(ofApp())
	case outcomeName:
		fill(ofOutcome())
	}
	return out
}
