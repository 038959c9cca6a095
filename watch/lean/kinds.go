package lean

import (
	"github.com/argoproj/argo-cd/v2/pkg/apis/application"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The API groups and versions that a Client reads.
var (
	ArgoGroupVersion      = schema.GroupVersion{Group: application.Group, Version: "v1alpha1"} // of all Argo projects
	KustomizeGroupVersion = schema.GroupVersion{Group: "kustomize.toolkit.fluxcd.io", Version: "v1"}
	HelmGroupVersion      = schema.GroupVersion{Group: "helm.toolkit.fluxcd.io", Version: "v2"}
	SourceGroupVersion    = schema.GroupVersion{Group: "source.toolkit.fluxcd.io", Version: "v1"}
)

// Kind is one kind of object that a Client reads.
//
// +kubebuilder:object:generate=false
type Kind struct {
	schema.GroupVersion
	Name   string // as in an object: Application
	Plural string // as in a path: applications
}

// The kinds that a Client reads.
var (
	Applications     = Kind{ArgoGroupVersion, application.ApplicationKind, application.ApplicationPlural}
	Rollouts         = Kind{ArgoGroupVersion, "Rollout", "rollouts"}
	Workflows        = Kind{ArgoGroupVersion, "Workflow", "workflows"}
	Kustomizations   = Kind{KustomizeGroupVersion, "Kustomization", "kustomizations"}
	HelmReleases     = Kind{HelmGroupVersion, "HelmRelease", "helmreleases"}
	GitRepositories  = Kind{SourceGroupVersion, "GitRepository", "gitrepositories"}
	OCIRepositories  = Kind{SourceGroupVersion, "OCIRepository", "ocirepositories"}
	Buckets          = Kind{SourceGroupVersion, "Bucket", "buckets"}
	HelmRepositories = Kind{SourceGroupVersion, "HelmRepository", "helmrepositories"}
	HelmCharts       = Kind{SourceGroupVersion, "HelmChart", "helmcharts"}
)

// Sources are the kinds of which a FluxSource may be.
func Sources() []Kind {
	return []Kind{GitRepositories, OCIRepositories, Buckets, HelmRepositories, HelmCharts}
}

// Definition is the name of the CustomResourceDefinition.
func (k Kind) Definition() string { return k.Plural + "." + k.Group }

// GroupVersionKind tells objects of this kind from others.
func (k Kind) GroupVersionKind() schema.GroupVersionKind { return k.WithKind(k.Name) }

// GroupVersionResource is where they are.
func (k Kind) GroupVersionResource() schema.GroupVersionResource { return k.WithResource(k.Plural) }
