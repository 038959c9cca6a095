package timeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/client-go/tools/cache"

	"github.com/rollcall-dev/rollcall/emit"
	"github.com/rollcall-dev/rollcall/internal/memory"
	"github.com/rollcall-dev/rollcall/release"
)

// run is what a sink started in the cluster.
type run struct {
	of    Said
	where Ref // the subject of its release, with its namespace
	// outcome is how it ended; its Result is empty until then.
	outcome release.Outcome
}

func (r *run) name() cache.ObjectName {
	return cache.NewObjectName(r.outcome.Object.Namespace, r.outcome.Object.Name)
}

// starter is a sink that starts runs.
type starter struct{ sink }

var _ emit.Stopper = starter{}

// Send writes down an event, and starts its run, unless the call is to fail.
func (s starter) Send(_ context.Context, ev release.Event) (release.Receipt, error) {
	return s.take(ev, func() release.Receipt { return release.Receipt{Status: "started", Object: s.start(ev).outcome.Object} })
}

// start starts the run of an event, once.
func (s starter) start(ev release.Event) *run {
	subject := ev.Release.Subject
	name := ev.Sink + "-" + ev.ID[:10]
	at := slices.IndexFunc(s.runs, func(r *run) bool { return r.outcome.Object.Name == name })
	if at >= 0 {
		return s.runs[at]
	}
	now := s.engine.clock.now
	r := &run{of: s.describe(ev), where: Ref{subject.Kind, subject.Namespace, subject.Name}, outcome: release.Outcome{
		EventID: ev.ID, Sink: ev.Sink, Record: ev.Record, CreatedAt: now, StartedAt: now,
		Object: release.Ref{APIVersion: "argoproj.io/v1alpha1", Kind: "Workflow", Namespace: subject.Namespace, Name: name, UID: name},
	}}
	s.runs = append(s.runs, r)
	if i := slices.IndexFunc(s.owed, func(a ending) bool { return a.fits(r) }); i >= 0 {
		owed := s.owed[i]
		s.owed = slices.Delete(s.owed, i, i+1)
		s.finish(r, owed.result, owed.message)
	}
	return r
}

// Stop ends a run, as Argo Workflows does when it is told to: it has failed then.
func (s starter) Stop(_ context.Context, ref release.Ref) error {
	e := s.engine
	fate := e.fate(memory.Call{Verb: "stop", Resource: s.name, Namespace: ref.Namespace, Name: ref.Name})
	if fate.Down || fate.Code != 0 {
		e.tell("stop", "a run of "+s.name+" cannot be stopped")
		return fmt.Errorf("stop a run of %s: refused on purpose", s.name)
	}
	at := slices.IndexFunc(s.runs, func(r *run) bool { return r.outcome.Object == ref })
	if at >= 0 && s.runs[at].outcome.Result == "" {
		said := s.runs[at].of
		said.Event, said.Parameters = stopped, nil
		s.hear("stop", said)
		s.finish(s.runs[at], release.Failure, "it was stopped")
	}
	if fate.Lost {
		return fmt.Errorf("stop a run of %s: the answer was lost", s.name)
	}
	return nil
}

// stopped is what a file calls it that a run was stopped.
const stopped = "stop"

// finish ends a run, and lets every rollcall see it.
func (h *heard) finish(r *run, result release.Result, message string) {
	r.outcome.Result, r.outcome.Message, r.outcome.FinishedAt = result, message, h.engine.clock.now
	h.engine.tell("run", strings.TrimSpace(fmt.Sprintf("%s of %s ended: %s %s", r.of.Sink, r.of.Subject, result, message)))
	for _, p := range h.engine.running {
		h.engine.see(p, r)
	}
}

// see lets a rollcall see how a run ended, as far behind as its caches are.
func (e *engine) see(p *process, r *run) {
	if r.outcome.Result != "" {
		p.runs.AddAfter(r.name(), e.faults.behind(r.outcome.Object.Kind)+p.behind)
	}
}

// follow takes the end of one run to the record, as the controller does; false if
// there was none.
func (e *engine) follow(p *process) bool {
	name, none := p.runs.Get()
	if none {
		return false
	}
	defer p.runs.Done(name)
	if err := e.record(p, name); err != nil {
		p.runs.AddRateLimited(name)
		return true
	}
	p.runs.Forget(name)
	return true
}

// record reads a run, and hands on how it ended, if that is wanted.
func (e *engine) record(p *process, name cache.ObjectName) error {
	at := slices.IndexFunc(e.heard.runs, func(r *run) bool { return r.name() == name })
	o := e.heard.runs[at].outcome
	if !p.rooms.Ledger.Awaits(o) {
		return nil
	}
	fate := e.fate(memory.Call{Verb: "get", Resource: "workflows", Namespace: name.Namespace, Name: name.Name})
	if fate != (memory.Fate{}) {
		return errors.New("the run cannot be read")
	}
	return p.rooms.Ledger.Finish(e.ctx, o)
}

// ending is the end of a run.
type ending struct {
	sink     string
	of       *Ref   // the subject of its release; nil for any
	revision string // of its release; empty for any
	result   release.Result
	message  string
}

// do ends the newest run that fits. If rollcall was disturbed, it may start only
// later: then it ends at once.
func (a ending) do(e *engine) error {
	if a.of != nil {
		of := e.world.place(*a.of)
		a.of = &of
	}
	for _, r := range slices.Backward(e.heard.runs) {
		if a.fits(r) {
			e.heard.finish(r, a.result, a.message)
			return nil
		}
	}
	if !e.opt.disturbed() {
		return fmt.Errorf("there is no run of %s that could end", a.sink)
	}
	e.heard.owed = append(e.heard.owed, a)
	return nil
}

// fits reports whether a run has not ended, and is one that is meant.
func (a ending) fits(r *run) bool {
	return r.outcome.Result == "" && a.sink == r.of.Sink && (a.of == nil || *a.of == r.where) && (a.revision == "" || a.revision == r.of.Revision)
}

// endings are the words for how a run ends.
func endings() map[string]release.Result {
	return map[string]release.Result{"succeeded": release.Success, "failed": release.Failure, "errored": release.RunError}
}

var errEnding = errors.New("the end of a run is written as in run smoke succeeded, or run smoke Deployment/web rev 2 failed two tests are red")

// readEnding reads "SINK [KIND/NAME [rev N]] succeeded|failed|errored [MESSAGE]".
func readEnding(text string) (Action, error) {
	words := strings.Fields(text)
	if len(words) < 2 {
		return nil, errEnding
	}
	a := ending{sink: words[0]}
	words = words[1:]
	if strings.Contains(words[0], "/") {
		of, err := readRef(words[0])
		if err != nil {
			return nil, err
		}
		a.of, words = &of, words[1:]
	}
	if a.of != nil && len(words) > 2 && words[0] == "rev" {
		a.revision, words = words[1], words[2:]
	}
	if len(words) == 0 || endings()[words[0]] == "" {
		return nil, errEnding
	}
	a.result, a.message = endings()[words[0]], strings.Join(words[1:], " ")
	return a, nil
}
