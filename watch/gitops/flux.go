package gitops

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch/lean"
)

// The labels by which Flux marks what it applied.
const (
	kustomizeLabel = "kustomize.toolkit.fluxcd.io/"
	helmLabel      = "helm.toolkit.fluxcd.io/"
)

// The conditions of Flux's objects that the gates read.
const (
	fluxReady       = "Ready"
	fluxReconciling = "Reconciling"
	fluxStalled     = "Stalled"
	fluxHealthy     = "Healthy"
	fluxReleased    = "Released"
	fluxTested      = "TestSuccess"
	fluxRemediated  = "Remediated"
)

// Parent is the Kustomization that a HelmRelease says it belongs to; its Name is
// empty if there is none.
func Parent(h *lean.HelmRelease) Ref {
	for _, r := range fluxClaims(h.Labels) {
		if r.Kind == lean.Kustomizations.Name {
			return r
		}
	}
	return Ref{}
}

// fluxClaims reads the owners off an object's labels, the nearest first.
func fluxClaims(labels map[string]string) []Ref {
	var out []Ref
	for _, k := range []struct{ kind, label string }{{"HelmRelease", helmLabel}, {"Kustomization", kustomizeLabel}} {
		if name, ns := labels[k.label+"name"], labels[k.label+"namespace"]; name != "" && ns != "" {
			out = append(out, Ref{Kind: k.kind, Namespace: ns, Name: name})
		}
	}
	return out
}

// flux judges by the HelmRelease or Kustomization that owns the workload, and by
// the Kustomization that owns the HelmRelease; nil if nobody does.
func (s Settings) flux(ctx context.Context, f Finder, o Object) (*release.App, error) {
	for _, claim := range fluxClaims(o.Labels) {
		app, err := fluxOwner(ctx, f, claim, &o)
		if app != nil || err != nil {
			return app, err
		}
	}
	return nil, nil //nolint:nilnil // neither an owner nor a fault
}

// Flux says what a HelmRelease or Kustomization reports, and judges it as a whole;
// nil if it is not there.
func Flux(ctx context.Context, f Finder, r Ref) (*release.App, error) {
	return fluxOwner(ctx, f, r, nil)
}

// fluxOwner judges by one owner; o is the workload that claims to belong to it, or
// nil to judge the owner as a whole.
func fluxOwner(ctx context.Context, f Finder, r Ref, o *Object) (*release.App, error) {
	if r.Kind == "HelmRelease" {
		all, err := found[*lean.HelmRelease](ctx, f, r)
		if err != nil || len(all) == 0 || all[0].Spec.KubeConfig != nil {
			return nil, err
		}
		return helmOwner(ctx, f, all[0])
	}
	all, err := found[*lean.Kustomization](ctx, f, r)
	if err != nil || len(all) == 0 || all[0].Spec.KubeConfig != nil {
		return nil, err
	}
	return kustomizeOwner(ctx, f, all[0], o)
}

func kustomizeOwner(ctx context.Context, f Finder, k *lean.Kustomization, o *Object) (*release.App, error) {
	app := release.App{
		Engine: EngineFlux, Kind: "Kustomization", Namespace: k.Namespace, Name: k.Name, Annotations: k.Annotations,
		Operation: reasonOf(k.Status.Conditions),
		Synced:    k.Status.LastAppliedRevision != "" && k.Status.LastAppliedRevision == k.Status.LastAttemptedRevision,
		Healthy:   isTrue(k.Status.Conditions, fluxReady),
		Revision:  Commit(k.Status.LastAppliedRevision),
	}
	if origin := k.Status.LastAppliedOriginRevision; origin != "" {
		app.Source = Commit(origin)
	}
	app.SyncFinishedAt = since(k.Status.Conditions)
	app.WaitingFor = kustomized(k)
	if o != nil && !applied(k, *o) {
		if app.WaitingFor == "" {
			return nil, nil //nolint:nilnil // it bears the label, and Flux did not apply it: somebody copied labels
		}
		app.WaitingFor += fmt.Sprintf(", and does not list %s", o)
	}
	app.Ready = app.WaitingFor == ""
	var err error
	app.RepoURL, err = sourceURL(ctx, f, k.Spec.SourceRef, k.Namespace)
	return &app, err
}

func helmOwner(ctx context.Context, f Finder, h *lean.HelmRelease) (*release.App, error) {
	app := release.App{
		Engine: EngineFlux, Kind: "HelmRelease", Namespace: h.Namespace, Name: h.Name, Annotations: h.Annotations,
		Operation: reasonOf(h.Status.Conditions), Synced: isTrue(h.Status.Conditions, fluxReleased),
		Healthy: isTrue(h.Status.Conditions, fluxReady), SyncFinishedAt: since(h.Status.Conditions),
		Revision: h.Status.LastAttemptedRevision,
	}
	app.WaitingFor = helmed(h)
	if claim := Parent(h); claim.Name != "" {
		parent, err := fluxOwner(ctx, f, claim, &Object{
			Group: lean.HelmReleases.Group, Kind: "HelmRelease", Namespace: h.Namespace, Name: h.Name, Labels: h.Labels,
		})
		if err != nil {
			return nil, err
		}
		if parent != nil {
			inherit(&app, *parent)
		}
	}
	app.Ready = app.WaitingFor == ""
	return &app, nil
}

