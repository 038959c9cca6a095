package config

import (
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/release"
)

// Type is what a field of the rules holds, in the words of their reference.
type Type string

// The types of fields.
const (
	// Mapping has fields of its own, and no others.
	Mapping Type = "mapping"
	// Mappings is a list of such mappings.
	Mappings Type = "list of mappings"
	// ByName is a mapping from names to such mappings.
	ByName Type = "mapping by name"
	// Sends is a list of names, or of mappings with fields of their own.
	Sends Type = "list of names or mappings"
	// Name is a DNS label, and Names a list of different ones.
	Name  Type = "name"
	Names Type = "list of names"
	// Dotted is the name of an object, which may have dots.
	Dotted Type = "name with dots"
	// Word is one of some words, and Words a list of different ones.
	Word  Type = "word"
	Words Type = "list of words"
	// Time is how long something takes.
	Time Type = "duration"
	// Condition is an expression that is true or false, and Parameters are expressions
	// by name, each of which gives a string.
	Condition  Type = "CEL"
	Parameters Type = "mapping of CEL"
	// Labels and Annotations are what Kubernetes calls so.
	Labels      Type = "labels"
	Annotations Type = "annotations"
	// Selector is a label selector as kubectl takes it.
	Selector Type = "label selector"
	// URL begins with http or https.
	URL Type = "URL"
	// Kind and Version are how objects call their kind and its API.
	Kind    Type = "kind"
	Version Type = "version of an API"
)

// Field is one field of the rules. The list of them is the one place where it is said
// what a field is called and may hold: the reader, the JSON Schema and the reference
// in the documentation are made from it.
type Field struct {
	// Path is where it stands: "rules[].on.kind" is a field of the mapping on of each
	// item of the list rules, and "sinks.*.http" one of each sink.
	Path string
	Type Type
	// Words are those that it may hold, in order; of a kind those that need no
	// version beside them.
	Words []string
	// Required says that it has to be there.
	Required bool
	// Default is what holds without it, in Markdown; empty if nothing does.
	Default string
	// Least and Most bound a duration.
	Least, Most time.Duration
	// Events are those that it means something for; none stands for all.
	Events []release.Occasion
	// Elsewhere are words by which people from elsewhere may know it.
	Elsewhere []string
	// Later says that it is refused until there is something behind it.
	Later bool
	// Doc says what it means, in Markdown, in one sentence without its full stop.
	Doc string
}

// Name is the last part of the path: how the field is written.
func (f Field) Name() string { return f.Path[strings.LastIndex(f.Path, ".")+1:] }

// parent is the path of the mapping that the field stands in; empty at the top.
func (f Field) parent() string { return f.Path[:max(strings.LastIndex(f.Path, "."), 0)] }

// Fields lists all fields, each behind the one that it stands in.
func Fields() []Field {
	out := []Field{{Path: "sinks", Type: ByName, Doc: "where rules send to, by name"}}
	out = append(out, ofArgoWorkflow()...)
	out = append(out, ofHTTP()...)
	out = append(out, later()...)
	out = append(out, Field{Path: "rules", Type: Mappings, Doc: "what must hold of which releases, and who is told then"})
	out = append(out, ofRule()...)
	out = append(out, ofTerms()...)
	return append(out, ofSend()...)
}

func ofArgoWorkflow() []Field {
	const in = "sinks.*.argoWorkflow."
	return []Field{
		{Path: "sinks.*.argoWorkflow", Type: Mapping, Elsewhere: []string{"workflow", "argo"}, Doc: "creates a Workflow for each event, and follows it to its end"},
		{Path: in + "workflowTemplate", Type: Dotted, Elsewhere: []string{"template", "workflowTemplateRef"}, Doc: "a WorkflowTemplate in the Workflow's namespace; exactly one of this and the next is needed"},
		{Path: in + "clusterWorkflowTemplate", Type: Dotted, Doc: "a ClusterWorkflowTemplate"},
		{Path: in + "namespace", Type: Name, Default: "that of what was released", Doc: "where the Workflow is created"},
		{Path: in + "parameters", Type: Parameters, Elsewhere: []string{"arguments"}, Doc: "further parameters of the Workflow, each an expression that gives a string"},
		{Path: in + "labels", Type: Labels, Doc: "labels for the Workflow, beside rollcall's own"},
		{Path: in + "annotations", Type: Annotations, Doc: "annotations for the Workflow, beside rollcall's own"},
	}
}

