package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Mistake is one thing that is wrong with a configuration.
type Mistake struct {
	// File is the name of the text, as it was given.
	File string `json:"file"`
	// Line and Column count from 1, in characters.
	Line   int `json:"line"`
	Column int `json:"column"`
	// Rule or Sink is whose mistake it is; both empty if it is nobody's in
	// particular. A rule without a name is called by its place, "rules[2]".
	Rule string `json:"rule,omitempty"`
	Sink string `json:"sink,omitempty"`
	// Code says of which sort it is.
	Code Code `json:"code"`
	// Message says what is wrong, in words.
	Message string `json:"message"`
	// Warning says that it is no mistake: everything is in force, and most likely not
	// as it was meant.
	Warning bool `json:"warning,omitempty"`
	// Excerpt is the line of text, and a caret below the column. It is empty
	// after the first hundred mistakes.
	Excerpt string `json:"excerpt,omitempty"`
}

// String gives the mistake as compilers do: where, what, and the text.
func (m Mistake) String() string {
	message := m.Message
	if m.Warning {
		message = "warning: " + message
	}
	head := fmt.Sprintf("%s:%d:%d: %s", m.File, m.Line, m.Column, message)
	if m.Excerpt == "" {
		return head
	}
	return head + "\n" + m.Excerpt
}

// whole reports whether the mistake is that of the text as a whole.
func (m Mistake) whole() bool { return m.Rule == "" && m.Sink == "" }

// sorted puts mistakes in the order of the text.
func sorted(mistakes []Mistake) []Mistake {
	slices.SortStableFunc(mistakes, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return mistakes
}

const (
	// maxExcerpts is for how many mistakes the text is shown.
	maxExcerpts = 100
	// maxExcerpt is how much of a line is shown, in characters.
	maxExcerpt = 160
	// maxShort is how much of somebody else's word a message repeats.
	maxShort = 64
)

// excerpt shows a line, or the part of it around the column, and a caret.
func excerpt(line []rune, at position) string {
	column := at.column - 1
	if start := column - maxExcerpt/2; len(line) > maxExcerpt && start > 0 {
		line, column = line[min(start, len(line)):], column-start
	}
	line = line[:min(len(line), maxExcerpt)]
	gutter := fmt.Sprintf("%5d | ", at.line)
	return gutter + legible(string(line)) + "\n" + strings.Repeat(" ", len(gutter)) + blank(line, column) + "^"
}

// blank is as wide as the line up to the column; tabs stay what they are.
func blank(line []rune, column int) string {
	before := string(line[:min(column, len(line))])
	return strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, before) + strings.Repeat(" ", max(column-len(line), 0))
}

// legible shows what would steer a terminal, or turn the direction of writing, as
// characters that do not.
func legible(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || unicode.IsPrint(r) || unicode.Is(unicode.Zs, r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

// short cuts a word that is too long to be repeated.
func short(word string) string {
	runes := []rune(word)
	if len(runes) <= maxShort {
		return word
	}
	return string(runes[:maxShort]) + "…"
}
