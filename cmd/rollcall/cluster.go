package main

import (
	"fmt"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
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
