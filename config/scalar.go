package config

import (
	"strconv"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// scalar finds the characters of a scalar's value in the text that it is
// written in. YAML folds and indents white space, but every other character of
// the value stands in the text, in the same order: so they are counted.
type scalar struct {
	start position
	// value holds the lines of the value, before how many visible characters come
	// ahead of each column, in all lines: a text may be one long line, and have
	// thousands of mistakes.
	value  lines
	before [][]int
	// marks is where each visible character is written.
	marks []position
}

func newScalar(page lines, node *yaml.Node) *scalar {
	s := &scalar{start: start(node), value: split(node.Value)}
	total := 0
	for _, line := range s.value {
		before := make([]int, 0, len(line)+1)
		for _, r := range line {
			before = append(before, total)
			if !unicode.IsSpace(r) {
				total++
			}
		}
		s.before = append(s.before, append(before, total))
	}
	s.marks = marks(newPen(page, node), total)
	return s
}

// at is where a place of the value is written. A blank, and what comes after the
// last character, is taken to be right behind the character before it.
func (s *scalar) at(p position) position {
	if p.line < 1 || p.line > len(s.value) {
		return s.start
	}
	line := s.value[p.line-1]
	column := min(max(p.column-1, 0), len(line))
	n := s.before[p.line-1][column]
	if column < len(line) && !unicode.IsSpace(line[column]) && n < len(s.marks) {
		return s.marks[n]
	}
	if n == 0 || n > len(s.marks) {
		return s.start
	}
	last := s.marks[n-1]
	return position{last.line, last.column + 1}
}

// marks collects the places of the next visible characters.
func marks(p *pen, total int) []position {
	found := make([]position, 0, total)
	for len(found) < total {
		at, r, ok := p.next()
		if !ok {
			break
		}
		if !unicode.IsSpace(r) {
			found = append(found, at)
		}
	}
	return found
}

// pen follows the characters of a scalar as they were written.
type pen struct {
	page  lines
	style yaml.Style
	at    position
	// row is the line that the pen is on.
	row []rune
}

func newPen(page lines, node *yaml.Node) *pen {
	p := &pen{page: page, style: node.Style, at: start(node)}
	switch {
	case node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		p.at = position{node.Line + 1, 1}
	case node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		p.at.column++
	}
	p.load()
	return p
}

func (p *pen) load() {
	p.row = nil
	if p.at.line >= 1 && p.at.line <= len(p.page) {
		p.row = p.page[p.at.line-1]
	}
}

// next gives a character of the value, and where it is written.
func (p *pen) next() (position, rune, bool) {
	for p.at.column > len(p.row) {
		if p.at.line >= len(p.page) {
			return position{}, 0, false
		}
		p.at = position{p.at.line + 1, 1}
		p.load()
	}
	at, rest := p.at, p.row[p.at.column-1:]
	r, width := rest[0], 1
	switch {
	case p.style&yaml.SingleQuotedStyle != 0 && r == '\'':
		width = 2
	case p.style&yaml.DoubleQuotedStyle != 0 && r == '\\':
		r, width = escaped(rest)
	}
	p.at.column += width
	return at, r, true
}

// escaped gives the character that an escape of a double-quoted scalar stands
// for, and how long the escape is. An escaped end of line stands for nothing.
func escaped(rest []rune) (rune, int) {
	if len(rest) < 2 {
		return ' ', 1
	}
	digits := 0
	switch rest[1] {
	case 'n', 't', '\t', 'r', 'v', 'f', ' ', '_', 'N', 'L', 'P':
		return ' ', 2
	case 'x':
		digits = 2
	case 'u':
		digits = 4
	case 'U':
		digits = 8
	default:
		return rest[1], 2
	}
	end := min(2+digits, len(rest))
	code, err := strconv.ParseUint(string(rest[2:end]), 16, 32)
	if err != nil {
		return rest[1], end
	}
	return rune(code), end
}
