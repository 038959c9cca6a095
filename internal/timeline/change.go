package timeline

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// change is one step of a recording: a line, a whole object, or a patch of one.
type change struct {
	at    time.Time
	ref   Ref
	line  string
	apply object
	patch object
	short string // the same in a short form, for people
}

// cutter makes changes of states, one after the other. It knows what a timeline of
// the changes so far would hold.
type cutter struct {
	tape   *Tape
	writer Writer
	world  map[Ref]*unstructured.Unstructured
	said   map[Ref]string
	left   []State // those after the one at hand
}

// changes gives what is there at the beginning, what happens then, and when that
// was over; by the clock of the API server.
func (t *Tape) changes() (objects []*unstructured.Unstructured, steps []change, ended time.Time) {
	all := t.ordered()
	ahead := skew(all)
	c := &cutter{tape: t, world: map[Ref]*unstructured.Unstructured{}, said: map[Ref]string{}}
	first := slices.IndexFunc(all, func(s State) bool { return !s.Listed })
	if first < 0 {
		first = len(all)
	}
	for _, s := range all[:first] {
		c.world[s.full()] = bare(s)
	}
	for _, k := range slices.SortedFunc(maps.Keys(c.world), owners) {
		objects = append(objects, c.world[k])
		c.line(k)
	}
	at := time.Time{}
	for i, s := range all[first:] {
		c.left = all[first+i+1:]
		one, ok := c.cut(s)
		if !ok {
			continue
		}
		if moment := s.At.Add(ahead).Round(10 * time.Millisecond); moment.After(at) {
			at = moment // no step can be before the last one
		}
		one.at = at
		steps = append(steps, one)
	}
	return objects, steps, t.Ended.Add(ahead)
}

// owners come before what they own, so that the first object is the one to look at.
func owners(a, b Ref) int {
	rank := func(r Ref) int { return slices.Index(dependents(), r.Kind) }
	if n := rank(a) - rank(b); n != 0 {
		return n
	}
	return compareRefs(a, b)
}

// cut gives the change to a state; false if nothing changes that anybody sees.
func (c *cutter) cut(s State) (change, bool) {
	r, now := s.full(), bare(s)
	was, there := c.world[r]
	out := change{ref: r}
	switch {
	case s.Gone:
		if !there || was.GetUID() != s.GetUID() {
			return out, false // it went with what controlled it
		}
		return c.remove(r, was), true
	case !there || was.GetUID() != s.GetUID():
		out.apply = now.Object
	case same(was, now):
		out.line = "touch " + c.tape.about(r)
		return out, subject(r.Kind)
	default:
		if out.patch = merge(was, now); out.patch == nil {
			out.apply = now.Object
		}
	}
	c.world[r] = now
	out.short = c.line(r)
	return out, true
}

// line is the short form of an object, if it is another than before.
func (c *cutter) line(r Ref) string {
	text := c.tape.line(&c.writer, c.world[r], slices.Collect(maps.Values(c.world)))
	if c.said[r] == text {
		return ""
	}
	c.said[r] = text
	return text
}

// bare is a state's object without its version, which differs where nothing else does.
func bare(s State) *unstructured.Unstructured {
	out := s.DeepCopy()
	out.SetResourceVersion("")
	return out
}

// remove deletes an object. What it controls goes with it, unless some of that is
// seen to live on.
func (c *cutter) remove(r Ref, was *unstructured.Unstructured) change {
	delete(c.world, r)
	delete(c.said, r)
	controlled := c.controlled(was)
	if slices.ContainsFunc(controlled, c.stays) {
		for _, k := range controlled {
			o := c.world[k].DeepCopy()
			o.SetOwnerReferences(nil)
			c.world[k] = o
		}
		return change{ref: r, line: "orphan " + c.tape.about(r)}
	}
	for _, k := range controlled {
		c.remove(k, c.world[k]) // none of them controls another of them
	}
	return change{ref: r, line: "delete " + c.tape.about(r)}
}

func (c *cutter) controlled(by *unstructured.Unstructured) []Ref {
	var out []Ref
	for k, o := range c.world {
		owner := metav1.GetControllerOf(o)
		if owner != nil && owner.UID == by.GetUID() && k.Namespace == by.GetNamespace() && slices.Contains(dependents(), k.Kind) {
			out = append(out, k)
		}
	}
	return out
}

// stays reports whether the next that is heard of an object is not its end.
func (c *cutter) stays(r Ref) bool {
	uid := c.world[r].GetUID()
	i := slices.IndexFunc(c.left, func(s State) bool { return s.GetUID() == uid && s.full() == r })
	return i >= 0 && !c.left[i].Gone
}

func same(a, b *unstructured.Unstructured) bool {
	return apiequality.Semantic.DeepEqual(a.Object, b.Object)
}

// merge gives the patch that makes one object another, as in RFC 7396; nil if no
// patch says exactly that.
func merge(from, to *unstructured.Unstructured) object {
	a, errA := json.Marshal(from.Object)
	b, errB := json.Marshal(to.Object)
	if errA != nil || errB != nil {
		return nil
	}
	raw, err := jsonpatch.CreateMergePatch(a, b)
	if err != nil {
		return nil
	}
	merged, err := jsonpatch.MergePatch(a, raw)
	if err != nil || !jsonpatch.Equal(merged, b) {
		return nil
	}
	var out object
	if err := utiljson.Unmarshal(raw, &out); err != nil { // whole numbers stay whole
		return nil
	}
	return out
}
