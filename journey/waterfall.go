package journey

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The widths of a waterfall, in columns.
const (
	narrowest = 80
	widest    = 160
	timeWidth = 8
)

// Span is what a waterfall shows of a span.
type Span struct {
	// Name is shown as it is, except for what a terminal would act on.
	Name string
	// ID and Parent make the tree. A span whose parent is not there is a root.
	ID     string
	Parent string
	// Start and End are its times.
	Start time.Time
	End   time.Time
	// Error marks a span that did not succeed.
	Error bool
}

// row is a span in its place in the tree.
type row struct {
	Span
	label string
}

// Waterfall writes spans as a tree with a bar for each: when it began, counted
// from the first, and how long it took. The width is held between 80 and 160.
func Waterfall(w io.Writer, spans []Span, width int) error {
	if len(spans) == 0 {
		return nil
	}
	rows := layout(spans)
	c := newCanvas(rows, min(max(width, narrowest), widest))
	var b strings.Builder
	for _, r := range rows {
		b.WriteString(c.line(r) + "\n")
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write waterfall: %w", err)
	}
	return nil
}

// layout orders spans as a tree, in the order in which they began.
func layout(spans []Span) []row {
	known := map[string]bool{}
	for _, s := range spans {
		known[s.ID] = true
	}
	under := map[string][]Span{}
	for _, s := range spans {
		if !known[s.Parent] || s.Parent == s.ID {
			s.Parent = ""
		}
		under[s.Parent] = append(under[s.Parent], s)
	}
	for _, list := range under {
		slices.SortStableFunc(list, func(a, b Span) int { return cmp.Or(a.Start.Compare(b.Start), b.End.Compare(a.End)) })
	}
	roots := under[""]
	delete(under, "")
	var out []row
	for _, s := range roots {
		out = branch(out, under, row{s, plain(s.Name)}, "")
	}
	return out
}

// branch appends a row and those under it.
func branch(out []row, under map[string][]Span, r row, indent string) []row {
	out = append(out, r)
	children := under[r.ID]
	delete(under, r.ID)
	for i, s := range children {
		limb, next := "├─ ", "│  "
		if i == len(children)-1 {
			limb, next = "└─ ", "   "
		}
		out = branch(out, under, row{s, indent + limb + plain(s.Name)}, indent+next)
	}
	return out
}

// canvas is where the bars go.
type canvas struct {
	start, end  time.Time
	label, bars int
}

func newCanvas(rows []row, width int) canvas {
	c := canvas{start: rows[0].Start, end: rows[0].End}
	for _, r := range rows {
		c.label = max(c.label, utf8.RuneCountInString(r.label))
		c.start, c.end = earliest(c.start, r.Start), latest(c.end, r.End)
	}
	c.label = min(c.label, width*2/5)
	c.bars = width - c.label - 2*timeWidth - len("  ") - len(" ") - len(" x")
	return c
}

// line is label, offset, bar and duration of a row.
func (c canvas) line(r row) string {
	end := ""
	if r.Error {
		end = " ✗"
	}
	return fmt.Sprintf("%s %*s  %s%*s%s", pad(r.label, c.label),
		timeWidth, short(r.Start.Sub(c.start)), c.bar(r), timeWidth, short(max(r.End.Sub(r.Start), 0)), end)
}

// bar is never empty: what took no time is shown as a mark.
func (c canvas) bar(r row) string {
	from := min(c.column(r.Start), c.bars-1)
	to := max(c.column(r.End), from)
	mark := strings.Repeat("█", to-from)
	if to == from {
		mark, to = "▏", from+1
	}
	return strings.Repeat(" ", from) + mark + strings.Repeat(" ", c.bars-to)
}

// column is where a time lies between the first start and the last end.
func (c canvas) column(t time.Time) int {
	whole := c.end.Sub(c.start)
	if whole <= 0 {
		return 0
	}
	return int(float64(c.bars) * (float64(t.Sub(c.start)) / float64(whole)))
}

// short writes a duration in at most seven columns.
func short(d time.Duration) string {
	switch {
	case d == 0:
		return "0s"
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%d.%ds", d/time.Second, d%time.Second/(time.Second/10))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	case d < 100*time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	default:
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
}

// pad makes s exactly width columns wide.
func pad(s string, width int) string {
	r := []rune(s)
	if len(r) > width {
		return string(r[:width-1]) + "…"
	}
	return s + strings.Repeat(" ", width-len(r))
}

// plain replaces what a terminal would not show but act on.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}
