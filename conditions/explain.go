package conditions

import (
	"context"
	"time"

	"github.com/rollcall-dev/rollcall/release"
)

// Explanation is what a rule says of a snapshot, and how it comes to say it.
type Explanation struct {
	release.Verdict
	// Tree is the truth of the rule's condition, and of each of its parts.
	Tree *Node
	// Reads is what the rule reads beside what every snapshot holds, Unread what of it
	// is not in this one: the verdict may not need it, and parts of the tree do.
	Reads  Reads
	Unread []release.Query
}

// Result is what a part of a condition came to.
type Result string

const (
	// True is a part that is true.
	True Result = "true"
	// False is one that is false.
	False Result = "false"
	// Other is any other value.
	Other Result = "value"
	// Failed is what could not be evaluated.
	Failed Result = "error"
	// Unread is what depends on something that was not read.
	Unread Result = "unknown"
)

// Node is a part of a condition, and what it came to.
type Node struct {
	// Expr is the part as it could be written.
	Expr string `json:"expr"`
	// Result is what it came to, Value is its value if it is neither true nor false.
	Result Result `json:"result"`
	Value  any    `json:"value,omitempty"`
	// Error says why there is none.
	Error string `json:"error,omitempty"`
	// Blamed says that the condition is not true because of this part.
	Blamed bool `json:"blamed,omitempty"`
	// Children are the parts of which it consists, in order: of a loop, what it goes
	// over, and its body for each turn.
	Children []*Node `json:"children,omitempty"`

	// how the children make up the whole.
	kind combination
}

// combination is how the parts of a condition make up the whole.
type combination int

const (
	plainly     combination = iota // by their values
	all                            // all must be true
	some                           // one must be true
	negated                        // the one must be false
	alternative                    // the first chooses between the others
)

// Explain gives, for each rule that selects the snapshot's subject, what it says and
// why, in the order of the rules. Unlike [Set.Judge] it evaluates every part.
func (s *Set) Explain(ctx context.Context, snap release.Snapshot, now time.Time) []Explanation {
	var out []Explanation
	for _, r := range s.selected(snap) {
		l := newLook(snap, now)
		e := Explanation{Reads: r.Reads()}
		s.judge(ctx, &e.Verdict, r, l)
		e.Tree = r.tree(ctx, l)
		e.Unread = l.needs
		out = append(out, e)
	}
	return out
}

// tree is the truth of a rule's condition.
func (p *prepared) tree(ctx context.Context, l *look) *Node {
	if p.When == nil {
		n := &Node{Expr: p.when(), Result: True}
		if p.event() == release.BecameReady && !l.snap.Ready {
			n.Result = False
		}
		n.blame()
		return n
	}
	n := p.When.explain(ctx, l)
	n.blame()
	return n
}

// blameAll marks those of the children that are to blame, but what a loop goes over.
func (n *Node) blameAll(guilty func(*Node) bool) {
	for _, c := range n.Children {
		if c.Result != Other && guilty(c) {
			c.blame()
		}
	}
}

// blame marks the parts because of which a condition is not true.
func (n *Node) blame() {
	if n.Result == True {
		return
	}
	n.Blamed = true
	switch n.kind {
	case all:
		n.blameAll(func(c *Node) bool { return c.Result == n.Result })
	case some:
		n.blameAll(func(c *Node) bool { return c.Result != True })
	case negated:
		n.Children[0].Blamed = true
	case alternative:
		chosen := 2
		if n.Children[0].Result == True {
			chosen = 1
		}
		n.Children[chosen].blame()
	}
}
