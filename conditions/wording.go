package conditions

import (
	"fmt"
	"regexp"
	"strings"
)

// wording is how something is said in place of CEL's own words.
type wording struct {
	from *regexp.Regexp
	to   string
}

// wordings are those for what needs no look at the text.
var wordings = []wording{
	{regexp.MustCompile(`^invalid matches argument$`), "the regular expression is wrong, or too large"},
	{regexp.MustCompile(`^invalid duration argument$`), "this is no duration, as duration('90s') and duration('24h') are"},
	{regexp.MustCompile(`^invalid timestamp argument$`), "this is no time, as timestamp('2026-01-31T12:00:00Z') is"},
	{regexp.MustCompile(`^error recovery .* limit exceeded: .*$`), "the expression cannot be read any further"},
	{regexp.MustCompile(`^(?:expression recursion limit exceeded: .*|max recursion depth exceeded)$`), "expression is nested too deeply"},
	{regexp.MustCompile(`^expression code point size exceeds limit: size: (\d+), limit (\d+)$`), "expression is too long: it has $1 characters, of which $2 are allowed"},
	{regexp.MustCompile(`^expression node count exceeds limit: count (\d+), limit (\d+)$`), "expression has too many parts: $1, of which $2 are allowed"},
	{regexp.MustCompile(`^index \d+ out of range$`), "the format asks for more values than it is given"},
	{regexp.MustCompile(`^type '(.*)' does not support field selection$`), "$1 has no fields"},
	{regexp.MustCompile(`^expression of type '(.*)' cannot be range of a comprehension.*$`), "$1 cannot be gone through: a list or a map can"},
	{regexp.MustCompile(`^argument must be a simple name$`), "the variable of a loop is a name, without quotes"},
	{regexp.MustCompile(`^invalid argument to has\(\) macro$`), "has() takes a field, as in has(object.spec.paused)"},
	{regexp.MustCompile(`^invalid int literal$`), "the number is too large, or none"},
	{regexp.MustCompile(`^reserved identifier: (\S+)$`), "$1 is a word that CEL keeps for itself"},
	{regexp.MustCompile(`^expected type '(.*)' but found '(.*)'$`), "this must be $1, but is $2"},
}

var (
	operands   = regexp.MustCompile(`^\((.*)\)$`)
	ofOperator = regexp.MustCompile(`^@?(in|-_|!_|_\[_\]|_\?_:_|_(.+)_)$`)
)

// unfitting says that a function, or an operator, is not for such values.
func unfitting(function, applied string) string {
	list, operator := operands.FindStringSubmatch(applied), ofOperator.FindStringSubmatch(function)
	if list == nil || operator == nil {
		return fmt.Sprintf("%s cannot be applied to %s", function, applied)
	}
	name := strings.NewReplacer("_", "", "@", "").Replace(function)
	return fmt.Sprintf("%s cannot be applied to %s", name, listed(list[1]))
}

// listed puts an "and" before the last of some types.
func listed(types string) string {
	depth, last := 0, -1
	for i, r := range types {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth == 0:
			last = i
		}
	}
	if last < 0 {
		return types
	}
	return types[:last] + " and" + types[last+1:]
}

var (
	unknownToken = regexp.MustCompile(`^token recognition error at: '(.*)'$`)
	atTheEnd     = regexp.MustCompile(`^(?:mismatched input|no viable alternative at input) '<EOF>'`)
	missing      = regexp.MustCompile(`^missing '(.*)' at '<EOF>'`)
	unexpected   = regexp.MustCompile(`^(?:mismatched|extraneous) input '([^']*)'`)
	wordBefore   = regexp.MustCompile(`\bnot\s+$`)
)

// unparsed says what the parser did not understand at a place of a line.
func unparsed(text []rune, column int, message string) string {
	if parts := unknownToken.FindStringSubmatch(message); parts != nil {
		return token(strings.TrimSpace(parts[1]))
	}
	if parts := missing.FindStringSubmatch(message); parts != nil {
		return fmt.Sprintf("'%s' is missing at the end", parts[1])
	}
	parts := unexpected.FindStringSubmatch(message)
	switch {
	case atTheEnd.MatchString(message):
		return "the expression ends too early"
	case parts == nil:
		rest, _, _ := strings.Cut(message, " expecting ")
		return rest
	case parts[1] == "and":
		return "unexpected 'and': it is written &&"
	case parts[1] == "or":
		return "unexpected 'or': it is written ||"
	case wordBefore.MatchString(string(text[:min(column-1, len(text))])):
		return fmt.Sprintf("unexpected '%s': not is written !", parts[1])
	case parts[1] == "}" && strings.Contains(string(text), "{{"):
		return "unexpected '}': there are no templates in rules"
	}
	return fmt.Sprintf("unexpected '%s'", parts[1])
}

// token says what a character cannot be.
func token(text string) string {
	switch first := string([]rune(text + " ")[:1]); first {
	case "=":
		return "unexpected '=': equal is written =="
	case "|":
		return "unexpected '|': or is written ||"
	case "&":
		return "unexpected '&': and is written &&"
	case "$":
		return "unexpected '$': names stand by themselves"
	case "‘", "’", "“", "”":
		return fmt.Sprintf("unexpected %s: quotes are straight, ' or \"", first)
	case "'", `"`:
		if strings.Contains(text, `\`) {
			return "the string has an escape that CEL does not know"
		}
		return fmt.Sprintf("the string that begins with %s does not end", text)
	default:
		return fmt.Sprintf("unexpected '%s'", first)
	}
}
