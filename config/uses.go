package config

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/rollcall-dev/rollcall/conditions"
	"github.com/rollcall-dev/rollcall/release"
)

// Use is a kind of objects that a rule is about, or that an expression looks up, and
// where it says so. Only a cluster can tell whether there is such a kind.
type Use struct {
	// Kind may have no version, if it is one that rollcall knows.
	Kind release.KindRef
	// Lookup says that an expression looks it up.
	Lookup bool

	at Mistake
}

// Unknown warns that a cluster does not know the kind.
func (u Use) Unknown() Mistake {
	m := u.at
	m.Code, m.Warning = UnknownToCluster, true
	m.Message = fmt.Sprintf("the cluster knows no kind %s: the rule waits until it does", u.Kind)
	if u.Lookup {
		m.Message = fmt.Sprintf("the cluster knows no kind %s, which is looked up: the expression fails until it does", u.Kind)
	}
	return m
}

// use notes a kind, unless there is no telling which it is.
func (r *reader) use(at position, kind release.KindRef, lookup bool) {
	if kind.Kind != "" && (kind.APIVersion != "" || release.Group(kind.Kind) != "" && !lookup) {
		r.uses = append(r.uses, Use{Kind: kind, Lookup: lookup, at: r.note(at, len(r.uses), "")})
	}
}

// lookups notes what an expression looks up, as far as it says so itself.
func (r *reader) lookups(node *yaml.Node, reads conditions.Reads) {
	for _, q := range reads.Lookups {
		r.use(start(node), release.KindRef{APIVersion: q.APIVersion, Kind: q.Kind}, true)
	}
}
