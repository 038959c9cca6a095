package memory

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Resource is a kind of object that a server keeps.
type Resource struct {
	// Group, Version and Kind are those of the objects, Plural is the resource.
	Group   string
	Version string
	Kind    string
	Plural  string
	// Cluster says that the objects have no namespace.
	Cluster bool
	// Custom says that it is served only once its definition is there.
	Custom bool
	// Status says that the status is a subresource, which nothing else writes.
	Status bool
}

// APIVersion is the group and version as an object has them.
func (r Resource) APIVersion() string {
	return schema.GroupVersion{Group: r.Group, Version: r.Version}.String()
}

// Definition is the name of the definition of a custom resource.
func (r Resource) Definition() string { return r.Plural + "." + r.Group }

func (r Resource) named() schema.GroupResource {
	return schema.GroupResource{Group: r.Group, Resource: r.Plural}
}

// definitions is the resource of definitions itself.
const definitions = "customresourcedefinitions"

// Resources lists what a new server serves; [Server.Define] adds more.
func Resources() []Resource {
	const (
		argo = "argoproj.io"
		flux = "toolkit.fluxcd.io"
	)
	all := []Resource{
		{Version: "v1", Kind: "Namespace", Plural: "namespaces", Cluster: true},
		{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition", Plural: definitions, Cluster: true},
		{Group: "coordination.k8s.io", Version: "v1", Kind: "Lease", Plural: "leases"},
		{Group: "batch", Version: "v1", Kind: "Job", Plural: "jobs", Status: true},
		{Group: "apps", Version: "v1", Kind: "ControllerRevision", Plural: "controllerrevisions"},
	}
	for _, kind := range []string{"Pod", "ConfigMap", "Secret", "Service"} {
		all = append(all, Resource{Version: "v1", Kind: kind, Plural: plural(kind)})
	}
	for _, kind := range []string{"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"} {
		all = append(all, Resource{Group: "apps", Version: "v1", Kind: kind, Plural: plural(kind), Status: true})
	}
	for kind, gv := range map[string]string{
		"Application": argo + "/v1alpha1", "Workflow": argo + "/v1alpha1", "WorkflowTemplate": argo + "/v1alpha1",
		"Rollout": argo + "/v1alpha1", "AnalysisRun": argo + "/v1alpha1",
		"Kustomization": "kustomize." + flux + "/v1", "HelmRelease": "helm." + flux + "/v2",
		"GitRepository": "source." + flux + "/v1", "OCIRepository": "source." + flux + "/v1",
		"HelmRepository": "source." + flux + "/v1", "HelmChart": "source." + flux + "/v1", "Bucket": "source." + flux + "/v1",
	} {
		group, version, _ := strings.Cut(gv, "/")
		all = append(all, Resource{Group: group, Version: version, Kind: kind, Plural: plural(kind), Custom: true})
	}
	all = append(all, Resource{
		Group: "rollcall.dev", Version: "v1alpha1", Kind: "Release", Plural: "releases", Custom: true, Status: true,
	})
	slices.SortFunc(all, func(a, b Resource) int { return strings.Compare(a.Definition(), b.Definition()) })
	return all
}

// plural guesses the resource of a kind, as Kubernetes' own names are made.
func plural(kind string) string {
	s := strings.ToLower(kind)
	switch {
	case strings.HasSuffix(s, "s"), strings.HasSuffix(s, "x"), strings.HasSuffix(s, "ch"):
		return s + "es"
	case strings.HasSuffix(s, "y") && !strings.HasSuffix(s, "ay") && !strings.HasSuffix(s, "ey"):
		return s[:len(s)-1] + "ies"
	}
	return s + "s"
}

// Define makes a further kind known, unless it is. Its plural is guessed.
func (s *Server) Define(apiVersion, kind string) error {
	if _, ok := s.OfKind(apiVersion, kind); ok {
		return nil
	}
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil || gv.Version == "" || kind == "" {
		return fmt.Errorf("define %q %q: not the version and kind of an object", apiVersion, kind)
	}
	s.resources = append(s.resources, Resource{
		Group: gv.Group, Version: gv.Version, Kind: kind, Plural: plural(kind), Custom: strings.Contains(gv.Group, "."),
	})
	return nil
}

// OfKind finds the resource of a kind. An empty apiVersion stands for any.
func (s *Server) OfKind(apiVersion, kind string) (Resource, bool) {
	i := slices.IndexFunc(s.resources, func(r Resource) bool {
		return r.Kind == kind && (apiVersion == "" || r.APIVersion() == apiVersion)
	})
	if i < 0 {
		return Resource{}, false
	}
	return s.resources[i], true
}
