package config

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// position is a place in a text; both count from 1, in characters.
type position struct {
	line   int
	column int
}

func start(node *yaml.Node) position { return position{node.Line, node.Column} }

// source is a text that is read, and the one that its mistakes are shown in: the
// same, or the one that it is written in as a scalar.
type source struct {
	file  string
	text  []byte
	lines lines
	outer lines
	// within maps places from lines to outer; nil if they are the same.
	within *scalar
}

func newSource(file string, text []byte) source {
	lines := split(string(text))
	return source{file: file, text: text, lines: lines, outer: lines}
}

// inside is the source that is the value of a scalar of this one.
func (s source) inside(node *yaml.Node) source {
	within := newScalar(s.lines, node)
	return source{file: s.file, text: []byte(node.Value), lines: split(node.Value), outer: s.outer, within: within}
}

// shown is where a place is in the text that is shown.
func (s source) shown(p position) position {
	if s.within != nil {
		return s.within.at(p)
	}
	return p
}

// line is the shown text of a line; empty if there is none.
func (s source) line(n int) []rune {
	if n < 1 || n > len(s.outer) {
		return nil
	}
	return s.outer[n-1]
}

// lines is a text by line and column.
type lines [][]rune

// split breaks a text where YAML does.
func split(text string) lines {
	var out lines
	for line := range strings.SplitSeq(breaks(text), "\n") {
		out = append(out, []rune(line))
	}
	return out
}

// breaks makes all breaks of lines that YAML knows the usual one.
func breaks(text string) string {
	return strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n").Replace(text)
}