// inherit completes what a HelmRelease says with what its Kustomization does: the
// commit that both are from.
func inherit(app *release.App, parent release.App) {
	app.RepoURL, app.Source = parent.RepoURL, parent.Source
	app.Revision, app.Revisions = parent.Revision, []string{parent.Revision, app.Revision}
	if app.WaitingFor == "" {
		app.WaitingFor = parent.WaitingFor
	}
}

// kustomized says why a Kustomization does not vouch for what it applies. Being
// ready goes to unknown and back at every interval; only the state counts.
func kustomized(k *lean.Kustomization) string {
	st := k.Status
	switch {
	case k.Unreadable() != "":
		return "of the Kustomization, " + k.Unreadable()
	case k.DeletionTimestamp != nil:
		return "the Kustomization is being deleted"
	case k.Spec.Suspend:
		return "the Kustomization is suspended"
	}
	if why := reconciled("the Kustomization", k.Generation, st.ObservedGeneration, st.Conditions); why != "" {
		return why
	}
	healthy := meta.FindStatusCondition(st.Conditions, fluxHealthy)
	switch {
	case st.LastAppliedRevision == "" || st.LastAppliedRevision != st.LastAttemptedRevision:
		return "the Kustomization has not applied the revision that it attempted"
	case k.Spec.Wait && healthy == nil, healthy != nil && healthy.Status != metav1.ConditionTrue:
		return "the Kustomization's objects are not healthy"
	}
	return ""
}

// helmed says why a HelmRelease does not vouch for its workloads.
func helmed(h *lean.HelmRelease) string {
	st := h.Status
	switch {
	case h.Unreadable() != "":
		return "of the HelmRelease, " + h.Unreadable()
	case h.DeletionTimestamp != nil:
		return "the HelmRelease is being deleted"
	case h.Spec.Suspend:
		return "the HelmRelease is suspended"
	case meta.IsStatusConditionTrue(st.Conditions, fluxRemediated):
		return "the HelmRelease was remediated after a failure"
	}
	if why := reconciled("the HelmRelease", h.Generation, st.ObservedGeneration, st.Conditions); why != "" {
		return why
	}
	tested := meta.FindStatusCondition(st.Conditions, fluxTested)
	switch {
	case !isTrue(st.Conditions, fluxReleased):
		return "the HelmRelease is not released"
	case tested != nil && tested.Status != metav1.ConditionTrue, h.Spec.Test != nil && h.Spec.Test.Enable && tested == nil:
		return "the tests of the HelmRelease have not passed"
	}
	if latest := latestHelm(h); latest == nil || latest.Status != "deployed" {
		return "Helm has not deployed the latest release"
	}
	return ""
}

func latestHelm(h *lean.HelmRelease) *lean.HelmSnapshot {
	var latest *lean.HelmSnapshot
	for i := range h.Status.History {
		if s := &h.Status.History[i]; latest == nil || s.Version > latest.Version {
			latest = s
		}
	}
	return latest
}

// reconciled says why the conditions of a Flux object are not, or not yet, about
// its spec and good.
func reconciled(what string, generation, seen int64, all []metav1.Condition) string {
	ready := meta.FindStatusCondition(all, fluxReady)
	switch {
	case meta.IsStatusConditionTrue(all, fluxStalled):
		return what + " is stalled"
	case meta.IsStatusConditionTrue(all, fluxReconciling):
		return what + " is being reconciled"
	case seen != generation || ready != nil && ready.ObservedGeneration != generation:
		return "Flux has not seen the latest change of " + what
	case ready == nil || ready.Status == metav1.ConditionUnknown:
		return what + " is not ready yet"
	case ready.Status != metav1.ConditionTrue:
		return fmt.Sprintf("%s is not ready: %s", what, orUnknown(ready.Reason))
	}
	return ""
}

// applied reports whether an object is in the inventory, as NAMESPACE_NAME_GROUP_KIND.
func applied(k *lean.Kustomization, o Object) bool {
	id := o.Namespace + "_" + o.Name + "_" + o.Group + "_" + o.Kind
	return k.Status.Inventory != nil && slices.ContainsFunc(k.Status.Inventory.Entries, func(e lean.InventoryEntry) bool { return e.ID == id })
}

func sourceURL(ctx context.Context, f Finder, r lean.ObjectRef, ns string) (string, error) {
	if r.Namespace != "" {
		ns = r.Namespace
	}
	all, err := found[*lean.FluxSource](ctx, f, Ref{Kind: r.Kind, Namespace: ns, Name: r.Name})
	if err != nil || len(all) == 0 {
		return "", err
	}
	return all[0].Spec.URL, nil
}

var commit = regexp.MustCompile(`([0-9a-f]{64}|[0-9a-f]{40})$`)

// Commit reads the commit or digest out of a revision as Flux writes it, such as
// "main@sha1:3f9c…", "latest@sha256:…" or, before version 2, "main/3f9c…". What has
// none, a chart's version for example, is returned as it is.
func Commit(revision string) string {
	if c := commit.FindString(revision); c != "" {
		return c
	}
	return revision
}

func isTrue(all []metav1.Condition, kind string) bool { return meta.IsStatusConditionTrue(all, kind) }

// reasonOf is the engine's own word on how the last reconciliation ended.
func reasonOf(all []metav1.Condition) string {
	if c := meta.FindStatusCondition(all, fluxReady); c != nil {
		return c.Reason
	}
	return ""
}

// since is when the last reconciliation ended well; zero if it did not.
func since(all []metav1.Condition) time.Time {
	if c := meta.FindStatusCondition(all, fluxReady); c != nil && c.Status == metav1.ConditionTrue {
		return c.LastTransitionTime.Time
	}
	return time.Time{}
}
