package timeline

import (
	"fmt"
	"slices"
)

// Differences says in what a run is not as expected, in the words of the file.
// Without one it is.
func (t *Timeline) Differences(run *Run) []string {
	var out []string
	left := slices.Clone(run.Events)
	for _, want := range t.Expect {
		i := slices.IndexFunc(left, want.matches)
		if i < 0 {
			out = append(out, fmt.Sprintf("%s:%d: not sent:   %s %s", t.File, want.Line, want.when(), want))
			continue
		}
		left = slices.Delete(left, i, i+1)
	}
	for _, s := range left {
		out = append(out, t.extra(s))
	}
	return append(out, t.otherRecords(run.Records)...)
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
