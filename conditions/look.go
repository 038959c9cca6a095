package conditions

import (
	"slices"
	"time"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/interpreter"

	"github.com/rollcall-dev/rollcall/release"
)

// look is one snapshot as all rules see it, in one judgement: what an expression
// reads of it is made once. It also notes what an expression asked for and was not
// read yet. It is for one goroutine.
type look struct {
	snap release.Snapshot
	now  time.Time
	// values are the fields that were read, by the place that each field has.
	values [64]ref.Val
	vars   [4]any
	object ref.Val
	needs  []release.Query
}

func newLook(snap release.Snapshot, now time.Time) *look {
	l := &look{snap: snap, now: now}
	l.vars = [...]any{view{releaseType, l}, view{appType, l}, view{outcomeType, l}, types.Timestamp{Time: now}}
	return l
}

var _ interpreter.Activation = (*look)(nil)

// ResolveName gives a variable to an expression.
func (l *look) ResolveName(name string) (any, bool) {
	switch name {
	case releaseName:
		return l.vars[0], true
	case appName:
		return l.vars[1], true
	case outcomeName:
		return l.vars[2], true
	case nowName:
		return l.vars[3], true
	case objectName:
		return l.itself(), true
	case lookName:
		return finder{l}, true
	}
	return nil, false
}

// Parent is part of interpreter.Activation: there is none.
func (l *look) Parent() interpreter.Activation { return nil }

// read gives a field, and keeps it.
func (l *look) read(place int, get func(*look) ref.Val) ref.Val {
	if l.values[place] == nil {
		v := get(l)
		if types.IsUnknown(v) { // it may be known at the next try
			return v
		}
		l.values[place] = v
	}
	return l.values[place]
}

func (l *look) outcome() release.Tested {
	if l.snap.Outcome == nil {
		return release.Tested{}
	}
	return *l.snap.Outcome
}

// itself is the subject as it is in the cluster.
func (l *look) itself() ref.Val {
	if l.object == nil {
		r := l.snap.Release
		v := l.find(release.Query{APIVersion: r.APIVersion, Kind: r.Subject.ObjectKind(), Name: r.Subject.Name})
		if types.IsUnknown(v) {
			return v
		}
		l.object = v
	}
	return l.object
}

// find gives an object: an empty one if there is none, as Helm's lookup does. What
// was not read yet is unknown, and noted.
func (l *look) find(q release.Query) ref.Val {
	found, ok := l.found(q)
	switch {
	case !ok:
		return unknown()
	case found.Err != "":
		return types.NewErr("read %s: %s", q, found.Err)
	}
	if found.Object == nil {
		return types.DefaultTypeAdapter.NativeToValue(map[string]any{})
	}
	return types.DefaultTypeAdapter.NativeToValue(found.Object)
}

func (l *look) oldPodsGone() ref.Val {
	found, ok := l.found(release.OldPods())
	switch {
	case !ok:
		return unknown()
	case found.Err != "":
		return types.NewErr("list pods: %s", found.Err)
	}
	return types.Bool(found.Pods == 0)
}

func (l *look) found(q release.Query) (release.Found, bool) {
	f, ok := l.snap.Found[q]
	if !ok && !slices.Contains(l.needs, q) {
		l.needs = append(l.needs, q)
	}
	return f, ok
}

// unknown is the value of what has to be read first. CEL carries it through an
// expression, unless the result is the same whatever it is.
func unknown() ref.Val { return types.NewUnknown(0, types.NewAttributeTrail("cluster")) }
