package conditions

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/release"
)

// briefest is how long a value may be that is shown whole.
const briefest = 160

// brief shortens a value that is too long to be read: whole objects above all.
func brief(v any) any {
	switch v := v.(type) {
	case nil, bool, int64, uint64, float64:
		return v
	case string:
		if len(v) > briefest {
			return strings.ToValidUTF8(v[:briefest], "") + "…"
		}
		return v
	}
	if len(shown(v)) <= briefest {
		return v
	}
	switch v := v.(type) {
	case map[string]any:
		return fmt.Sprintf("a map of %d: %s", len(v), strings.Join(slices.Sorted(maps.Keys(v)), ", "))
	case []any:
		return fmt.Sprintf("a list of %d", len(v))
	}
	return "something long"
}

// Shown is a value as a person would write it: a text as it is, and else as JSON.
func Shown(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return shown(v)
}

func shown(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(raw)
}

// String gives the rule, its verdict, and the tree of its condition, over several
// lines.
func (e Explanation) String() string {
	head := fmt.Sprintf("rule %s: %s: %s\n", e.Rule, strings.ToLower(string(e.Standing)), e.Reason)
	if e.Standing == release.Skipped {
		return head
	}
	return head + e.Tree.indented("  ")
}

// String gives the tree over several lines. What is to blame stands out.
func (n *Node) String() string { return n.indented("") }

func (n *Node) indented(margin string) string {
	var b strings.Builder
	n.write(&b, margin)
	return b.String()
}

func (n *Node) write(b *strings.Builder, margin string) {
	fmt.Fprintf(b, "%s%s %s%s\n", margin, n.mark(), strings.Join(strings.Fields(n.Expr), " "), n.outcome())
	for _, c := range n.Children {
		c.write(b, margin+"  ")
	}
}

// mark is what one sees first: whether a part is true, and whether it is to blame.
func (n *Node) mark() string {
	switch {
	case n.Blamed && n.Result == Failed:
		return "‼"
	case n.Blamed && n.Result == Unread:
		return "?"
	case n.Blamed:
		return "✗"
	case n.Result == True:
		return "✓"
	}
	return "·"
}

func (n *Node) outcome() string {
	switch n.Result {
	case True, False:
		return " is " + string(n.Result)
	case Failed:
		return " failed: " + n.Error
	case Unread:
		return " was not read"
	}
	return " = " + shown(n.Value)
}
