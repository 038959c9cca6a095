package timeline

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// deployment writes a Deployment. Which of the available pods are new ones is known
// when its ReplicaSets say the same as it does.
func (w *Writer) deployment(f *written) {
	f.generation()
	f.replicas()
	total, updated, available := f.status("replicas"), f.status("updatedReplicas"), f.status("availableReplicas")
	words := word("ready", f.status("readyReplicas"), available)
	if n, ok := f.number("status", "terminatingReplicas"); ok {
		words = append(words, fmt.Sprintf("term=%d", n))
	}
	var all, up, of, current int64
	for _, rs := range f.related {
		status := part(rs.DeepCopy().Object, "status")
		all, up = all+number(status["replicas"]), up+number(status["availableReplicas"])
		if carriesTemplate(rs, f.o) {
			of, current = number(status["replicas"]), number(status["availableReplicas"])
		}
	}
	if f.status("observedGeneration") >= f.o.GetGeneration() && all == total && up == available && of == updated {
		words = append(words, word("new", current, available-min(available, total-updated))...)
	}
	f.counts("replicas", "updatedReplicas", "availableReplicas", words...)
	f.revision(f.o.GetAnnotations()[revisionKey])
	f.add("%s", f.condition("Progressing"))
	w.template(f)
	paused, _, _ := unstructured.NestedBool(f.o.Object, "spec", "paused") // what is something else is not true
	f.flag(paused, "paused")
	f.by()
}

func (f *written) revision(n string) {
	if n == "" {
		f.add("-")
		return
	}
	f.add("rev %s", n)
}

// statefulSet writes a StatefulSet; its revisions are those of its ControllerRevisions.
func (w *Writer) statefulSet(f *written) {
	f.generation()
	f.replicas()
	total, updated := f.status("replicas"), f.status("updatedReplicas")
	f.counts("replicas", "updatedReplicas", "availableReplicas", append(
		word("ready", f.status("readyReplicas"), f.status("availableReplicas")),
		word("current", f.status("currentReplicas"), total-updated)...)...)
	numbers := map[string]string{}
	for _, r := range f.related {
		numbers[r.GetName()] = fmt.Sprint(number(r.Object["revision"]))
	}
	current, update := numbers[f.text("status", "currentRevision")], numbers[f.text("status", "updateRevision")]
	if current != "" && current != update {
		current += "/"
	} else {
		current = ""
	}
	f.revision(current + update)
	w.template(f)
	if n, _ := f.number("spec", "updateStrategy", "rollingUpdate", "partition"); n > 0 {
		f.add("partition=%d", n)
	}
	f.flag(f.text("spec", "updateStrategy", "type") == "OnDelete", "OnDelete")
	f.by()
}

// daemonSet writes a DaemonSet; its revision is the highest of its ControllerRevisions.
func (w *Writer) daemonSet(f *written) {
	f.generation()
	total, available := f.status("desiredNumberScheduled"), f.status("numberAvailable")
	words := word("ready", f.status("numberReady"), available)
	words = append(words, word("current", f.status("currentNumberScheduled"), total)...)
	words = append(words, word("misscheduled", f.status("numberMisscheduled"), 0)...)
	f.counts("desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable", words...)
	highest := ""
	for _, r := range f.related {
		if n := fmt.Sprint(number(r.Object["revision"])); len(n) > len(highest) || len(n) == len(highest) && n > highest {
			highest = n
		}
	}
	f.revision(highest)
	w.template(f)
	f.flag(f.text("spec", "updateStrategy", "type") == "OnDelete", "OnDelete")
	f.by()
}

// commit writes a revision: the nth commit as cN, whatever Flux puts before it.
func (w *Writer) commit(s string) string {
	for i, c := range w.Commits {
		if s == c || strings.HasSuffix(s, ":"+c) {
			return fmt.Sprintf("c%d", i+1)
		}
	}
	if _, sha, ok := strings.Cut(s, "@sha1:"); ok && shorten(sha) != sha {
		return shorten(sha)
	}
	return shorten(s)
}

// at writes a word and the revision, or the revisions, of a part of an Application.
func (w *Writer) at(f *written, what string, path ...string) string {
	all, _, _ := unstructured.NestedStringSlice(f.o.Object, append(slices.Clone(path), "revisions")...) // what is no list is absent
	if len(all) == 0 {
		if one := f.text(append(slices.Clone(path), "revision")...); one != "" {
			all = []string{one}
		}
	}
	for i := range all {
		all[i] = w.commit(all[i])
	}
	if len(all) == 0 {
		return what
	}
	return what + "@" + strings.Join(all, "+")
}

