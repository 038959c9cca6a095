package line

import (
	"log/slog"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"

	"github.com/rollcall-dev/rollcall/emit"
	"github.com/rollcall-dev/rollcall/journey"
	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch"
	"github.com/rollcall-dev/rollcall/watch/gitops"
)

// Parts is what the line is made of; Cluster to Log must be set.
type Parts struct {
	// Cluster names the cluster in every identity.
	Cluster string
	Clients *Clients
	// Hub is where Argo CD's Applications are; nil stands for Clients.
	Hub   *Clients
	Rules Rules
	// Sinks are where events go.
	Sinks emit.Sinks
	// Journey finds traces, and draws them if it is enabled.
	Journey *journey.Journey
	Clock   clock.WithTicker
	Log     *slog.Logger
	// GitOps says how the engines mark what they own, GateTimeout how long they are
	// waited for.
	GitOps      gitops.Settings
	GateTimeout time.Duration
	// Baseline tells what ran before rollcall did; see [Baseline].
	Baseline func(created time.Time) bool
	// Observe is told of each attempt to deliver; it may be nil.
	Observe func(emit.Delivered)
	// Heard is told of each live snapshot, and of each release whose runs have ended,
	// and of what the rules say of it, before that is recorded; it may be nil.
	Heard func(release.Snapshot, []release.Verdict)
	// Broken is told of each rule that could not be evaluated on a live snapshot; it
	// may be nil.
	Broken func(release.Subject, release.Verdict)
	// Informer makes the caches, Subjects and Records are the queues; nil stands for
	// client-go's own.
	Informer func(cache.ListerWatcher, runtime.Object, cache.Indexers) cache.SharedIndexInformer
	Subjects watch.Queue
	Records  emit.Queue
	// Chance is that by which retries are spread; nil stands for true chance.
	Chance func(below time.Duration) time.Duration
}

// Rooms are the rooms that the line goes through, wired. Nothing runs yet.
type Rooms struct {
	Ledger     *emit.Ledger
	Dispatcher *emit.Dispatcher
	Watcher    *watch.Watcher
}

// Wire makes the rooms.
func Wire(p Parts) (*Rooms, error) {
	if p.Hub == nil {
		p.Hub = p.Clients
	}
	j := &judge{rules: p.Rules, journey: p.Journey, clock: p.Clock, heard: p.Heard, broken: p.Broken}
	out := &Rooms{Ledger: emit.NewLedger(emit.LedgerConfig{
		Client: p.Clients.Records, Clock: p.Clock, Informer: p.Informer, Tested: j.tested,
	})}
	var tracer emit.Tracer
	if p.Journey.Enabled() {
		tracer = p.Journey
	}
	var err error
	out.Dispatcher, err = emit.NewDispatcher(out.Ledger, emit.DispatcherConfig{
		Sinks: p.Sinks, Tracer: tracer, Log: p.Log, Observe: p.Observe, Queue: p.Records, Chance: p.Chance,
	})
	if err != nil {
		return nil, err
	}
	out.Watcher, err = watch.New(watch.Config{
		Cluster: p.Cluster, Kube: p.Clients.Kube, Lean: p.Clients.Lean, Meta: p.Clients.Meta, Argo: p.Hub.Lean, ArgoMeta: p.Hub.Meta,
		Dynamic: p.Clients.Dynamic, Mapper: p.Clients.Mapper, GitOps: p.GitOps, GateTimeout: p.GateTimeout,
		History: out.Ledger, Handler: j, Repeats: j.Repeats,
		Baseline: p.Baseline, Clock: p.Clock, Queue: p.Subjects, Informer: p.Informer, Log: p.Log,
	})
	j.ledger, j.reader = out.Ledger, out.Watcher
	return out, err
}
