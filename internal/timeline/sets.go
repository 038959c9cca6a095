package timeline

import (
	"fmt"
	"maps"
	"strconv"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	controllerHash     = "controller-revision-hash"
	templateGeneration = "deprecated.daemonset.template.generation"
)

// revised finds or makes the ControllerRevision of a template, under a number. One
// that has the template already is given the new number, as on a rollback.
func (w *world) revised(o *unstructured.Unstructured, pod object, number string) (*unstructured.Unstructured, error) {
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("revision %q is no number", number)
	}
	data := object{"spec": object{"template": withPatch(pod)}}
	for _, rev := range w.controlled("ControllerRevision", o) {
		if apiequality.Semantic.DeepEqual(rev.Object["data"], data) {
			rev.Object["revision"] = n
			return rev, w.server.Put(rev)
		}
	}
	h := hash(pod)
	rev := &unstructured.Unstructured{Object: object{
		"apiVersion": "apps/v1", "kind": "ControllerRevision", "data": data, "revision": n,
		"metadata": object{
			"name": o.GetName() + "-" + h, "namespace": o.GetNamespace(), "labels": object{"app": o.GetName(), controllerHash: h},
		},
	}}
	control(rev, o)
	return rev, w.server.Put(rev)
}

// withPatch is the template as a ControllerRevision keeps it.
func withPatch(pod object) object {
	out := object{"$patch": "replace"}
	maps.Copy(out, pod)
	return out
}

// numberedRevision finds the ControllerRevision of a number.
func (w *world) numberedRevision(o *unstructured.Unstructured, n string) (*unstructured.Unstructured, bool) {
	for _, rev := range w.controlled("ControllerRevision", o) {
		if fmt.Sprint(number(rev.Object["revision"])) == n {
			return rev, true
		}
	}
	return nil, false
}

// start writes what a StatefulSet and a DaemonSet have in common.
func (w *world) start(r Ref, c common, t template) (*unstructured.Unstructured, error) {
	o, err := w.take(r)
	if err != nil {
		return nil, err
	}
	c.begin(o, w.now())
	spec := part(o.Object, "spec")
	if spec["selector"] == nil {
		spec["selector"] = object{"matchLabels": object{"app": r.Name}}
	}
	before := spec["template"]
	spec["template"] = t.pod(r.Name)
	w.wrote(o, before, c.by)
	w.mark(o)
	return o, nil
}

// write makes the StatefulSet what the line says, and its ControllerRevisions.
func (s statefulSet) write(w *world, r Ref) error {
	o, err := w.start(r, s.common, s.template)
	if err != nil {
		return err
	}
	spec, status := part(o.Object, "spec"), part(o.Object, "status")
	set(spec, "replicas", s.replicas)
	spec["serviceName"] = r.Name
	strategy := object{"type": "RollingUpdate", "rollingUpdate": object{"partition": s.partition}}
	if s.onDelete {
		strategy = object{"type": "OnDelete"}
	}
	spec["updateStrategy"] = strategy
	status["observedGeneration"] = s.observed
	for key, n := range map[string]int64{
		"replicas": s.total, "updatedReplicas": s.updated, "availableReplicas": s.available,
		"readyReplicas": s.word("ready", s.available), "currentReplicas": s.word("current", s.total-s.updated),
	} {
		if delete(status, key); n > 0 || key == "replicas" || key == "availableReplicas" {
			status[key] = n
		}
	}
	if err := w.server.Put(o); err != nil || s.update == "" {
		return err
	}
	pod := s.template.pod(r.Name)
	update, known := w.numberedRevision(o, s.update)
	if !known {
		if update, err = w.revised(o, pod, s.update); err != nil {
			return err
		}
	}
	current := update
	if s.current != s.update {
		if current, known = w.numberedRevision(o, s.current); !known {
			return fmt.Errorf("%s: there was no rev %s", r, s.current)
		}
	}
	status["updateRevision"], status["currentRevision"] = update.GetName(), current.GetName()
	return w.server.Put(o)
}

