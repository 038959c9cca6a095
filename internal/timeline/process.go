package timeline

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/rollcall-dev/rollcall/internal/line"
	"github.com/rollcall-dev/rollcall/internal/memory"
	"github.com/rollcall-dev/rollcall/journey"
	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch/lean"
)

// cluster is the name of the cluster in every timeline.
const cluster = "timeline"

// process is rollcall between a start and an end.
type process struct {
	rooms    *line.Rooms
	caches   *memory.Caches
	subjects *queue[release.Subject]
	records  *queue[cache.ObjectName]
	runs     *queue[cache.ObjectName]
	behind   time.Duration // how far its caches are behind, beyond those of all
	end      context.CancelFunc
}

// boot starts rollcall: what it knew is gone, and its caches fill.
func (e *engine) boot() error {
	if len(e.running) > 0 {
		return nil
	}
	return e.launch(0)
}

// connect makes the clients of rollcall, and those to the hub; nil if there is none.
func (e *engine) connect() (clients, hub *line.Clients, err error) {
	cfg := e.server.Config()
	if !e.Settings.Hub {
		clients, err = line.Connect(cfg, cfg, e.server.Client())
		return clients, nil, err
	}
	there := func(definition string) bool { return definition == lean.Applications.Definition() }
	if hub, err = line.Connect(cfg, cfg, e.server.Door(there)); err != nil {
		return nil, nil, err
	}
	clients, err = line.Connect(cfg, cfg, e.server.Door(func(definition string) bool { return !there(definition) }))
	return clients, hub, err
}

// launch starts one rollcall, beside others if there are any. All of its caches are
// further behind by some time.
func (e *engine) launch(behind time.Duration) error {
	clients, hub, err := e.connect()
	if err != nil {
		return err
	}
	p := &process{
		caches: memory.NewCaches(e.server), behind: behind, subjects: newQueue[release.Subject](e.clock.Now),
		records: newQueue[cache.ObjectName](e.clock.Now), runs: newQueue[cache.ObjectName](e.clock.Now),
	}
	p.caches.Lag = func(kind string) time.Duration { return e.faults.behind(kind) + behind }
	p.rooms, err = line.Wire(line.Parts{
		Cluster: cluster, Clients: clients, Hub: hub, Rules: e.rules, Sinks: e.heard, Journey: journey.New(nil, nil),
		Clock: e.clock, Log: slog.New(slog.DiscardHandler), Baseline: line.Baseline(e.lease()),
		GitOps: e.Settings.GitOps, GateTimeout: e.Settings.GateTimeout, Heard: e.look, Informer: p.caches.Informer, Subjects: p.subjects, Records: p.records,
		Chance: func(time.Duration) time.Duration { return 0 },
	})
	if err != nil {
		return err
	}
	e.running = append(e.running, p)
	if e.first.IsZero() {
		e.first = e.clock.now
	}
	e.tell("process", "rollcall starts")
	ctx, end := context.WithCancel(e.ctx)
	p.end = end
	p.rooms.Watcher.Follow(e.rules.Current().Kinds())
	p.rooms.Watcher.Begin(ctx)
	for _, r := range e.heard.runs {
		e.see(p, r)
	}
	return p.caches.Look(ctx)
}

// stop ends rollcall in an orderly way: nothing was at hand.
func (e *engine) stop() {
	if len(e.running) > 0 {
		e.tell("process", "rollcall stops")
		e.end()
		e.stopped = e.clock.now
	}
}

// end lets go of what waits for rollcall to end.
func (e *engine) end() {
	for _, p := range e.running {
		p.end()
	}
	e.running = nil
}

// lease is what a rollcall that led before has left.
func (e *engine) lease() *coordinationv1.Lease {
	if e.stopped.IsZero() {
		return nil
	}
	l := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: metav1.NewTime(e.first.Truncate(time.Second))}}
	l.Spec.RenewTime = &metav1.MicroTime{Time: e.stopped}
	return l
}

// work looks, and does one thing of each kind; false if there was none.
func (e *engine) work(p *process) (bool, error) {
	ctx := e.ctx
	if err := p.caches.Look(ctx); err != nil {
		return false, err
	}
	judged := p.rooms.Watcher.Next(ctx)
	if err := p.caches.Look(ctx); err != nil {
		return false, err
	}
	sent := p.rooms.Dispatcher.Next(ctx)
	if err := p.caches.Look(ctx); err != nil {
		return false, err
	}
	ended := e.follow(p)
	return judged || sent || ended, nil
}

// due lists when there will be something to do or to see.
func (p *process) due() []time.Time {
	var all []time.Time
	for _, next := range []func() (time.Time, bool){p.subjects.next, p.records.next, p.runs.next, p.caches.Next} {
		if at, ok := next(); ok {
			all = append(all, at)
		}
	}
	return all
}

// look tells of a live snapshot, and keeps what the rules say of it.
func (e *engine) look(s release.Snapshot, verdicts []release.Verdict) {
	e.looks = append(e.looks, Look{At: e.clock.now.Sub(e.zero), Snapshot: s, Verdicts: verdicts, Rules: e.rules.Current()})
	why := "ready"
	if !s.Ready {
		why = "waits: " + s.WaitingFor
	}
	if s.Outcome != nil {
		why = "tested: " + string(s.Outcome.Result)
	}
	r := s.Release
	e.tell("look", fmt.Sprintf("%s/%s rev %s is %s, %s", r.Subject.Kind, r.Subject.Name, r.Revision, r.Kind, why))
}

// short leaves out the namespace that goes without saying.
func (e *engine) short(namespace string) string {
	if namespace == e.Namespace {
		return ""
	}
	return namespace
}

func text(v any) string {
	s, _ := v.(string)
	return s
}
