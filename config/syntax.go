package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxSought is how long a text may be that is read again and again to find the
// line that is wrong.
const maxSought = 16 * 1024

// maxTries is how many beginnings of the text are read.
const maxTries = 500

// syntax tells of a text that is not YAML.
func (r *reader) syntax(err error) {
	if errors.Is(err, io.EOF) {
		return
	}
	message, line := told(err)
	line = min(max(line, 1), len(r.src.lines))
	if len(r.src.text) <= maxSought {
		line = firstBad(strings.Split(breaks(string(r.src.text)), "\n"), line)
	}
	text := r.src.lines[line-1]
	indent := 0
	for indent < len(text) && text[indent] == ' ' {
		indent++
	}
	if indent < len(text) && text[indent] == '\t' {
		message = "tab in the indentation, where YAML wants spaces"
	}
	at := position{line, indent + 1}
	if odd, ok := control(r.src.lines); ok && strings.HasPrefix(message, "control characters") {
		at = odd
	}
	r.wrong(Unreadable, at, "text is not YAML: %s%s", message, remedy(string(text), message))
}

// control finds the first character that no text may hold.
func control(text lines) (position, bool) {
	for n, line := range text {
		if i := slices.IndexFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }); i >= 0 {
			return position{n + 1, i + 1}, true
		}
	}
	return position{}, false
}

var (
	oddStart   = regexp.MustCompile("^[ -]*[\\w.-]+: +([@`%&*])")
	afterQuote = regexp.MustCompile(`^[ -]*[\w.-]+: +(?:'[^']*' *[^' #,}\]]|"[^"]*" *[^ #,}\]])`)
)

// remedy helps with what most often goes wrong in the line.
func remedy(line, message string) string {
	switch parts := oddStart.FindStringSubmatch(line); {
	case parts != nil:
		return fmt.Sprintf(": put what begins with %s in quotes", parts[1])
	case afterQuote.MatchString(line):
		return ": a value that begins with a quote ends at the next one; put all of it in other quotes"
	case strings.HasPrefix(message, "mapping values"):
		return ": put a value that holds a colon and a blank in quotes"
	}
	return ""
}

// told takes the parser's words apart. It knows the line at most, and often
// only where the thing began that it could not finish.
func told(err error) (message string, line int) {
	message = strings.TrimPrefix(err.Error(), "yaml: ")
	rest, ok := strings.CutPrefix(message, "line ")
	if !ok {
		return message, 1
	}
	number, said, _ := strings.Cut(rest, ": ")
	line, err = strconv.Atoi(number)
	if err != nil {
		return message, 1
	}
	return said, line
}

// firstBad is the line behind the longest beginning of the text that is YAML:
// what is open at its end may be closed later, what is wrong stays wrong.
func firstBad(lines []string, otherwise int) int {
	for n := len(lines) - 1; n > max(0, len(lines)-maxTries); n-- {
		if parses(strings.Join(lines[:n], "\n")) {
			return n + 1
		}
	}
	return otherwise
}

func parses(text string) bool {
	decoder := yaml.NewDecoder(bytes.NewReader([]byte(text)))
	for {
		var document yaml.Node
		if err := decoder.Decode(&document); err != nil {
			return errors.Is(err, io.EOF)
		}
	}
}
