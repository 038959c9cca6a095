package gitops

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch/lean"
)

// applied is the HelmRelease as its Kustomization marks it.
func chained() *lean.HelmRelease {
	h := helmRelease()
	h.Labels = map[string]string{kustomizeLabel + "name": "shop", kustomizeLabel + "namespace": "flux"}
	return h
}

func TestTheChainFromADeploymentToItsRepository(t *testing.T) {
	f := &things{all: []runtime.Object{chained(), kustomization(), gitRepository()}}
	got, err := Settings{}.Judge(t.Context(), f, byFlux(true, false))
	require.NoError(t, err)
	require.Equal(t, release.App{
		Engine: "flux", Kind: "HelmRelease", Namespace: "shop", Name: "chart", RepoURL: "https://git.example/shop.git",
		Revision: sha, Revisions: []string{sha, "1.2.0"}, Operation: "Some",
		Synced: true, Healthy: true, Ready: true, SyncFinishedAt: epoch.Add(20 * time.Second),
	}, got)

	got, err = Settings{}.Judge(t.Context(), f, byFlux(false, true))
	require.NoError(t, err)
	require.Equal(t, release.App{
		Engine: "flux", Kind: "Kustomization", Namespace: "flux", Name: "shop", RepoURL: "https://git.example/shop.git",
		Revision: sha, Operation: "Some", Synced: true, Healthy: true, Ready: true, SyncFinishedAt: epoch.Add(20 * time.Second),
		Annotations: map[string]string{"team": "shop"},
	}, got)
}

func TestWhoIsAskedInTheChain(t *testing.T) {
	both := byFlux(true, true)
	suspended := kustomization()
	suspended.Spec.Suspend = true
	elsewhere := kustomization()
	elsewhere.Spec.KubeConfig = &lean.Present{}
	remote := chained()
	remote.Spec.KubeConfig = &lean.Present{}
	unlisted := kustomization()
	unlisted.Status.Inventory = nil
	hydrated := kustomization()
	hydrated.Status.LastAppliedOriginRevision = "main@sha1:" + strings.Repeat("2", 40)
	for _, c := range []struct {
		name string
		o    Object
		all  []runtime.Object
		kind string // empty if nobody owns it
		want string
	}{
		{"nobody", web(), nil, "", ""},
		{"labels, and nobody there", both, nil, "", ""},
		{"the nearest", both, []runtime.Object{chained(), kustomization()}, "HelmRelease", ""},
		{"the next, if the nearest is not there", both, []runtime.Object{kustomization()}, "Kustomization", ""},
		{"the next, if the nearest is for another cluster", both, []runtime.Object{remote, kustomization()}, "Kustomization", ""},
		{"nobody, if all are for another cluster", both, []runtime.Object{remote, elsewhere}, "", ""},
		{"a HelmRelease whose Kustomization is suspended", byFlux(true, false), []runtime.Object{chained(), suspended}, "HelmRelease", "the Kustomization is suspended"},
		{"a HelmRelease whose Kustomization is gone", byFlux(true, false), []runtime.Object{chained()}, "HelmRelease", ""},
		{"a HelmRelease that its Kustomization did not apply", byFlux(true, false), []runtime.Object{chained(), unlisted}, "HelmRelease", ""},
		{"labels that were copied", byFlux(false, true), []runtime.Object{unlisted}, "", ""},
		{"what is not listed yet", byFlux(false, true), []runtime.Object{pending(unlisted)}, "Kustomization", "the Kustomization is not ready yet, and does not list the Deployment"},
		{"a hydrated commit", byFlux(false, true), []runtime.Object{hydrated}, "Kustomization", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Settings{}.Judge(t.Context(), &things{all: c.all}, c.o)
			require.NoError(t, err)
			require.Equal(t, c.kind, got.Kind)
			require.Equal(t, c.want, got.WaitingFor)
			require.Equal(t, c.want == "", got.Ready)
			if c.name == "a hydrated commit" {
				require.Equal(t, strings.Repeat("2", 40), got.Source)
			}
		})
	}
}

