package gitops

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rollcall-dev/rollcall/watch/lean"
)

// things finds among these objects, and fails for a kind that is broken.
type things struct {
	all    []runtime.Object
	broken string
}

var _ Finder = (*things)(nil)

func (f *things) Find(_ context.Context, r Ref) ([]runtime.Object, error) {
	if r.Kind == f.broken {
		return nil, errors.New("no answer")
	}
	var out []runtime.Object
	for _, o := range f.all {
		m, ok := o.(metav1.Object)
		if ok && o.GetObjectKind().GroupVersionKind().Kind == r.Kind && m.GetName() == r.Name && (r.Namespace == "" || m.GetNamespace() == r.Namespace) {
			out = append(out, o)
		}
	}
	return out, nil
}

const sha = "1111111111111111111111111111111111111111"

func condition(kind string, status metav1.ConditionStatus, generation int64) metav1.Condition {
	return metav1.Condition{Type: kind, Status: status, Reason: "Some", ObservedGeneration: generation, LastTransitionTime: *moment(20)}
}

// kustomization is one that vouches for the Deployment web and the HelmRelease chart.
func kustomization() *lean.Kustomization {
	return &lean.Kustomization{
		TypeMeta:   metav1.TypeMeta{Kind: "Kustomization"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "flux", Name: "shop", Generation: 4, Annotations: map[string]string{"team": "shop"}},
		Spec:       lean.KustomizationSpec{SourceRef: lean.ObjectRef{Kind: "GitRepository", Name: "git"}},
		Status: lean.KustomizationStatus{
			ObservedGeneration: 4, LastAppliedRevision: "main@sha1:" + sha, LastAttemptedRevision: "main@sha1:" + sha,
			Inventory:  &lean.Inventory{Entries: []lean.InventoryEntry{{ID: "shop_web_apps_Deployment"}, {ID: "shop_chart_helm.toolkit.fluxcd.io_HelmRelease"}}},
			Conditions: []metav1.Condition{condition("Ready", metav1.ConditionTrue, 4)},
		},
	}
}

func helmRelease() *lean.HelmRelease {
	return &lean.HelmRelease{
		TypeMeta:   metav1.TypeMeta{Kind: "HelmRelease"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "chart", Generation: 4},
		Status: lean.HelmReleaseStatus{
			ObservedGeneration: 4, LastAttemptedRevision: "1.2.0",
			History:    []lean.HelmSnapshot{{Version: 2, Status: "superseded"}, {Version: 3, Status: "deployed"}},
			Conditions: []metav1.Condition{condition("Ready", metav1.ConditionTrue, 4), condition("Released", metav1.ConditionTrue, 4)},
		},
	}
}

func gitRepository() *lean.FluxSource {
	return &lean.FluxSource{
		TypeMeta:   metav1.TypeMeta{Kind: "GitRepository"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "flux", Name: "git"}, Spec: lean.FluxSourceSpec{URL: "https://git.example/shop.git"},
	}
}

// byFlux is the Deployment, marked as applied by these.
func byFlux(helm, kustomize bool) Object {
	o := web("web:1")
	if helm {
		o.Labels[helmLabel+"name"], o.Labels[helmLabel+"namespace"] = "chart", "shop"
	}
	if kustomize {
		o.Labels[kustomizeLabel+"name"], o.Labels[kustomizeLabel+"namespace"] = "shop", "flux"
	}
	return o
}

// set changes, or adds, a condition.
func set(all *[]metav1.Condition, c metav1.Condition) {
	for i := range *all {
		if (*all)[i].Type == c.Type {
			(*all)[i] = c
			return
		}
	}
	*all = append(*all, c)
}

