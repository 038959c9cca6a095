package main

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/rollcall-dev/rollcall/internal/line"
)

// cluster is how a command reaches the API server.
type cluster struct {
	kubeconfig, context, namespace string
	qps                            float32
	burst                          int
}

func (c *cluster) bind(f *pflag.FlagSet) {
	f.StringVar(&c.kubeconfig, "kubeconfig", "", "path of a kubeconfig; default is $KUBECONFIG, ~/.kube/config, or the pod's own account")
	f.StringVar(&c.context, "context", "", "context of the kubeconfig; default is its current one")
}

func (c *cluster) loader() clientcmd.ClientConfig {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = c.kubeconfig
	o := &clientcmd.ConfigOverrides{CurrentContext: c.context}
	o.Context.Namespace = c.namespace
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, o)
}

// config reads how to reach the API server.
func (c *cluster) config() (*rest.Config, error) {
	cfg, err := c.loader().ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("find the cluster: %w", err)
	}
	cfg.UserAgent = "rollcall/" + buildVersion()
	cfg.QPS, cfg.Burst = c.qps, c.burst
	cfg.Timeout = 0
	return cfg, nil
}

// callTimeout bounds what a command waits for one answer of the API server.
const callTimeout = 30 * time.Second

// clients makes them: protobuf for Kubernetes' own kinds, JSON for the rest.
func (c *cluster) clients() (*line.Clients, error) {
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
	return line.Connect(cfg, proto, h)
}

// synced says that the caches are filled; its zero value says that they are not.
type synced struct{ v atomic.Bool }

func (s *synced) set()     { s.v.Store(true) }
func (s *synced) is() bool { return s.v.Load() }

// hubClients are those of the cluster that Argo CD's Applications are in: this one,
// unless another kubeconfig is given.
func (s *settings) hubClients(here *line.Clients) (*line.Clients, error) {
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
