package timeline

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// flux writes what Flux's objects have in common.
func (w *world) flux(r Ref, c common, owns []Ref, suspended bool) (*unstructured.Unstructured, error) {
	o, err := w.take(r)
	if err != nil {
		return nil, err
	}
	if err := w.own(r, owns); err != nil {
		return nil, err
	}
	c.begin(o, w.now())
	spec := part(o.Object, "spec")
	if delete(spec, "suspend"); suspended {
		spec["suspend"] = true
	}
	part(o.Object, "status")["observedGeneration"] = c.observed
	return o, nil
}

// conclude writes conditions; those that are not said are not there.
func conclude(o *unstructured.Unstructured, observed int64, now time.Time, all []condition) {
	status := part(o.Object, "status")
	list, _ := status["conditions"].([]any)
	for _, item := range slices.Clone(list) {
		c, _ := item.(object)
		if !slices.ContainsFunc(all, func(x condition) bool { return x.kind == c["type"] }) {
			kind, _ := c["type"].(string)
			unsay(status, kind)
		}
	}
	for _, c := range all {
		if c.kind != "" {
			if c.reason == "" {
				c.reason = "Reported"
			}
			say(status, c, now, false)
		}
	}
	list, _ = status["conditions"].([]any)
	for _, item := range list {
		c, _ := item.(object)
		c["observedGeneration"] = observed
		delete(c, "lastUpdateTime")
	}
}

// write makes the Kustomization what the line says.
func (k kustomization) write(w *world, r Ref) error {
	o, err := w.flux(r, k.common, k.owns, k.suspended)
	if err != nil {
		return err
	}
	spec, status := part(o.Object, "spec"), part(o.Object, "status")
	if spec["sourceRef"] == nil {
		spec["sourceRef"], spec["prune"], spec["interval"] = object{"kind": "GitRepository", "name": r.Name}, true, "5m0s"
	}
	fluxRevision := func(s string) any {
		if s == "-" {
			return nil
		}
		if c := commit(s); c != s {
			return "main@sha1:" + c
		}
		return s
	}
	for key, rev := range map[string]any{"lastAppliedRevision": fluxRevision(k.applied), "lastAttemptedRevision": fluxRevision(k.attempted)} {
		if delete(status, key); rev != nil {
			status[key] = rev
		}
	}
	var entries []any
	for _, m := range w.owned(r) {
		entries = append(entries, object{"id": m.Namespace + "_" + m.Name + "_apps_" + m.Kind, "v": "v1"})
	}
	status["inventory"] = object{"entries": entries}
	if k.digest != "" {
		status["history"] = []any{object{
			"digest": k.digest, "lastReconciledStatus": "ReconciliationSucceeded",
			"metadata": object{"revision": fluxRevision(k.applied)}, "lastReconciled": stamp(w.now()),
		}}
	}
	conclude(o, k.observed, w.now(), append(slices.Clone(k.conditions), k.ready))
	return w.server.Put(o)
}

// latest is the newest entry of the history. It was deployed when its version came.
func (h helmRelease) latest(w *world, r Ref, status object) object {
	out := object{
		"name": r.Name, "namespace": w.namespace, "version": h.version, "status": h.status,
		"chartName": r.Name, "chartVersion": h.chart, "lastDeployed": stamp(w.now()),
	}
	if before, _ := status["history"].([]any); len(before) > 0 {
		if was, _ := before[0].(object); number(was["version"]) == h.version {
			out["lastDeployed"] = was["lastDeployed"]
		}
	}
	return out
}

// write makes the HelmRelease what the line says.
func (h helmRelease) write(w *world, r Ref) error {
	o, err := w.flux(r, h.common, h.owns, h.suspended)
	if err != nil {
		return err
	}
	status := part(o.Object, "status")
	if h.version > 0 {
		status["history"] = []any{h.latest(w, r, status)}
		status["lastAttemptedRevision"] = h.chart
	}
	conclude(o, h.observed, w.now(), append(slices.Clone(h.conditions), h.ready))
	return w.server.Put(o)
}
