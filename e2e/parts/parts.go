// Package parts builds the real programs that the scenarios run on: a
// Kubernetes control plane, kwok in place of kubelets, Argo CD, Flux, Argo
// Workflows and Jaeger. They are built from their Go modules at pinned versions into a
// cache folder, so that a machine needs nothing but Go and git.
//
// A built part carries a stamp that names its version, the Go version and the
// build flags. A part whose stamp is still right is left alone; everything else
// is built under a temporary name and then moved into place, so an interrupted
// build leaves nothing half done. Processes that build into the same folder at
// once wait for each other.
package parts

import (
	"path/filepath"
	"time"
)

// Name names a part.
type Name string

// The parts that can be built.
const (
	Kubernetes    Name = "kubernetes"
	Etcd          Name = "etcd"
	Kwok          Name = "kwok"
	ArgoWorkflows Name = "argo-workflows"
	ArgoCD        Name = "argo-cd"
	Jaeger        Name = "jaeger"
	FluxSource    Name = "flux-source-controller"
	FluxKustomize Name = "flux-kustomize-controller"
)

// The programs that the parts consist of; Binaries.Path says where each is.
const (
	BinaryAPIServer          = "kube-apiserver"
	BinaryControllerManager  = "kube-controller-manager"
	BinaryScheduler          = "kube-scheduler"
	BinaryEtcd               = "etcd"
	BinaryKwok               = "kwok"
	BinaryWorkflowController = "workflow-controller"
	BinaryArgoCD             = "argocd"
	BinaryJaeger             = "jaeger"
	BinaryFluxSource         = "source-controller"
	BinaryFluxKustomize      = "kustomize-controller"
)

// The manifests that come with parts; Binaries.Manifests says where they are.
const (
	ManifestsArgoCDCRDs    = "argo-cd/crds"
	ManifestsArgoCDConfig  = "argo-cd/config"
	ManifestsWorkflowsCRDs = "argo-workflows/crds"
	ManifestsFluxSource    = "flux-source-controller/crds"
	ManifestsFluxKustomize = "flux-kustomize-controller/crds"
)

// part says how one part is built.
type part struct {
	name   Name
	module string // path@version
	sum    string // the module's checksum; empty for a part with a pin folder
	pin    string // folder under e2e/parts whose go.mod the part is built with
	// beside is a module that the part's own go.mod looks for in a folder which
	// the module does not hold; nil for most.
	beside  *beside
	targets []target
	// manifests are folders copied out of the module, by their name in the cache.
	manifests map[string]string
	// cold is how long a build takes on 2 cores with an empty build cache.
	cold time.Duration
}

// beside is a module that is taken from the proxy in place of a folder.
type beside struct {
	module string    // path@version
	sums   [2]string // of the module and of its go.mod, as in a go.sum
}

// target is one program of a part.
type target struct {
	binary string
	pkg    string
}

// table lists every part, the slowest first so that a parallel build ends soonest.
func table() []part {
	return []part{
		{
			name: Kubernetes, module: "k8s.io/kubernetes@v1.37.2", pin: "kubernetes", cold: 6*time.Minute + 30*time.Second,
			targets: []target{
				{BinaryAPIServer, "k8s.io/kubernetes/cmd/kube-apiserver"},
				{BinaryControllerManager, "k8s.io/kubernetes/cmd/kube-controller-manager"},
				{BinaryScheduler, "k8s.io/kubernetes/cmd/kube-scheduler"},
			},
		},
		{
			name: ArgoCD, module: "github.com/argoproj/argo-cd/v2@v2.14.21", cold: 2*time.Minute + 40*time.Second,
			sum:     "h1:Ux50vfMUITW+Y+6GAYgQlZbr6WHE5ogiLg9OxxvP9EA=",
			targets: []target{{BinaryArgoCD, "./cmd"}},
			manifests: map[string]string{
				ManifestsArgoCDCRDs:   "manifests/crds",
				ManifestsArgoCDConfig: "manifests/base/config",
			},
		},
		{
			name: ArgoWorkflows, module: "github.com/argoproj/argo-workflows/v3@v3.7.3", cold: 2*time.Minute + 30*time.Second,
			sum:       "h1:b0o03RTLXIL7lQunDEvLoDTeI5TbfXe2obGaItvvifk=",
			targets:   []target{{BinaryWorkflowController, "./cmd/workflow-controller"}},
			manifests: map[string]string{ManifestsWorkflowsCRDs: "manifests/base/crds/minimal"},
		},
		{
			name: Jaeger, module: "github.com/jaegertracing/jaeger@v1.76.0", cold: 2*time.Minute + 10*time.Second,
			sum:     "h1:sWCOOF1dr+NL0PLil7mFo3BqqQL8k4WiM7aguFbc14g=",
			targets: []target{{BinaryJaeger, "./cmd/all-in-one"}},
		},
		{
			name: FluxSource, module: "github.com/fluxcd/source-controller@v1.7.0", cold: 3*time.Minute + 10*time.Second,
			sum: "h1:/fBgS4CSmT5Jj/fjQDF92y+pC3gst1GJjgNSzY8Ff9I=",
			beside: &beside{"github.com/fluxcd/source-controller/api@v1.7.0", [2]string{
				"h1:y6vjvbkIN4JzianhmaJqujeghVpvQn3gcsVW/f1xMeA=", "h1:UOIEs9AACxPW7fQFqGWw1/FN2QqYDLG6WkvPIyscHkw=",
			}},
			targets:   []target{{BinaryFluxSource, "."}},
			manifests: map[string]string{ManifestsFluxSource: "config/crd/bases"},
		},
		{
			name: FluxKustomize, module: "github.com/fluxcd/kustomize-controller@v1.6.0", cold: 2*time.Minute + 20*time.Second,
			sum: "h1:13S+wqCQ44njSg59DNgm1qMqVkK6+0eoZs+jv4+EWCs=",
			beside: &beside{"github.com/fluxcd/kustomize-controller/api@v1.6.0", [2]string{
				"h1:8p230vpJy7giisoBNuI3CX99O+XKKVLLxXuJmv3sOHQ=", "h1:b0i/KVz28tV8iuqlNHx7MW6ZtTcIbBELGLoKdaK+X8M=",
			}},
			targets:   []target{{BinaryFluxKustomize, "."}},
			manifests: map[string]string{ManifestsFluxKustomize: "config/crd/bases"},
		},
		{
			name: Kwok, module: "sigs.k8s.io/kwok@v0.7.0", cold: 85 * time.Second,
			sum:     "h1:+eGsNOIPapjsSzeZlOEcwbpyEVa2Vqlcafa0qIjaKV4=",
			targets: []target{{BinaryKwok, "./cmd/kwok"}},
		},
		{
			name: Etcd, module: "go.etcd.io/etcd/server/v3@v3.7.3", pin: "etcd", cold: 25 * time.Second,
			targets: []target{{BinaryEtcd, "go.etcd.io/etcd/server/v3"}},
		},
	}
}

// Binaries is a folder of built parts.
type Binaries struct {
	dir string
}

// Path is where the program of that name is.
func (b Binaries) Path(binary string) string { return filepath.Join(b.dir, binary) }

// Manifests is the folder that holds those manifests.
func (b Binaries) Manifests(name string) string { return filepath.Join(b.dir, "manifests", name) }
