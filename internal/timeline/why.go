package timeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/conditions"
	"github.com/rollcall-dev/rollcall/release"
)

// because says, over several lines, what was so when an expected event was not sent:
// what was sent instead, and what its rule said when rollcall last looked.
func (t *Timeline) because(ctx context.Context, want Expected, run *Run, instead []Said) string {
	var out []string
	if i := slices.IndexFunc(instead, want.resembles); i >= 0 {
		out = append(out, fmt.Sprintf("instead, at %s: %s", moment(instead[i].At), instead[i].whole()))
	}
	at := want.At
	if want.Whenever {
		at = t.End
	}
	last := t.lookAt(run, want.Said, at, func(Look) bool { return true })
	if last == nil {
		return strings.Join(append(out, fmt.Sprintf("rollcall had not looked at %s by then", want.Subject)), "\n")
	}
	out = append(out, last.says(ctx, func(e conditions.Explanation) bool { return want.asks(e.Verdict) }))
	return strings.Join(append(out, t.recall(run, want, last.Snapshot.Release.Revision)...), "\n")
}

// wherefore says what made a rule hold whose event was not expected.
func (t *Timeline) wherefore(ctx context.Context, s Said, run *Run) string {
	holds := func(l Look) bool {
		return slices.ContainsFunc(l.Verdicts, func(v release.Verdict) bool { return v.Rule == s.Rule && v.Standing == release.Holds })
	}
	last := t.lookAt(run, s, s.At, holds)
	if last == nil {
		last = t.lookAt(run, s, s.At, func(Look) bool { return true })
	}
	if last == nil {
		return ""
	}
	return last.says(ctx, func(e conditions.Explanation) bool { return e.Rule == s.Rule })
}

// resembles reports whether an event is the expected one but for its time, what else
// it says, or what it gives.
func (e Expected) resembles(s Said) bool {
	return e.Event == s.Event && e.Subject == s.Subject && (e.AnyRev || e.Revision == s.Revision) &&
		(e.AnyAddress || e.Rule == s.Rule && e.Sink == s.Sink)
}

// asks reports whether a verdict is of a rule that the expected event may come from.
func (e Expected) asks(v release.Verdict) bool {
	if !e.AnyAddress {
		return v.Rule == e.Rule
	}
	overdue := e.Event == string(release.DidStall) && v.Event == release.BecameReady && v.Terms.Deadline > 0
	return string(v.Event) == e.Event || overdue
}

// lookAt finds the last look at a subject until some time that is one that is meant:
// at the revision that an event is of, if it is known.
func (t *Timeline) lookAt(run *Run, of Said, until time.Duration, meant func(Look) bool) *Look {
	for i, l := range slices.Backward(run.Looks) {
		s := l.Snapshot.Release.Subject
		ref := Ref{s.Kind, s.Namespace, s.Name}
		if ref.Namespace == t.Namespace {
			ref.Namespace = ""
		}
		if l.At > until || ref != of.Subject || of.Revision != "" && of.Revision != l.Snapshot.Release.Revision || !meant(l) {
			continue
		}
		return &run.Looks[i]
	}
	return nil
}

// says explains a look: what rollcall saw, and what some rules made of it.
func (l Look) says(ctx context.Context, which func(conditions.Explanation) bool) string {
	r := l.Snapshot.Release
	saw := "ready"
	if !l.Snapshot.Ready {
		saw = "waiting: " + l.Snapshot.WaitingFor
	}
	if o := l.Snapshot.Outcome; o != nil {
		saw = "tested: " + string(o.Result)
	}
	var out strings.Builder
	out.WriteString(fmt.Sprintf("at %s, %s/%s rev %s was %s", moment(l.At), r.Subject.Kind, r.Subject.Name, r.Revision, saw))
	n := 0
	for _, e := range l.Rules.Explain(ctx, l.Snapshot, beginning().Add(l.At)) {
		if which(e) {
			out.WriteString("\n" + strings.TrimRight(e.String(), "\n"))
			n++
		}
	}
	if n == 0 {
		out.WriteString("\nno such rule was about it")
	}
	return out.String()
}

// recall says what the record of the release keeps of an expected rule.
func (t *Timeline) recall(run *Run, want Expected, revision string) []string {
	var out []string
	for _, r := range run.Records {
		if r.Subject != want.Subject || r.Revision != revision {
			continue
		}
		for _, said := range r.Rules {
			if !want.AnyAddress && strings.HasPrefix(said, want.Rule+" ") {
				out = append(out, "in the end, its record said: "+said)
			}
		}
	}
	return out
}
