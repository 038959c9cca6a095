package watch

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch/gitops"
	"github.com/rollcall-dev/rollcall/watch/lean"
)

const commit1 = "main@sha1:1111111111111111111111111111111111111111"

func condition(kind string, status metav1.ConditionStatus, generation int64) metav1.Condition {
	return metav1.Condition{Type: kind, Status: status, Reason: "Done", ObservedGeneration: generation, LastTransitionTime: *moment(20)}
}

// kustomization is one in shop that has applied these objects, of the group apps.
func kustomization(name string, applied ...string) *lean.Kustomization {
	k := &lean.Kustomization{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID("k-" + name), Generation: 1, CreationTimestamp: *moment(0)},
		Spec:       lean.KustomizationSpec{SourceRef: lean.ObjectRef{Kind: "GitRepository", Name: "git"}},
		Status: lean.KustomizationStatus{
			ObservedGeneration: 1, LastAppliedRevision: commit1, LastAttemptedRevision: commit1, Inventory: &lean.Inventory{},
			Conditions: []metav1.Condition{condition("Ready", metav1.ConditionTrue, 1)},
		},
	}
	for _, id := range applied {
		k.Status.Inventory.Entries = append(k.Status.Inventory.Entries, lean.InventoryEntry{ID: id})
	}
	return k
}

// helmRelease is one in shop that Helm has deployed, and that a Kustomization applied.
func helmRelease(name, parent string) *lean.HelmRelease {
	h := &lean.HelmRelease{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID("h-" + name), Generation: 1, CreationTimestamp: *moment(0)},
		Status: lean.HelmReleaseStatus{
			ObservedGeneration: 1, LastAttemptedRevision: "1.2.0", History: []lean.HelmSnapshot{{Name: name, Version: 3, Status: "deployed"}},
			Conditions: []metav1.Condition{condition("Ready", metav1.ConditionTrue, 1), condition("Released", metav1.ConditionTrue, 1)},
		},
	}
	if parent != "" {
		labelled("kustomize", parent, h)
	}
	return h
}

// labelled marks an object as Flux does what it applied.
func labelled[T metav1.Object](by, name string, o T) T {
	labels := maps.Clone(o.GetLabels())
	if labels == nil {
		labels = map[string]string{}
	}
	labels[by+".toolkit.fluxcd.io/name"], labels[by+".toolkit.fluxcd.io/namespace"] = name, "shop"
	o.SetLabels(labels)
	return o
}

// withFlux is a world in which Flux is installed, and rules are about these kinds.
func withFlux(t *testing.T, kinds ...string) *world {
	w := newWorld(t)
	for _, r := range []string{"kustomizations", "helmreleases", "gitrepositories"} {
		w.api.install(r)
	}
	w.api.put("gitrepositories", &lean.FluxSource{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "git"}, Spec: lean.FluxSourceSpec{URL: "https://git.example/shop.git"},
	})
	for _, k := range kinds {
		w.Follow([]release.KindRef{{Kind: k}})
	}
	return w
}

func TestAKustomizationThatChangesPokesItsDeployments(t *testing.T) {
	w := withFlux(t)
	w.ledger.record(settled(deployment("web", "web:1", "1"), "a"))
	k := kustomization("shop", "shop_web_apps_Deployment")
	k.Status.Conditions[0].Status = metav1.ConditionUnknown
	w.api.put("kustomizations", k)
	w.roll(labelled("kustomize", "shop", changed("web", "web:2", "2", 2)), "b")
	w.start(1)
	w.told("web 2 release .")
	require.Equal(t, "the Kustomization is not ready yet", w.ledger.snapshots()[0].WaitingFor)
	require.True(t, w.ledger.snapshots()[0].RolledOut)
	w.api.put("kustomizations", kustomization("shop", "shop_web_apps_Deployment"))
	w.told("web 2 release .", "web 2 release +")
	app := w.ledger.snapshots()[1].App
	require.Equal(t, "flux Kustomization shop/shop", app.Engine+" "+app.Kind+" "+app.Namespace+"/"+app.Name)
	require.Equal(t, "https://git.example/shop.git", app.RepoURL)
	require.Equal(t, strings.TrimPrefix(commit1, "main@sha1:"), app.Revision)
}

func TestADeploymentOfAHelmReleaseIsOfTheCommitOfItsKustomization(t *testing.T) {
	w := withFlux(t)
	w.ledger.record(settled(deployment("web", "web:1", "1"), "a"))
	w.api.put("helmreleases", helmRelease("chart", "shop"))
	k := kustomization("shop", "shop_chart_helm.toolkit.fluxcd.io_HelmRelease")
	k.Spec.Suspend = true
	w.api.put("kustomizations", k)
	w.roll(labelled("helm", "chart", changed("web", "web:2", "2", 2)), "b")
	w.start(1)
	w.told("web 2 release .")
	require.Equal(t, "the Kustomization is suspended", w.ledger.snapshots()[0].WaitingFor)

	// The Kustomization pokes what is of its HelmRelease.
	w.api.put("kustomizations", kustomization("shop", "shop_chart_helm.toolkit.fluxcd.io_HelmRelease"))
	w.told("web 2 release .", "web 2 release +")
	app := w.ledger.snapshots()[1].App
	require.Equal(t, "HelmRelease", app.Kind)
	require.Equal(t, "https://git.example/shop.git", app.RepoURL)
	require.Equal(t, []string{strings.TrimPrefix(commit1, "main@sha1:"), "1.2.0"}, app.Revisions)
}

