package timeline

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rollcall-dev/rollcall/config"
	"github.com/rollcall-dev/rollcall/release"
)

// afterwards is how long after the last step a timeline ends that does not say it.
const afterwards = time.Minute

// Read reads a timeline. Every mistake is told, at its line and column; with one,
// there is no timeline.
func Read(file string, raw []byte) (*Timeline, []config.Mistake) {
	r := &reader{t: &Timeline{File: file, Namespace: "default", Undisturbed: map[Disturbance]string{}}}
	var doc yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF):
		r.wrong(&yaml.Node{Line: 1, Column: 1}, "the file is empty")
	case err != nil:
		r.wrong(&yaml.Node{Line: 1, Column: 1}, "%v", err)
	default:
		r.document(doc.Content[0])
		if err := decoder.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
			r.wrong(&doc, "a timeline is one document")
		}
	}
	slices.SortStableFunc(r.mistakes, func(a, b config.Mistake) int { return cmp.Compare(a.Line, b.Line) })
	if len(r.mistakes) > 0 {
		return nil, r.mistakes
	}
	return r.t, nil
}

// reader reads nodes, and notes every mistake.
type reader struct {
	t        *Timeline
	mistakes []config.Mistake
}

func (r *reader) wrong(n *yaml.Node, format string, args ...any) {
	r.mistakes = append(r.mistakes, config.Mistake{
		File: r.t.File, Line: n.Line, Column: n.Column, Message: fmt.Sprintf(format, args...),
	})
}

// pairs gives the members of a mapping, in order, each once and of a known name.
func (r *reader) pairs(n *yaml.Node, what string, known ...string) [][2]*yaml.Node {
	if n.Kind != yaml.MappingNode {
		r.wrong(n, "%s must be a mapping", what)
		return nil
	}
	var out [][2]*yaml.Node
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		switch {
		case seen[k.Value]:
			r.wrong(k, "%s is given twice", k.Value)
		case len(known) > 0 && !slices.Contains(known, k.Value):
			r.wrong(k, "unknown field %q in %s; there are %s", k.Value, what, strings.Join(known, ", "))
		default:
			out = append(out, [2]*yaml.Node{k, n.Content[i+1]})
		}
		seen[k.Value] = true
	}
	return out
}

func (r *reader) list(n *yaml.Node, what string) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		r.wrong(n, "%s must be a list", what)
		return nil
	}
	return n.Content
}

func (r *reader) text(n *yaml.Node, what string) string {
	if n.Kind != yaml.ScalarNode || strings.TrimSpace(n.Value) == "" {
		r.wrong(n, "%s must be a text", what)
	}
	return strings.TrimSpace(n.Value)
}

func (r *reader) document(n *yaml.Node) {
	t := r.t
	seen := map[string]bool{}
	for _, p := range r.pairs(n, "a timeline",
		"name", "why", "source", "note", "namespace", "flags", "rules", "objects", "steps", "end", "expect", "records", "undisturbed") {
		seen[p[0].Value] = true
		switch v := p[1]; p[0].Value {
		case "name":
			t.Name = r.text(v, "name")
		case "why":
			t.Why = r.text(v, "why")
		case "source":
			if t.Source = r.text(v, "source"); t.Source != "recorded" && t.Source != "derived" {
				r.wrong(v, "source must be recorded or derived")
			}
		case "note":
			t.Note = r.text(v, "note")
		case "namespace":
			t.Namespace = r.text(v, "namespace")
		case "flags":
			r.flags(v)
		case "rules":
			t.Rules = r.rules(v)
		case "objects":
			for _, item := range r.list(v, "objects") {
				t.Objects = append(t.Objects, r.object(item))
			}
		case "steps":
			r.steps(v)
		case "end":
			t.End = r.moment(v)
		case "expect":
			r.expect(v)
		case "records":
			r.records(v)
		case "undisturbed":
			r.undisturbed(v)
		}
	}
	for _, field := range []string{"name", "why", "source", "expect"} {
		if !seen[field] {
			r.wrong(n, "the timeline has no %s", field)
		}
	}
	r.complete()
}

