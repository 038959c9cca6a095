package judgement

import (
	"iter"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// upTo gives the numbers 0 to n.
func upTo[N int32 | int64](n N) []N {
	var out []N
	for i := N(0); i <= n; i++ {
		out = append(out, i)
	}
	return out
}

// sizes are the numbers of replicas that are asked for; none is the API's default.
func sizes() []*int32 {
	return []*int32{nil, new(int32(0)), new(int32(1)), new(int32(2)), new(int32(3))}
}

// ages are pairs of what the generation is and which of them was observed.
type age struct{ generation, observed int64 }

func ages() []age {
	var out []age
	for _, g := range upTo[int64](2) {
		for _, o := range upTo[int64](2) {
			out = append(out, age{g, o})
		}
	}
	return out
}

func noYes() []bool { return []bool{false, true} }

// deletion is a deletion's time, if there is one.
func deletion(deleted bool) *metav1.Time {
	if !deleted {
		return nil
	}
	t := metav1.Unix(1795341600, 0)
	return &t
}

// readies are the possible numbers of ready pods, given those available.
func readies(available int32) []int32 {
	return slices.Compact([]int32{available, max(available, 3)})
}

// counters are all triples of numbers 0 to 3.
func counters() iter.Seq[[3]int32] {
	return func(yield func([3]int32) bool) {
		for _, a := range upTo[int32](3) {
			for _, b := range upTo[int32](3) {
				for _, c := range upTo[int32](3) {
					if !yield([3]int32{a, b, c}) {
						return
					}
				}
			}
		}
	}
}

// telling are the triples that differ in kind: complete, lagging one by one, with
// old pods, and empty.
func telling() iter.Seq[[3]int32] {
	return slices.Values([][3]int32{{2, 2, 2}, {2, 2, 1}, {2, 1, 2}, {3, 2, 2}, {3, 2, 3}, {3, 3, 3}, {0, 0, 0}})
}
