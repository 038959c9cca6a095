package timeline

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rollcall-dev/rollcall/release"
)

// State is one state of an object of a cluster, or its end.
type State struct {
	*unstructured.Unstructured
	// At is when it was seen.
	At time.Time
	// Gone says that the object was deleted.
	Gone bool
	// Listed says that nobody saw it come: it was there when somebody began to look.
	Listed bool

	stamp time.Time // the latest that the API server itself says of a write
}

// version is etcd's revision: states of different kinds are in its order as well.
func (s State) version() uint64 {
	n, _ := strconv.ParseUint(s.GetResourceVersion(), 10, 64) // of what has none, the order is that in which it was seen
	return n
}

// full is the whole name of a state's object.
func (s State) full() Ref { return whole(s.Unstructured) }

func whole(o *unstructured.Unstructured) Ref { return Ref{o.GetKind(), o.GetNamespace(), o.GetName()} }

// Tape keeps states of live objects, to make a timeline of them. No secret gets
// onto it. It is for one goroutine.
type Tape struct {
	// Subject is what the recording is about.
	Subject Ref
	// Note says from what and when it was made.
	Note string
	// Rules is the text of the rules to expect events by; empty for one rule on each
	// kind of workload.
	Rules string
	// Settings are those flags of the controller that are given.
	Settings Settings
	// Ended is when nobody looked any more.
	Ended time.Time

	redactor *Redactor
	states   []State
	now      map[Ref]*unstructured.Unstructured
	seen     map[string]bool // each state, by uid and version: a watch that is made anew tells again
	writer   Writer
	told     map[Ref]string
}

// NewTape makes a tape with nothing on it.
func NewTape(about Ref, r *Redactor) *Tape {
	return &Tape{Subject: about, redactor: r, now: map[Ref]*unstructured.Unstructured{}, told: map[Ref]string{}, seen: map[string]bool{}}
}

// Add keeps a state. It says in a line what is new, in the words of timelines; that
// is empty if nothing is that a timeline would tell.
func (t *Tape) Add(s State) string {
	s.stamp = stamped(s.Unstructured)
	version := s.GetResourceVersion()
	if id := fmt.Sprint(s.GetUID(), " ", version, s.Gone); t.seen[id] {
		return ""
	} else if version != "" {
		t.seen[id] = true
	}
	s.Unstructured = t.redactor.Redact(s.Unstructured)
	key, shown := s.full(), s.Unstructured
	was, there := t.now[key]
	t.states = append(t.states, State{versioned(shown, version), s.At, s.Gone, s.Listed, s.stamp})
	switch {
	case s.Gone:
		delete(t.now, key)
		delete(t.told, key)
		return "delete " + key.String()
	case there && same(was, shown):
		return ""
	}
	t.now[key] = shown
	line := t.line(&t.writer, shown, slices.Collect(maps.Values(t.now)))
	if line == "" && subject(key.Kind) {
		return key.String() // there is no short form of it
	}
	line = cmp.Or(line, key.String())
	if t.told[key] == line {
		return ""
	}
	t.told[key] = line
	return line
}

// versioned is an object under its version; the object itself stays without.
func versioned(o *unstructured.Unstructured, version string) *unstructured.Unstructured {
	out := &unstructured.Unstructured{Object: maps.Clone(o.Object)}
	meta := maps.Clone(part(o.Object, "metadata"))
	meta["resourceVersion"] = version
	out.Object["metadata"] = meta
	return out
}

// Objects are those that are there now, without what is redacted.
func (t *Tape) Objects() []*unstructured.Unstructured {
	var out []*unstructured.Unstructured
	for _, k := range slices.SortedFunc(maps.Keys(t.now), compareRefs) {
		out = append(out, t.now[k])
	}
	return out
}

func compareRefs(a, b Ref) int {
	return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
}

// longest is how much of a line is told.
const longest = 300

// line is the short form of an object, as far as there is one.
func (t *Tape) line(w *Writer, o *unstructured.Unstructured, related []*unstructured.Unstructured) string {
	slices.SortFunc(related, func(a, b *unstructured.Unstructured) int { return compareRefs(whole(a), whole(b)) })
	text, err := w.Line(o, related)
	if err != nil {
		return ""
	}
	if text = strings.Join(strings.Fields(text), " "); len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return text
}

