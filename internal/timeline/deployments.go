package timeline

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const (
	revisionKey = "deployment.kubernetes.io/revision"
	historyKey  = "deployment.kubernetes.io/revision-history"
	hashKey     = "pod-template-hash"
)

// write makes the Deployment what the line says, and its ReplicaSets what the
// Deployment controller would have made of them: a revision that no ReplicaSet
// bears yet goes to the one of this template, which is made if it is missing. The
// counts are those of the ReplicaSets once the generation is observed.
func (d deployment) write(w *world, r Ref) error {
	o, err := w.take(r)
	if err != nil {
		return err
	}
	d.begin(o, w.now())
	spec, status := part(o.Object, "spec"), part(o.Object, "status")
	set(spec, "replicas", d.replicas)
	if delete(spec, "paused"); d.paused {
		spec["paused"] = true
	}
	if spec["selector"] == nil {
		spec["selector"] = object{"matchLabels": object{"app": r.Name}}
	}
	before := spec["template"]
	spec["template"] = d.template.pod(r.Name)
	w.wrote(o, before, d.by)
	d.deadline(spec)
	counted := fmt.Sprint(status["replicas"], status["updatedReplicas"], status["availableReplicas"])
	d.count(status)
	moved := counted != fmt.Sprint(d.total, d.updated, d.available)
	if d.progressing.kind == "" {
		unsay(status, "Progressing")
	} else {
		c := d.progressing
		if c.reason == "NewReplicaSetAvailable" && d.complete() {
			c.message = fmt.Sprintf("ReplicaSet %q has successfully progressed.", r.Name+"-"+hash(d.template.pod(r.Name)))
		}
		say(status, c, w.now(), moved && c.reason == "ReplicaSetUpdated")
	}
	if d.observed > 0 {
		say(status, d.availability(spec), w.now(), false)
	}
	if d.revision != "" {
		annotate(o, revisionKey, d.revision)
	}
	w.mark(o)
	if err := w.server.Put(o); err != nil {
		return err
	}
	return d.sets(w, o)
}

// deadline gives a Deployment the progress deadline that it has by default; one
// whose controller shows no condition has none.
func (d deployment) deadline(spec object) {
	switch {
	case spec["progressDeadlineSeconds"] != nil:
	case d.progressing.kind == "" && d.observed > 0:
		spec["progressDeadlineSeconds"] = int64(math.MaxInt32)
	default:
		spec["progressDeadlineSeconds"] = int64(600)
	}
}

// availability is the condition Available: it counts old pods as well, and lets as
// many be missing as the strategy does.
func (d deployment) availability(spec object) condition {
	strategy := part(spec, "strategy")
	missing := int64(0)
	if strategy["type"] != "Recreate" && d.replicas > 0 {
		most := intstr.FromString("25%")
		if v := part(strategy, "rollingUpdate")["maxUnavailable"]; v != nil {
			most = intstr.Parse(fmt.Sprint(v))
		}
		n, _ := intstr.GetScaledValueFromIntOrPercent(&most, int(d.replicas), false) // the API has checked it
		missing = int64(n)
	}
	if d.available >= max(d.replicas, 0)-missing {
		return condition{"Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability."}
	}
	return condition{"Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability."}
}

// complete reports whether the controller would call the rollout complete.
func (d deployment) complete() bool {
	want := d.replicas
	if want < 0 {
		want = 1 // the default of the API
	}
	return d.observed >= d.generation && d.total == want && d.updated == want && d.available == want
}

func (d deployment) count(status object) {
	status["observedGeneration"] = d.observed
	for key, n := range map[string]int64{
		"replicas": d.total, "updatedReplicas": d.updated, "availableReplicas": d.available,
		"readyReplicas": d.word("ready", d.available), "unavailableReplicas": max(d.total-d.available, 0),
	} {
		if delete(status, key); n > 0 { // the API leaves out what is zero
			status[key] = n
		}
	}
	if n, ok := d.words["term"]; ok {
		status["terminatingReplicas"] = n
	}
}

// sets writes the ReplicaSets of a Deployment that was written.
func (d deployment) sets(w *world, o *unstructured.Unstructured) error {
	w.adopt(o)
	all := w.controlled("ReplicaSet", o)
	slices.SortFunc(all, func(a, b *unstructured.Unstructured) int { return cmp.Compare(revisionOf(b), revisionOf(a)) })
	current := slices.IndexFunc(all, func(rs *unstructured.Unstructured) bool { return carriesTemplate(rs, o) })
	assigned := slices.ContainsFunc(all, func(rs *unstructured.Unstructured) bool { return rs.GetAnnotations()[revisionKey] == d.revision })
	switch {
	case d.revision == "" || assigned:
	case current >= 0:
		raise(all[current], d.revision)
	default:
		all = append(all, d.newSet(o))
		current = len(all) - 1
	}
	if d.observed < d.generation && len(all) > 0 && all[0].Object["status"] != nil {
		return w.touch(all) // the counts are still those of before
	}
	return d.spread(w, all, current)
}

// touch writes ReplicaSets whose counts stay.
func (w *world) touch(all []*unstructured.Unstructured) error {
	for _, rs := range all {
		status := part(rs.Object, "status")
		if err := w.scale(rs, number(status["replicas"]), number(status["availableReplicas"])); err != nil {
			return err
		}
	}
	return nil
}

