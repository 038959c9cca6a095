package judgement

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Difference is a reason for rollcall to wait where others do not any more.
type Difference struct {
	Kind string
	// Judges are those who say that these states are done; each says so of at least
	// one of them.
	Judges []string
	// Waits is what rollcall waits for, with "n" for numbers and names.
	Waits string
	// When must hold for every state that differs.
	When func(Object) bool
	// States says the same in words, and Why is the reason.
	States, Why string
}

// Differences are all of them. Of those that fit a case the first one explains it.
func Differences() []Difference {
	return slices.Concat(ofDeployments(), ofStatefulSets(), ofDaemonSets(), ofRollouts(), ofOthers())
}

// explains reports whether a difference is the reason for a case.
func (d Difference) explains(c Case) bool {
	return d.Kind == c.Kind && d.Waits == words(c.Ours) && slices.Contains(d.Judges, c.Judge) && d.When(c.Object)
}

// done is what a judge calls what is done.
func done(judge string) string {
	switch judge {
	case Kubectl:
		return "`kubectl rollout status`: successfully rolled out"
	case Controller:
		return "Deployment controller: complete"
	case Kstatus:
		return "kstatus: Current"
	}
	return judge + ": Healthy"
}

// Table is the differences in Markdown.
func Table() string {
	var b strings.Builder
	b.WriteString("| kind | who calls it done | in which states | what rollcall waits for | why |\n|---|---|---|---|---|\n")
	for _, d := range Differences() {
		var who []string
		for _, j := range d.Judges {
			who = append(who, done(j))
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", d.Kind, strings.Join(who, "; "), d.States, d.Waits, d.Why)
	}
	return b.String()
}

// number of a field; the second value if the object does not have it.
func (o Object) number(missing int64, path ...string) int64 {
	n, has, err := unstructured.NestedInt64(o.Map.Object, path...)
	if err != nil || !has {
		return missing
	}
	return n
}

func (o Object) text(path ...string) string {
	s, _, _ := unstructured.NestedString(o.Map.Object, path...) // what is no string is none
	return s
}

func (o Object) wanted() int64                { return o.number(1, "spec", "replicas") }
func (o Object) counter(name string) int64    { return o.number(0, "status", name) }
func (o Object) strategy() string             { return o.text("spec", "updateStrategy", "type") }
func (o Object) is(strategies ...string) bool { return slices.Contains(strategies, o.strategy()) }

// condition is the status of a condition; empty if there is none.
func (o Object) condition(name string) string {
	list, _, _ := unstructured.NestedSlice(o.Map.Object, "status", "conditions") // what is no list is none
	for _, item := range list {
		if c, ok := item.(fields); ok && c["type"] == name {
			return fmt.Sprint(c["status"])
		}
	}
	return ""
}

// Predicates that several rows share.

func deleted(o Object) bool { return o.Map.GetDeletionTimestamp() != nil }

func scaledToZero(o Object) bool { return o.wanted() == 0 }

// elsewhere is a status that is not about this generation: nothing was observed
// yet, or a later one.
func elsewhere(o Object) bool {
	at := o.counter("observedGeneration")
	return at == 0 || at > o.Map.GetGeneration()
}

// more is that a counter is beyond what is wanted, or that nothing says how many
// are wanted; some judges then take any number.
func more(counter string) func(Object) bool {
	return func(o Object) bool {
		return o.counter(counter) > o.wanted() || o.number(-1, "spec", "replicas") < 0
	}
}

func unequal(counter string) func(Object) bool {
	return func(o Object) bool { return o.counter(counter) != o.wanted() }
}
