package watch

import (
	"cmp"
	"slices"

	"github.com/rollcall-dev/rollcall/release"
)

// workloads are what a release consists of, as they were read.
func (r *reading) workloads() []release.Workload {
	if r.app != nil && r.members != nil {
		out := make([]release.Workload, 0, len(r.members))
		for _, m := range r.members {
			out = append(out, m.read.workload())
		}
		return out
	}
	return []release.Workload{r.workload()}
}

func (r *reading) workload() release.Workload {
	w := r.observed.workload()
	w.WaitingFor = cmp.Or(w.WaitingFor, r.lacks)
	w.Ready = w.WaitingFor == ""
	if r.current != nil {
		w.Revision = r.current.number
	}
	return w
}

// workload is what an object says of itself.
func (o observed) workload() release.Workload {
	s := o.subject
	return release.Workload{
		Kind: s.ObjectKind(), Namespace: s.Namespace, Name: s.Name, Revision: o.token, Images: slices.Clone(o.images),
		Ready: o.WaitingFor == "", WaitingFor: o.WaitingFor,
	}
}

// leanWorkloads are what a release consists of, as far as the caches know.
func (w *Watcher) leanWorkloads(seen observed) []release.Workload {
	f, _ := w.kind(seen.subject.Kind)
	k, ok := f.kind.(applications)
	if !ok {
		return []release.Workload{seen.workload()}
	}
	_, members := k.gathered(f.feed.get(seen.subject.Namespace, seen.subject.Name))
	out := make([]release.Workload, 0, len(members))
	for _, m := range members {
		out = append(out, m.seen.workload())
	}
	return out
}
