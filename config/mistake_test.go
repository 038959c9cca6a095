package config

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestExcerpt(t *testing.T) {
	for _, tt := range []struct {
		name string
		line string
		at   position
		want string
	}{
		{"the first column", "abc", position{1, 1}, "    1 | abc\n        ^"},
		{"the last column", "abc", position{12, 3}, "   12 | abc\n          ^"},
		{"behind the line", "abc", position{123456, 5}, "123456 | abc\n             ^"},
		{"an empty line", "", position{1, 1}, "    1 | \n        ^"},
		{"tabs stay tabs", "\ta\tb", position{1, 4}, "    1 | \ta\tb\n        \t \t^"},
		{"wide characters are one each", "äöü", position{1, 3}, "    1 | äöü\n          ^"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, excerpt([]rune(tt.line), tt.at))
		})
	}
}

func TestExcerptOfALongLine(t *testing.T) {
	line := strings.Repeat("a", 500) + "X" + strings.Repeat("b", 500)
	shown, caret, _ := strings.Cut(excerpt([]rune(line), position{1, 501}), "\n")
	assert.Len(t, shown, len("    1 | ")+maxExcerpt)
	assert.Equal(t, byte('X'), shown[len(caret)-1])
}

func TestMistakeWithoutExcerpt(t *testing.T) {
	m := Mistake{File: "f", Line: 1, Column: 2, Message: "wrong"}
	assert.Equal(t, "f:1:2: wrong", m.String())
}

func TestShort(t *testing.T) {
	assert.Equal(t, "word", short("word"))
	assert.Equal(t, strings.Repeat("ü", maxShort)+"…", short(strings.Repeat("ü", maxShort+1)))
}

func TestHint(t *testing.T) {
	known := []string{"name", "on", "when", "kinds", "send", "clusterWorkflowTemplate"}
	for _, tt := range []struct{ word, want string }{
		{"nam", `, did you mean "name"?`},
		{"Name", `, did you mean "name"?`},
		{"onn", `, did you mean "on"?`},
		{"whne", `, did you mean "when"?`},
		{"clusterworkflowtemplat", `, did you mean "clusterWorkflowTemplate"?`},
		{"xyz", ""},
		{"", ""},
		{"if", ""},
		{strings.Repeat("name", 20), ""},
	} {
		t.Run(tt.word, func(t *testing.T) {
			assert.Equal(t, tt.want, newReader(source{}).hint(tt.word, known))
		})
	}
}

func TestTold(t *testing.T) {
	for _, tt := range []struct {
		err     string
		message string
		line    int
	}{
		{"yaml: line 3: did not find a thing", "did not find a thing", 3},
		{"yaml: control characters are not allowed", "control characters are not allowed", 1},
		{"yaml: line x: odd", "line x: odd", 1},
		{"other: thing", "other: thing", 1},
	} {
		t.Run(tt.err, func(t *testing.T) {
			message, line := told(errors.New(tt.err))
			assert.Equal(t, tt.message, message)
			assert.Equal(t, tt.line, line)
		})
	}
}

func TestFirstBad(t *testing.T) {
	for _, tt := range []struct {
		name string
		text string
		want int
	}{
		{"an indentation", "a:\n  - b\n c: d\ne: f", 3},
		{"a quote that is never closed", "a: b\nc: \"d\ne: f", 2},
		{"a mistake behind a list over lines", "a: [\n b,\n c]\nd: ]\n", 4},
		{"the first line", "]\na: b", 7},
		{"a second document", "a: b\n---\nc: [\n", 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, firstBad(strings.Split(breaks(tt.text), "\n"), 7))
		})
	}
}

func TestSplit(t *testing.T) {
	assert.Equal(t, lines{{'a'}, {'b'}, {'c'}, {'d'}, {'e'}, {}}, split("a\r\nb\rc\u0085d\u2028e\u2029"))
}
