package conditions

import (
	"fmt"
	"strings"

	"github.com/google/cel-go/cel"
)

// Issue is one mistake in an expression.
type Issue struct {
	// Line and Column count from 1, in characters of the expression.
	Line   int
	Column int
	// Message says what is wrong, in words.
	Message string
}

// Issues are all mistakes in one expression, in the order of the text.
type Issues []Issue

// Error gives all mistakes in one line.
func (s Issues) Error() string {
	said := make([]string, 0, len(s))
	for _, i := range s {
		said = append(said, fmt.Sprintf("%d:%d: %s", i.Line, i.Column, i.Message))
	}
	return strings.Join(said, "; ")
}

// newIssues keeps the first of several syntax errors only: the parser lost its
// way there, and what it says afterwards misleads.
func newIssues(expr string, found *cel.Issues) Issues {
	var all Issues
	for _, e := range found.Errors() {
		// CEL counts lines from 1, and columns from 0; -1 is nowhere.
		line, column := max(e.Location.Line(), 1), max(e.Location.Column(), 0)+1
		all = append(all, Issue{Line: line, Column: afterDot(expr, line, column), Message: plain(e.Message)})
		if strings.HasPrefix(e.Message, syntaxError) {
			break
		}
	}
	return all
}

const syntaxError = "Syntax error: "

// afterDot moves from the dot, where CEL sees a selection, to the field's name,
// where a person does.
func afterDot(expr string, line, column int) int {
	lines := strings.Split(expr, "\n")
	if line > len(lines) {
		return column
	}
	text := []rune(lines[line-1])
	if column < len(text) && text[column-1] == '.' {
		return column + 1
	}
	return column
}

// plain drops from CEL's words what helps its authors only.
func plain(message string) string {
	message = strings.TrimSuffix(message, " (in container '')")
	message = strings.NewReplacer("conditions.releaseView", releaseName, "conditions.appView", appName).Replace(message)
	if rest, ok := strings.CutPrefix(message, syntaxError); ok {
		rest, _, _ = strings.Cut(rest, " expecting ")
		return "syntax error: " + rest
	}
	return message
}
