package timeline

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The short forms. One line says the state of an object as its controller would
// show it; fields are parted by "|", and "-" says that one is absent.
//
//	Deployment     GENERATION | REPLICAS | COUNTS | rev N | PROGRESSING | TEMPLATE [| paused]
//	StatefulSet    GENERATION | REPLICAS | COUNTS | rev CURRENT/UPDATE | TEMPLATE [| partition=N] [| OnDelete]
//	DaemonSet      GENERATION | COUNTS | rev N | TEMPLATE [| OnDelete]
//	Rollout        GENERATION | REPLICAS | COUNTS | rev N | PHASE | TEMPLATE [| stable N] [| paused] [| aborted]
//	Application    SYNC@REVISION | PHASE@REVISION | HEALTH [| reconciled] [| requested] [| automated] [| noResult]
//	               [| owns WORKLOADS] [| OutOfSync WORKLOADS] [| partial WORKLOADS] [| images IMAGES] [| condition TYPE]
//	Kustomization  GENERATION | READY | APPLIED | ATTEMPTED [| owns WORKLOADS] [| CONDITION=STATUS[/REASON]]...
//	               [| digest D] [| suspended]
//	HelmRelease    GENERATION | READY | vN STATUS CHART [| owns WORKLOADS] [| CONDITION=STATUS[/REASON]]... [| suspended]
//
//	GENERATION     metadata.generation/status.observedGeneration: 2/1
//	COUNTS         all pods/updated/available (DaemonSet: desired/updated/available) [WORD=N]...
//	               words: ready, term (terminating), new (available ones of the new release), current
//	PROGRESSING    [STATUS/]REASON of the condition Progressing: ReplicaSetUpdated, False/ProgressDeadlineExceeded
//	TEMPLATE       IMAGE [, IMAGE]... [, init IMAGE] [, annotation K=V] [, label K=V] [, env K=V]
//	READY          STATUS[/REASON] of the condition Ready
//	WORKLOADS      KIND/NAME [, KIND/NAME]...
//	REVISION       c1 stands for the commit c1c1c1…, of forty digits; others stand for themselves
//
// Each of them may end with "| deleting", which sets the time of deletion, and a
// workload with "| by MANAGER", which says who wrote its template; else it is who
// owns it.

// shape is the state that a short form says.
type shape interface {
	write(w *world, r Ref) error
}

// readShape reads the short form of a kind.
func readShape(kind, text string) (shape, error) {
	f := &fields{all: strings.Split(text, "|")}
	for i := range f.all {
		f.all[i] = strings.TrimSpace(f.all[i])
	}
	var s shape
	switch kind {
	case "Deployment":
		s = readDeployment(f)
	case "StatefulSet":
		s = readStatefulSet(f)
	case "DaemonSet":
		s = readDaemonSet(f)
	case "Rollout":
		s = readRollout(f)
	case "Application":
		s = readApplication(f)
	case "Kustomization":
		s = readKustomization(f)
	case "HelmRelease":
		s = readHelmRelease(f)
	default:
		return nil, fmt.Errorf("there is no short form for kind %q: write the object", kind)
	}
	if f.err == nil && len(f.all) > 0 {
		f.wrong("field %q is unknown here", f.all[0])
	}
	return s, f.err
}

// fields reads one field after the other; the first mistake counts.
type fields struct {
	all []string
	err error
}

func (f *fields) wrong(format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf(format, args...)
	}
}

// next takes the next field; what is said of it if it is missing.
func (f *fields) next(what string) string {
	if len(f.all) == 0 || f.all[0] == "" {
		f.wrong("%s is missing", what)
		return "-"
	}
	s := f.all[0]
	f.all = f.all[1:]
	return s
}

// flag takes a field that is one word, wherever it stands among what is left.
func (f *fields) flag(word string) bool {
	i := slices.Index(f.all, word)
	if i < 0 {
		return false
	}
	f.all = slices.Delete(slices.Clone(f.all), i, i+1)
	return true
}

// after takes a field that begins with a word, and gives the rest of it.
func (f *fields) after(word string) (string, bool) {
	i := slices.IndexFunc(f.all, func(s string) bool { return strings.HasPrefix(s, word) })
	if i < 0 {
		return "", false
	}
	rest := strings.TrimSpace(strings.TrimPrefix(f.all[i], word))
	f.all = slices.Delete(slices.Clone(f.all), i, i+1)
	return rest, true
}

// refs takes a list of workloads that follows a word.
func (f *fields) refs(word string) []Ref {
	text, ok := f.after(word + " ")
	if !ok {
		return nil
	}
	var out []Ref
	for s := range strings.SplitSeq(text, ",") {
		r, err := readRef(strings.TrimSpace(s))
		if err != nil {
			f.wrong("%s: %w", word, err)
		}
		out = append(out, r)
	}
	return out
}

func (f *fields) number(s, what string) int64 {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || n < 0 {
		f.wrong("%s %q is no number", what, s)
	}
	return n
}

