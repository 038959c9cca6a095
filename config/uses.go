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
	if u.Lookup {
		return u.warning("the cluster knows no kind %s, which is looked up: the expression fails until it does", u.Kind)
	}
	return u.warning("the cluster knows no kind %s: the rule waits until it does", u.Kind)
}

// OfNoNamespace warns that objects of a kind that is looked up are in no namespace,
// where alone things are looked up.
func (u Use) OfNoNamespace() Mistake {
	return u.warning("a %s is in no namespace: it cannot be looked up, and the expression fails", u.Kind)
}

func (u Use) warning(format string, args ...any) Mistake {
	m := u.at
	m.Code, m.Warning, m.Message = UnknownToCluster, true, fmt.Sprintf(format, args...)
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
