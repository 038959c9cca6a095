package main

import (
	"fmt"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
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

// clients share one set of connections.
type clients struct {
	kube    kubernetes.Interface
	dynamic dynamic.Interface
	meta    metadata.Interface
	lean    *lean.Client
	mapper  meta.RESTMapper
	records *emit.Client
}

// clients makes them: protobuf for Kubernetes' own kinds, JSON for the rest.
func (c *cluster) clients() (*clients, error) {
	cfg, err := c.config()
	if err != nil {
		return nil, err
	}
	h, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("make clients: %w", err)
	}
	proto := rest.CopyConfig(cfg)
	proto.ContentType = runtime.ContentTypeProtobuf
	proto.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	out := &clients{}
	if out.kube, err = kubernetes.NewForConfigAndClient(proto, h); err != nil {
		return nil, fmt.Errorf("make clients: %w", err)
	}
	if out.dynamic, err = dynamic.NewForConfigAndClient(cfg, h); err != nil {
		return nil, fmt.Errorf("make clients: %w", err)
	}
	if out.meta, err = metadata.NewForConfigAndClient(cfg, h); err != nil {
		return nil, fmt.Errorf("make clients: %w", err)
	}
	if out.lean, err = lean.New(cfg, h); err != nil {
		return nil, err
	}
	discovering, err := discovery.NewDiscoveryClientForConfigAndClient(cfg, h)
	if err != nil {
		return nil, fmt.Errorf("make clients: %w", err)
	}
	out.mapper = restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(discovering))
	out.records, err = emit.NewClient(cfg, h)
	return out, err
}

// synced says that the caches are filled; its zero value says that they are not.
type synced struct{ v atomic.Bool }

func (s *synced) set()     { s.v.Store(true) }
func (s *synced) is() bool { return s.v.Load() }

// hubClients are those of the cluster that Argo CD's Applications are in: this one,
// unless another kubeconfig is given.
func (s *settings) hubClients(here *clients) (*clients, error) {
	if s.hub.kubeconfig == "" && s.hub.context == "" {
		return here, nil
	}
	s.hub.qps, s.hub.burst = s.cluster.qps, s.cluster.burst
	out, err := s.hub.clients()
	if err != nil {
		return nil, fmt.Errorf("reach Argo CD's hub: %w", err)
	}
	return out, nil
}