// write makes the DaemonSet what the line says, and its ControllerRevisions. The
// generation of the template counts its changes.
func (d daemonSet) write(w *world, r Ref) error {
	was, _ := w.take(w.place(r)) // a mistake is told by start
	o, err := w.start(r, d.common, d.template)
	if err != nil {
		return err
	}
	if was == nil || !apiequality.Semantic.DeepEqual(part(was.Object, "spec")["template"], part(o.Object, "spec")["template"]) {
		n, _ := strconv.Atoi(o.GetAnnotations()[templateGeneration]) // absent is 0
		annotate(o, templateGeneration, strconv.Itoa(n+1))
	}
	status := part(o.Object, "status")
	strategy := "RollingUpdate"
	if d.onDelete {
		strategy = "OnDelete"
	}
	part(o.Object, "spec", "updateStrategy")["type"] = strategy
	status["observedGeneration"] = d.observed
	for key, n := range map[string]int64{
		"desiredNumberScheduled": d.total, "updatedNumberScheduled": d.updated, "numberAvailable": d.available,
		"currentNumberScheduled": d.word("current", d.total), "numberReady": d.word("ready", d.available),
		"numberMisscheduled": d.word("misscheduled", 0), "numberUnavailable": max(d.total-d.available, 0),
	} {
		always := key == "desiredNumberScheduled" || key == "currentNumberScheduled" || key == "numberReady" || key == "numberMisscheduled"
		if delete(status, key); n > 0 || always {
			status[key] = n
		}
	}
	if err := w.server.Put(o); err != nil || d.revision == "" {
		return err
	}
	if _, known := w.numberedRevision(o, d.revision); !known {
		_, err = w.revised(o, d.template.pod(r.Name), d.revision)
	}
	return err
}

// write makes the Rollout what the line says, and its ReplicaSets like those of a
// Deployment, under the labels and annotations of Argo Rollouts.
func (l rollout) write(w *world, r Ref) error {
	o, err := w.start(r, l.common, l.template)
	if err != nil {
		return err
	}
	set(part(o.Object, "spec"), "replicas", l.replicas)
	h := hash(l.template.pod(r.Name))
	if l.revision != "" {
		annotate(o, "rollout.argoproj.io/revision", l.revision)
	}
	status := part(o.Object, "status")
	status["observedGeneration"] = strconv.FormatInt(l.observed, 10)
	status["phase"], status["currentPodHash"] = l.phase, h
	status["replicas"], status["updatedReplicas"], status["availableReplicas"] = l.total, l.updated, l.available
	status["readyReplicas"] = l.word("ready", l.available)
	if delete(status, "abort"); l.aborted {
		status["abort"] = true
	}
	if delete(status, "controllerPause"); l.paused {
		status["controllerPause"] = true
	}
	if l.observed < l.generation {
		delete(status, "currentPodHash")
	}
	if err := w.server.Put(o); err != nil {
		return err
	}
	stable, err := l.sets(w, o, h)
	if err != nil {
		return err
	}
	if stable != "" {
		status["stableRS"] = stable
	}
	return w.server.Put(o)
}

// sets writes the ReplicaSet of the revision, and gives the hash of the stable one.
func (l rollout) sets(w *world, o *unstructured.Unstructured, h string) (string, error) {
	const key, label = "rollout.argoproj.io/revision", "rollouts-pod-template-hash"
	stable, found := "", false
	if l.stable == "" && l.phase == "Healthy" {
		stable = h
	}
	for _, rs := range w.controlled("ReplicaSet", o) {
		if l.stable != "" && rs.GetAnnotations()[key] == l.stable {
			stable = rs.GetLabels()[label]
		}
		n := l.total - l.updated
		if rs.GetLabels()[label] == h {
			found, n = true, l.updated
			annotate(rs, key, l.revision)
		}
		if err := w.scale(rs, n, min(n, l.available)); err != nil {
			return "", err
		}
	}
	if found || l.revision == "" {
		return stable, nil
	}
	pod := l.template.pod(o.GetName())
	part(pod, "metadata", "labels")[label] = h
	rs := &unstructured.Unstructured{Object: object{
		"apiVersion": "apps/v1", "kind": "ReplicaSet", "spec": object{"template": pod},
		"metadata": object{
			"name": o.GetName() + "-" + h, "namespace": o.GetNamespace(), "generation": int64(1),
			"labels": object{"app": o.GetName(), label: h}, "annotations": object{key: l.revision},
		},
	}}
	control(rs, o)
	return stable, w.scale(rs, l.updated, min(l.updated, l.word("new", l.available)))
}
