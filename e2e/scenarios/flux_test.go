package scenarios

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rollcall-dev/rollcall/e2e/lab"
)

// fluxed is a stage whose Deployments come from one Git repository through Flux,
// each by a Kustomization of its own name.
type fluxed struct {
	*stage
	repo *lab.Repo
}

func newFluxed(t *testing.T, ns string, all map[string]bool) *fluxed {
	t.Helper()
	f := &fluxed{stage: newStage(t, ns, time.Second)}
	var err error
	f.repo, err = lab.NewRepo(t.TempDir())
	require.NoError(t, err)
	url, err := cluster.GitURL(f.repo)
	require.NoError(t, err)
	for name := range all {
		f.write(name, "app:1")
	}
	f.commit("first")
	for name, wait := range all {
		require.NoError(t, cluster.CreateKustomization(t.Context(), lab.Kustomization{
			Namespace: ns, Name: name, URL: url, Path: "./" + name, Wait: wait, Interval: 4 * time.Second,
		}))
	}
	for name := range all {
		f.ready(name, "app:1")
		f.applied(name, "")
	}
	// What Flux applied goes with the namespace; Flux must not bring it back.
	f.afterwards(func(ctx context.Context) {
		for _, gvr := range []schema.GroupVersionResource{lab.KustomizationResource(), lab.GitRepositoryResource()} {
			_ = cluster.Dynamic().Resource(gvr).Namespace(ns).DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{})
		}
	})
	return f
}

// write writes a Deployment's manifest into its folder.
func (f *fluxed) write(name, image string) {
	f.Helper()
	d := deployment{name: name, image: image, replicas: 2, after: 2 * time.Second}
	manifest, _, _ := strings.Cut(d.yaml(f.ns), "---")
	require.NoError(f, f.repo.Write(name+"/deployment.yaml", manifest))
}

// commit commits what was written, and has Flux look at Git.
func (f *fluxed) commit(message string) (sha string) {
	f.Helper()
	sha, err := f.repo.Commit(message)
	require.NoError(f, err)
	list, err := cluster.Dynamic().Resource(lab.GitRepositoryResource()).Namespace(f.ns).List(f.Context(), metav1.ListOptions{})
	require.NoError(f, err)
	for _, o := range list.Items {
		require.NoError(f, cluster.ReconcileFlux(f.Context(), lab.GitRepositoryResource(), f.ns, o.GetName()))
	}
	return sha
}

// applied waits until a Kustomization is ready at a commit; at any if it is empty.
func (f *fluxed) applied(name, sha string) {
	f.Helper()
	f.eventually(name+" is applied at "+sha, func() bool {
		k := f.seen.kustomization(name, 1<<62)
		return k != nil && vouches(k) && strings.HasSuffix(appliedRevision(k), sha)
	})
}

// kustomization returns the last state of a Kustomization before a resource version.
func (r *recorder) kustomization(name string, v int) *unstructured.Unstructured {
	r.mu.Lock()
	defer r.mu.Unlock()
	return lastBefore(r.kustomizations, v, func(o *unstructured.Unstructured) bool { return o.GetName() == name })
}

// reconciled counts the states of all Kustomizations.
func (r *recorder) reconciled() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.kustomizations)
}

func appliedRevision(k *unstructured.Unstructured) string {
	v, _, _ := unstructured.NestedString(k.Object, "status", "lastAppliedRevision")
	return v
}

// vouches reports whether a Kustomization says that what it names last is applied,
// and ready if it waits for that.
func vouches(k *unstructured.Unstructured) bool {
	conditions, _, _ := unstructured.NestedSlice(k.Object, "status", "conditions")
	for _, c := range conditions {
		if m, ok := c.(map[string]any); ok && m["type"] == "Ready" {
			return m["status"] == "True" && m["observedGeneration"] == k.GetGeneration()
		}
	}
	return false
}

// firedBy is fired, and asserts that Flux had vouched for the commit before.
func (f *fluxed) firedBy(name, sha string, n int) {
	f.Helper()
	f.fired(name, n)
	w := f.seen.startedFor(name)[n-1]
	require.Equal(f, sha, parameter(w, "revision"))
	require.Equal(f, name, parameter(w, "app"))
	require.True(f, f.seen.vouched(name, sha, version(w)), "no state of the Kustomization before the Workflow says that %s is applied", sha)
}

// vouched reports whether a Kustomization said before a resource version that a
// commit is applied. It need not say so still: Flux reconciles again and again.
func (r *recorder) vouched(name, sha string, v int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.kustomizations, func(k *unstructured.Unstructured) bool {
		return k.GetName() == name && version(k) < v && vouches(k) && appliedRevision(k) == "main@sha1:"+sha
	})
}

func TestACommitThroughFluxIsAnnouncedOnce(t *testing.T) {
	t.Parallel()
	f := newFluxed(t, "flux", map[string]bool{"waits": true, "applies": false})
	f.rules(f.smokeRules())
	f.start()
	f.eventually("baselines are written", func() bool { return len(latest(t, f.ns)) == 2 })

	f.write("waits", "app:2")
	f.write("applies", "app:2")
	sha := f.commit("release app:2")
	f.firedBy("applies", sha, 1)
	f.firedBy("waits", sha, 1)
	for _, r := range latest(t, f.ns) {
		if r.Spec.Sequence == 2 {
			require.Equal(t, sha, r.Status.GitOps.Revision, r.Name)
			require.Equal(t, r.Spec.Subject.Name, r.Status.GitOps.Name)
		}
	}

	require.NoError(t, f.repo.Write("README.md", "nothing to deploy\n"))
	unrelated := f.commit("say something")
	f.applied("waits", unrelated)
	f.applied("applies", unrelated)
	seen := f.seen.reconciled()
	f.eventually("Flux reconciles for no reason", func() bool { return f.seen.reconciled() > seen+6 })
	f.quiet()
	require.Len(t, f.seen.started(), 2)

	f.suspend("applies", true)
	f.patch("applies", `{"spec":{"template":{"spec":{"containers":[{"name":"main","image":"app:9"}]}}}}`)
	f.ready("applies", "app:9")
	f.quiet()
	require.Len(t, f.seen.started(), 2, "nobody vouches for what was changed behind Flux's back")
	f.suspend("applies", false)
	f.ready("applies", "app:2")
	f.quiet()
	require.Len(t, f.seen.started(), 2, "what comes back had been announced")
}

func (f *fluxed) suspend(name string, yes bool) {
	f.Helper()
	patch := []byte(`{"spec":{"suspend":false}}`)
	if yes {
		patch = []byte(`{"spec":{"suspend":true}}`)
	}
	_, err := cluster.Dynamic().Resource(lab.KustomizationResource()).Namespace(f.ns).
		Patch(f.Context(), name, types.MergePatchType, patch, metav1.PatchOptions{})
	require.NoError(f, err)
}
