package config

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// scalarOf reads "key: <written>" and gives the scalar.
func scalarOf(t *testing.T, text string) (*scalar, *yaml.Node) {
	t.Helper()
	var document yaml.Node
	require.NoError(t, yaml.Unmarshal([]byte(text), &document))
	node := document.Content[0].Content[1]
	return newScalar(split(text), node), node
}

// TestScalarFindsEveryCharacter marks one character of the value with X; it must
// be found where the X is written.
func TestScalarFindsEveryCharacter(t *testing.T) {
	for _, tt := range []struct {
		name string
		text string
	}{
		{"plain", "key: a b X c"},
		{"plain at the start", "key: Xab"},
		{"plain over lines", "key: a b\n  c d\n\n   e X"},
		{"plain beside wide characters", "key: grüße 世界 X"},
		{"single quotes", "key: 'a X'"},
		{"a quote in single quotes", "key: 'it''s ''X'''"},
		{"single quotes over lines", "key: 'a\n\n  b ''c'' X'"},
		{"double quotes", `key: "a X"`},
		{"escapes", `key: "\"a\"\\ \n\t\x41\u00e4\U0001F600 X"`},
		{"escaped blanks", `key: "a\ \_\N\L\P\x20\u0020 X"`},
		{"an escaped end of line", "key: \"a \\\n   b X\""},
		{"a literal", "key: |\n  a\n    b X\n"},
		{"a literal after blank lines", "key: |\n\n\n  a\n\n  X\n"},
		{"a literal with a comment", "key: |- # X marks\n  a X\n"},
		{"a literal with its indentation", "key: |4\n      a\n    X\n"},
		{"a folded text", "key: >\n  a\n  b\n\n  c X\n"},
		{"a folded text with an indented line", "key: >-\n  a\n    b X\n  c\n"},
		{"carriage returns", "key: |\r\n  a\r\n  b X\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, node := scalarOf(t, tt.text)
			assert.Equal(t, find(t, split(tt.text)), s.at(find(t, split(node.Value))))
		})
	}
}

// find gives the place of the last X.
func find(t *testing.T, text lines) position {
	t.Helper()
	for n := len(text) - 1; n >= 0; n-- {
		if before, _, ok := strings.Cut(string(text[n]), "X"); ok {
			return position{n + 1, len([]rune(before)) + 1}
		}
	}
	require.Fail(t, "there is no X")
	return position{}
}

func TestScalarFindsWhatIsNotThere(t *testing.T) {
	for _, tt := range []struct {
		name string
		text string
		at   position
		want position
	}{
		{"the end of a plain scalar", "key: a b", position{1, 4}, position{1, 9}},
		{"behind the end", "key: a b", position{1, 40}, position{1, 9}},
		{"a blank is behind the character before it", "key: a b", position{1, 2}, position{1, 7}},
		{"the end of a literal", "key: |\n  a b\n", position{2, 1}, position{2, 6}},
		{"a line that is not there", "key: a b", position{7, 1}, position{1, 6}},
		{"no line at all", "key: a b", position{0, 0}, position{1, 6}},
		{"the start of nothing", `key: ""`, position{1, 1}, position{1, 6}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := scalarOf(t, tt.text)
			assert.Equal(t, tt.want, s.at(tt.at))
		})
	}
}

func TestScalarOfAnotherText(t *testing.T) {
	_, node := scalarOf(t, "key: abc")
	s := newScalar(split("ke"), node)
	assert.Equal(t, position{1, 6}, s.at(position{1, 2}), "the scalar's start is better than nothing")
}

func TestEscaped(t *testing.T) {
	for _, tt := range []struct {
		text  string
		blank bool
		width int
	}{
		{`\n`, true, 2},
		{`\ `, true, 2},
		{`\"`, false, 2},
		{`\\`, false, 2},
		{`\x41`, false, 4},
		{`\x20`, true, 4},
		{`\u0041`, false, 6},
		{`\U00000020`, true, 10},
		{`\xzz`, false, 4},
		{`\u1`, false, 3},
		{`\`, true, 1},
	} {
		t.Run(tt.text, func(t *testing.T) {
			r, width := escaped([]rune(tt.text))
			assert.Equal(t, tt.blank, unicode.IsSpace(r))
			assert.Equal(t, tt.width, width)
		})
	}
}
