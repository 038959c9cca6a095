package conditions

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
)

// patience bounds the evaluation of one expression, whatever its cost is said to be.
const patience = time.Second

// errUnread says that an expression depends on what was not read yet.
var errUnread = errors.New("it is not known yet")

// expression is a compiled expression.
type expression struct {
	text    string
	env     *cel.Env
	tree    *cel.Ast
	program cel.Program
	reads   Reads
	// cost is the most that it may cost; hides says that this is not to be relied on.
	cost  uint64
	hides bool
}

// options are how the program is made. Counting costs makes an evaluation several
// times slower: it is done only where the estimate does not say that it cannot cost
// too much.
func (e *expression) options() []cel.ProgramOption {
	out := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	if e.counts() {
		out = append(out, cel.CostTracking(actual{}), cel.CostLimit(maxCost), cel.InterruptCheckFrequency(interruptEvery))
	}
	return out
}

func (e *expression) counts() bool {
	return e.cost > maxCost || e.reads.Object || len(e.reads.Lookups) > 0 || e.hides
}

// Reads is what the expression reads beside what every snapshot holds.
func (e *expression) Reads() Reads { return e.reads }

// Cost is the most that an evaluation may cost, by cel-go's estimate; what is more
// than [Affordable] ends in an error at run time.
func (e *expression) Cost() uint64 { return e.cost }

// Affordable is what an evaluation may cost.
const Affordable uint64 = maxCost

// eval gives the value of the expression.
func (e *expression) eval(ctx context.Context, l *look) (ref.Val, error) {
	var out ref.Val
	var err error
	if e.counts() {
		bound, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		out, _, err = e.program.ContextEval(bound, l)
	} else {
		out, _, err = e.program.Eval(l)
	}
	switch {
	case err != nil:
		return nil, err
	case types.IsUnknown(out):
		return nil, errUnread
	}
	return out, nil
}

// Condition is a compiled expression that is true or false of a snapshot. A nil
// Condition stands for [DefaultWhen].
type Condition struct{ expression }

// String gives the expression as it was written.
func (c *Condition) String() string {
	if c == nil {
		return DefaultWhen
	}
	return c.text
}

func (c *Condition) holds(ctx context.Context, l *look) (bool, error) {
	if c == nil {
		return l.snap.Ready, nil
	}
	out, err := c.eval(ctx, l)
	if err != nil {
		return false, err
	}
	holds, ok := out.Value().(bool)
	if !ok {
		return false, fmt.Errorf("condition gave %s, not a boolean", out.Type().TypeName())
	}
	return holds, nil
}

// Text is a compiled expression that gives a string.
type Text struct{ expression }

// String gives the expression as it was written.
func (t *Text) String() string { return t.text }

func (t *Text) value(ctx context.Context, l *look) (string, error) {
	out, err := t.eval(ctx, l)
	if err != nil {
		return "", err
	}
	value, ok := out.Value().(string)
	if !ok {
		return "", fmt.Errorf("expression gave %s, not a string", out.Type().TypeName())
	}
	return value, nil
}

// maxQuoted is how much of an expression a reason repeats, in bytes.
const maxQuoted = 200

// quote repeats an expression in one line that is not too long.
func quote(expr string) string {
	expr = strings.Join(strings.Fields(expr), " ")
	if len(expr) <= maxQuoted {
		return expr
	}
	end := maxQuoted
	for !utf8.RuneStart(expr[end]) {
		end--
	}
	return expr[:end] + " …"
}
