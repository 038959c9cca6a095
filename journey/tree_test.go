package journey

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/otel/trace"
)

// stretch is a node from and to so many milliseconds after ready.
func stretch(from, to int, children ...*node) *node {
	ms := func(n int) time.Time { return readyAt.Add(time.Duration(n) * time.Millisecond) }
	return &node{start: ms(from), end: ms(to), children: children}
}

func firm(n *node) *node {
	n.firm = true
	return n
}

// extent is what became of a node.
type extent struct {
	from, to float64 // milliseconds after ready
	clamped  bool
}

func extents(n *node) []extent {
	var out []extent
	ms := func(t time.Time) float64 { return float64(t.Sub(readyAt)) / float64(time.Millisecond) }
	n.walk(nil, func(n, _ *node) {
		out = append(out, extent{ms(n.start), ms(n.end), n.clamped})
	})
	return out
}

func TestFit(t *testing.T) {
	tests := map[string]struct {
		tree *node
		want []extent
	}{
		"alone":        {stretch(0, 100), []extent{{0, 100, false}}},
		"child inside": {stretch(0, 100, stretch(10, 90)), []extent{{0, 100, false}, {10, 90, false}}},
		"child as long": {
			stretch(0, 100, stretch(0, 100)), []extent{{0, 100, false}, {0, 100, false}},
		},
		"begins a little early": {
			stretch(0, 100, stretch(-900, 90)), []extent{{-900, 100, false}, {-900, 90, false}},
		},
		"ends a little late": {
			stretch(0, 100, stretch(10, 1100)), []extent{{0, 1100, false}, {10, 1100, false}},
		},
		"begins too early": {
			stretch(0, 100, stretch(-1001, 90)), []extent{{0, 100, false}, {0, 90, true}},
		},
		"ends too late": {
			stretch(0, 100, stretch(10, 1101)), []extent{{0, 100, false}, {10, 100, true}},
		},
		"wholly before": {
			stretch(0, 100, stretch(-5000, -4000)), []extent{{0, 100, false}, {0, 0.001, true}},
		},
		"wholly after": {
			stretch(0, 100, stretch(4000, 5000)), []extent{{0, 100, false}, {99.999, 100, true}},
		},
		"ends before it begins": {
			stretch(100, 50), []extent{{100, 100.001, true}},
		},
		"no length": {
			stretch(100, 100), []extent{{100, 100.001, false}},
		},
		"no length, at the end of its parent": {
			stretch(0, 100, stretch(100, 100)), []extent{{0, 100.001, false}, {100, 100.001, false}},
		},
		"wholly after a parent of no length": {
			stretch(100, 100, stretch(5000, 5000)), []extent{{100, 100.001, false}, {100, 100.001, true}},
		},
		"begins a little before a firm start": {
			firm(stretch(0, 100, stretch(-900, 90))), []extent{{0, 100, false}, {0, 90, true}},
		},
		"children do not widen it one after another": {
			stretch(0, 100, stretch(0, 900), stretch(0, 1800)),
			[]extent{{0, 900, false}, {0, 900, false}, {0, 900, true}},
		},
		"grandchild widens both": {
			stretch(0, 100, stretch(0, 100, stretch(0, 600))),
			[]extent{{0, 600, false}, {0, 600, false}, {0, 600, false}},
		},
		"grandchild is cut with its parent": {
			stretch(0, 100, stretch(0, 9000, stretch(8000, 9000))),
			[]extent{{0, 100, false}, {0, 100, true}, {99.999, 100, true}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.tree.fit()
			assert.Equal(t, tt.want, extents(tt.tree))
			tt.tree.fit()
			assert.Equal(t, tt.want, extents(tt.tree), "what fits is left alone")
		})
	}
}

func TestWalkVisitsParentsFirst(t *testing.T) {
	leaf, other := stretch(0, 1), stretch(0, 1)
	branch := stretch(0, 1, leaf)
	root := stretch(0, 1, branch, other)
	above := map[*node]*node{}
	var order []*node
	root.walk(nil, func(n, parent *node) {
		order, above[n] = append(order, n), parent
	})
	assert.Equal(t, []*node{root, branch, leaf, other}, order)
	assert.Equal(t, map[*node]*node{root: nil, branch: root, leaf: branch, other: root}, above)
}

func TestOfTwoSpansWithOneIDTheFirstCounts(t *testing.T) {
	root := stretch(0, 100)
	root.step = stepRelease
	for _, name := range []string{"first", "second"} {
		n := stretch(0, 50)
		n.step, n.name = stepRollout, name
		root.children = append(root.children, n)
	}
	spans := newDrawing(recorded(nil)).spans(root, trace.SpanID{})
	assert.Len(t, spans, 2)
	assert.Equal(t, "first", spans[1].Name)
}

func TestEarliestAndLatest(t *testing.T) {
	a, b := readyAt, readyAt.Add(time.Second)
	tests := map[string]struct {
		in          []time.Time
		first, last time.Time
	}{
		"none":         {nil, time.Time{}, time.Time{}},
		"unknown":      {[]time.Time{{}, {}}, time.Time{}, time.Time{}},
		"one":          {[]time.Time{a}, a, a},
		"two":          {[]time.Time{b, a}, a, b},
		"one, unknown": {[]time.Time{{}, b}, b, b},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tt.first, earliest(tt.in...))
			assert.Equal(t, tt.last, latest(tt.in...))
		})
	}
}
