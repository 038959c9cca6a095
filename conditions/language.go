package conditions

import (
	"fmt"
	"reflect"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/ext"
)

const (
	releaseName = "release"
	appName     = "app"
	nowName     = "now"

	// DefaultWhen is the condition of a rule that names none.
	DefaultWhen = "release.ready"

	// maxSize is the longest expression, in characters. What is longer was made
	// by a program, and would be slow to check.
	maxSize = 16 * 1024

	// maxCost bounds one evaluation, to about a tenth of a second at worst. A
	// comparison costs about one, so no condition that a person wrote comes near
	// it, and a loop in a loop over long lists cannot hold up the other rules.
	maxCost = 100_000

	// maxRange is the longest list that lists.range makes.
	maxRange = 1_000
)

// Language compiles expressions. It is costly to make and safe for concurrent
// use: one is enough for all rules of a configuration.
type Language struct {
	env *cel.Env
}

// NewLanguage prepares the variables and functions that expressions may use.
func NewLanguage() (*Language, error) {
	env, err := cel.NewEnv(
		ext.NativeTypes(ext.ParseStructTags(true), reflect.TypeFor[releaseView](), reflect.TypeFor[appView]()),
		cel.Variable(releaseName, cel.ObjectType("conditions.releaseView")),
		cel.Variable(appName, cel.ObjectType("conditions.appView")),
		cel.Variable(nowName, cel.TimestampType),
		ext.Strings(), ext.Lists(ext.ListsMaxRangeSize(maxRange)), ext.Sets(), ext.Math(), ext.Encoders(),
		cel.ParserExpressionSizeLimit(maxSize),
		cel.ASTValidators(
			cel.ValidateRegexLiterals(),
			cel.ValidateDurationLiterals(),
			cel.ValidateTimestampLiterals(),
		),
	)
	if err != nil {
		return nil, fmt.Errorf("prepare CEL: %w", err)
	}
	return &Language{env: env}, nil
}

// Condition compiles an expression that is true or false. What is wrong with
// it is returned as [Issues].
func (l *Language) Condition(expr string) (*Condition, error) {
	program, err := l.compile(expr, wanted{noun: "condition", adjective: "a boolean", kind: cel.BoolType})
	if err != nil {
		return nil, err
	}
	return &Condition{expr: expr, program: program}, nil
}

// Text compiles an expression that gives a string. What is wrong with it is
// returned as [Issues].
func (l *Language) Text(expr string) (*Text, error) {
	program, err := l.compile(expr, wanted{noun: "expression", adjective: "a string", kind: cel.StringType})
	if err != nil {
		return nil, err
	}
	return &Text{expr: expr, program: program}, nil
}

// wanted says what an expression must result in, for the compiler and in words.
type wanted struct {
	noun      string
	adjective string
	kind      *cel.Type
}

func (l *Language) compile(expr string, want wanted) (cel.Program, error) {
	ast, found := l.env.Compile(expr)
	if found.Err() != nil {
		return nil, newIssues(expr, found)
	}
	if got := ast.OutputType(); !got.IsExactType(want.kind) {
		return nil, Issues{{Line: 1, Column: 1, Message: fmt.Sprintf("%s must be %s, but is %s", want.noun, want.adjective, got)}}
	}
	program, err := l.env.Program(ast, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(maxCost))
	if err != nil {
		return nil, Issues{{Line: 1, Column: 1, Message: err.Error()}}
	}
	return program, nil
}