// stamped is the latest time that the API server gave to a write of an object.
func stamped(o *unstructured.Unstructured) time.Time {
	latest := o.GetCreationTimestamp().Time
	for _, e := range o.GetManagedFields() {
		if e.Time != nil && e.Time.After(latest) {
			latest = e.Time.Time
		}
	}
	return latest
}

// ordered gives the states in the order in which etcd took them, without those of
// objects that have nothing to do with the subject.
func (t *Tape) ordered() []State {
	all := slices.Clone(t.states)
	slices.SortStableFunc(all, func(a, b State) int { return cmp.Compare(a.version(), b.version()) })
	ours, others := belonging(all), t.others(all)
	return slices.DeleteFunc(all, func(s State) bool { return !ours[s.GetUID()] || others[s.full()] })
}

// belonging names the objects that are of a workload: itself, and what it controls,
// at some time, directly or not. Of others that a selector selects, nothing is told.
func belonging(all []State) map[types.UID]bool {
	ours := map[types.UID]bool{}
	for more := true; more; {
		more = false
		for _, s := range all {
			c := metav1.GetControllerOf(s)
			is := !slices.Contains(dependents(), s.GetKind()) || c != nil && ours[c.UID]
			if is && !ours[s.GetUID()] {
				ours[s.GetUID()], more = true, true
			}
		}
	}
	return ours
}

// dependents are the kinds of objects that workloads control.
func dependents() []string { return []string{"ReplicaSet", "ControllerRevision", "Pod"} }

// others are the Applications that have nothing to do with any workload of the tape:
// one of the same name as a Helm release need not.
func (t *Tape) others(all []State) map[Ref]bool {
	named, listed, found := map[string]bool{}, map[Ref]map[Ref]bool{}, map[Ref]bool{}
	for _, s := range all {
		switch {
		case s.GetKind() == "Application":
			if listed[s.full()] == nil {
				listed[s.full()] = map[Ref]bool{}
			}
			lists(s, listed[s.full()])
		case slices.Contains(release.Workloads(), s.GetKind()):
			app, _, _ := strings.Cut(s.GetAnnotations()["argocd.argoproj.io/tracking-id"], ":")
			named[app], found[s.full()] = true, true
		}
	}
	out := map[Ref]bool{}
	for app, its := range listed {
		has := func(r Ref) bool { return its[r] }
		ours := app == t.Subject || named[app.Name] || named[app.Namespace+"_"+app.Name]
		out[app] = !ours && !slices.ContainsFunc(slices.Collect(maps.Keys(found)), has) && t.Subject != (Ref{Namespace: t.Subject.Namespace})
	}
	return out
}

// lists adds what an Application says are its own resources.
func lists(s State, to map[Ref]bool) {
	list, _, _ := unstructured.NestedSlice(s.Object, "status", "resources") // what is no list is absent
	for _, item := range list {
		r, _ := item.(object)
		to[Ref{text(r["kind"]), text(r["namespace"]), text(r["name"])}] = true
	}
}

// skew is by how much the API server's clock is ahead of the one that the states
// were seen by: by less than a second, nothing can be told.
func skew(all []State) time.Duration {
	last, found, ahead := map[types.UID]time.Time{}, false, time.Duration(0)
	for _, s := range all {
		fresh := s.stamp.After(last[s.GetUID()])
		if fresh {
			last[s.GetUID()] = s.stamp
		}
		if by := s.stamp.Sub(s.At); fresh && !s.Listed && !s.Gone && (!found || by > ahead) {
			found, ahead = true, by
		}
	}
	if ahead > -2*time.Second && ahead <= 0 {
		return 0
	}
	return ahead
}

// zero is when the story begins: the second before the one in which something
// changed first. What rollcall finds at the beginning is then older than any change.
func zero(steps []change, ended time.Time) time.Time {
	if len(steps) == 0 {
		return ended.Truncate(time.Second)
	}
	return steps[0].at.Truncate(time.Second).Add(-time.Second)
}

// about is the name of an object as a line has it: its namespace is left out where
// it goes without saying.
func (t *Tape) about(r Ref) string {
	if r.Namespace == "" || r.Namespace == t.namespace() {
		return r.String()
	}
	return fmt.Sprintf("%s/%s/%s", r.Kind, r.Namespace, r.Name)
}

func (t *Tape) namespace() string { return cmp.Or(t.Subject.Namespace, metav1.NamespaceDefault) }
