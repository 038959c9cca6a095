package judgement

import (
	"context"
	"fmt"
	"regexp"
	"slices"
)

// Case is a state that a judge calls done and rollcall does not, or the other way
// round.
type Case struct {
	Judge string
	Object
}

var number = regexp.MustCompile(`\b-?\d+\b|"[^"]*"|(because of )\w+`)

// words are what rollcall waits for, with "n" in place of numbers and names.
func words(ours string) string { return number.ReplaceAllString(ours, "${1}n") }

// Space makes up every state.
func Space() ([]Object, error) {
	var all []Object
	var first error
	add := func(kind string, typed any) {
		o, err := NewObject(kind, typed)
		if err != nil && first == nil {
			first = err
		}
		all = append(all, o)
	}
	for _, hand := range []func(func(string, any)){Deployments, StatefulSets, DaemonSets, ArgoRollouts, Others} {
		hand(add)
	}
	return all, first
}

// Compare asks every judge about every state. Sooner are the cases in which
// rollcall is ready before the judge, and later those the other way round.
func Compare(ctx context.Context, folder string, all []Object) (sooner, later []Case, err error) {
	health, err := Health(ctx, folder, all)
	if err != nil {
		return nil, nil, err
	}
	weigh := func(judge string, v Verdict, o Object) {
		switch {
		case v == Waiting && o.Ours == "":
			sooner = append(sooner, Case{judge, o})
		case v == Done && o.Ours != "":
			later = append(later, Case{judge, o})
		}
	}
	judges := Judges()
	for i, o := range all {
		weigh(ArgoCD, health[i], o)
		for name, ask := range judges {
			weigh(name, ask(o), o)
		}
	}
	return sooner, later, nil
}

func (c Case) String() string {
	return fmt.Sprintf("%s: %q, rollcall: %q: %s", c.Judge, c.Kind, c.Ours, c.JSON)
}

// Hit is one judge's part in one difference.
type Hit struct{ Kind, States, Judge string }

// Explain counts how often each difference is the reason for a case, and gives
// the cases that none explains.
func Explain(later []Case) (hits map[Hit]int, unknown []Case) {
	hits = map[Hit]int{}
	all := Differences()
	for _, c := range later {
		i := slices.IndexFunc(all, func(d Difference) bool { return d.explains(c) })
		if i < 0 {
			unknown = append(unknown, c)
			continue
		}
		hits[Hit{c.Kind, all[i].States, c.Judge}]++
	}
	return hits, unknown
}
