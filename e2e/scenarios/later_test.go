package scenarios

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rollcall-dev/rollcall/e2e/lab"
	"github.com/rollcall-dev/rollcall/e2e/parts"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// A cluster of its own, which has neither Argo CD nor Argo Workflows at first. Of
// Argo CD only the definition comes, and an Application that was never synced.
func TestArgoCDThatIsInstalledLaterIsListenedTo(t *testing.T) {
	ctx := t.Context()
	bare, err := lab.Start(ctx, lab.Options{NoArgoCD: true, NoFlux: true, NoArgoWorkflows: true, NoJaeger: true, Progress: io.Discard})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, bare.Stop()) })
	account, err := bare.InstallRollcall(ctx)
	require.NoError(t, err)
	address, err := bare.FreeAddress()
	require.NoError(t, err)
	program, err := bare.StartRollcall(lab.RollcallOptions{Binary: binary, Listen: address, Args: []string{
		"run", "--kubeconfig=" + account, "--cluster=bare", "--config-namespace=" + lab.RollcallNamespace,
		"--leader-election-namespace=" + lab.RollcallNamespace, "--identity=rollcall-0", "--log-level=debug",
	}})
	require.NoError(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			program.Dump(os.Stderr)
		}
	})
	require.NoError(t, program.WaitReady(ctx), "rollcall starts without Argo CD")
	phase := func(name string) string { return phaseOf(t, bare, name) }

	web := deployment{name: "web", image: "web:1", replicas: 1}
	require.NoError(t, bare.Apply(ctx, []byte(web.yaml(metav1.NamespaceDefault))))
	require.Eventually(t, func() bool { return phase("web") == "Ready" }, patience, 50*time.Millisecond)

	built, err := parts.Build(ctx, "", io.Discard, parts.ArgoCD)
	require.NoError(t, err)
	crd, err := os.ReadFile(filepath.Join(built.Manifests(parts.ManifestsArgoCDCRDs), "application-crd.yaml"))
	require.NoError(t, err)
	require.NoError(t, bare.Apply(ctx, crd))
	_, err = bare.Client().CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: lab.ArgoCDNamespace}}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.NoError(t, bare.CreateApplication(ctx, lab.Application{Name: "shop", RepoURL: "https://git.example.com/shop", Namespace: metav1.NamespaceDefault}))

	owned := deployment{name: "owned", image: "owned:1", replicas: 1}
	mark := "namespace: default, annotations: {argocd.argoproj.io/tracking-id: 'shop:apps/Deployment:default/owned'}}\nspec:\n  replicas"
	manifest := strings.Replace(owned.yaml(metav1.NamespaceDefault), "namespace: default}\nspec:\n  replicas", mark, 1)
	require.Contains(t, manifest, "tracking-id")
	require.NoError(t, bare.Apply(ctx, []byte(manifest)))
	require.Eventually(t, func() bool { return strings.HasPrefix(phase("owned"), "Rolling: the Application was never synced") },
		patience, 50*time.Millisecond, "the owner has a say, and the record tells what it is")
}

// phaseOf is how far the newest release of a Deployment is, and what it waits for.
func phaseOf(t *testing.T, l *lab.Lab, name string) string {
	t.Helper()
	list, err := l.Dynamic().Resource(releasesResource).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	for _, o := range list.Items {
		var rec v1alpha1.Release
		require.NoError(t, runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &rec))
		if rec.Spec.Subject.Name == name {
			return strings.TrimSuffix(fmt.Sprintf("%s: %s", rec.Status.Phase, rec.Status.WaitingFor), ": ")
		}
	}
	return ""
}
