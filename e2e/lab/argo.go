package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"github.com/alicebob/miniredis/v2"
	"golang.org/x/sync/errgroup"

	"github.com/rollcall-dev/rollcall/e2e/parts"
)

// The namespaces of the Argo projects.
const (
	// ArgoCDNamespace is where Argo CD and its Applications live.
	ArgoCDNamespace = "argocd"
	// ArgoWorkflowsNamespace is where the Workflows controller has its
	// configuration; it runs Workflows of all namespaces.
	ArgoWorkflowsNamespace = "argo"
)

// argoCDObjects are what Argo CD needs besides its own manifests.
const argoCDObjects = `
apiVersion: v1
kind: Secret
metadata:
  name: argocd-secret
  labels:
    app.kubernetes.io/name: argocd-secret
    app.kubernetes.io/part-of: argocd
stringData:
  server.secretkey: not-a-secret-in-a-lab
---
apiVersion: v1
kind: Secret
metadata:
  name: argocd-redis
stringData:
  auth: ""
---
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata:
  name: default
spec:
  sourceRepos: ["*"]
  destinations: [{namespace: "*", server: "*"}]
  clusterResourceWhitelist: [{group: "*", kind: "*"}]
`

// argoWorkflowsObjects configure the Workflows controller, which would else
// serve metrics on all addresses.
const argoWorkflowsObjects = `
apiVersion: v1
kind: ConfigMap
metadata:
  name: workflow-controller-configmap
  namespace: argo
data:
  metricsConfig: |
    enabled: false
  telemetryConfig: |
    enabled: false
`

// startArgoCD starts Argo CD's repo-server and application controller; the API
// server, the user interface and the like are not needed.
func (l *Lab) startArgoCD(ctx context.Context) error {
	redis := miniredis.NewMiniRedis()
	if err := redis.StartAddr("127.0.0.1:0"); err != nil {
		return fmt.Errorf("start Redis: %w", err)
	}
	l.redis = redis

	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error { return l.startRepoServer(groupCtx) })
	group.Go(func() error { return l.installArgoCD(groupCtx) })
	if err := group.Wait(); err != nil {
		return err
	}
	return l.startAppController(ctx)
}

// installArgoCD applies Argo CD's kinds and configuration.
func (l *Lab) installArgoCD(ctx context.Context) error {
	if err := l.applyNamespace(ctx, ArgoCDNamespace); err != nil {
		return err
	}
	crds := l.binaries.Manifests(parts.ManifestsArgoCDCRDs)
	for _, file := range []string{"application-crd.yaml", "appproject-crd.yaml"} {
		if err := l.applyFiles(ctx, "", filepath.Join(crds, file)); err != nil {
			return err
		}
	}
	config := filepath.Join(l.binaries.Manifests(parts.ManifestsArgoCDConfig), "argocd-*-cm.yaml")
	base := filepath.Join(l.binaries.Manifests(parts.ManifestsArgoCDConfig), "argocd-cm.yaml")
	if err := l.applyFiles(ctx, ArgoCDNamespace, config, base); err != nil {
		return err
	}
	return l.apply(ctx, ArgoCDNamespace, []byte(argoCDObjects))
}

// startRepoServer starts the part of Argo CD that reads Git.
func (l *Lab) startRepoServer(ctx context.Context) error {
	p, err := l.spawnArgoCD("argocd-repo-server", []string{
		"--redis=" + l.redis.Addr(),
		"--address=127.0.0.1",
		"--port=" + portOf(l.at.repoServer),
		"--metrics-address=127.0.0.1",
		"--metrics-port=" + portOf(l.at.repoServerMetrics),
		"--disable-tls",
	})
	if err != nil {
		return err
	}
	return p.ready(ctx, answers("http://"+l.at.repoServerMetrics+"/healthz?full=true"))
}