func ofHTTP() []Field {
	const in = "sinks.*.http."
	return []Field{
		{Path: "sinks.*.http", Type: Mapping, Elsewhere: []string{"webhook", "https", "cloudevent"}, Doc: "posts a CloudEvent 1.0 in binary mode; an answer of 2xx is success, and redirects are not followed"},
		{Path: in + "url", Type: URL, Required: true, Elsewhere: []string{"endpoint", "address"}, Doc: "the receiver, http or https; a user or password in it is refused"},
		{Path: in + "format", Type: Word, Words: []string{cloudevent}, Default: "`cloudevent`", Doc: "how the event is written"},
		{Path: in + "parameters", Type: Parameters, Doc: "further facts in the event's data, each an expression that gives a string"},
		{Path: in + "signingSecret", Later: true},
	}
}

// later are the kinds of sink that are refused until they are there.
func later() []Field {
	var out []Field
	for _, kind := range []string{"tekton", "job", "create", "github", "jenkins", "nats", "kafka"} {
		out = append(out, Field{Path: "sinks.*." + kind, Later: true})
	}
	return out
}

func ofRule() []Field {
	return []Field{
		{Path: "rules[].name", Type: Name, Required: true, Doc: "unique among the rules"},
		{Path: "rules[].on", Type: Mapping, Required: true, Elsewhere: []string{"match", "subject", "target", "workload"}, Doc: "the workloads, the applications, or whatever else the rule is about"},
		{Path: "rules[].on.apiVersion", Type: Version, Doc: "for example `cert-manager.io/v1`; needed for a kind other than those that rollcall knows"},
		{Path: "rules[].on.kind", Type: Kind, Words: subjects(), Required: true, Doc: "their kind; any other than these needs its `apiVersion` beside it"},
		{Path: "rules[].on.namespaces", Type: Names, Default: "all", Doc: "their namespaces"},
		{Path: "rules[].on.selector", Type: Selector, Default: "all", Elsewhere: []string{"labels", "labelSelector", "matchLabels"}, Doc: "what their own labels must match, for example `tier=web,team in (shop, bank)`"},
		{Path: "rules[].event", Type: Word, Words: occasions(), Default: "`ready`", Elsewhere: []string{"trigger"}, Doc: "what about a release is told"},
		{Path: "rules[].when", Type: Condition, Default: "`release.ready`; of other events `true`", Elsewhere: []string{"condition", "if", "expression"}, Doc: "what must be true then"},
		{Path: "rules[].kinds", Type: Words, Words: announced(), Default: quoted(defaultKinds()), Doc: "the kinds of release that the rule is for"},
	}
}

func ofTerms() []Field {
	ready := []release.Occasion{release.BecameReady}
	return []Field{
		{
			Path: "rules[].settle", Type: Time, Least: time.Second, Most: 24 * time.Hour, Events: ready,
			Default: "not at all", Elsewhere: []string{"for", "wait", "delay"}, Doc: "how long `when` must be true without a break",
		},
		{
			Path: "rules[].deadline", Type: Time, Least: time.Second, Most: 30 * 24 * time.Hour,
			Events:  []release.Occasion{release.BecameReady, release.DidStall},
			Default: "none", Elsewhere: []string{"timeout"}, Doc: "if the rule has not held so long after the rollout began, it sends the event `stalled`, once",
		},
		{
			Path: "rules[].every", Type: Time, Least: time.Minute, Most: 366 * 24 * time.Hour, Events: ready,
			Default: "never", Elsewhere: []string{"interval", "repeat", "schedule"}, Doc: "the event is sent again after each such time, as long as this very release runs",
		},
		{
			Path: "rules[].supersede", Type: Word, Words: supersedes(), Events: ready, Default: "`deliver`",
			Doc: "when a newer release comes first: `deliver` what was not sent yet, `skip` it, or `cancel` also what was started",
		},
		{
			Path: "rules[].mode", Type: Word, Words: modes(), Default: "`live`",
			Elsewhere: []string{"dryRun"}, Doc: "`shadow` only records what would be sent",
		},
	}
}

