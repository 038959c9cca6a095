package config

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/rollcall-dev/rollcall/conditions"
	"github.com/rollcall-dev/rollcall/emit"
)

// readSinks reads all sinks. A name that is there twice is that sink's mistake.
func (r *reader) readSinks(node *yaml.Node) {
	if !r.simple(node, 0) {
		return
	}
	if node.Kind != yaml.MappingNode {
		r.wrong(WrongType, start(node), "sinks must be a mapping, but is %s", describe(node))
		return
	}
	r.few(node, "sinks", len(node.Content)/2, maxTenantSinks)
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		r.sink = key.Value
		if r.once(key, seen) {
			r.readSink(key, node.Content[i+1])
		}
		r.sink = ""
	}
}

func (r *reader) readSink(key, node *yaml.Node) {
	r.named = append(r.named, key.Value)
	r.used[key.Value] = false
	r.places[key.Value] = start(key)
	name := r.simple(key, -1)
	value := r.simple(node, -1)
	if !name || !value {
		return
	}
	if _, ok := r.text(key, "name of a sink"); !ok {
		return
	}
	r.label(key, "name of a sink")
	found := r.object(node, shape{what: "sink", path: "sinks.*", called: "sink kind"})
	if node.Kind != yaml.MappingNode {
		return
	}
	if len(node.Content) != 2 {
		r.wrong(Contradiction, start(node), "sink must have exactly one kind, but has %d", len(node.Content)/2)
	}
	sink := Sink{Name: key.Value}
	if n := found["argoWorkflow"]; n != nil {
		sink.ArgoWorkflow, sink.Parameters = r.argoWorkflow(n)
	}
	if n := found["http"]; n != nil {
		sink.HTTP, sink.Parameters = r.http(n)
	}
	r.sinks[sink.Name] = sink
}

func (r *reader) argoWorkflow(node *yaml.Node) (*emit.ArgoWorkflowConfig, map[string]*conditions.Text) {
	found := r.object(node, shape{what: "argoWorkflow", path: "sinks.*.argoWorkflow"})
	if node.Kind != yaml.MappingNode {
		return nil, nil
	}
	templates := 0
	for _, field := range []string{"workflowTemplate", "clusterWorkflowTemplate"} {
		if found[field] != nil {
			templates++
		}
	}
	if templates != 1 {
		r.wrong(Contradiction, start(node), "argoWorkflow must have exactly one of workflowTemplate and clusterWorkflowTemplate")
	}
	return &emit.ArgoWorkflowConfig{
		WorkflowTemplate:        r.template(found, "workflowTemplate"),
		ClusterWorkflowTemplate: r.template(found, "clusterWorkflowTemplate"),
		Namespace:               r.namespace(found["namespace"]),
		Labels:                  r.marks(found["labels"], "label"),
		Annotations:             r.marks(found["annotations"], "annotation"),
	}, r.parameters(found["parameters"])
}

func (r *reader) template(found map[string]*yaml.Node, field string) string {
	node := found[field]
	if node == nil {
		return ""
	}
	name, ok := r.text(node, field)
	if ok && len(validation.IsDNS1123Subdomain(name)) > 0 {
		r.wrong(WrongValue, start(node), "%s %q must be lower-case letters, digits, dashes and dots", field, short(name))
	}
	return name
}

func (r *reader) namespace(node *yaml.Node) string {
	if node == nil {
		return ""
	}
	name, ok := r.text(node, "namespace")
	if ok {
		r.label(node, "namespace")
		r.ownNamespace(node)
	}
	return name
}

func (r *reader) parameters(node *yaml.Node) map[string]*conditions.Text {
	if node == nil || empty(node) {
		return nil
	}
	found := map[string]*conditions.Text{}
	for _, p := range r.pairs(node, "parameters") {
		name := p.key.Value
		if strings.Trim(name, parameterLetters) != "" || name == "" {
			r.wrong(WrongValue, start(p.key), "parameter %q must be letters, digits, dashes and underscores", short(name))
		}
		expr, ok := r.text(p.value, "parameter "+short(name))
		if !ok {
			continue
		}
		text, err := r.language.Text(expr)
		r.issues(p.value, asText(expr, err))
		if text != nil {
			r.lookups(p.value, text.Reads())
			found[name] = text
		}
	}
	return found
}

// asText helps where a text was written, and not an expression.
func asText(expr string, err error) error {
	var issues conditions.Issues
	if !errors.As(err, &issues) || len(issues) != 1 || issues[0].Message != "undeclared reference to '"+expr+"'" {
		return err
	}
	issues[0].Message += fmt.Sprintf(": a text has quotes of its own, \"'%s'\"", short(expr))
	return issues
}

// parameterLetters are what Argo Workflows lets a parameter's name consist of.
const parameterLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

// marks reads labels or annotations.
func (r *reader) marks(node *yaml.Node, what string) map[string]string {
	if node == nil || empty(node) {
		return nil
	}
	found := map[string]string{}
	for _, p := range r.pairs(node, what+"s") {
		r.markName(p.key, what)
		value := p.value
		if value.Kind != yaml.ScalarNode || value.ShortTag() != "!!str" {
			r.wrong(WrongType, start(value), "%s %s must be a string, but is %s%s", what, short(p.key.Value), describe(value), quoting(value))
			continue
		}
		if what == "label" && len(validation.IsValidLabelValue(value.Value)) > 0 {
			r.wrong(WrongValue, start(value), "label %s has a value that Kubernetes does not allow", short(p.key.Value))
		}
		found[p.key.Value] = value.Value
	}
	return found
}

func (r *reader) markName(key *yaml.Node, what string) {
	name := key.Value
	if len(validation.IsQualifiedName(strings.ToLower(name))) > 0 {
		r.wrong(WrongValue, start(key), "%s %q is not a name that Kubernetes allows", what, short(name))
		return
	}
	prefix, _, _ := strings.Cut(name, "/")
	switch {
	case prefix == "rollcall.dev":
		r.wrong(WrongValue, start(key), "%s %s is rollcall's own", what, name)
	case name == "app.kubernetes.io/instance", prefix == "argocd.argoproj.io", strings.HasSuffix(prefix, ".toolkit.fluxcd.io"):
		r.wrong(WrongValue, start(key), "%s %s tracks what a GitOps engine owns: it would delete the Workflow", what, name)
	}
}

func (r *reader) http(node *yaml.Node) (*emit.HTTPConfig, map[string]*conditions.Text) {
	found := r.object(node, shape{what: "http", path: "sinks.*.http"})
	if n := found["format"]; n != nil {
		if format, ok := r.text(n, "format"); ok && format != cloudevent {
			r.wrong(NotSupported, start(n), "format %s is not yet supported, only %s is", short(format), cloudevent)
		}
	}
	parameters := r.parameters(found["parameters"])
	n := found["url"]
	if n == nil {
		if node.Kind == yaml.MappingNode {
			r.wrong(Missing, start(node), "http has no url")
		}
		return nil, nil
	}
	address, ok := r.text(n, "url")
	if ok {
		r.address(n)
	}
	return &emit.HTTPConfig{URL: address}, parameters
}

// address checks a URL. The message never repeats it: there may be a secret in it.
func (r *reader) address(node *yaml.Node) {
	u, err := url.Parse(node.Value)
	switch {
	case err != nil:
		r.wrong(WrongValue, start(node), "url cannot be read")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		r.wrong(WrongValue, start(node), "url must begin with http:// or https:// and a host")
	case u.User != nil:
		r.wrong(WrongValue, start(node), "url must not hold a user or a password")
	}
}