// reconciliations are the clauses that both kinds of Flux's objects have.
func reconciliations(what string) []struct {
	name   string
	change func(generation *int64, all *[]metav1.Condition)
	want   string
} {
	return []struct {
		name   string
		change func(generation *int64, all *[]metav1.Condition)
		want   string
	}{
		{"one that vouches", func(*int64, *[]metav1.Condition) {}, ""},
		{"stalled", func(_ *int64, all *[]metav1.Condition) { set(all, condition("Stalled", metav1.ConditionTrue, 4)) }, what + " is stalled"},
		{"no more stalled", func(_ *int64, all *[]metav1.Condition) { set(all, condition("Stalled", metav1.ConditionFalse, 4)) }, ""},
		{"reconciling", func(_ *int64, all *[]metav1.Condition) { set(all, condition("Reconciling", metav1.ConditionTrue, 4)) }, what + " is being reconciled"},
		{"not observed", func(seen *int64, _ *[]metav1.Condition) { *seen = 3 }, "Flux has not seen the latest change of " + what},
		{"never observed", func(seen *int64, _ *[]metav1.Condition) { *seen = -1 }, "Flux has not seen the latest change of " + what},
		{"ready, of the spec before", func(_ *int64, all *[]metav1.Condition) { set(all, condition("Ready", metav1.ConditionTrue, 3)) }, "Flux has not seen the latest change of " + what},
		{"no word on being ready", func(_ *int64, all *[]metav1.Condition) { (*all)[0].Type = "Other" }, what + " is not ready yet"},
		{"at an interval", func(_ *int64, all *[]metav1.Condition) { set(all, condition("Ready", metav1.ConditionUnknown, 4)) }, what + " is not ready yet"},
		{"not ready", func(_ *int64, all *[]metav1.Condition) { set(all, condition("Ready", metav1.ConditionFalse, 4)) }, what + " is not ready: Some"},
		{"not ready, without a reason", func(_ *int64, all *[]metav1.Condition) {
			set(all, metav1.Condition{Type: "Ready", Status: metav1.ConditionFalse, ObservedGeneration: 4})
		}, what + " is not ready: of unknown state"},
	}
}

func TestEachClauseOfAKustomizationIsNeeded(t *testing.T) {
	now := metav1.Now()
	type clause struct {
		name   string
		change func(k *lean.Kustomization)
		want   string
	}
	all := []clause{
		{"a spec that cannot be read", func(k *lean.Kustomization) { k.Spec.Unreadable = "it cannot be read" }, "of the Kustomization, it cannot be read"},
		{"a status that cannot be read", func(k *lean.Kustomization) { k.Status.Unreadable = "it cannot be read" }, "of the Kustomization, it cannot be read"},
		{"being deleted", func(k *lean.Kustomization) { k.DeletionTimestamp = &now }, "the Kustomization is being deleted"},
		{"suspended", func(k *lean.Kustomization) { k.Spec.Suspend = true }, "the Kustomization is suspended"},
		{"nothing applied", func(k *lean.Kustomization) { k.Status.LastAppliedRevision = "" }, "the Kustomization has not applied the revision that it attempted"},
		{"nothing applied or attempted", func(k *lean.Kustomization) {
			k.Status.LastAppliedRevision, k.Status.LastAttemptedRevision = "", ""
		}, "the Kustomization has not applied the revision that it attempted"},
		{"another revision attempted", func(k *lean.Kustomization) { k.Status.LastAttemptedRevision = "main@sha1:2" }, "the Kustomization has not applied the revision that it attempted"},
		{"waiting for health", func(k *lean.Kustomization) { k.Spec.Wait = true }, "the Kustomization's objects are not healthy"},
		{"unhealthy", func(k *lean.Kustomization) {
			set(&k.Status.Conditions, condition("Healthy", metav1.ConditionFalse, 4))
		}, "the Kustomization's objects are not healthy"},
		{"of unknown health", func(k *lean.Kustomization) {
			set(&k.Status.Conditions, condition("Healthy", metav1.ConditionUnknown, 4))
		}, "the Kustomization's objects are not healthy"},
		{"healthy", func(k *lean.Kustomization) {
			k.Spec.Wait = true
			set(&k.Status.Conditions, condition("Healthy", metav1.ConditionTrue, 4))
		}, ""},
	}
	for _, c := range reconciliations("the Kustomization") {
		all = append(all, clause{c.name, func(k *lean.Kustomization) { c.change(&k.Status.ObservedGeneration, &k.Status.Conditions) }, c.want})
	}
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			k := kustomization()
			c.change(k)
			f := &things{all: []runtime.Object{k, gitRepository()}}
			got, err := Settings{}.Judge(t.Context(), f, byFlux(false, true))
			require.NoError(t, err)
			require.Equal(t, c.want, got.WaitingFor)
			require.Equal(t, c.want == "", got.Ready)
			require.Equal(t, "flux Kustomization flux/shop", got.Engine+" "+got.Kind+" "+got.Namespace+"/"+got.Name)
			whole, err := Flux(t.Context(), f, Ref{Kind: "Kustomization", Namespace: "flux", Name: "shop"})
			require.NoError(t, err)
			require.Equal(t, c.want, whole.WaitingFor)
		})
	}
}

