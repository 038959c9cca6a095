package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/rollcall-dev/rollcall/config"
	"github.com/rollcall-dev/rollcall/emit"
	"github.com/rollcall-dev/rollcall/journey"
	"github.com/rollcall-dev/rollcall/watch"
)

// settings are the flags of the run command.
type settings struct {
	cluster             cluster
	name                string
	rules               types.NamespacedName
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
		Long: `Run the controller: watch rollouts, keep a Release object for each, and send what
the rules ask for once a release is ready.

Rules are read from one ConfigMap, key rules.yaml, and followed as it changes.
Without it, releases are recorded and nobody is told. Of several replicas one
leads; the others keep their caches warm.

Traces are exported by OTLP if OTEL_EXPORTER_OTLP_ENDPOINT (or its variant for
traces) is set; the other standard OTEL_* variables hold as well.

The first time, whatever runs already is recorded as a baseline, and not told.`,
		Example: `  rollcall run --cluster staging
  rollcall run --kubeconfig ~/.kube/config --leader-elect=false --log-level debug`,
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
	f.StringVar(&s.name, "cluster", envOr("ROLLCALL_CLUSTER", "default"), "name of this cluster, part of every identity, event and span; never change it [$ROLLCALL_CLUSTER]")
	own := envOr("POD_NAMESPACE", "rollcall")
	f.StringVar(&s.rules.Namespace, "config-namespace", own, "namespace of the rules' ConfigMap [$POD_NAMESPACE]")
	f.StringVar(&s.rules.Name, "config-name", "rollcall-rules", "name of the rules' ConfigMap")
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
	switch {
	case !clusterName.MatchString(s.name):
		return fmt.Errorf("--cluster %q: a name has up to 63 letters, digits, dots, dashes and underscores", s.name)
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

// quiet is a log handler for client-go, whose debugging is not ours.
type quiet struct{ slog.Handler }

// Enabled reports whether a record of that level is wanted.
func (q quiet) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelInfo && q.Handler.Enabled(ctx, l)
}

// WithAttrs keeps the handler quiet.
func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(attrs)} }

// WithGroup keeps the handler quiet.
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }

// controller is everything that runs, wired.
type controller struct {
	rules      *config.Watch
	ledger     *emit.Ledger
	watcher    *watch.Watcher
	runs       *watch.Runs
	dispatcher *emit.Dispatcher
	exporter   *journey.Exporter
	election   election
	metrics    *metrics
	log        *slog.Logger
}

// run wires the rooms and runs them until ctx ends.
func (s *settings) run(ctx context.Context, logs io.Writer) error {
	log, err := s.logger(logs)
	if err != nil {
		return err
	}
	klog.SetSlogLogger(slog.New(quiet{log.Handler()}).With("from", "client-go"))
	c, err := s.wire(ctx, log)
	if err != nil {
		return err
	}
	defer func() { _ = c.exporter.Close(context.WithoutCancel(ctx)) }() // what was not exported is drawn again
	log.InfoContext(ctx, "starting", "version", buildVersion(), "cluster", s.name, "tracing", c.exporter != nil)
	g, ctx := errgroup.WithContext(ctx)
	var ready synced
	g.Go(func() error { return serve(ctx, s.listen, c.metrics.registry, ready.is) })
	g.Go(func() error {
		if err := c.start(ctx); err != nil {
			return err
		}
		ready.set()
		log.InfoContext(ctx, "caches are filled")
		return c.election.run(ctx, func(ctx context.Context) { c.work(ctx, s.workers, s.keepGone) })
	})
	err = g.Wait()
	if ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled)) {
		log.InfoContext(ctx, "stopped")
		return nil
	}
	return err
}

// start fills the caches, all at once. Nothing is judged before they are full.
func (c *controller) start(ctx context.Context) error {
	go func() { _ = c.rules.Run(ctx) }() // it ends with ctx, and has no other error
	var g errgroup.Group
	g.Go(func() error { return c.ledger.Start(ctx) })
	g.Go(func() error { return c.watcher.Start(ctx) })
	g.Go(func() error { return c.runs.Start(ctx) })
	g.Go(func() error {
		if !cache.WaitForCacheSync(ctx.Done(), c.rules.HasSynced) {
			return fmt.Errorf("read the rules: %w", context.Cause(ctx))
		}
		return nil
	})
	return g.Wait()
}

