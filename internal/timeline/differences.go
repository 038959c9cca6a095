package timeline

import (
	"context"
	"fmt"
	"slices"
)

// Difference is one thing in which a run is not as its file expects.
type Difference struct {
	// Text says it in the words of the file.
	Text string `json:"text"`
	// Why says what was so instead, over several lines; it may be empty.
	Why string `json:"why,omitempty"`
}

// Differences says in what a run is not as expected, in the words of the file.
// Without one it is.
func (t *Timeline) Differences(run *Run) []string {
	var out []string
	missing, extra := t.unmatched(run)
	for _, want := range missing {
		out = append(out, t.missing(want))
	}
	for _, s := range extra {
		out = append(out, t.extra(s))
	}
	return append(out, t.otherRecords(run.Records)...)
}

// Explain says the same as [Timeline.Differences], and how each came to be.
func (t *Timeline) Explain(ctx context.Context, run *Run) []Difference {
	var out []Difference
	missing, extra := t.unmatched(run)
	for _, want := range missing {
		out = append(out, Difference{t.missing(want), t.because(ctx, want, run, extra)})
	}
	for _, s := range extra {
		out = append(out, Difference{t.extra(s), t.wherefore(ctx, s, run)})
	}
	for _, text := range t.otherRecords(run.Records) {
		out = append(out, Difference{Text: text})
	}
	return out
}

// unmatched gives the expected events that were not sent, and the events that were
// not expected.
func (t *Timeline) unmatched(run *Run) (missing []Expected, extra []Said) {
	extra = slices.Clone(run.Events)
	for _, want := range t.Expect {
		i := slices.IndexFunc(extra, want.matches)
		if i < 0 {
			missing = append(missing, want)
			continue
		}
		extra = slices.Delete(extra, i, i+1)
	}
	return missing, extra
}

func (t *Timeline) missing(want Expected) string {
	return fmt.Sprintf("%s:%d: not sent:   %s %s", t.File, want.Line, want.when(), want)
}

func (t *Timeline) extra(s Said) string {
	again := ""
	if s.Again > 0 {
		again = fmt.Sprintf(", and %d times again", s.Again)
	}
	return fmt.Sprintf("%s: unexpected: %s %s%s", t.File, moment(s.At), s, again)
}

func (e Expected) when() string {
	if e.Whenever {
		return "any"
	}
	return moment(e.At)
}

// otherRecords compares the records, if the file names any.
func (t *Timeline) otherRecords(got []Recorded) []string {
	if t.Records == nil {
		return nil
	}
	var out []string
	for i, want := range t.Records {
		line := want.Line
		switch {
		case i >= len(got):
			out = append(out, fmt.Sprintf("%s:%d: no record:  %s", t.File, line, want))
		case !got[i].is(want):
			out = append(out, fmt.Sprintf("%s:%d: record is:  %s, not %s", t.File, line, got[i], want))
		}
	}
	for _, r := range got[min(len(got), len(t.Records)):] {
		out = append(out, fmt.Sprintf("%s: record too many: %s", t.File, r))
	}
	return out
}
