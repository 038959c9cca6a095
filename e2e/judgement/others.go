package judgement

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// fields are those of an object of JSON.
type fields = map[string]any

// Others hands on objects of kinds that have no rules of their own here: a kind
// that somebody defined, Jobs and ReplicaSets.
func Others(add func(kind string, typed any)) {
	for _, a := range ages() {
		for _, st := range statuses(a) {
			for _, conditions := range conditionLists() {
				for _, deleted := range noYes() {
					add("any other kind", other("x.dev/v1", "Queue", a, deleted, merged(st, conditions)))
				}
			}
		}
		jobs(add, a)
		replicaSets(add, a)
	}
}

// statuses are what a controller may say without conditions; nil is nothing.
func statuses(a age) []fields {
	return []fields{nil, {}, {"phase": "Good"}, {"observedGeneration": a.observed}, {"observedGeneration": a.observed, "phase": "Good"}}
}

func conditionLists() [][]any {
	out := [][]any{nil}
	for _, ready := range []string{"True", "False", "Unknown", "true"} {
		for _, about := range []int64{0, 1, 2} {
			for _, more := range []fields{nil, said("Stalled", "True"), said("Stalled", "Unknown"), said("Reconciling", "True"), said("Reconciling", "False")} {
				c := said("Ready", ready)
				if about > 0 {
					c["observedGeneration"] = about
				}
				list := []any{c}
				if more != nil {
					list = append(list, more)
				}
				out = append(out, list, []any{c, said("Ready", "True")})
			}
		}
	}
	return out
}

func said(name, status string) fields { return fields{"type": name, "status": status} }

func merged(st fields, conditions []any) fields {
	if conditions == nil {
		return st
	}
	out := fields{"conditions": slices.Clone(conditions)}
	maps.Copy(out, st)
	return out
}

func jobs(add func(string, any), a age) {
	for _, list := range [][]any{nil, {said("Complete", "True")}, {said("Complete", "False")}, {said("Failed", "True")}, {said("Suspended", "True")}} {
		for _, started := range noYes() {
			for _, deleted := range noYes() {
				st := fields{"active": int64(1)}
				if started {
					st["startTime"] = "2026-11-22T10:00:00Z"
				}
				add("Job", other("batch/v1", "Job", a, deleted, merged(st, list)))
			}
		}
	}
}

func replicaSets(add func(string, any), a age) {
	for triple := range counters() {
		for _, want := range upTo[int64](3) {
			st := fields{
				"replicas": int64(triple[0]), "fullyLabeledReplicas": int64(triple[1]),
				"readyReplicas": int64(triple[2]), "availableReplicas": int64(triple[2]),
			}
			if a.observed > 0 {
				st["observedGeneration"] = a.observed
			}
			u := other("apps/v1", "ReplicaSet", a, false, st)
			u.Object["spec"] = fields{"replicas": want}
			add("ReplicaSet", u)
		}
	}
}

func other(apiVersion, kind string, a age, deleted bool, st fields) *unstructured.Unstructured {
	meta := fields{"namespace": "shop", "name": "x", "generation": a.generation}
	if deleted {
		meta["deletionTimestamp"] = "2026-11-22T10:00:00Z"
	}
	o := fields{"apiVersion": apiVersion, "kind": kind, "metadata": meta, "spec": fields{}}
	if st != nil {
		o["status"] = st
	}
	return &unstructured.Unstructured{Object: o}
}