// startAppController starts the part of Argo CD that syncs Applications.
func (l *Lab) startAppController(ctx context.Context) error {
	p, err := l.spawnArgoCD("argocd-application-controller", []string{
		"--kubeconfig=" + l.Kubeconfig,
		"--namespace=" + ArgoCDNamespace,
		"--redis=" + l.redis.Addr(),
		"--repo-server=" + l.at.repoServer,
		"--repo-server-plaintext",
		"--metrics-port=" + portOf(l.at.appController), // It knows no address to serve them on.
	})
	if err != nil {
		return err
	}
	if err := p.ready(ctx, answers("http://"+l.at.appController+"/healthz")); err != nil {
		return err
	}
	l.say("Argo CD ready")
	return nil
}

// spawnArgoCD starts Argo CD's one program in the role that its name tells it.
func (l *Lab) spawnArgoCD(role string, args []string) (*process, error) {
	link := filepath.Join(l.Dir, role)
	if err := os.Symlink(l.binaries.Path(parts.BinaryArgoCD), link); err != nil {
		return nil, fmt.Errorf("link %s: %w", role, err)
	}
	data := filepath.Join(l.Dir, "argocd")
	if err := os.MkdirAll(data, 0o755); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	return l.spawn(command{name: role, path: link, args: args, env: []string{
		"KUBECONFIG=" + l.Kubeconfig,
		"ARGOCD_FAKE_IN_CLUSTER=true", // The cluster it runs in is the kubeconfig's.
		"ARGOCD_NAMESPACE=" + ArgoCDNamespace,
		"ARGOCD_K8S_CLIENT_QPS=500",
		"ARGOCD_GPG_ENABLED=false",
		"ARGOCD_GNUPGHOME=" + data,
		"ARGOCD_TLS_DATA_PATH=" + data,
		"ARGOCD_SSH_DATA_PATH=" + data,
		"ARGOCD_ASK_PASS_SOCK=" + filepath.Join(data, "ask-pass.sock"),
	}})
}

// startArgoWorkflows installs Argo Workflows and starts its controller.
func (l *Lab) startArgoWorkflows(ctx context.Context) error {
	if err := l.applyNamespace(ctx, ArgoWorkflowsNamespace); err != nil {
		return err
	}
	crds := filepath.Join(l.binaries.Manifests(parts.ManifestsWorkflowsCRDs), "argoproj.io_*.yaml")
	if err := l.applyFiles(ctx, "", crds); err != nil {
		return err
	}
	if err := l.apply(ctx, ArgoWorkflowsNamespace, []byte(argoWorkflowsObjects)); err != nil {
		return err
	}
	if err := l.coverPprof(); err != nil {
		return err
	}
	p, err := l.spawn(command{
		name: parts.BinaryWorkflowController, path: l.binaries.Path(parts.BinaryWorkflowController),
		args: []string{
			"--kubeconfig=" + l.Kubeconfig,
			"--namespace=" + ArgoWorkflowsNamespace,
			"--configmap=workflow-controller-configmap",
			"--executor-image=none:1", // kwok runs no images.
			"--qps=500",
			"--burst=1000",
		},
		env: []string{
			"LEADER_ELECTION_IDENTITY=lab",
			"LEADER_ELECTION_DISABLE=true",
			"DEFAULT_REQUEUE_TIME=" + workflowRequeue, // How soon it looks at a Workflow again.
		},
	})
	if err != nil {
		return err
	}
	if err := p.ready(ctx, p.logged("Current Worker Numbers")); err != nil {
		return err
	}
	l.say("Argo Workflows ready")
	return nil
}

// workflowRequeue is the shortest time that Argo Workflows thinks wise.
const workflowRequeue = "1s"

// coverPprof takes a port that the Workflows controller would otherwise listen
// on at all addresses, which it cannot be told not to do; it runs well without.
// Where another program has the port already, nothing needs to be done.
func (l *Lab) coverPprof() error {
	listener, err := net.Listen("tcp", "127.0.0.1:6060")
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cover the Workflows controller's port: %w", err)
	}
	l.pprof = listener
	return nil
}