func (w *Writer) application(f *written) {
	f.add("%s", w.at(f, f.text("status", "sync", "status"), "status", "sync"))
	phase := f.text("status", "operationState", "phase")
	if phase == "" {
		f.add("-")
	} else {
		said := w.at(f, phase, "status", "operationState", "syncResult")
		if said == phase { // without a result, what was asked for
			said = w.at(f, phase, "status", "operationState", "operation", "sync")
		}
		f.add("%s", said)
	}
	f.add("%s", f.text("status", "health", "status"))
	f.flag(w.since(f, f.text("status", "reconciledAt")), "reconciled")
	f.flag(f.o.Object["operation"] != nil, "requested")
	automated, _, _ := unstructured.NestedBool(f.o.Object, "status", "operationState", "operation", "initiatedBy", "automated") // absent is false
	f.flag(automated, "automated")
	_, result, _ := unstructured.NestedMap(f.o.Object, "status", "operationState", "syncResult") // what is no map is absent
	f.flag(phase != "" && phase != "Running" && phase != "Terminating" && !result, "noResult")
	w.resources(f, f.ref())
	images, _, _ := unstructured.NestedStringSlice(f.o.Object, "status", "summary", "images") // what is no list is absent
	f.flag(len(images) > 0, "images "+strings.Join(images, ", "))
	conditions, _, _ := unstructured.NestedSlice(f.o.Object, "status", "conditions") // what is no list is absent
	if len(conditions) > 0 {
		f.add("condition %s", part(object{"c": conditions[0]}, "c")["type"])
	}
}

// resources writes what an Application owns, and what of that is not as it should.
func (w *Writer) resources(f *written, me Ref) {
	var owned, out []string
	list, _, _ := unstructured.NestedSlice(f.o.Object, "status", "resources") // what is no list is absent
	inSync := 0
	for _, item := range list {
		r, _ := item.(object)
		name := fmt.Sprintf("%s/%s", r["kind"], r["name"])
		if subject(r["kind"]) {
			owned = append(owned, name)
		}
		switch {
		case r["status"] == "OutOfSync":
			out = append(out, name)
		case subject(r["kind"]):
			inSync++
		}
	}
	if inSync > 0 && len(out) == 0 && f.text("status", "sync", "status") == "OutOfSync" {
		out = append(out, "Something/else")
	}
	w.owns(f, me, owned)
	var only []string
	some, _, _ := unstructured.NestedSlice(f.o.Object, "status", "operationState", "operation", "sync", "resources") // what is no list is absent
	for _, item := range some {
		if r, _ := item.(object); subject(r["kind"]) {
			only = append(only, fmt.Sprintf("%s/%s", r["kind"], r["name"]))
		}
	}
	f.flag(len(out) > 0 && (inSync > 0 || len(only) > 0), "OutOfSync "+strings.Join(out, ", "))
	f.flag(len(only) > 0, "partial "+strings.Join(only, ", "))
}

// subject reports whether a timeline has objects of a kind.
func subject(kind any) bool {
	return slices.Contains([]any{"Deployment", "StatefulSet", "DaemonSet", "Rollout", "Application", "Kustomization", "HelmRelease"}, kind)
}

// owns writes what an engine's object owns, if that was not said yet.
func (w *Writer) owns(f *written, me Ref, all []string) {
	text := strings.Join(all, ", ")
	if text == "" || w.owned[me] == text {
		return
	}
	if w.owned == nil {
		w.owned = map[Ref]string{}
	}
	w.owned[me] = text
	f.add("owns %s", text)
}

func (w *Writer) kustomization(f *written) {
	f.generation()
	f.add("%s", f.condition("Ready"))
	for _, key := range []string{"lastAppliedRevision", "lastAttemptedRevision"} {
		s := f.text("status", key)
		if s = w.commit(s); s == "" {
			s = "-"
		}
		f.add("%s", s)
	}
	var owned []string
	entries, _, _ := unstructured.NestedSlice(f.o.Object, "status", "inventory", "entries") // what is no list is absent
	for _, item := range entries {
		e, _ := item.(object)
		id, _ := e["id"].(string)
		if words := strings.Split(id, "_"); len(words) == 4 && subject(words[3]) {
			owned = append(owned, words[3]+"/"+words[1])
		}
	}
	w.owns(f, f.ref(), owned)
	for _, kind := range []string{"Healthy", "Reconciling", "Stalled"} {
		if c := f.condition(kind); c != "-" {
			status := readCondition(kind, c)
			f.add("%s=%s", kind, strings.TrimSuffix(status.status+"/"+status.reason, "/"))
		}
	}
	history, _, _ := unstructured.NestedSlice(f.o.Object, "status", "history") // what is no list is absent
	if len(history) > 0 {
		latest := part(object{"h": history[0]}, "h")
		if at := fmt.Sprint(latest["lastReconciled"], latest["metadata"]); w.since(f, at) {
			f.add("digest %s", latest["digest"])
		}
	}
	suspended, _, _ := unstructured.NestedBool(f.o.Object, "spec", "suspend") // absent is false
	f.flag(suspended, "suspended")
}

// since reports whether an engine looked at an object since the last line about it,
// given when it did last.
func (w *Writer) since(f *written, at string) bool {
	me := f.ref()
	if w.reconciled == nil {
		w.reconciled = map[Ref]string{}
	}
	before := w.reconciled[me]
	w.reconciled[me] = at
	return before != at
}

func (f *written) ref() Ref { return Ref{f.o.GetKind(), f.o.GetNamespace(), f.o.GetName()} }
