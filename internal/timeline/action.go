package timeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rollcall-dev/rollcall/config"
	"github.com/rollcall-dev/rollcall/internal/memory"
)

// readAction reads an action that is one line:
//
//	KIND/NAME SHORT FORM                         the object is now so
//	delete KIND/NAME                             with everything that it controls
//	orphan KIND/NAME                             what it controls stays
//	touch KIND/NAME                              it is written again, and nothing differs
//	stop, start, restart                         rollcall
//	second [DURATION]                            another rollcall beside the first, as if two led; its caches are so far behind
//	wipe                                         all records are deleted
//	crash after N calls                          rollcall dies on hearing the answer to its Nth call from now, and is started again
//	lag KIND|all DURATION                        from now on caches are so far behind
//	fail VERB RESOURCE CODE for DURATION|N times calls of rollcall fail; so do sends to a sink: fail send SINK for 1m
//	run SINK [KIND/NAME [rev N]] HOW [MESSAGE]   the newest run of a sink ends: succeeded, failed or errored
//
// A line with a range of numbers, as in web-[01-20], is one for each of them.
func readAction(text string) (Action, error) {
	lines, err := spread(text)
	if err != nil {
		return nil, err
	}
	if len(lines) == 1 {
		return readLine(text)
	}
	var all several
	for _, line := range lines {
		one, err := readLine(line)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

func readLine(text string) (Action, error) {
	word, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	rest = strings.TrimSpace(rest)
	switch word {
	case "delete", "orphan", "touch":
		r, err := readRef(rest)
		if word == "touch" {
			return touch{r}, err
		}
		return remove{r, word == "orphan"}, err
	case "second":
		return readSecond(rest)
	case "stop", "start", "restart", "wipe":
		if rest != "" {
			return nil, fmt.Errorf("%s takes nothing else, not %q", word, rest)
		}
		if word == "wipe" {
			return wipe{}, nil
		}
		return power(word), nil
	case "crash":
		return readCrash(rest)
	case "lag":
		return readLag(rest)
	case "fail":
		return readFail(rest)
	case "run":
		return readEnding(rest)
	}
	r, err := readRef(word)
	if err != nil {
		return nil, fmt.Errorf("%w, or be one of delete, orphan, touch, stop, start, restart, second, wipe, crash, lag, fail, run", err)
	}
	s, err := readShape(r.Kind, rest)
	return show{r, s}, err
}

// show makes an object what a short form says.
type show struct {
	ref   Ref
	shape shape
}

func (a show) do(e *engine) error { return a.shape.write(e.world, e.world.place(a.ref)) }

// remove deletes an object.
type remove struct {
	ref    Ref
	orphan bool
}

func (a remove) do(e *engine) error { return e.world.remove(e.world.place(a.ref), a.orphan) }

// touch writes an object that does not differ.
type touch struct{ ref Ref }

func (a touch) do(e *engine) error {
	r := e.world.place(a.ref)
	o, ok := e.server.Get(r.Kind, r.Namespace, r.Name)
	if !ok {
		return fmt.Errorf("%s: there is none to touch", r)
	}
	return e.server.Touch(o)
}

// apply writes whole objects.
type apply struct{ objects []*unstructured.Unstructured }

func (a apply) do(e *engine) error {
	for _, o := range a.objects {
		if err := e.world.put(o.DeepCopy()); err != nil {
			return err
		}
	}
	return nil
}

// patch merges something into an object, as in RFC 7396.
type patch struct {
	ref  Ref
	with []byte
}

func (a patch) do(e *engine) error {
	o, err := e.world.take(e.world.place(a.ref))
	if err != nil {
		return err
	}
	raw, err := json.Marshal(o.Object)
	if err != nil {
		return fmt.Errorf("encode %s: %w", a.ref, err)
	}
	if raw, err = jsonpatch.MergePatch(raw, a.with); err != nil {
		return fmt.Errorf("patch %s: %w", a.ref, err)
	}
	if err := o.UnmarshalJSON(raw); err != nil {
		return fmt.Errorf("patch %s: %w", a.ref, err)
	}
	return e.world.put(o)
}

// rules changes the rules.
type rules struct{ text string }

func (a rules) do(e *engine) error {
	e.rules.change(a.text)
	for _, p := range e.running {
		p.rooms.Watcher.Follow(e.rules.Current().Kinds())
		p.rooms.Watcher.Poke()
	}
	return nil
}

// power stops and starts rollcall.
type power string

func (a power) do(e *engine) error {
	if a != "start" {
		e.stop()
	}
	if a != "stop" {
		return e.boot()
	}
	return nil
}

// several are actions at one moment.
type several []Action

func (a several) do(e *engine) error {
	for _, one := range a {
		if err := one.do(e); err != nil {
			return err
		}
	}
	return nil
}

// crash kills rollcall soon.
type crash struct{ calls int }

func (a crash) do(e *engine) error {
	e.faults.crashAt = e.faults.calls + a.calls
	return nil
}

func readCrash(text string) (Action, error) {
	words := strings.Fields(text)
	if len(words) == 3 && words[0] == "after" && strings.HasPrefix(words[2], "call") {
		if n, err := strconv.Atoi(words[1]); err == nil && n > 0 {
			return crash{n}, nil
		}
	}
	return nil, errors.New("a crash is written as in crash after 3 calls")
}

// lag changes how far caches are behind.
type lag struct {
	kind string
	by   time.Duration
}

func (a lag) do(e *engine) error {
	e.faults.lag[a.kind] = a.by
	return nil
}

func readLag(text string) (Action, error) {
	kind, by, _ := strings.Cut(text, " ")
	d, err := time.ParseDuration(strings.TrimSpace(by))
	if err != nil || d < 0 {
		return nil, errors.New("a lag is written as in lag Deployment 5s, or lag all 0s")
	}
	return lag{kind, d}, nil
}

// fail makes calls fail, for a time or a number of times.
type fail struct {
	verb, resource string
	code           int
	times          int
	until          time.Duration
}

func (a fail) do(e *engine) error {
	one := a
	one.until += e.clock.now.Sub(e.zero)
	e.faults.fails = append(e.faults.fails, &one)
	return nil
}

var errFail = errors.New("a failure is written as in fail update releases/status 500 for 30s, fail get deployments 503 2 times, or fail send test for 1m")

func readFail(text string) (Action, error) {
	words := strings.Fields(text)
	if len(words) < 4 {
		return nil, errFail
	}
	a := fail{verb: words[0], resource: words[1], code: 500}
	words = words[2:]
	if n, err := strconv.Atoi(words[0]); err == nil && len(words) == 3 {
		a.code, words = n, words[1:]
	}
	var err error
	switch {
	case len(words) == 2 && words[0] == "for":
		a.until, err = time.ParseDuration(words[1])
	case len(words) == 2 && strings.HasPrefix(words[1], "time"):
		a.times, err = strconv.Atoi(words[0])
	default:
		return nil, errFail
	}
	known := []string{"get", "list", "create", "update", "patch", "delete", "send", "stop", "any"}
	if err != nil || !slices.Contains(known, a.verb) || a.code < 400 || a.code > 599 {
		return nil, errFail
	}
	return a, nil
}

// hits reports whether a call is to fail, and counts it.
func (a *fail) hits(c memory.Call, now time.Duration) bool {
	resource, _, _ := strings.Cut(c.Resource, "/")
	if a.verb != "any" && a.verb != c.Verb || a.resource != "all" && a.resource != c.Resource && a.resource != resource {
		return false
	}
	if a.until > 0 && a.times == 0 {
		return now < a.until
	}
	a.times--
	return a.times >= 0
}

// ruleBook holds the rules that are in force.
type ruleBook struct{ current *config.Config }

// Current gives them.
func (b *ruleBook) Current() *config.Config { return b.current }

// change takes over another text, as the controller does with its ConfigMap: what
// has a mistake stays as it was.
func (b *ruleBook) change(text string) {
	next, mistakes := config.Load(config.Key, []byte(text))
	next, _ = config.Merge(*b.current, next, mistakes)
	b.current = &next
}
