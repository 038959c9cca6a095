package timeline

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/rollcall-dev/rollcall/emit"
	"github.com/rollcall-dev/rollcall/internal/line"
	"github.com/rollcall-dev/rollcall/internal/memory"
	"github.com/rollcall-dev/rollcall/journey"
	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
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
		caches: memory.NewCaches(e.server), subjects: newQueue[release.Subject](e.clock.Now), records: newQueue[cache.ObjectName](e.clock.Now),
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
func (p *process) work(ctx context.Context) (bool, error) {
	if err := p.caches.Look(ctx); err != nil {
		return false, err
	}
	judged := p.rooms.Watcher.Next(ctx)
	if err := p.caches.Look(ctx); err != nil {
		return false, err
	}
	sent := p.rooms.Dispatcher.Next(ctx)
	return judged || sent, nil
}

// due lists when there will be something to do or to see.
func (p *process) due() []time.Time {
	var all []time.Time
	for _, next := range []func() (time.Time, bool){p.subjects.next, p.records.next, p.caches.Next} {
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
	r := s.Release
	e.tell("look", fmt.Sprintf("%s/%s rev %s is %s, %s", r.Subject.Kind, r.Subject.Name, r.Revision, r.Kind, why))
}

// records lists the records as they are.
func (e *engine) records() []Recorded {
	var out []Recorded
	for _, o := range e.server.List(v1alpha1.Kind) {
		spec := part(o.Object, "spec")
		out = append(out, Recorded{
			Subject:  Ref{text(part(spec, "subject")["kind"]), e.short(o.GetNamespace()), text(part(spec, "subject")["name"])},
			Revision: text(spec["revision"]), Kind: text(spec["kind"]), Phase: text(part(o.Object, "status")["phase"]),
		})
	}
	sortRecords(out, e.server.List(v1alpha1.Kind))
	return out
}

// short leaves out the namespace that goes without saying.
func (e *engine) short(namespace string) string {
	if namespace == e.Namespace {
		return ""
	}
	return namespace
}

// tellRecords tells of records whose phase is another one.
func (e *engine) tellRecords() {
	if e.opt.Tell == nil {
		return
	}
	for _, r := range e.records() {
		id := fmt.Sprint(r.Subject, r.Revision)
		if e.phases[id] != r.Phase {
			e.phases[id] = r.Phase
			e.tell("record", strings.TrimSpace(r.String()))
		}
	}
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// heard are the sinks: each takes everything, and writes it down.
type heard struct {
	engine *engine
	said   []Said
}

var _ emit.Sinks = (*heard)(nil)

// Sink gives a sink that the rules know.
func (h *heard) Sink(name string) (emit.Sink, bool) {
	c, ok := h.engine.rules.Current().Sinks[name]
	return sink{h, c.Follows()}, ok
}

// sink writes down what it is sent.
type sink struct {
	*heard
	starts bool // something in the cluster
}

// Send writes down an event, unless the call is to fail.
func (s sink) Send(_ context.Context, ev release.Event) (release.Receipt, error) {
	e := s.engine
	fate := e.fate(memory.Call{Verb: "send", Resource: ev.Sink, Namespace: ev.Release.Subject.Namespace, Name: ev.Release.Subject.Name})
	if fate.Down || fate.Code != 0 {
		e.tell("send", "a send to "+ev.Sink+" fails")
		return release.Receipt{}, fmt.Errorf("send to %s: refused on purpose", ev.Sink)
	}
	s.hear(ev)
	if fate.Lost {
		return release.Receipt{}, fmt.Errorf("send to %s: the answer was lost", ev.Sink)
	}
	r := release.Receipt{Status: "heard"}
	if s.starts {
		r.Object = release.Ref{APIVersion: "argoproj.io/v1alpha1", Kind: "Workflow", Namespace: ev.Release.Subject.Namespace, Name: "run-" + ev.ID[:10], UID: ev.ID}
	}
	return r, nil
}

func (s sink) hear(ev release.Event) {
	for i := range s.said {
		if s.said[i].ID == ev.ID && s.said[i].Sink == ev.Sink {
			s.said[i].Again++
			s.engine.tell("send", s.said[i].String()+" (again)")
			return
		}
	}
	said := describe(ev)
	said.At, said.Subject.Namespace = s.engine.clock.now.Sub(s.engine.zero), s.engine.short(said.Subject.Namespace)
	s.said = append(s.said, said)
	s.engine.tell("send", said.String())
}

// describe gives an event as a timeline tells it.
func describe(ev release.Event) Said {
	r := ev.Release
	s := Said{
		ID: ev.ID, Event: string(ev.Occasion), Over: ev.Superseded, Subject: Ref{r.Subject.Kind, r.Subject.Namespace, r.Subject.Name}, Kind: string(r.Kind),
		Revision: r.Revision, Commit: ev.App.Revision, Source: ev.App.Source, Rule: ev.Rule, Sink: ev.Sink,
	}
	if len(ev.App.Revisions) > 1 {
		s.Commit = strings.Join(ev.App.Revisions, "+")
	}
	for flag, is := range map[string]bool{
		"late": ev.Late, "partial": ev.App.Partial, "outOfBand": ev.OutOfBand, "gateTimeout": ev.GateTimeout,
	} {
		if is {
			s.Flags = append(s.Flags, flag)
		}
	}
	slices.Sort(s.Flags)
	return s
}
