package timeline

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// Recorded is a record as it is left.
type Recorded struct {
	Subject  Ref    `json:"subject"`
	Revision string `json:"revision"`
	Kind     string `json:"kind"`
	Phase    string `json:"phase"`
	// Deliveries are what became of each event, in order: "RULE/SINK STATE", with what
	// sets it apart between them, and how its run ended behind. Of a record that is
	// expected, nil says that they do not matter.
	Deliveries []string `json:"deliveries,omitempty"`
	// Rules are what each rule has said, as "RULE STATE: REASON". They are never
	// compared.
	Rules []string `json:"rules,omitempty"`
	Line  int      `json:"-"`
}

// String gives the record as a file expects it.
func (r Recorded) String() string {
	return strings.Join(append([]string{r.brief()}, r.Deliveries...), " | ")
}

// brief gives the record without what was sent.
func (r Recorded) brief() string {
	return fmt.Sprintf("%s rev %s %s %s", r.Subject, r.Revision, r.Kind, r.Phase)
}

// is reports whether a record is as another one expects it.
func (r Recorded) is(want Recorded) bool {
	return r.brief() == want.brief() && r.Subject == want.Subject &&
		(want.Deliveries == nil || slices.Equal(r.Deliveries, want.Deliveries))
}

// records reads "- KIND/NAME rev N RELEASE PHASE [| DELIVERY]...", and "| -" for none.
func (r *reader) records(n *yaml.Node) {
	r.t.Records = []Recorded{}
	for _, item := range r.list(n, "records") {
		fields := strings.Split(item.Value, "|")
		words := strings.Fields(fields[0])
		if item.Kind != yaml.ScalarNode || len(words) != 5 || words[1] != "rev" {
			r.wrong(item, "a record is written as in Deployment/web rev 2 release Ready, or Deployment/web rev 2 release Passed | smoke/ci Sent success")
			continue
		}
		ref, err := readRef(words[0])
		if err != nil {
			r.wrong(item, "%v", err)
		}
		rec := Recorded{Subject: ref, Revision: words[2], Kind: words[3], Phase: words[4], Line: item.Line}
		for _, f := range fields[1:] {
			rec.Deliveries = append(rec.Deliveries, strings.Join(strings.Fields(f), " "))
		}
		if len(fields) == 2 && strings.TrimSpace(fields[1]) == "-" {
			rec.Deliveries = []string{}
		}
		r.t.Records = append(r.t.Records, rec)
	}
}

// records lists the records as they are, by subject and in order.
func (e *engine) records() []Recorded {
	objects := e.server.List(v1alpha1.Kind)
	slices.SortStableFunc(objects, func(a, b *unstructured.Unstructured) int {
		x, y := part(a.Object, "spec"), part(b.Object, "spec")
		of, with := part(x, "subject"), part(y, "subject")
		return cmp.Or(strings.Compare(text(of["kind"]), text(with["kind"])), strings.Compare(a.GetNamespace(), b.GetNamespace()),
			strings.Compare(text(of["name"]), text(with["name"])), cmp.Compare(number(x["sequence"]), number(y["sequence"])))
	})
	var out []Recorded
	for _, o := range objects {
		var rec v1alpha1.Release
		if runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &rec) == nil { // our own code wrote it
			out = append(out, e.recorded(&rec))
		}
	}
	return out
}

func (e *engine) recorded(rec *v1alpha1.Release) Recorded {
	out := Recorded{
		Subject:  Ref{rec.Spec.Subject.Kind, e.short(rec.Namespace), rec.Spec.Subject.Name},
		Revision: rec.Spec.Revision, Kind: rec.Spec.Kind, Phase: rec.Status.Phase,
	}
	for _, d := range rec.Status.Deliveries {
		out.Deliveries = append(out.Deliveries, became(d))
	}
	for _, r := range rec.Status.Rules {
		out.Rules = append(out.Rules, fmt.Sprintf("%s %s: %s", r.Name, r.State, r.Reason))
	}
	return out
}

// became says what became of a delivery.
func became(d v1alpha1.Delivery) string {
	words := []string{d.Rule + "/" + d.Sink}
	if d.Event != "" && d.Event != string(release.BecameReady) {
		words = append(words, d.Event)
	}
	if d.Repeat > 0 {
		words = append(words, fmt.Sprint("repeat ", d.Repeat))
	}
	words = append(words, d.State)
	if d.Outcome != nil {
		words = append(words, d.Outcome.Result)
	}
	return strings.Join(words, " ")
}

// tellRecords tells of records that have moved on.
func (e *engine) tellRecords() {
	if e.opt.Tell == nil {
		return
	}
	for _, r := range e.records() {
		id := fmt.Sprint(r.Subject, r.Revision)
		if e.phases[id] != r.Phase {
			e.phases[id] = r.Phase
			e.tell("record", r.brief())
		}
	}
}
