package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rollcall-dev/rollcall/journey"
	"github.com/rollcall-dev/rollcall/watch/gitops"
)

// settings are the flags of the run command.
type settings struct {
	cluster             cluster
	hub                 cluster
	gitops              gitops.Settings
	gateTimeout         time.Duration
	name                string
	rules               types.NamespacedName
	tenants             bool
	leaderElect         bool
	lease               types.NamespacedName
	identity            string
	leaseDuration       time.Duration
	listen              string
	logLevel, logFormat string
	workers             int
	keepGone            time.Duration
	traceAnnotations    []string
}

func newRun() *cobra.Command {
	s := &settings{}
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the controller",
		Long: `Run the controller: watch the rollouts of all workloads, keep a Release object for
each, and send what the rules ask for once a release is ready, has stalled, or was
superseded.

Argo CD and Flux are asked about the workloads that they own. Argo CD's
Applications may be in another cluster, a hub: then say how to reach it, and by
which servers or names its Applications address this cluster. An engine is waited
for as long as it takes, unless --gate-timeout says otherwise.

Rules are read from one ConfigMap, key rules.yaml, and followed as it changes.
Without it, releases are recorded and nobody is told. Of several replicas one
leads; the others keep their caches warm.

Traces are exported by OTLP if OTEL_EXPORTER_OTLP_ENDPOINT (or its variant for
traces) is set; the other standard OTEL_* variables hold as well.

The first time, whatever runs already is recorded as a baseline, and not told.`,
		Example: `  rollcall run --cluster staging
  rollcall run --kubeconfig ~/.kube/config --leader-elect=false --log-level debug
  rollcall run --cluster eu-1 --argocd-kubeconfig hub.yaml --argocd-destination https://eu-1.example.com:6443,eu-1`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := s.check(); err != nil {
				return usageError{err}
			}
			return s.run(cmd.Context(), cmd.ErrOrStderr())
		},
	}
	s.bind(cmd)
	return cmd
}

func (s *settings) bind(cmd *cobra.Command) {
	f := cmd.Flags()
	s.cluster.bind(f)
	f.Float32Var(&s.cluster.qps, "kube-api-qps", 100, "requests a second to the API server, each client")
	f.IntVar(&s.cluster.burst, "kube-api-burst", 200, "requests to the API server at once, each client")
	s.bindEngines(f)
	f.StringVar(&s.name, "cluster", envOr("ROLLCALL_CLUSTER", "default"), "name of this cluster, part of every identity, event and span; never change it [$ROLLCALL_CLUSTER]")
	own := envOr("POD_NAMESPACE", "rollcall")
	f.StringVar(&s.rules.Namespace, "config-namespace", own, "namespace of the rules' ConfigMap [$POD_NAMESPACE]")
	f.StringVar(&s.rules.Name, "config-name", "rollcall-rules", "name of the rules' ConfigMap")
	f.BoolVar(&s.tenants, "tenant-rules", false, "read rules from ConfigMaps with the label rollcall.dev/rules: \"true\" in other namespaces too; each reaches no further than its own")
	f.BoolVar(&s.leaderElect, "leader-elect", true, "let one of several replicas lead; without it, whatever has no record at the start counts as a baseline")
	f.StringVar(&s.lease.Namespace, "leader-election-namespace", own, "namespace of the Lease [$POD_NAMESPACE]")
	f.StringVar(&s.lease.Name, "leader-election-name", "rollcall", "name of the Lease")
	f.DurationVar(&s.leaseDuration, "leader-election-lease-duration", 15*time.Second, "how long a leader that is gone still counts; at least 3s")
	f.StringVar(&s.identity, "identity", identity(), "name of this replica in the Lease; one that restarts under its old name leads again at once [$POD_NAME]")
	f.StringVar(&s.listen, "listen", ":8080", "address of /healthz, /readyz and /metrics")
	f.StringVar(&s.logLevel, "log-level", "info", "least level that is logged: debug, info, warn, error")
	f.StringVar(&s.logFormat, "log-format", "text", "format of the log: text, json")
	f.DurationVar(&s.keepGone, "keep-gone", 24*time.Hour, "how long the records of a workload that was deleted are kept")
	f.IntVar(&s.workers, "workers", 4, "subjects judged, and events sent, at once")
	f.StringSliceVar(&s.traceAnnotations, "trace-annotations", journey.DefaultAnnotations(), "annotations of the workload and its Application that may hold a traceparent, first found wins")
}

// bindEngines binds the flags that say where the engines are, and how they are asked.
func (s *settings) bindEngines(f *pflag.FlagSet) {
	f.StringVar(&s.hub.kubeconfig, "argocd-kubeconfig", "", "path of a kubeconfig of the hub, if Argo CD's Applications are in another cluster")
	f.StringVar(&s.hub.context, "argocd-context", "", "context of that kubeconfig; default is its current one")
	f.StringSliceVar(&s.gitops.Destinations, "argocd-destination", nil, "servers and names by which Applications address this cluster; default is https://kubernetes.default.svc and in-cluster; needed with a hub")
	f.StringVar(&s.gitops.InstanceLabel, "argocd-instance-label", "", "Argo CD's application.instanceLabelKey; default is app.kubernetes.io/instance")
	f.StringVar(&s.gitops.InstallationID, "argocd-installation-id", "", "Argo CD's installationID: objects with another one, or none, are not its own")
	f.DurationVar(&s.gateTimeout, "gate-timeout", 0, "how long Argo CD or Flux is waited for once a workload is complete; the release is then announced with gateTimeout set; 0 waits for ever")
}

func envOr(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}

// identity is the name of the pod, which survives a restart of its container.
func identity() string {
	host, _ := os.Hostname() // without one, the flag is asked for
	return envOr("POD_NAME", host)
}

var clusterName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$`)

// check finds what the flags' own types do not.
func (s *settings) check() error {
	s.gitops.Hub = s.hub.kubeconfig != "" || s.hub.context != ""
	switch {
	case !clusterName.MatchString(s.name):
		return fmt.Errorf("--cluster %q: a name has up to 63 letters, digits, dots, dashes and underscores", s.name)
	case s.gateTimeout < 0:
		return fmt.Errorf("--gate-timeout %s: it cannot be negative", s.gateTimeout)
	case s.gitops.Hub && len(s.gitops.Destinations) == 0:
		return errors.New("--argocd-destination: with a hub, say how its Applications address this cluster")
	case s.keepGone < 0:
		return fmt.Errorf("--keep-gone %s: it cannot be negative", s.keepGone)
	case s.workers < 1:
		return fmt.Errorf("--workers %d: at least one is needed", s.workers)
	case s.leaderElect && s.identity == "":
		return errors.New("--identity: a replica needs a name to lead")
	case s.leaderElect && s.leaseDuration < 3*time.Second:
		return fmt.Errorf("--leader-election-lease-duration %s: at least 3s are needed", s.leaseDuration)
	}
	_, err := s.logger(io.Discard)
	return err
}

func (s *settings) logger(out io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.logLevel)); err != nil {
		return nil, fmt.Errorf("--log-level %q: it is one of debug, info, warn, error", s.logLevel)
	}
	o := &slog.HandlerOptions{Level: level}
	switch s.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(out, o)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(out, o)), nil
	}
	return nil, fmt.Errorf("--log-format %q: it is one of text, json", s.logFormat)
}