func TestEachClauseOfAHelmReleaseIsNeeded(t *testing.T) {
	now := metav1.Now()
	type clause struct {
		name   string
		change func(h *lean.HelmRelease)
		want   string
	}
	all := []clause{
		{"a spec that cannot be read", func(h *lean.HelmRelease) { h.Spec.Unreadable = "it cannot be read" }, "of the HelmRelease, it cannot be read"},
		{"a status that cannot be read", func(h *lean.HelmRelease) { h.Status.Unreadable = "it cannot be read" }, "of the HelmRelease, it cannot be read"},
		{"being deleted", func(h *lean.HelmRelease) { h.DeletionTimestamp = &now }, "the HelmRelease is being deleted"},
		{"suspended", func(h *lean.HelmRelease) { h.Spec.Suspend = true }, "the HelmRelease is suspended"},
		{"remediated", func(h *lean.HelmRelease) {
			set(&h.Status.Conditions, condition("Remediated", metav1.ConditionTrue, 4))
		}, "the HelmRelease was remediated after a failure"},
		{"not released", func(h *lean.HelmRelease) {
			set(&h.Status.Conditions, condition("Released", metav1.ConditionFalse, 4))
		}, "the HelmRelease is not released"},
		{"never released", func(h *lean.HelmRelease) { h.Status.Conditions = h.Status.Conditions[:1] }, "the HelmRelease is not released"},
		{"tests under way", func(h *lean.HelmRelease) {
			set(&h.Status.Conditions, condition("TestSuccess", metav1.ConditionUnknown, 4))
		}, "the tests of the HelmRelease have not passed"},
		{"tests failed", func(h *lean.HelmRelease) {
			set(&h.Status.Conditions, condition("TestSuccess", metav1.ConditionFalse, 4))
		}, "the tests of the HelmRelease have not passed"},
		{"tests not begun", func(h *lean.HelmRelease) { h.Spec.Test = &lean.HelmTest{Enable: true} }, "the tests of the HelmRelease have not passed"},
		{"tests that are not enabled", func(h *lean.HelmRelease) { h.Spec.Test = &lean.HelmTest{} }, ""},
		{"tests passed", func(h *lean.HelmRelease) {
			h.Spec.Test = &lean.HelmTest{Enable: true}
			set(&h.Status.Conditions, condition("TestSuccess", metav1.ConditionTrue, 4))
		}, ""},
		{"no history", func(h *lean.HelmRelease) { h.Status.History = nil }, "Helm has not deployed the latest release"},
		{"the latest is pending, in any order", func(h *lean.HelmRelease) {
			h.Status.History = []lean.HelmSnapshot{{Version: 4, Status: "pending-upgrade"}, {Version: 3, Status: "deployed"}}
		}, "Helm has not deployed the latest release"},
		{"the latest failed", func(h *lean.HelmRelease) { h.Status.History[1].Status = "failed" }, "Helm has not deployed the latest release"},
	}
	for _, c := range reconciliations("the HelmRelease") {
		all = append(all, clause{c.name, func(h *lean.HelmRelease) { c.change(&h.Status.ObservedGeneration, &h.Status.Conditions) }, c.want})
	}
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			h := helmRelease()
			c.change(h)
			got, err := Settings{}.Judge(t.Context(), &things{all: []runtime.Object{h}}, byFlux(true, false))
			require.NoError(t, err)
			require.Equal(t, c.want, got.WaitingFor)
			require.Equal(t, c.want == "", got.Ready)
			require.Equal(t, "flux HelmRelease shop/chart", got.Engine+" "+got.Kind+" "+got.Namespace+"/"+got.Name)
		})
	}
}
