package line

import (
	"context"

	"k8s.io/utils/clock"

	"github.com/rollcall-dev/rollcall/config"
	"github.com/rollcall-dev/rollcall/emit"
	"github.com/rollcall-dev/rollcall/journey"
	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch"
)

// Rules holds the configuration to work by.
type Rules interface {
	// Current is the configuration as it is now. It is never nil, and what it
	// points to never changes.
	Current() *config.Config
}

// judge takes snapshots the way to the record.
type judge struct {
	rules   Rules
	ledger  *emit.Ledger
	journey *journey.Journey
	clock   clock.PassiveClock
	heard   func(release.Snapshot)
}

var _ watch.Handler = (*judge)(nil)

// Wants says whether a lean snapshot is worth reading live.
func (j *judge) Wants(s release.Snapshot) bool { return j.ledger.Wants(j.announcement(s)) }

// Handle takes a live snapshot the whole way to the record.
func (j *judge) Handle(ctx context.Context, s release.Snapshot) error {
	if j.heard != nil {
		j.heard(s)
	}
	return j.ledger.Record(ctx, j.announcement(s))
}

func (j *judge) announcement(s release.Snapshot) emit.Announcement {
	trace := j.journey.Trace(s)
	return emit.Announcement{
		Snapshot: s,
		Verdicts: j.rules.Current().Judge(s, j.clock.Now()),
		Judge:    func(s release.Snapshot) []release.Verdict { return j.rules.Current().Judge(s, j.clock.Now()) },
		Trace:    trace.V1alpha1(),
		Traceparent: func(rule string, m release.Message) string {
			return journey.EventTraceparent(trace, s.Release, rule, m.Sink, m.Follows)
		},
	}
}