// sweepEvery is how often is looked for subjects, and for runs, that are gone.
const sweepEvery = 10 * time.Minute

// work judges, delivers, follows and sweeps until ctx ends.
func (c *controller) work(ctx context.Context, workers int, keepGone time.Duration) {
	c.log.InfoContext(ctx, "leading")
	var wg wait.Group
	wg.Start(func() { c.watcher.Work(ctx, workers) })
	wg.Start(func() { c.dispatcher.Work(ctx, workers) })
	wg.Start(func() { c.runs.Work(ctx, workers) })
	wg.Start(func() {
		wait.UntilWithContext(ctx, func(ctx context.Context) {
			c.runs.Expect(c.ledger.Awaited())
			if err := c.ledger.Sweep(ctx, c.watcher.Exists, keepGone); err != nil && ctx.Err() == nil {
				c.log.WarnContext(ctx, "records will be swept later", "err", err)
			}
		}, sweepEvery)
	})
	wg.Wait()
}

// wire makes all parts. Nothing runs yet but what writes Events.
func (s *settings) wire(ctx context.Context, log *slog.Logger) (*controller, error) {
	clients, err := s.cluster.clients()
	if err != nil {
		return nil, err
	}
	c := &controller{log: log, metrics: newMetrics()}
	if c.exporter, err = journey.NewExporter(ctx, os.Getenv); err != nil {
		return nil, fmt.Errorf("set up tracing: %w", err)
	}
	rep, err := newReporter(ctx, clients.kube, c.metrics, log)
	if err != nil {
		return nil, err
	}
	c.election = election{
		enabled: s.leaderElect, namespace: s.lease.Namespace, name: s.lease.Name, identity: s.identity,
		leaseDuration: s.leaseDuration, kube: clients.kube,
		changed: func(leading bool) { c.metrics.leader.Set(map[bool]float64{true: 1}[leading]) },
	}
	lease, err := c.election.lease(ctx)
	if err != nil {
		return nil, err
	}
	if err := installed(ctx, clients.records); err != nil {
		return nil, err
	}
	c.rules = config.NewWatch(clients.kube, s.rules, rep, func() {
		if c.watcher != nil {
			c.watcher.Poke()
		}
	})
	j := journey.New(s.traceAnnotations, c.exporter)
	c.ledger = emit.NewLedger(clients.records, clock.RealClock{})
	c.metrics.registry.MustRegister(newReleasesCollector(c.ledger.Phases))
	var tracer emit.Tracer
	if j.Enabled() {
		tracer = j
	}
	to := sinks{rules: c.rules, dynamic: clients.dynamic, http: receivers()}
	if c.dispatcher, err = emit.NewDispatcher(c.ledger, to, tracer, log, rep.Delivered); err != nil {
		return nil, err
	}
	c.watcher, err = watch.New(watch.Config{
		Cluster: s.name, Kube: clients.kube, Argo: clients.argo, Meta: clients.meta,
		History: c.ledger, Handler: &line{rules: c.rules, ledger: c.ledger, journey: j, clock: clock.RealClock{}},
		Baseline: baseline(lease), Log: log,
	})
	c.runs = watch.NewRuns(clients.argo, clients.meta, c.ledger, log)
	return c, err
}

// installed tells a cluster without our resource from one that does not answer.
func installed(ctx context.Context, records *emit.Client) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := records.In(metav1.NamespaceAll).List(ctx, metav1.ListOptions{Limit: 1})
	if apierrors.IsNotFound(err) {
		return errors.New("the Release resource is not installed: apply manifests/crd first")
	}
	if err != nil {
		return fmt.Errorf("read records: %w", err)
	}
	return nil
}

// receivers is the client for receivers outside of the cluster. It follows no
// redirect: one would turn a POST into a GET, and lose the event.
func receivers() *http.Client {
	return &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}