// pair reads A/B.
func (f *fields) pair(s, what string) (int64, int64) {
	a, b, ok := strings.Cut(s, "/")
	if !ok {
		f.wrong("%s %q must be two numbers, as in 2/1", what, s)
		return 0, 0
	}
	return f.number(a, what), f.number(b, what)
}

// common is what every object says of itself.
type common struct {
	generation, observed int64
	deleting             bool
	by                   string // the field manager that wrote the template
}

func (f *fields) common() common {
	c := common{deleting: f.flag("deleting")}
	c.by, _ = f.after("by ")
	c.generation, c.observed = f.pair(f.next("generation"), "generation")
	return c
}

// counts are the pods of a workload; words that are not said are -1.
type counts struct {
	total, updated, available int64
	words                     map[string]int64
}

// word is what was said of a word, or else what follows from the rest.
func (c counts) word(name string, otherwise int64) int64 {
	if n, ok := c.words[name]; ok {
		return n
	}
	return otherwise
}

func (f *fields) counts(known ...string) counts {
	words := strings.Fields(f.next("counts"))
	parts := strings.Split(words[0], "/")
	if len(parts) != 3 {
		f.wrong("counts %q must be three numbers, as in 4/1/3", words[0])
		return counts{}
	}
	c := counts{words: map[string]int64{}}
	c.total, c.updated, c.available = f.number(parts[0], "count"), f.number(parts[1], "count"), f.number(parts[2], "count")
	for _, w := range words[1:] {
		k, v, _ := strings.Cut(w, "=")
		if !slices.Contains(known, k) {
			f.wrong("count %q is unknown here, there are %s", k, strings.Join(known, ", "))
			return c
		}
		c.words[k] = f.number(v, "count "+k)
	}
	return c
}

// revision reads "rev N"; empty if it is absent.
func (f *fields) revision() string {
	s := f.next("revision")
	if s == "-" {
		return ""
	}
	n, ok := strings.CutPrefix(s, "rev ")
	if !ok {
		f.wrong("revision %q must be written as in rev 2", s)
	}
	return strings.TrimSpace(n)
}

// replicas reads a wanted number; -1 if it is absent.
func (f *fields) replicas() int64 {
	s := f.next("replicas")
	if s == "-" {
		return -1
	}
	return f.number(s, "replicas")
}

// condition is what a condition says.
type condition struct{ kind, status, reason, message string }

// condition reads [STATUS/]REASON or STATUS[/REASON].
func readCondition(kind, s string) condition {
	status, reason, ok := strings.Cut(s, "/")
	switch {
	case s == "-":
		return condition{}
	case ok || status == "True" || status == "False" || status == "Unknown":
		return condition{kind, status, reason, ""}
	case s == "ProgressDeadlineExceeded":
		return condition{kind, "False", s, ""}
	case s == "DeploymentPaused" || s == "DeploymentResumed":
		return condition{kind, "Unknown", s, ""}
	}
	return condition{kind, "True", s, ""}
}

// template is what a pod template says.
type template struct {
	images, inits            []string
	annotations, labels, env map[string]string
}

func (f *fields) template() template {
	t := template{annotations: map[string]string{}, labels: map[string]string{}, env: map[string]string{}}
	for part := range strings.SplitSeq(f.next("template"), ",") {
		word, rest, more := strings.Cut(strings.TrimSpace(part), " ")
		into := map[string]map[string]string{"annotation": t.annotations, "label": t.labels, "env": t.env}[word]
		switch k, v, pair := strings.Cut(strings.TrimSpace(rest), "="); {
		case !more && word != "":
			t.images = append(t.images, word)
		case word == "init":
			t.inits = append(t.inits, strings.TrimSpace(rest))
		case into != nil && pair:
			into[k] = v
		default:
			f.wrong("part %q of the template is neither an image nor init, annotation, label or env", strings.TrimSpace(part))
		}
	}
	if len(t.images) == 0 {
		f.wrong("template has no image")
	}
	return t
}

// readRef reads KIND/NAME or KIND/NAMESPACE/NAME.
func readRef(s string) (Ref, error) {
	parts := strings.Split(s, "/")
	switch {
	case slices.Contains(parts, "") || len(parts) < 2 || len(parts) > 3 || strings.ToUpper(s[:1]) != s[:1]:
		return Ref{}, fmt.Errorf("%q must name an object, as in Deployment/web", s)
	case len(parts) == 3:
		return Ref{parts[0], parts[1], parts[2]}, nil
	}
	return Ref{Kind: parts[0], Name: parts[1]}, nil
}

// commit is the whole of a commit that is written short.
func commit(s string) string {
	if s != "" && len(s) <= 4 && strings.Trim(s, "0123456789abcdef") == "" && 40%len(s) == 0 {
		return strings.Repeat(s, 40/len(s))
	}
	return s
}

// shorten undoes it.
func shorten(s string) string {
	for n := 1; n <= 4 && len(s) == 40; n++ {
		if s == commit(s[:n]) {
			return s[:n]
		}
	}
	return s
}
