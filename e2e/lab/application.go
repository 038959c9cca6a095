package lab

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"
)

// ApplicationResource is the resource of Argo CD's Applications, for Dynamic.
func ApplicationResource() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "applications"}
}

// WorkflowResource is the resource of Argo Workflows' Workflows, for Dynamic.
func WorkflowResource() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "workflows"}
}

// Application says what an Argo CD Application deploys.
type Application struct {
	// Name of the Application.
	Name string
	// RepoURL of the Git repository, such as Repo.URL.
	RepoURL string
	// Path of the manifests in the repository.
	Path string
	// More are further sources; with any, the Application has several.
	More []Source
	// Namespace that the manifests go to; made when it is not there.
	Namespace string
	// Automated syncs every new commit that Argo CD sees.
	Automated bool
	// SelfHeal also syncs when the cluster was changed by others.
	SelfHeal bool
}

// Source is a folder of a repository.
type Source struct{ RepoURL, Path string }

// sources is the part of the spec that says where manifests come from.
func (a Application) sources() (key string, value any) {
	of := func(s Source) map[string]any {
		return map[string]any{"repoURL": s.RepoURL, "path": s.Path, "targetRevision": "HEAD"}
	}
	all := []any{of(Source{RepoURL: a.RepoURL, Path: a.Path})}
	for _, s := range a.More {
		all = append(all, of(s))
	}
	if len(all) == 1 {
		return "source", all[0]
	}
	return "sources", all
}

// CreateApplication makes the Application in ArgoCDNamespace, for the lab's own cluster.
func (l *Lab) CreateApplication(ctx context.Context, a Application) error {
	sync := map[string]any{"syncOptions": []string{"CreateNamespace=true"}}
	if a.Automated {
		sync["automated"] = map[string]any{"prune": true, "selfHeal": a.SelfHeal}
	}
	key, sources := a.sources()
	manifest, err := yaml.Marshal(map[string]any{
		"apiVersion": "argoproj.io/v1alpha1",
		"kind":       "Application",
		"metadata":   map[string]any{"name": a.Name, "namespace": ArgoCDNamespace},
		"spec": map[string]any{
			"project":     "default",
			key:           sources,
			"destination": map[string]any{"server": "https://kubernetes.default.svc", "namespace": a.Namespace},
			"syncPolicy":  sync,
		},
	})
	if err != nil {
		return fmt.Errorf("encode application %s: %w", a.Name, err)
	}
	return l.Apply(ctx, manifest)
}

// OperateApplication asks Argo CD for an operation, as its command line does: it
// writes what is to be done into the Application. operation is JSON.
func (l *Lab) OperateApplication(ctx context.Context, name, operation string) error {
	patch := []byte(`{"operation":` + operation + `}`)
	applications := l.dynamic.Resource(ApplicationResource()).Namespace(ArgoCDNamespace)
	if _, err := applications.Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		return fmt.Errorf("operate application %s: %w", name, err)
	}
	return nil
}

// RefreshApplication makes Argo CD look at the Git repository now, as a webhook
// of the repository would.
func (l *Lab) RefreshApplication(ctx context.Context, name string) error {
	patch := []byte(`{"metadata":{"annotations":{"argocd.argoproj.io/refresh":"normal"}}}`)
	applications := l.dynamic.Resource(ApplicationResource()).Namespace(ArgoCDNamespace)
	if _, err := applications.Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		return fmt.Errorf("refresh application %s: %w", name, err)
	}
	return nil
}
