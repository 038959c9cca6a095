package conditions

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
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

// Show gives all mistakes, each with the line that it is in and a caret below it.
func (s Issues) Show(expr string) string {
	var b strings.Builder
	for _, i := range s {
		fmt.Fprintf(&b, "%d:%d: %s\n  %s\n  %s^\n", i.Line, i.Column, i.Message, string(lineOf(expr, i.Line)), strings.Repeat(" ", i.Column-1))
	}
	return strings.TrimRight(b.String(), "\n")
}

// newIssues keeps the first of several syntax errors only: the parser lost its
// way there, and what it says afterwards misleads.
func newIssues(expr string, found *cel.Issues) Issues {
	var all Issues
	for _, e := range found.Errors() {
		// CEL counts lines from 1, and columns from 0; -1 is nowhere.
		line, column := max(e.Location.Line(), 1), max(e.Location.Column(), 0)+1
		at := afterDot(expr, line, column)
		all = append(all, Issue{Line: line, Column: at, Message: plain(e.Message) + meant(expr, line, at, e.Message)})
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
	text := lineOf(expr, line)
	if column < len(text) && text[column-1] == '.' {
		return column + 1
	}
	return column
}

func lineOf(expr string, line int) []rune {
	lines := strings.Split(expr, "\n")
	if line > len(lines) {
		return nil
	}
	return []rune(lines[line-1])
}

var (
	inContainer   = regexp.MustCompile(` \(in container '[^']*'\)`)
	noOverload    = regexp.MustCompile(`^found no matching overload for '([^']+)' applied to '(.*)'$`)
	twoOperands   = regexp.MustCompile(`^\((.*), (.*)\)$`)
	unknownField  = regexp.MustCompile(`^undefined field '([^']+)'`)
	unknownName   = regexp.MustCompile(`^undeclared reference to '([^']+)'`)
	lastVariable  = regexp.MustCompile(`([A-Za-z_][A-Za-z0-9_]*)\.$`)
	ownTypes      = regexp.MustCompile(`rollcall\.(Release|App|Outcome|Workload|Image)`)
	binaryOverOne = regexp.MustCompile(`^_(.+)_$`)
)

// renamed calls our types what the variables are called.
func renamed(message string) string { return ownTypes.ReplaceAllStringFunc(message, lowered) }

func lowered(name string) string {
	return strings.ToLower(strings.TrimPrefix(name, "rollcall."))
}

// plain drops from CEL's words what helps its authors only.
func plain(message string) string {
	if rest, ok := strings.CutPrefix(message, syntaxError); ok {
		rest, _, _ = strings.Cut(rest, " expecting ")
		return "syntax error: " + rest
	}
	message = renamed(inContainer.ReplaceAllString(message, ""))
	message = strings.NewReplacer("'@lookup' applied to '(rollcall.look, ", "'lookup' applied to '(").Replace(message)
	parts := noOverload.FindStringSubmatch(message)
	if parts == nil {
		return message
	}
	operator, operands := binaryOverOne.FindStringSubmatch(parts[1]), twoOperands.FindStringSubmatch(parts[2])
	if operator == nil || operands == nil {
		return fmt.Sprintf("%s cannot be applied to %s", strings.TrimSuffix(parts[1], "_"), parts[2])
	}
	return fmt.Sprintf("%s cannot be applied to %s and %s", operator[1], operands[1], operands[2])
}

// meant asks whether a name that is near was meant.
func meant(expr string, line, column int, message string) string {
	if parts := unknownField.FindStringSubmatch(message); parts != nil {
		text := lineOf(expr, line)
		return DidYouMean(parts[1], fieldsOf(string(text[:min(column-1, len(text))])))
	}
	if parts := unknownName.FindStringSubmatch(message); parts != nil {
		return DidYouMean(parts[1], names())
	}
	return ""
}

// fieldsOf lists the fields of the variable that the text before a field ends in, or
// all fields if it ends in something else.
func fieldsOf(before string) []string {
	p := newProvider(nil)
	last := lastVariable.FindStringSubmatch(before)
	for kind, names := range p.names {
		if last != nil && lowered(kind) == last[1] {
			return names
		}
	}
	var all []string
	for _, names := range p.names {
		all = append(all, names...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// names lists what an expression may begin with: variables, and functions of our own.
func names() []string {
	return []string{releaseName, appName, outcomeName, nowName, objectName, lookup, "image", "has", "size", "quantity", "semver", "url", "ip", "cidr", "duration", "timestamp"}
}

// longest is the longest word that is asked about.
const longest = 64

// DidYouMean asks whether a word that is near was meant; it is empty if none is.
func DidYouMean(word string, known []string) string {
	if len(word) > longest {
		return ""
	}
	best, distance := "", max(2, len(word)/3)+1
	for _, k := range known {
		if d := levenshtein.ComputeDistance(word, k); d < distance && d < len(k) {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(", did you mean %q?", best)
}
