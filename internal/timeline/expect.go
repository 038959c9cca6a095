package timeline

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// expect reads "- TIME: EVENT KIND/NAME RELEASE [rev N] [over N,N] [FLAG]... [commit C] [source C] [-> RULE/SINK]".
func (r *reader) expect(n *yaml.Node) {
	r.t.Expect = []Expected{}
	for _, item := range r.list(n, "expect") {
		if item.Kind != yaml.MappingNode || len(item.Content) != 2 {
			r.wrong(item, "an event is written as in 12s: ready Deployment/web release rev 2")
			continue
		}
		lines, err := spread(item.Content[1].Value)
		if err != nil {
			r.wrong(item.Content[1], "%v", err)
		}
		for _, line := range lines {
			r.expectOne(item, line)
		}
	}
}

func (r *reader) expectOne(item *yaml.Node, line string) {
	e, err := readExpected(line)
	if err != nil {
		r.wrong(item.Content[1], "%v", err)
	}
	e.Line = item.Line
	if e.Whenever = item.Content[0].Value == "any"; !e.Whenever {
		e.At = r.moment(item.Content[0])
	}
	r.t.Expect = append(r.t.Expect, e)
}

// events and flags are the words of an expected event.
func events() []string { return []string{"ready", "stalled", "superseded"} }

func flags() []string {
	return []string{"gateTimeout", "late", "outOfBand", "partial"}
}

func readExpected(text string) (Expected, error) {
	e := Expected{AnyRev: true, AnyCommit: true, AnySource: true, AnyAddress: true}
	text, address, addressed := strings.Cut(text, "->")
	if addressed {
		var ok bool
		e.AnyAddress = false
		if e.Rule, e.Sink, ok = strings.Cut(strings.TrimSpace(address), "/"); !ok {
			return e, fmt.Errorf("%q must be a rule and a sink, as in smoke/ci", strings.TrimSpace(address))
		}
	}
	words := strings.Fields(text)
	if len(words) < 3 {
		return e, fmt.Errorf("an event is written as in ready Deployment/web release rev 2")
	}
	var err error
	e.Event, e.Kind = words[0], words[2]
	if e.Subject, err = readRef(words[1]); err != nil {
		return e, err
	}
	if !slices.Contains(events(), e.Event) {
		return e, fmt.Errorf("unknown event %q; there are %s", e.Event, strings.Join(events(), ", "))
	}
	if !slices.Contains(kinds(), e.Kind) {
		return e, fmt.Errorf("unknown kind of release %q; there are %s", e.Kind, strings.Join(kinds(), ", "))
	}
	return e, e.rest(words[3:])
}

// rest reads what an event may say beyond its kind.
func (e *Expected) rest(words []string) error {
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		switch {
		case slices.Contains(flags(), word):
			e.Flags = append(e.Flags, word)
		case word == "over" && len(words) > 0:
			e.Over, words = strings.Split(words[0], ","), words[1:]
		case word == "again":
			e.Repeated = true
		case word == "rev" && len(words) > 0:
			e.Revision, e.AnyRev, words = words[0], false, words[1:]
		case word == "commit" && len(words) > 0:
			e.Commit, e.AnyCommit, words = commits(words[0]), false, words[1:]
		case word == "source" && len(words) > 0:
			e.Source, e.AnySource, words = commits(words[0]), false, words[1:]
		default:
			return fmt.Errorf("unknown word %q; there are rev N, over N,N, commit C, source C, again, and the flags %s", word, strings.Join(flags(), ", "))
		}
	}
	slices.Sort(e.Flags)
	return nil
}

// commits are whole commits, of which several are joined by "+"; none is none.
func commits(s string) string {
	if s == "none" {
		return ""
	}
	all := strings.Split(s, "+")
	for i := range all {
		all[i] = commit(all[i])
	}
	return strings.Join(all, "+")
}

// records reads "- KIND/NAME rev N RELEASE PHASE".
func (r *reader) records(n *yaml.Node) {
	r.t.Records = []Recorded{}
	for _, item := range r.list(n, "records") {
		words := strings.Fields(item.Value)
		if item.Kind != yaml.ScalarNode || len(words) != 5 || words[1] != "rev" {
			r.wrong(item, "a record is written as in Deployment/web rev 2 release Ready")
			continue
		}
		ref, err := readRef(words[0])
		if err != nil {
			r.wrong(item, "%v", err)
		}
		r.t.Records = append(r.t.Records, Recorded{Subject: ref, Revision: words[2], Kind: words[3], Phase: words[4], Line: item.Line})
	}
}

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
		want.Line = 0
		switch {
		case i >= len(got):
			out = append(out, fmt.Sprintf("%s:%d: no record:  %s", t.File, line, want))
		case got[i] != want:
			out = append(out, fmt.Sprintf("%s:%d: record is:  %s, not %s", t.File, line, got[i], want))
		}
	}
	for _, r := range got[min(len(got), len(t.Records)):] {
		out = append(out, fmt.Sprintf("%s: record too many: %s", t.File, r))
	}
	return out
}
