package main

import (
	"context"
	"net/http"

	"k8s.io/client-go/dynamic"
	"k8s.io/utils/clock"

	"github.com/rollcall-dev/rollcall/config"
	"github.com/rollcall-dev/rollcall/emit"
	"github.com/rollcall-dev/rollcall/journey"
	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch"
)

// line is the straight line: what watch hands on is judged by the rules, given
// its trace, and recorded; from the record it is delivered and drawn.
type line struct {
	rules   *config.Watch
	ledger  *emit.Ledger
	journey *journey.Journey
	clock   clock.PassiveClock
}

var _ watch.Handler = (*line)(nil)

// Wants says whether a lean snapshot is worth reading live.
func (l *line) Wants(s release.Snapshot) bool { return l.ledger.Wants(l.announcement(s)) }

// Handle takes a live snapshot the whole way to the record.
func (l *line) Handle(ctx context.Context, s release.Snapshot) error {
	return l.ledger.Record(ctx, l.announcement(s))
}

func (l *line) announcement(s release.Snapshot) emit.Announcement {
	trace := l.journey.Trace(s)
	return emit.Announcement{
		Snapshot: s,
		Verdicts: l.rules.Current().Judge(s, l.clock.Now()),
		Judge:    func(s release.Snapshot) []release.Verdict { return l.rules.Current().Judge(s, l.clock.Now()) },
		Trace:    trace.V1alpha1(),
		Traceparent: func(rule string, m release.Message) string {
			return journey.EventTraceparent(trace, s.Release, rule, m.Sink, m.Follows)
		},
	}
}

// sinks makes the sinks of the configuration as it is now.
type sinks struct {
	rules   *config.Watch
	dynamic dynamic.Interface
	http    *http.Client
}

var _ emit.Sinks = sinks{}

// Sink finds a sink by name. A new kind of sink is one more line here.
func (s sinks) Sink(name string) (emit.Sink, bool) {
	c, ok := s.rules.Current().Sinks[name]
	switch {
	case !ok:
		return nil, false
	case c.ArgoWorkflow != nil:
		return emit.ArgoWorkflow{Config: *c.ArgoWorkflow, Client: s.dynamic}, true
	case c.HTTP != nil:
		return emit.HTTP{Config: *c.HTTP, Client: s.http}, true
	}
	return nil, false
}
