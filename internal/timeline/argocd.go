package timeline

import (
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// stamp is a time as the API writes it.
func stamp(t time.Time) string { return t.UTC().Truncate(time.Second).Format(time.RFC3339) }

// revisions writes a revision, or several joined by "+".
func revisions(o object, text string) {
	delete(o, "revision")
	delete(o, "revisions")
	all := strings.Split(text, "+")
	for i := range all {
		all[i] = commit(all[i])
	}
	switch {
	case len(all) > 1:
		list := make([]any, len(all))
		for i := range all {
			list[i] = all[i]
		}
		o["revisions"], o["revision"] = list, ""
	case text != "":
		o["revision"] = all[0]
	}
}

// write makes the Application what the line says. An operation starts and ends when
// its phase changes; "reconciled" says that the comparison was made just now.
func (a application) write(w *world, r Ref) error {
	o, err := w.take(r)
	if err != nil {
		return err
	}
	if err := w.own(r, a.owns); err != nil {
		return err
	}
	spec, status := part(o.Object, "spec"), part(o.Object, "status")
	if len(spec) == 0 {
		spec["project"], spec["destination"] = "default", object{"server": "https://kubernetes.default.svc", "namespace": w.namespace}
		spec["source"] = object{"repoURL": "https://git.example.com/acme/" + r.Name, "path": ".", "targetRevision": "main"}
	}
	if status["controllerNamespace"] == nil {
		status["controllerNamespace"] = r.Namespace
	}
	sync := part(status, "sync")
	sync["status"] = a.sync
	revisions(sync, a.syncRevision)
	part(status, "health")["status"] = a.health
	if a.reconciled || sync["comparedTo"] == nil {
		status["reconciledAt"] = stamp(w.now())
		to := object{"destination": spec["destination"]}
		for _, key := range []string{"source", "sources"} {
			if spec[key] != nil {
				to[key] = spec[key]
			}
		}
		sync["comparedTo"] = to
	}
	a.operate(o, w.now())
	a.resources(w, r, status)
	if delete(status, "conditions"); a.condition != "" {
		status["conditions"] = []any{object{"type": a.condition, "message": a.condition, "lastTransitionTime": stamp(w.now())}}
	}
	common{generation: max(o.GetGeneration(), 1), deleting: a.deleting}.begin(o, w.now())
	return w.server.Put(o)
}

// operate writes the operation. What was asked for stays as it is until there is
// another operation.
func (a application) operate(o *unstructured.Unstructured, now time.Time) {
	if delete(o.Object, "operation"); a.requested {
		o.Object["operation"] = object{"sync": object{}}
	}
	status := part(o.Object, "status")
	if a.phase == "-" {
		delete(status, "operationState")
		return
	}
	op := part(status, "operationState")
	was, result := op["phase"], part(op, "syncResult")
	before := result["revision"]
	revisions(result, a.opRevision)
	news := was != a.phase || before != result["revision"]
	if news || len(a.partial) > 0 || op["operation"] == nil {
		op["operation"] = a.asked(result["revision"])
	}
	if running(a.phase) {
		if !running(was) {
			op["startedAt"] = stamp(now)
		}
		delete(op, "finishedAt")
	} else if news || op["finishedAt"] == nil {
		if op["startedAt"] == nil || !running(was) {
			op["startedAt"] = stamp(now)
		}
		op["finishedAt"] = stamp(now)
	}
	op["phase"] = a.phase
	if a.noResult {
		delete(op, "syncResult")
		delete(op, "finishedAt")
	}
}

func running(phase any) bool { return phase == "Running" || phase == "Terminating" }

// asked is the operation that somebody asked for.
func (a application) asked(revision any) object {
	sync := object{"revision": revision}
	var only []any
	for _, r := range a.partial {
		only = append(only, object{"group": "apps", "kind": r.Kind, "name": r.Name})
	}
	if len(only) > 0 {
		sync["resources"] = only
	}
	return object{"sync": sync, "initiatedBy": object{"automated": a.automated}}
}

// resources writes what the Application owns, and the images of its pods: as it
// says, or else as they are. What else was patched into its list stays.
func (a application) resources(w *world, r Ref, status object) {
	owned := w.owned(r)
	list, _ := status["resources"].([]any)
	for _, m := range owned {
		state := a.sync
		if slices.ContainsFunc(a.outOfSync, func(x Ref) bool { return w.place(x) == m }) {
			state = "OutOfSync"
		} else if len(a.outOfSync) > 0 || len(a.partial) > 0 {
			state = "Synced"
		}
		known, _ := w.server.OfKind("", m.Kind)
		i := slices.IndexFunc(list, func(item any) bool {
			o, _ := item.(object)
			return o["kind"] == m.Kind && o["namespace"] == m.Namespace && o["name"] == m.Name
		})
		if i < 0 {
			i, list = len(list), append(list, object{"group": known.Group, "kind": m.Kind, "namespace": m.Namespace, "name": m.Name})
		}
		if o, ok := list[i].(object); ok {
			o["status"] = state
		}
	}
	status["resources"] = list
	images := a.images
	if images == nil {
		images = w.podImages(owned)
	}
	all := make([]any, len(images))
	for i := range images {
		all[i] = images[i]
	}
	part(status, "summary")["images"] = all
}

// owned lists what belongs to an engine's object, in order.
func (w *world) owned(owner Ref) []Ref {
	var out []Ref
	for r, by := range w.owners {
		if by == owner {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b Ref) int { return strings.Compare(a.String(), b.String()) })
	return out
}

// podImages lists the images of the pods of some workloads. Of a kind that has no
// pods in a timeline, it is those of the template.
func (w *world) podImages(of []Ref) []string {
	var out []string
	for _, p := range w.server.List("Pod") {
		if slices.ContainsFunc(of, func(r Ref) bool { return r.Namespace == p.GetNamespace() && r.Name == p.GetLabels()["app"] }) {
			out = append(out, images(part(p.Object, "spec"))...)
		}
	}
	for _, r := range of {
		if o, ok := w.server.Get(r.Kind, r.Namespace, r.Name); ok && (r.Kind == "StatefulSet" || r.Kind == "DaemonSet") {
			out = append(out, images(part(o.Object, "spec", "template", "spec"))...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// images lists those of a pod.
func images(pod object) []string {
	var out []string
	for _, kind := range []string{"initContainers", "containers"} {
		list, _ := pod[kind].([]any)
		for _, c := range list {
			if image, ok := c.(object)["image"].(string); ok {
				out = append(out, image)
			}
		}
	}
	return out
}