func pending(k *lean.Kustomization) *lean.Kustomization {
	k = k.DeepCopy()
	k.Status.Conditions[0].Status = metav1.ConditionUnknown
	return k
}

func TestHalfALabelIsNoClaim(t *testing.T) {
	for _, labels := range []map[string]string{
		nil, {helmLabel + "name": "chart"}, {helmLabel + "namespace": "shop"}, {helmLabel + "name": "", helmLabel + "namespace": "shop"},
	} {
		require.Empty(t, fluxClaims(labels))
	}
	require.Equal(t, []Ref{{"HelmRelease", "shop", "chart"}, {"Kustomization", "flux", "shop"}}, fluxClaims(byFlux(true, true).Labels))
}

// A HelmRelease that is said to belong to a HelmRelease is not asked for it, so
// that a circle of them has an end.
func TestACircleOfHelmReleasesHasAnEnd(t *testing.T) {
	h := chained()
	h.Labels[helmLabel+"name"], h.Labels[helmLabel+"namespace"] = "chart", "shop"
	k := kustomization()
	k.Labels = map[string]string{kustomizeLabel + "name": "shop", kustomizeLabel + "namespace": "flux"}
	got, err := Settings{}.Judge(t.Context(), &things{all: []runtime.Object{h, k}}, byFlux(true, true))
	require.NoError(t, err)
	require.True(t, got.Ready, got.WaitingFor)
}

func TestWhatCannotBeFoundIsAnError(t *testing.T) {
	all := []runtime.Object{chained(), kustomization(), gitRepository()}
	for _, kind := range []string{"HelmRelease", "Kustomization", "GitRepository", "Application"} {
		o := byFlux(true, true)
		o.Labels[instanceLabel] = "shop"
		_, err := Settings{}.Judge(t.Context(), &things{all: all, broken: kind}, o)
		require.ErrorContains(t, err, "find "+kind+" ")
		require.ErrorContains(t, err, "no answer")
	}
}

func TestASourceMayBeInAnotherNamespaceOrNowhere(t *testing.T) {
	k := kustomization()
	k.Spec.SourceRef.Namespace = "sources"
	there := gitRepository()
	there.Namespace = "sources"
	got, err := Settings{}.Judge(t.Context(), &things{all: []runtime.Object{k, there}}, byFlux(false, true))
	require.NoError(t, err)
	require.Equal(t, "https://git.example/shop.git", got.RepoURL)
	got, err = Settings{}.Judge(t.Context(), &things{all: []runtime.Object{k}}, byFlux(false, true))
	require.NoError(t, err)
	require.Empty(t, got.RepoURL)
	require.True(t, got.Ready)
}

func TestTheCommitOfARevision(t *testing.T) {
	digest := strings.Repeat("0a", 32)
	for revision, want := range map[string]string{
		"": "", "1.2.0": "1.2.0", "1.2.0+0a0a0a0a0a0a": "1.2.0+0a0a0a0a0a0a", "main@sha1:" + sha: sha, "main/" + sha: sha, sha: sha,
		"latest@sha256:" + digest: digest, "sha256:" + digest: digest, "main@sha1:" + sha + "/x": "main@sha1:" + sha + "/x",
	} {
		require.Equal(t, want, Commit(revision), revision)
	}
}

func TestReadyCountsOnlyWhenItIsTrue(t *testing.T) {
	k := kustomization()
	k.Status.Conditions[0].Status = metav1.ConditionFalse
	got, err := Settings{}.Judge(t.Context(), &things{all: []runtime.Object{k}}, byFlux(false, true))
	require.NoError(t, err)
	require.Zero(t, got.SyncFinishedAt)
	require.False(t, got.Healthy)
	k.Status.Conditions = nil
	got, err = Settings{}.Judge(t.Context(), &things{all: []runtime.Object{k}}, byFlux(false, true))
	require.NoError(t, err)
	require.Empty(t, got.Operation)
}
