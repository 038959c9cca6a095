package conditions

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/cel-go/cel"
)

// Condition is a compiled expression that is true or false of a snapshot. A nil
// Condition stands for [DefaultWhen].
type Condition struct {
	expr    string
	program cel.Program
}

// String gives the expression as it was written.
func (c *Condition) String() string {
	if c == nil {
		return DefaultWhen
	}
	return c.expr
}

func (c *Condition) holds(l look) (bool, error) {
	if c == nil {
		return l.snap.Ready, nil
	}
	out, _, err := c.program.Eval(l.vars)
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
type Text struct {
	expr    string
	program cel.Program
}

// String gives the expression as it was written.
func (t *Text) String() string { return t.expr }

func (t *Text) value(l look) (string, error) {
	out, _, err := t.program.Eval(l.vars)
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
