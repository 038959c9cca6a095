package line

import (
	"context"
	"maps"
	"slices"
	"time"

	"k8s.io/utils/clock"

	"github.com/rollcall-dev/rollcall/config"
	"github.com/rollcall-dev/rollcall/emit"
	"github.com/rollcall-dev/rollcall/journey"
	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
	"github.com/rollcall-dev/rollcall/watch"
)

// Rules holds the configuration to work by.
type Rules interface {
	// Current is the configuration as it is now. It is never nil, and what it
	// points to never changes.
	Current() *config.Config
}

// rounds is how often the rules may ask for more before they are judged by what is
// known: what one looks up may depend on what it looked up before.
const rounds = 4

// judge takes snapshots the way to the record.
type judge struct {
	rules   Rules
	ledger  *emit.Ledger
	reader  subjects
	journey *journey.Journey
	clock   clock.PassiveClock
	heard   func(release.Snapshot, []release.Verdict)
	broken  func(release.Subject, release.Verdict)
}

// subjects tell more of a subject than a snapshot holds.
type subjects interface {
	Reader
	Marks(s release.Subject) (labels, annotations map[string]string)
}

var _ watch.Handler = (*judge)(nil)

// Wants says whether a lean snapshot is worth reading live.
func (j *judge) Wants(ctx context.Context, s release.Snapshot) (live bool, again time.Time) {
	return j.ledger.Wants(j.announcement(s, j.judge(ctx, s)))
}

// Repeats says whether rules may tell of a subject again and again.
func (j *judge) Repeats(s release.Subject) bool { return j.rules.Current().Repeats(s) }

// Handle takes a live snapshot the whole way to the record.
func (j *judge) Handle(ctx context.Context, s release.Snapshot) error {
	s, verdicts := j.inform(ctx, s)
	if j.heard != nil {
		j.heard(s, verdicts)
	}
	for _, v := range verdicts {
		if v.Standing == release.Broken && j.broken != nil {
			j.broken(s.Release.Subject, v)
		}
	}
	return j.ledger.Record(ctx, j.announcement(s, verdicts))
}

// tested gives what the rules say of a release whose runs have ended. Its trace is
// the recorded one: not all that it was found by is in a record.
func (j *judge) tested(ctx context.Context, rec *v1alpha1.Release, s release.Snapshot) emit.Announcement {
	s.Labels, s.Annotations = j.reader.Marks(s.Release.Subject)
	s, verdicts := j.inform(ctx, s)
	if j.heard != nil {
		j.heard(s, verdicts)
	}
	a := j.announcement(s, verdicts)
	if trace, ok := journey.FromRecorded(rec.Status.Trace); ok {
		a.Traceparent = func(d v1alpha1.Delivery) string { return journey.EventTraceparent(trace, s.Release, d) }
	}
	return a
}

func (j *judge) judge(ctx context.Context, s release.Snapshot) []release.Verdict {
	return j.rules.Current().Judge(ctx, s, j.clock.Now())
}

// inform judges a live snapshot, and reads what the rules ask for on the way.
func (j *judge) inform(ctx context.Context, s release.Snapshot) (release.Snapshot, []release.Verdict) {
	var verdicts []release.Verdict
	s = Inform(ctx, j.reader, s, func(s release.Snapshot) []release.Query {
		verdicts = j.judge(ctx, s)
		return needed(verdicts)
	})
	return s, verdicts
}

// Reader reads what rules ask for beside a snapshot.
type Reader interface {
	Find(ctx context.Context, s release.Subject, all []release.Query) map[release.Query]release.Found
}

// Inform asks what has to be read for a snapshot, reads it, and asks again: what is
// looked up may depend on what was looked up before. It ends when nothing is asked
// for, or after so many rounds.
func Inform(ctx context.Context, r Reader, s release.Snapshot, ask func(release.Snapshot) []release.Query) release.Snapshot {
	for range rounds {
		needs := ask(s)
		if len(needs) == 0 {
			return s
		}
		found := maps.Clone(s.Found)
		if found == nil {
			found = map[release.Query]release.Found{}
		}
		maps.Copy(found, r.Find(ctx, s.Release.Subject, needs))
		s.Found = found
	}
	ask(s)
	return s
}

// needed lists what has to be read first, each once.
func needed(verdicts []release.Verdict) []release.Query {
	var out []release.Query
	for _, v := range verdicts {
		for _, q := range v.Needs {
			if !slices.Contains(out, q) {
				out = append(out, q)
			}
		}
	}
	return out
}

func (j *judge) announcement(s release.Snapshot, verdicts []release.Verdict) emit.Announcement {
	trace := j.journey.Trace(s)
	return emit.Announcement{
		Snapshot: s,
		Verdicts: verdicts,
		Judge:    func(ctx context.Context, s release.Snapshot) []release.Verdict { _, v := j.inform(ctx, s); return v },
		Trace:    trace.V1alpha1(),
		Traceparent: func(d v1alpha1.Delivery) string {
			return journey.EventTraceparent(trace, s.Release, d)
		},
	}
}
