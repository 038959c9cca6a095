package timeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/emit"
	"github.com/rollcall-dev/rollcall/internal/memory"
	"github.com/rollcall-dev/rollcall/release"
)

// heard are the sinks: each takes everything, and writes it down. What they started
// goes on, whether rollcall is there or not.
type heard struct {
	engine *engine
	said   []Said
	runs   []*run
	owed   []ending // of runs that have not started yet
}

var _ emit.Sinks = (*heard)(nil)

// Sink gives a sink that the rules know.
func (h *heard) Sink(name string) (emit.Sink, bool) {
	c, ok := h.engine.rules.Current().Sinks[name]
	if c.Follows() {
		return starter{sink{h, name}}, ok
	}
	return sink{h, name}, ok
}

// sink writes down what it is sent.
type sink struct {
	*heard
	name string
}

// Send writes down an event, unless the call is to fail.
func (s sink) Send(_ context.Context, ev release.Event) (release.Receipt, error) {
	return s.take(ev, func() release.Receipt { return release.Receipt{Status: "heard"} })
}

// take hears an event, and does what the sink does then, unless the call is to fail.
func (s sink) take(ev release.Event, do func() release.Receipt) (release.Receipt, error) {
	e := s.engine
	fate := e.fate(memory.Call{Verb: "send", Resource: ev.Sink, Namespace: ev.Release.Subject.Namespace, Name: ev.Release.Subject.Name})
	if fate.Down || fate.Code != 0 {
		e.tell("send", "a send to "+ev.Sink+" fails")
		return release.Receipt{}, fmt.Errorf("send to %s: refused on purpose", ev.Sink)
	}
	s.hear("send", s.describe(ev))
	r := do()
	if fate.Lost {
		return release.Receipt{}, fmt.Errorf("send to %s: the answer was lost", ev.Sink)
	}
	return r, nil
}

// hear writes down what a sink was told, once for each event.
func (h *heard) hear(what string, said Said) {
	said.At = h.engine.clock.now.Sub(h.engine.zero)
	for i := range h.said {
		if was := &h.said[i]; was.ID == said.ID && was.Sink == said.Sink && was.Event == said.Event {
			was.Again++
			h.engine.tell(what, was.String()+" (again)")
			return
		}
	}
	h.said = append(h.said, said)
	h.engine.tell(what, said.String())
}

// describe gives an event as a timeline tells it.
func (h *heard) describe(ev release.Event) Said {
	r := ev.Release
	s := Said{
		ID: ev.ID, Event: string(ev.Occasion), Over: ev.Superseded, Kind: string(r.Kind), Repeat: ev.Repeat,
		Subject:  Ref{r.Subject.Kind, h.engine.short(r.Subject.Namespace), r.Subject.Name},
		Revision: r.Revision, Commit: ev.App.Revision, Source: ev.App.Source, Rule: ev.Rule, Sink: ev.Sink, Parameters: maps.Clone(ev.Parameters),
	}
	if ev.Outcome != nil {
		s.Result = string(ev.Outcome.Result)
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
