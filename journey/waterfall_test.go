package journey

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

func drawn(t *testing.T, spans []Span, width int) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, Waterfall(&b, spans, width))
	return b.String()
}

func TestWaterfallGolden(t *testing.T) {
	failed := recorded(func(rec *v1alpha1.Release) {
		o := rec.Status.Deliveries[0].Outcome
		o.Result, o.Steps[1].Result = "failure", "failure"
	})
	rolling := recorded(func(rec *v1alpha1.Release) {
		rec.Status.Timeline.Ready, rec.Status.Timeline.RolloutFinished = nil, nil
		rec.Status.Deliveries, rec.Status.Trace = nil, nil
	})
	golden(t, "waterfall-80.txt", drawn(t, FromRecord(recorded(nil)), 80))
	golden(t, "waterfall-120.txt", drawn(t, FromRecord(recorded(nil)), 120))
	golden(t, "waterfall-160.txt", drawn(t, FromRecord(recorded(nil)), 500))
	golden(t, "waterfall-failed.txt", drawn(t, FromRecord(failed), 100))
	golden(t, "waterfall-rolling.txt", drawn(t, FromRecord(rolling), 100))
}

func TestWaterfallIsAligned(t *testing.T) {
	base := readyAt
	spans := []Span{
		{Name: "ein äußerst langer Name, länger als jede Spalte, die es dafür geben kann", ID: "a", Start: base, End: base.Add(time.Hour)},
		{Name: "öü", ID: "b", Parent: "a", Start: base, End: base},
		{Name: "x", ID: "c", Parent: "b", Start: base.Add(time.Hour), End: base.Add(time.Hour)},
	}
	for width := 0; width < 200; width += 7 {
		lines := strings.Split(strings.TrimSuffix(drawn(t, spans, width), "\n"), "\n")
		for _, line := range lines {
			assert.Equal(t, utf8.RuneCountInString(lines[0]), utf8.RuneCountInString(line), line)
			assert.LessOrEqual(t, utf8.RuneCountInString(line), min(max(width, 80), 160))
		}
	}
}

func TestWaterfallOrder(t *testing.T) {
	base := readyAt
	span := func(name, parent string, at int) Span {
		start := base.Add(time.Duration(at) * time.Second)
		return Span{Name: name, ID: name, Parent: parent, Start: start, End: start.Add(time.Second)}
	}
	tests := map[string]struct {
		spans []Span
		want  []string
	}{
		"roots by start": {[]Span{span("late", "", 5), span("early", "", 1)}, []string{"early", "late"}},
		"children by start": {
			[]Span{span("a", "", 0), span("c", "a", 3), span("b", "a", 2)}, []string{"a", "├─ b", "└─ c"},
		},
		"unknown parent is a root": {[]Span{span("a", "elsewhere", 0)}, []string{"a"}},
		"own parent is a root":     {[]Span{span("a", "a", 0)}, []string{"a"}},
		"an id twice":              {[]Span{span("a", "", 0), span("b", "a", 1), span("a", "", 2)}, []string{"a", "└─ b", "a"}},
		"no ids":                   {[]Span{{Name: "p", Start: base}, {Name: "q", Start: base}}, []string{"p", "q"}},
		"grandchildren": {
			[]Span{span("a", "", 0), span("b", "a", 1), span("c", "b", 2), span("d", "a", 3)},
			[]string{"a", "├─ b", "│  └─ c", "└─ d"},
		},
		"for a terminal": {[]Span{span("red\x1b[31m\n", "", 0)}, []string{"red?[31m?"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, r := range layout(tt.spans) {
				got = append(got, r.label)
			}
			assert.Equal(t, tt.want, got)
			assert.Equal(t, len(tt.want), strings.Count(drawn(t, tt.spans, 80), "\n"))
		})
	}
}

func TestWaterfallOfNothing(t *testing.T) { assert.Empty(t, drawn(t, nil, 80)) }

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("pipe closed") }

func TestWaterfallReportsTheWriter(t *testing.T) {
	assert.EqualError(t, Waterfall(broken{}, FromRecord(recorded(nil)), 80), "write waterfall: pipe closed")
}

func TestShort(t *testing.T) {
	tests := map[time.Duration]string{
		0: "0s", 5 * time.Millisecond: "5ms", 999 * time.Millisecond: "999ms", 3200 * time.Millisecond: "3.2s",
		59999 * time.Millisecond: "59.9s", 62 * time.Second: "1m02s", 3700 * time.Second: "1h01m", 240 * time.Hour: "10d",
	}
	for in, want := range tests {
		assert.Equal(t, want, short(in))
	}
}

func TestFromRecordShowsWhatIsExported(t *testing.T) {
	rec := recorded(nil)
	want := append(Ready(rec), Run(rec, rec.Status.Deliveries[0])...)
	got := FromRecord(rec)
	require.Len(t, got, len(want))
	for i, s := range want {
		assert.Equal(t, s.Name, got[i].Name)
		assert.Equal(t, s.EndTimeUnixNano, uint64(got[i].End.UnixNano()))
	}
	assert.Empty(t, FromRecord(&v1alpha1.Release{}))
}
