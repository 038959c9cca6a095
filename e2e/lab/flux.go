package lab

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/rollcall-dev/rollcall/e2e/parts"
)

// FluxNamespace is where Flux's controllers think that they run; its objects may
// be in any namespace.
const FluxNamespace = "flux-system"

// KustomizationResource is the resource of Flux's Kustomizations, for Dynamic.
func KustomizationResource() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "kustomize.toolkit.fluxcd.io", Version: "v1", Resource: "kustomizations"}
}

// GitRepositoryResource is the resource of Flux's GitRepositories, for Dynamic.
func GitRepositoryResource() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "source.toolkit.fluxcd.io", Version: "v1", Resource: "gitrepositories"}
}

// startFlux starts Flux's source-controller and kustomize-controller.
func (l *Lab) startFlux(ctx context.Context) error {
	if err := l.applyNamespace(ctx, FluxNamespace); err != nil {
		return err
	}
	for _, name := range []string{parts.ManifestsFluxSource, parts.ManifestsFluxKustomize} {
		if err := l.applyFiles(ctx, "", filepath.Join(l.binaries.Manifests(name), "*.yaml")); err != nil {
			return err
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return l.startFluxController(ctx, parts.BinaryFluxSource, l.at.fluxSourceMetrics, l.at.fluxSourceHealth,
			"--storage-path="+filepath.Join(l.Dir, "flux"),
			"--storage-addr="+l.at.fluxStorage,
			"--storage-adv-addr="+l.at.fluxStorage,
		)
	})
	group.Go(func() error {
		return l.startFluxController(ctx, parts.BinaryFluxKustomize, l.at.fluxKustomizeMetrics, l.at.fluxKustomizeHealth)
	})
	if err := group.Wait(); err != nil {
		return err
	}
	l.say("Flux ready")
	return nil
}

func (l *Lab) startFluxController(ctx context.Context, binary, metrics, health string, args ...string) error {
	p, err := l.spawn(command{
		name: binary, path: l.binaries.Path(binary),
		args: append([]string{"--metrics-addr=" + metrics, "--health-addr=" + health, "--kube-api-qps=500", "--kube-api-burst=1000"}, args...),
		env:  []string{"KUBECONFIG=" + l.Kubeconfig, "RUNTIME_NAMESPACE=" + FluxNamespace},
	})
	if err != nil {
		return err
	}
	return p.ready(ctx, answers("http://"+health+"/readyz"))
}

// Kustomization says what a Flux Kustomization deploys, from a GitRepository of
// the same name.
type Kustomization struct {
	// Namespace and Name of both objects. What is applied goes to the same namespace.
	Namespace, Name string
	// URL of the Git repository, such as Lab.GitURL returns.
	URL string
	// Path of the manifests in the repository.
	Path string
	// Wait makes the Kustomization ready only once what it applied is.
	Wait bool
	// Interval is how often Flux reconciles without a reason; zero for an hour.
	Interval time.Duration
}

// CreateKustomization makes a GitRepository and a Kustomization.
func (l *Lab) CreateKustomization(ctx context.Context, k Kustomization) error {
	if k.Interval == 0 {
		k.Interval = time.Hour
	}
	about := map[string]any{"name": k.Name, "namespace": k.Namespace}
	for _, object := range []map[string]any{
		{
			"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": about,
			"spec": map[string]any{"url": k.URL, "ref": map[string]any{"branch": "main"}, "interval": "1h"},
		},
		{
			"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": about,
			"spec": map[string]any{
				"sourceRef": map[string]any{"kind": "GitRepository", "name": k.Name},
				"path":      k.Path, "prune": true, "wait": k.Wait, "timeout": "1m",
				"interval": k.Interval.String(), "retryInterval": "5s", "targetNamespace": k.Namespace,
			},
		},
	} {
		manifest, err := yaml.Marshal(object)
		if err != nil {
			return fmt.Errorf("encode %s %s: %w", object["kind"], k.Name, err)
		}
		if err := l.Apply(ctx, manifest); err != nil {
			return err
		}
	}
	return nil
}

// ReconcileFlux makes Flux reconcile an object now, as a webhook of a repository
// or `flux reconcile` would. A new commit that a GitRepository finds goes on to
// its Kustomizations by itself.
func (l *Lab) ReconcileFlux(ctx context.Context, resource schema.GroupVersionResource, namespace, name string) error {
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"reconcile.fluxcd.io/requestedAt":%q}}}`, time.Now().Format(time.RFC3339Nano))
	_, err := l.dynamic.Resource(resource).Namespace(namespace).Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil {
		return fmt.Errorf("reconcile %s %s: %w", resource.Resource, name, err)
	}
	return nil
}
