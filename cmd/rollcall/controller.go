package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/rollcall-dev/rollcall/config"
	"github.com/rollcall-dev/rollcall/emit"
	"github.com/rollcall-dev/rollcall/internal/line"
	"github.com/rollcall-dev/rollcall/journey"
	"github.com/rollcall-dev/rollcall/watch"
)

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
	if !cache.WaitForCacheSync(ctx.Done(), c.rules.HasSynced) {
		return fmt.Errorf("read the rules: %w", context.Cause(ctx))
	}
	// What the rules are about is followed from the start, so that what came while
	// nobody watched is told from what was there before.
	c.watcher.Follow(c.rules.Current().Kinds())
	go wait.UntilWithContext(ctx, func(context.Context) { c.watcher.Follow(c.rules.Current().Kinds()) }, followEvery)
	var g errgroup.Group
	g.Go(func() error { return c.ledger.Start(ctx) })
	g.Go(func() error { return c.watcher.Start(ctx) })
	g.Go(func() error { return c.runs.Start(ctx) })
	return g.Wait()
}

// followEvery is how often it is tried to follow the kinds of rules that could not be
// followed yet, because they are not installed.
const followEvery = time.Minute

// sweepEvery is how often is looked for subjects, and for runs, that are gone.
const sweepEvery = 10 * time.Minute

// sends is how many events are sent at once for each subject that is judged: a send
// waits for somebody else most of the time.
const sends = 4

// work judges, delivers, follows and sweeps until ctx ends.
func (c *controller) work(ctx context.Context, workers int, keepGone time.Duration) {
	c.log.InfoContext(ctx, "leading")
	var wg wait.Group
	wg.Start(func() { c.watcher.Work(ctx, workers) })
	wg.Start(func() { c.dispatcher.Work(ctx, sends*workers) })
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
	hub, err := s.hubClients(clients)
	if err != nil {
		return nil, err
	}
	c := &controller{log: log, metrics: newMetrics()}
	if c.exporter, err = journey.NewExporter(ctx, os.Getenv); err != nil {
		return nil, fmt.Errorf("set up tracing: %w", err)
	}
	rep, err := newReporter(ctx, clients.Kube, c.metrics, log)
	if err != nil {
		return nil, err
	}
	rep.own = s.rules.String()
	c.election = election{
		enabled: s.leaderElect, namespace: s.lease.Namespace, name: s.lease.Name, identity: s.identity,
		leaseDuration: s.leaseDuration, kube: clients.Kube,
		changed: func(leading bool) { c.metrics.leader.Set(map[bool]float64{true: 1}[leading]) },
	}
	lease, err := c.election.lease(ctx)
	if err != nil {
		return nil, err
	}
	if err := installed(ctx, clients.Records); err != nil {
		return nil, err
	}
	c.rules = config.NewWatch(config.WatchConfig{
		Client: clients.Kube, Name: s.rules, Reporter: rep, Tenants: s.tenants,
		Changed: func() {
			if c.watcher != nil {
				c.watcher.Follow(c.rules.Current().Kinds())
				c.watcher.Poke()
			}
		},
	})
	j := journey.New(s.traceAnnotations, c.exporter)
	rooms, err := line.Wire(line.Parts{
		Cluster: s.name, Clients: clients, Hub: hub, GitOps: s.gitops, GateTimeout: s.gateTimeout,
		Rules: c.rules, Journey: j, Clock: clock.RealClock{}, Log: log,
		Sinks:    sinks{rules: c.rules, dynamic: clients.Dynamic, http: receivers()},
		Baseline: line.Baseline(lease), Observe: rep.Delivered, Broken: rep.Broken,
	})
	if err != nil {
		return nil, err
	}
	c.ledger, c.dispatcher, c.watcher = rooms.Ledger, rooms.Dispatcher, rooms.Watcher
	c.metrics.registry.MustRegister(newReleasesCollector(c.ledger.Phases))
	c.runs, err = watch.NewRuns(clients.Lean, clients.Meta, c.ledger, log)
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
