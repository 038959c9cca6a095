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
		if strings.Contains(e.Message, "!error!") && len(found.Errors()) > 1 { // it follows from another
			continue
		}
		// CEL counts lines from 1, and columns from 0; -1 is nowhere.
		line, column := max(e.Location.Line(), 1), max(e.Location.Column(), 0)+1
		at := atField(expr, line, afterDot(expr, line, column), e.Message)
		all = append(all, Issue{Line: line, Column: at, Message: told(expr, line, at, e.Message)})
		if strings.HasPrefix(e.Message, syntaxError) {
			break
		}
	}
	if len(all) == 0 { // whatever is said, an expression that does not compile has a mistake
		all = Issues{{Line: 1, Column: 1, Message: "expression is wrong"}}
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

// atField moves on to the field that is unknown, where CEL sees the macro that it
// stands in.
func atField(expr string, line, column int, message string) int {
	parts := unknownField.FindStringSubmatch(message)
	if parts == nil {
		return column
	}
	rest := string(lineOf(expr, line)[min(column-1, len(lineOf(expr, line))):])
	before, _, ok := strings.Cut(rest, "."+parts[1])
	if strings.HasPrefix(rest, parts[1]) || !ok {
		return column
	}
	return column + len([]rune(before)) + 1
}

func lineOf(expr string, line int) []rune {
	lines := strings.Split(expr, "\n")
	if line > len(lines) {
		return nil
	}
	return []rune(lines[line-1])
}

var (
	inContainer  = regexp.MustCompile(` \(in container '[^']*'\)`)
	noOverload   = regexp.MustCompile(`^found no matching overload for '([^']+)' applied to '(.*)'$`)
	unknownField = regexp.MustCompile(`^undefined field '([^']+)'`)
	unknownName  = regexp.MustCompile(`^undeclared reference to '([^']+)'`)
	lastVariable = regexp.MustCompile(`([A-Za-z_][A-Za-z0-9_]*)\.$`)
	ownTypes     = regexp.MustCompile(`rollcall\.(Release|App|Outcome|Workload|Image)`)
)

// renamed calls our types what the variables are called, and those of protobuf what
// CEL's functions are called that make them.
func renamed(message string) string {
	message = strings.NewReplacer("google.protobuf.Timestamp", "timestamp", "google.protobuf.Duration", "duration").Replace(message)
	return ownTypes.ReplaceAllStringFunc(message, lowered)
}

func lowered(name string) string {
	return strings.ToLower(strings.TrimPrefix(name, "rollcall."))
}

// told is what is said of a mistake, in the words of those who write rules.
func told(expr string, line, column int, message string) string {
	if rest, ok := strings.CutPrefix(message, syntaxError); ok {
		return "syntax error: " + unparsed(lineOf(expr, line), column, rest)
	}
	return plain(message) + meant(expr, line, column, message)
}

// plain drops from CEL's words what helps its authors only.
func plain(message string) string {
	for _, w := range wordings {
		if w.from.MatchString(message) {
			return w.from.ReplaceAllString(message, w.to)
		}
	}
	message = renamed(inContainer.ReplaceAllString(message, ""))
	message = strings.NewReplacer("'@lookup' applied to '(rollcall.look, ", "'lookup' applied to '(").Replace(message)
	parts := noOverload.FindStringSubmatch(message)
	if parts == nil {
		return message
	}
	return unfitting(parts[1], parts[2])
}

// meant asks whether a name that is near was meant.
func meant(expr string, line, column int, message string) string {
	text := lineOf(expr, line)
	if parts := unknownField.FindStringSubmatch(message); parts != nil {
		before := string(text[:min(column-1, len(text))])
		if near := DidYouMean(parts[1], fieldsOf(before)); near != "" {
			return near
		}
		return elsewhere(parts[1])
	}
	parts := unknownName.FindStringSubmatch(message)
	switch {
	case parts == nil:
		return ""
	case column > 1 && column-2 < len(text) && text[column-2] == '-':
		return ": a key with a dash is written in brackets, as in labels['my-team']"
	case parts[1] == "len" || parts[1] == "length":
		return ", did you mean \"size\"?"
	case slices.Contains(macros(), parts[1]):
		return fmt.Sprintf(": it takes a variable first, as in list.%s(x, …)", parts[1])
	case strings.Contains(string(text[min(column-1, len(text)):]), parts[1]+"(") || strings.HasPrefix(string(text[min(column-1, len(text)):]), "("):
		return DidYouMean(parts[1], callable())
	}
	return DidYouMean(parts[1], names())
}

// elsewhere says which variable has a field that another has not.
func elsewhere(name string) string {
	p := newProvider(nil)
	for _, v := range []string{releaseName, appName, outcomeName} {
		for kind, names := range p.names {
			if lowered(kind) == v && slices.Contains(names, name) {
				return fmt.Sprintf(", did you mean %s.%s?", v, name)
			}
		}
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

// names lists the variables.
func names() []string { return []string{releaseName, appName, outcomeName, nowName, objectName} }

// callable lists the functions that people call most.
func callable() []string {
	return []string{
		lookup, "image", "has", "size", "quantity", "semver", "url", "ip", "cidr", "duration", "timestamp", "string", "int", "double", "bool",
		"startsWith", "endsWith", "contains", "matches", "find", "findAll", "replace", "split", "join", "format", "lowerAscii", "upperAscii",
		"trim", "substring", "indexOf", "charAt", "isSorted", "sum", "min", "max", "isURL", "isIP", "isQuantity", "isSemver", "getHost",
		"getHours", "getDayOfWeek", "getSeconds", "isGreaterThan", "isLessThan", "compareTo", "orValue", "hasValue", "flatten", "distinct",
	}
}

// macros are those that go through a list or a map.
func macros() []string {
	return []string{"all", "exists", "exists_one", "existsOne", "map", "filter", "transformList", "transformMap", "sortBy"}
}

// longest is the longest word that is asked about.
const longest = 64

// DidYouMean asks whether a word that is near was meant; it is empty if none is.
func DidYouMean(word string, known []string) string {
	if len(word) > longest {
		return ""
	}
	if i := slices.IndexFunc(known, func(k string) bool { return k != word && strings.EqualFold(k, word) }); i >= 0 {
		return fmt.Sprintf(", did you mean %q?", known[i])
	}
	best, distance := "", max(2, len(word)/3)+1
	if len(word) <= 3 { // of those, almost all are near
		distance = 2
	}
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