func ofSend() []Field {
	return []Field{
		{Path: "rules[].send", Type: Sends, Default: "nobody: the rule is only recorded", Elsewhere: []string{"to", "notify", "sinks", "then"}, Doc: "the sinks that are told; the name of one alone will do"},
		{Path: "rules[].send[].sink", Type: Name, Required: true, Doc: "a sink, by name"},
		{Path: "rules[].send[].parameters", Type: Parameters, Doc: "further parameters for this sink, which win over its own"},
	}
}

// Meaning is a word of the rules, and what it stands for, in Markdown.
type Meaning struct{ Word, Doc string }

// Events says what each event is about, in the order of [release.Occasions].
func Events() []Meaning {
	return []Meaning{
		{string(release.BecameReady), "the release is fully ready"},
		{string(release.DidStall), "it passed its progress deadline, or its controller gave it up, before it was ready"},
		{string(release.WasSuperseded), "a newer release replaced it before it was ready"},
		{string(release.WasTested), "every Workflow that it started has ended; `outcome` says how"},
	}
}

// Kinds says in what way a release of each kind differs from the last one that was
// complete, in the order of [release.Kinds].
func Kinds() []Meaning {
	return []Meaning{
		{string(release.Initial), "the first release of a workload"},
		{string(release.Image), "its images differ"},
		{string(release.Config), "anything else in its pod template differs"},
		{string(release.Rollback), "its template was complete before, and something else was since"},
		{string(release.Restart), "only the annotation of `kubectl rollout restart` differs"},
		{string(release.Recreate), "the same template, on an object that was deleted and created again"},
		{string(release.Reverted), "it went back before anything else was complete; a rule cannot ask for it"},
	}
}

// cloudevent is the one format that http knows.
const cloudevent = "cloudevent"

// subjects are the kinds that need no version beside them.
func subjects() []string { return append(release.Workloads(), release.Apps()...) }

func occasions() []string { return asWords(release.Occasions()) }

func supersedes() []string {
	return []string{string(release.Deliver), string(release.Skip), string(release.Cancel)}
}

const (
	live   = "live"
	shadow = "shadow"
)

func modes() []string { return []string{live, shadow} }

// announced are the kinds of release that a rule can ask for.
func announced() []string {
	var out []string
	for _, k := range release.Kinds() {
		if k != release.Reverted {
			out = append(out, string(k))
		}
	}
	return out
}

func defaultKinds() []string { return asWords(release.DefaultKinds()) }

func asWords[T ~string](all []T) []string {
	out := make([]string, 0, len(all))
	for _, one := range all {
		out = append(out, string(one))
	}
	return out
}

// quoted lists words in Markdown.
func quoted(words []string) string { return "`" + strings.Join(words, "`, `") + "`" }

// reference knows the fields by path, and what each mapping may have.
type reference struct {
	fields map[string]Field
	// known and later are the names of the fields of a mapping, by its path.
	known, later map[string][]string
}

func newReference() reference {
	r := reference{fields: map[string]Field{}, known: map[string][]string{}, later: map[string][]string{}}
	for _, f := range Fields() {
		r.fields[f.Path] = f
		if f.Later {
			r.later[f.parent()] = append(r.later[f.parent()], f.Name())
		} else {
			r.known[f.parent()] = append(r.known[f.parent()], f.Name())
		}
	}
	return r
}

// Spell writes a duration without the zeros that Go ends it with: 24h, not 24h0m0s.
func Spell(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = strings.TrimSuffix(text, zero[1:])
		}
	}
	return text
}