func TestCopiedLabelsMakeNoOwner(t *testing.T) {
	w := withFlux(t)
	w.ledger.record(settled(deployment("web", "web:1", "1"), "a"))
	w.api.put("kustomizations", kustomization("shop", "shop_other_apps_Deployment"))
	w.roll(labelled("kustomize", "shop", changed("web", "web:2", "2", 2)), "b")
	w.start(1)
	w.told("web 2 release +")
	require.Empty(t, w.ledger.snapshots()[0].App.Engine)
}

func TestAKustomizationIsReleasedWithAllThatItApplied(t *testing.T) {
	w := withFlux(t, "Kustomization", "HelmRelease")
	w.roll(labelled("kustomize", "shop", changed("web", "web:1", "1", 1)), "a")
	w.revise(labelled("helm", "chart", statefulSet("db", "db:1", "a", 1)), "a", 1, 0)
	w.api.put("helmreleases", helmRelease("chart", "shop"))
	all := []string{"shop_web_apps_Deployment", "shop_web__Service", "garbage", "shop_chart_helm.toolkit.fluxcd.io_HelmRelease"}
	w.api.put("kustomizations", kustomization("shop", all...))
	w.start(1)
	w.tells("Kustomization", "shop initial 0")
	w.tells("HelmRelease", "chart initial 0")

	// Another commit, and a reconciliation, and nothing of the workloads.
	k := kustomization("shop", all...)
	k.Status.Conditions[0].Status = metav1.ConditionUnknown
	w.api.put("kustomizations", k)
	w.shows("Kustomization", "shop")
	k = kustomization("shop", all...)
	k.Status.LastAppliedRevision = strings.ReplaceAll(commit1, "1", "2")
	k.Status.LastAttemptedRevision = k.Status.LastAppliedRevision
	w.api.put("kustomizations", k)
	w.shows("Kustomization", "shop")
	w.tells("Kustomization", "shop initial 0")

	// A change of what its HelmRelease deployed is one of both.
	w.revise(labelled("helm", "chart", statefulSet("db", "db:2", "b", 2)), "b", 2, 10)
	w.tells("HelmRelease", "chart initial 0", "chart release +")
	w.tells("Kustomization", "shop initial 0", "shop release +")
	got := w.ledger.snapshots()
	last := got[slices.IndexFunc(got, func(s release.Snapshot) bool { return s.Release.Subject.Kind == "Kustomization" && !s.Baseline })]
	require.Equal(t, []string{"db:2", "web:1"}, last.Release.Template.Images)
	require.Equal(t, "Kustomization", last.App.Kind)
}

func TestAKustomizationThatAppliedNothingToRunIsNeverReleased(t *testing.T) {
	w := withFlux(t, "Kustomization")
	w.api.put("kustomizations", kustomization("shop", "shop_web__Service"))
	bare := kustomization("bare")
	bare.Status.Inventory = nil
	w.api.put("kustomizations", bare)
	w.start(1)
	for _, name := range []string{"shop", "bare"} {
		w.shows("Kustomization", name)
	}
	require.True(t, eventually(func() bool { return w.queue.Len() == 0 }))
	require.Empty(t, w.ledger.told())
}

func TestHelmReleasesThatApplyEachOtherHangNothing(t *testing.T) {
	w := withFlux(t, "Kustomization", "HelmRelease")
	// Somebody labelled a HelmRelease as if it belonged to one that belongs to it.
	one, two := helmRelease("one", ""), helmRelease("two", "")
	w.api.put("helmreleases", labelled("helm", "two", one))
	w.api.put("helmreleases", labelled("helm", "one", two))
	w.ledger.record(settled(deployment("web", "web:1", "1"), "a"))
	w.roll(labelled("helm", "one", changed("web", "web:2", "2", 2)), "b")
	w.start(1)
	w.tells("Deployment", "web release +")
}

func TestFindersKeepNamespacesApart(t *testing.T) {
	w := withFlux(t)
	theirs := kustomization("shop")
	theirs.Namespace = "another"
	w.api.put("kustomizations", theirs)
	w.api.put("kustomizations", kustomization("shop"))
	w.start(0)
	w.caughtUp()
	for _, f := range []gitops.Finder{cachedFinder{w.Watcher}, liveFinder{w.Watcher}} {
		for ns, want := range map[string]int{"shop": 1, "another": 1, "third": 0, "": 2} {
			got, err := f.Find(t.Context(), gitops.Ref{Kind: "Kustomization", Namespace: ns, Name: "shop"})
			require.NoError(t, err)
			require.Len(t, got, want, "%T %s", f, ns)
		}
	}
	got, err := cachedFinder{w.Watcher}.Find(t.Context(), gitops.Ref{Kind: "GitRepository", Namespace: "shop", Name: "git"})
	require.NoError(t, err)
	require.Empty(t, got, "nothing is judged by a source")
	_, err = liveFinder{w.Watcher}.Find(t.Context(), gitops.Ref{Kind: "Secret", Name: "x"})
	require.EqualError(t, err, "Secret is no kind of an engine that is known")
}
