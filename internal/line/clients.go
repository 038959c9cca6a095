package line

import (
	"fmt"
	"net/http"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"

	"github.com/rollcall-dev/rollcall/emit"
	"github.com/rollcall-dev/rollcall/watch/lean"
)

// Clients reach everything that the line reads and writes in a cluster.
type Clients struct {
	Kube    kubernetes.Interface
	Dynamic dynamic.Interface
	Meta    metadata.Interface
	Lean    *lean.Client
	Mapper  meta.RESTMapper
	Records *emit.Client
}

// Connect makes clients that share one set of connections. builtin is how to reach
// Kubernetes' own kinds, which speak more than JSON, and cfg how to reach the rest.
func Connect(cfg, builtin *rest.Config, h *http.Client) (*Clients, error) {
	out := &Clients{}
	var err error
	if out.Kube, err = kubernetes.NewForConfigAndClient(builtin, h); err != nil {
		return nil, fmt.Errorf("make clients: %w", err)
	}
	if out.Dynamic, err = dynamic.NewForConfigAndClient(cfg, h); err != nil {
		return nil, fmt.Errorf("make clients: %w", err)
	}
	if out.Meta, err = metadata.NewForConfigAndClient(cfg, h); err != nil {
		return nil, fmt.Errorf("make clients: %w", err)
	}
	if out.Lean, err = lean.New(cfg, h); err != nil {
		return nil, err
	}
	discovering, err := discovery.NewDiscoveryClientForConfigAndClient(cfg, h)
	if err != nil {
		return nil, fmt.Errorf("make clients: %w", err)
	}
	out.Mapper = restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(discovering))
	out.Records, err = emit.NewClient(cfg, h)
	return out, err
}