// complete adds what follows from the rest.
func (r *reader) complete() {
	t := r.t
	if t.End == 0 {
		if n := len(t.Steps); n > 0 {
			t.End = t.Steps[n-1].At
		}
		t.End += afterwards
	}
	each(several(append(slices.Clone(t.Objects), actions(t.Steps)...)), func(_, kind, _ string) {
		if !slices.Contains(t.kinds, kind) {
			t.kinds = append(t.kinds, kind)
		}
	})
	slices.Sort(t.kinds)
}

// flags reads flags of the controller, under their own names.
func (r *reader) flags(n *yaml.Node) {
	s := &r.t.Settings
	for _, p := range r.pairs(n, "flags", "gate-timeout", "argocd-kubeconfig", "argocd-destination", "argocd-instance-label", "argocd-installation-id") {
		switch v := p[1]; p[0].Value {
		case "gate-timeout":
			s.GateTimeout = r.moment(v)
		case "argocd-kubeconfig":
			s.Hub = r.text(v, "argocd-kubeconfig") != ""
		case "argocd-destination":
			s.GitOps.Destinations, s.GitOps.Hub = strings.Split(r.text(v, "argocd-destination"), ","), true
		case "argocd-instance-label":
			s.GitOps.InstanceLabel = r.text(v, "argocd-instance-label")
		case "argocd-installation-id":
			s.GitOps.InstallationID = r.text(v, "argocd-installation-id")
		}
	}
}

// rules reads the text of rules, whose mistakes are shown where they are.
func (r *reader) rules(n *yaml.Node) string {
	text := r.text(n, "rules") + "\n"
	_, mistakes := config.Load(config.Key, []byte(text))
	for _, m := range mistakes {
		at := *n
		if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			at.Line += m.Line
		}
		r.wrong(&at, "rules: %s", m.Message)
	}
	return text
}

// object reads a whole object, or the short form of one.
func (r *reader) object(n *yaml.Node) Action {
	if n.Kind == yaml.ScalarNode {
		a, err := readAction(n.Value)
		if err != nil {
			r.wrong(n, "%v", err)
			return several{}
		}
		return a
	}
	return apply{r.whole(n)}
}

// whole reads whole objects, one or a list of them.
func (r *reader) whole(n *yaml.Node) []*unstructured.Unstructured {
	if n.Kind == yaml.SequenceNode {
		var out []*unstructured.Unstructured
		for _, item := range n.Content {
			out = append(out, r.whole(item)...)
		}
		return out
	}
	o := &unstructured.Unstructured{}
	if err := o.UnmarshalJSON(r.json(n)); err != nil || o.GetName() == "" || o.GetAPIVersion() == "" {
		r.wrong(n, "an object has apiVersion, kind and metadata.name")
		return nil
	}
	return []*unstructured.Unstructured{o}
}

func (r *reader) json(n *yaml.Node) []byte {
	var v any
	if err := n.Decode(&v); err != nil {
		r.wrong(n, "%v", err)
		return []byte("{}")
	}
	raw, err := json.Marshal(v)
	if err != nil {
		r.wrong(n, "%v", err)
	}
	return raw
}

// moment reads a time of the story.
func (r *reader) moment(n *yaml.Node) time.Duration {
	d, err := time.ParseDuration(n.Value)
	if err != nil || d < 0 {
		r.wrong(n, "%q is no time; it is written as in 1.5s or 2m", n.Value)
	}
	return d
}

// undisturbed reads a reason, or one for each disturbance.
func (r *reader) undisturbed(n *yaml.Node) {
	all := []string{string(Lag), string(Restart), string(Crash), string(Fail)}
	if n.Kind == yaml.ScalarNode {
		for _, d := range all {
			r.t.Undisturbed[Disturbance(d)] = r.text(n, "undisturbed")
		}
		return
	}
	for _, p := range r.pairs(n, "undisturbed", all...) {
		r.t.Undisturbed[Disturbance(p[0].Value)] = r.text(p[1], "the reason")
	}
}

// kinds are the words for kinds of release.
func kinds() []string {
	var out []string
	for _, k := range release.Kinds() {
		out = append(out, string(k))
	}
	return out
}
