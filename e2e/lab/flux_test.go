package lab_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rollcall-dev/rollcall/e2e/lab"
)

// kustomizationApplies is a part of TestLab.
func kustomizationApplies(t *testing.T, l *lab.Lab) {
	repo, err := lab.NewRepo(filepath.Join(t.TempDir(), "shop"))
	require.NoError(t, err)
	url, err := l.GitURL(repo)
	require.NoError(t, err)
	require.NoError(t, l.Apply(t.Context(), []byte("{apiVersion: v1, kind: Namespace, metadata: {name: flux-shop}}")))
	k := lab.Kustomization{Namespace: "flux-shop", Name: "shop", URL: url, Path: "./deploy", Wait: true}
	for i, after := range []string{"0s", "1s"} {
		require.NoError(t, repo.Write("deploy/app.yaml", fill(deployment, "catalog", after)))
		sha, err := repo.Commit("deploy catalog")
		require.NoError(t, err)
		start := time.Now()
		if i == 0 {
			require.NoError(t, l.CreateKustomization(t.Context(), k))
		} else {
			require.NoError(t, l.ReconcileFlux(t.Context(), lab.GitRepositoryResource(), k.Namespace, k.Name))
		}
		var last *unstructured.Unstructured
		require.Eventually(t, func() bool {
			last, err = l.Dynamic().Resource(lab.KustomizationResource()).Namespace(k.Namespace).Get(t.Context(), k.Name, metav1.GetOptions{})
			return err == nil && text(last, "status", "lastAppliedRevision") == "main@sha1:"+sha
		}, 30*time.Second, 20*time.Millisecond, "%v", last)
		t.Logf("commit %d applied and waited for: %s", i+1, time.Since(start).Round(time.Millisecond))
		awaitDeployment(t, l, k.Namespace, "catalog")
	}
}
