package timeline

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/rollcall-dev/rollcall/release"
)

// expect reads "- TIME: EVENT KIND/NAME RELEASE [rev N] [over N,N] [repeat N] [result R] [FLAG]... [commit C]
// [source C] [-> RULE/SINK]", and below it "parameters".
func (r *reader) expect(n *yaml.Node) {
	r.t.Expect = []Expected{}
	for _, item := range r.list(n, "expect") {
		if item.Kind != yaml.MappingNode || len(item.Content) < 2 || item.Content[1].Kind != yaml.ScalarNode {
			r.wrong(item, "an event is written as in 12s: ready Deployment/web release rev 2")
			continue
		}
		parameters := r.given(item)
		lines, err := spread(item.Content[1].Value)
		if err != nil {
			r.wrong(item.Content[1], "%v", err)
		}
		for _, line := range lines {
			r.expectOne(item, line, parameters)
		}
	}
}

func (r *reader) expectOne(item *yaml.Node, line string, parameters map[string]string) {
	e, err := readExpected(line)
	if err != nil {
		r.wrong(item.Content[1], "%v", err)
	}
	e.Line, e.Parameters = item.Line, parameters
	if e.Whenever = item.Content[0].Value == "any"; !e.Whenever {
		e.At = r.moment(item.Content[0])
	}
	r.t.Expect = append(r.t.Expect, e)
}

// given reads the parameters of an expected event; nil if the file says nothing of them.
func (r *reader) given(item *yaml.Node) map[string]string {
	if len(item.Content) == 2 {
		return nil
	}
	rest := yaml.Node{Kind: yaml.MappingNode, Line: item.Line, Column: item.Column, Content: item.Content[2:]}
	out := map[string]string{}
	for _, p := range r.pairs(&rest, "an expected event, after its time", "parameters") {
		for _, one := range r.pairs(p[1], "parameters") {
			if one[1].Kind != yaml.ScalarNode {
				r.wrong(one[1], "a parameter is a text")
			}
			out[one[0].Value] = one[1].Value
		}
	}
	return out
}

// events and flags are the words of an expected event.
func events() []string { return []string{"ready", "stalled", "superseded", "tested", stopped} }

func flags() []string {
	return []string{"gateTimeout", "late", "outOfBand", "partial"}
}

func results() []string {
	return []string{string(release.Success), string(release.Failure), string(release.RunError)}
}

func readExpected(text string) (Expected, error) {
	e := Expected{AnyRev: true, AnyCommit: true, AnySource: true, AnyAddress: true, AnyResult: true}
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
		case word == "repeat" && len(words) > 0:
			n, err := strconv.ParseInt(words[0], 10, 64)
			if err != nil || n < 1 {
				return fmt.Errorf("repeat %s must be a number from 1 on", words[0])
			}
			e.Repeat, words = n, words[1:]
		case word == "result" && len(words) > 0:
			if !slices.Contains(results(), words[0]) {
				return fmt.Errorf("unknown result %q; there are %s", words[0], strings.Join(results(), ", "))
			}
			e.Result, e.AnyResult, words = words[0], false, words[1:]
		case word == "again":
			e.Repeated = true
		case word == "rev" && len(words) > 0:
			e.Revision, e.AnyRev, words = words[0], false, words[1:]
		case word == "commit" && len(words) > 0:
			e.Commit, e.AnyCommit, words = commits(words[0]), false, words[1:]
		case word == "source" && len(words) > 0:
			e.Source, e.AnySource, words = commits(words[0]), false, words[1:]
		default:
			return fmt.Errorf("unknown word %q; there are rev N, over N,N, repeat N, result R, commit C, source C, again, and the flags %s", word, strings.Join(flags(), ", "))
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
