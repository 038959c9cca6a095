package timeline

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/rollcall-dev/rollcall/release"
)

// review stands at the head of a recording.
const review = "Recorded by rollcall. Review `expect` before you keep it: it is what rollcall says today.\n" +
	"Times are moved to those of timelines, and what may be secret is a digest."

// errDiffers says that a recording does not do what it says of itself.
var errDiffers = errors.New("the recording does not end as it expects")

// Text is the timeline. What it expects is what rollcall says to it. If that cannot
// be found out, the text is there all the same, and the error says why.
func (t *Tape) Text(ctx context.Context) (string, error) {
	text, err := t.print(nil)
	if err != nil {
		return "", err
	}
	run, err := replay(ctx, text)
	if err != nil {
		return text, err
	}
	told, err := t.print(run.Events)
	if err != nil {
		return text, err
	}
	again, mistakes := Read("recording", []byte(told))
	if len(mistakes) > 0 {
		return text, fmt.Errorf("read recording: %s", mistakes[0])
	}
	if d := again.Differences(run); len(d) > 0 {
		return told, fmt.Errorf("%w: %s", errDiffers, d[0])
	}
	return told, nil
}

func replay(ctx context.Context, text string) (*Run, error) {
	tl, mistakes := Read("recording", []byte(text))
	if len(mistakes) > 0 {
		return nil, fmt.Errorf("read recording: %s", mistakes[0])
	}
	return tl.Run(ctx, Options{})
}

// print writes the tape as a timeline that expects some events.
func (t *Tape) print(events []Said) (string, error) {
	objects, steps, ended := t.changes()
	p := &printer{tape: t, zero: zero(steps, ended)}
	p.shift = beginning().Sub(p.zero)
	p.head()
	if text := t.rules(); text != "" {
		p.set("rules", &yaml.Node{Kind: yaml.ScalarNode, Value: text, Style: yaml.LiteralStyle})
	}
	list := p.list("objects")
	for _, o := range objects {
		list.Content = append(list.Content, p.value(o.Object))
	}
	if len(steps) > 0 {
		list = p.list("steps")
		for _, c := range steps {
			list.Content = append(list.Content, p.step(c))
		}
	}
	p.end(steps, ended)
	p.expect(events)
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := cmp.Or(p.err, e.Encode(&p.doc)); err != nil {
		return "", fmt.Errorf("write recording: %w", err)
	}
	return b.String(), nil
}

// rules is the text of the rules, if there must be one: without it, there is a rule
// on each kind of workload, and none on applications.
func (t *Tape) rules() string {
	if t.Rules != "" || !slices.Contains(release.Apps(), t.Subject.Kind) {
		return t.Rules
	}
	var b strings.Builder
	b.WriteString("sinks: {test: {http: {url: \"http://test.invalid\"}}}\nrules:\n")
	for _, kind := range append([]string{t.Subject.Kind}, release.Workloads()...) {
		fmt.Fprintf(&b, "  - {name: default-%s, on: {kind: %s}, send: [test]}\n", strings.ToLower(kind), kind)
	}
	return b.String()
}

// printer makes the document.
type printer struct {
	tape  *Tape
	doc   yaml.Node
	zero  time.Time
	shift time.Duration // from the time of the cluster to that of timelines
	err   error
}

func (p *printer) head() {
	p.doc = yaml.Node{Kind: yaml.MappingNode}
	t := p.tape
	p.set("name", scalar(t.Subject.String()+" is rolled out"))
	p.set("why", scalar("What rollcall said of it when it was recorded."))
	p.set("source", scalar("recorded"))
	if t.Note != "" {
		p.set("note", scalar(t.Note))
	}
	p.set("namespace", scalar(t.namespace()))
	if flags := t.flags(); len(flags) > 0 {
		p.set("flags", p.value(flags))
	}
	p.doc.Content[0].HeadComment = review + "\n\n"
}

// flags are those of the controller that are not as they are by default.
func (t *Tape) flags() object {
	s, out := t.Settings, object{}
	if s.GateTimeout > 0 {
		out["gate-timeout"] = s.GateTimeout.String()
	}
	if s.Hub {
		out["argocd-kubeconfig"] = "hub"
	}
	for key, v := range map[string]string{
		"argocd-destination":     strings.Join(s.GitOps.Destinations, ","),
		"argocd-instance-label":  s.GitOps.InstanceLabel,
		"argocd-installation-id": s.GitOps.InstallationID,
	} {
		if v != "" {
			out[key] = v
		}
	}
	return out
}

func scalar(s string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(s)
	return n
}

func (p *printer) set(key string, v *yaml.Node) {
	p.doc.Content = append(p.doc.Content, scalar(key), v)
}

func (p *printer) list(key string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode}
	p.set(key, n)
	return n
}

// value writes what an object has, its times moved.
func (p *printer) value(v any) *yaml.Node {
	n := &yaml.Node{}
	if err := n.Encode(p.moved(v)); err != nil && p.err == nil {
		p.err = err
	}
	return n
}

// moved is a value whose times are those of the timeline: what is compared with
// rollcall's own clock must be as long ago as it was.
func (p *printer) moved(v any) any {
	switch v := v.(type) {
	case object:
		out := object{}
		for k, e := range v {
			out[k] = p.moved(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = p.moved(e)
		}
		return out
	case string:
		at, err := time.Parse(time.RFC3339Nano, v)
		if err != nil || len(v) < len(time.DateTime) {
			return v
		}
		return at.Add(p.shift).Format("2006-01-02T15:04:05") + v[len(time.DateTime):] // the rest of the second, and the zone
	}
	return v
}

// step writes one step, with its short form as a comment.
func (p *printer) step(c change) *yaml.Node {
	key := scalar(moment(c.at.Sub(p.zero)))
	var what *yaml.Node
	switch {
	case c.line != "":
		what = scalar(c.line)
	case c.patch != nil:
		what = &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{
			scalar("patch"), scalar(p.tape.about(c.ref)), scalar("with"), p.value(c.patch),
		}}
	default:
		what = &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{scalar("apply"), p.value(c.apply)}}
	}
	out := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{key, what}}
	out.HeadComment = c.short
	return out
}

// end says how long was looked on, if that is longer than goes without saying.
func (p *printer) end(steps []change, ended time.Time) {
	last := time.Duration(0)
	if n := len(steps); n > 0 {
		last = steps[n-1].at.Sub(p.zero)
	}
	if end := ended.Sub(p.zero).Truncate(time.Second); end > last+afterwards {
		p.set("end", scalar(moment(end)))
	}
}

// expect writes what was sent.
func (p *printer) expect(events []Said) {
	list := p.list("expect")
	if len(events) == 0 {
		list.Style = yaml.FlowStyle
	}
	for _, s := range events {
		list.Content = append(list.Content, &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{
			scalar(moment(s.At)), scalar(p.tape.expected(s)),
		}})
	}
}

// expected is an event as a file has it. Without rules of their own, whom it is sent
// to goes without saying.
func (t *Tape) expected(s Said) string {
	again := ""
	if s.Again > 0 {
		again = " again"
	}
	s.Subject = Ref{Kind: s.Subject.Kind, Name: strings.TrimPrefix(s.Subject.Namespace+"/"+s.Subject.Name, "/")}
	text, to, _ := strings.Cut(s.String(), " -> ")
	if t.Rules != "" {
		to = " -> " + to
	} else {
		to = ""
	}
	return text + again + to
}