// spread gives the ReplicaSets their parts of the counts. Of the old ones each keeps
// what it had, as far as there is something left; the newest gets the rest.
func (d deployment) spread(w *world, all []*unstructured.Unstructured, current int) error {
	left := d.total - d.updated
	up := d.word("new", d.available-min(d.available, left))
	have := make([]int64, len(all))
	for i, rs := range all {
		if i != current {
			have[i] = min(number(part(rs.DeepCopy().Object, "status")["replicas"]), left)
			left -= have[i]
		}
	}
	if i := slices.IndexFunc(all, func(rs *unstructured.Unstructured) bool { return current < 0 || rs != all[current] }); i >= 0 {
		have[i] += left
	}
	oldUp := d.available - up
	for i, rs := range all {
		n, available := have[i], min(oldUp, have[i])
		if i == current {
			n, available = d.updated, min(up, d.updated)
		} else {
			oldUp -= available
		}
		if err := w.scale(rs, n, max(available, 0)); err != nil {
			return err
		}
	}
	return nil
}

// newSet is the ReplicaSet of a template that has none.
func (d deployment) newSet(o *unstructured.Unstructured) *unstructured.Unstructured {
	pod := d.template.pod(o.GetName())
	h := hash(pod)
	part(pod, "metadata", "labels")[hashKey] = h
	labels := object{}
	maps.Copy(labels, part(pod, "metadata", "labels"))
	rs := &unstructured.Unstructured{Object: object{
		"apiVersion": "apps/v1", "kind": "ReplicaSet",
		"metadata": object{"name": o.GetName() + "-" + h, "namespace": o.GetNamespace(), "generation": int64(1), "labels": labels},
		"spec":     object{"selector": object{"matchLabels": labels}, "template": pod},
	}}
	copied := o.GetAnnotations()
	copied[revisionKey] = d.revision
	rs.SetAnnotations(copied)
	control(rs, o)
	return rs
}

// raise gives a ReplicaSet that is taken up again its new revision.
func raise(rs *unstructured.Unstructured, revision string) {
	was, history := rs.GetAnnotations()[revisionKey], rs.GetAnnotations()[historyKey]
	if history != "" {
		was = history + "," + was
	}
	annotate(rs, historyKey, was)
	annotate(rs, revisionKey, revision)
}

// adopt takes the ReplicaSets that nobody controls, as the controller does.
func (w *world) adopt(o *unstructured.Unstructured) {
	for _, rs := range w.server.Mentioning("ReplicaSet", o.GetName()) {
		if rs.GetNamespace() == o.GetNamespace() && rs.GetLabels()["app"] == o.GetName() && len(rs.GetOwnerReferences()) == 0 {
			control(rs, o)
			_ = w.server.Put(rs) // of a kind that is known
		}
	}
}

// carriesTemplate reports whether a ReplicaSet has the Deployment's template.
func carriesTemplate(rs, o *unstructured.Unstructured) bool {
	have := unstructured.Unstructured{Object: rs.DeepCopy().Object}
	t := part(have.Object, "spec", "template")
	delete(part(t, "metadata", "labels"), hashKey)
	return apiequality.Semantic.DeepEqual(t, part(o.Object, "spec", "template"))
}

func revisionOf(o *unstructured.Unstructured) int {
	n, _ := strconv.Atoi(o.GetAnnotations()[revisionKey]) // absent is 0
	return n
}

func number(v any) int64 {
	switch n := v.(type) {
	case int64:
		return n
	case float64:
		return int64(n)
	}
	return 0
}

// scale gives a ReplicaSet its counts, and as many pods. The youngest leave first.
func (w *world) scale(rs *unstructured.Unstructured, n, available int64) error {
	part(rs.Object, "spec")["replicas"] = n
	rs.Object["status"] = object{
		"observedGeneration": rs.GetGeneration(), "replicas": n, "fullyLabeledReplicas": n,
		"readyReplicas": available, "availableReplicas": available,
	}
	if err := w.server.Put(rs); err != nil {
		return err
	}
	pods := w.controlled("Pod", rs)
	slices.SortFunc(pods, func(a, b *unstructured.Unstructured) int { return cmp.Compare(numbered(a), numbered(b)) })
	for ; int64(len(pods)) > n; pods = pods[:len(pods)-1] {
		w.server.Remove("Pod", rs.GetNamespace(), pods[len(pods)-1].GetName())
	}
	next := 0
	if len(pods) > 0 {
		next = numbered(pods[len(pods)-1]) + 1
	}
	for i := int64(len(pods)); i < n; i++ {
		t := part(rs.DeepCopy().Object, "spec", "template")
		p := &unstructured.Unstructured{Object: object{"apiVersion": "v1", "kind": "Pod", "metadata": t["metadata"], "spec": t["spec"]}}
		p.SetName(fmt.Sprintf("%s-%d", rs.GetName(), next))
		p.SetNamespace(rs.GetNamespace())
		control(p, rs)
		if err := w.server.Put(p); err != nil {
			return err
		}
		next++
	}
	return nil
}

// numbered is the number at the end of a pod's name.
func numbered(p *unstructured.Unstructured) int {
	name := p.GetName()
	i := len(name)
	for i > 0 && name[i-1] >= '0' && name[i-1] <= '9' {
		i--
	}
	n, _ := strconv.Atoi(name[i:]) // our own names
	return n
}
