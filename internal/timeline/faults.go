package timeline

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/config"
	"github.com/rollcall-dev/rollcall/internal/memory"
)

// faults are what goes wrong.
type faults struct {
	calls   int // so far
	crashAt int
	failAt  int
	once    bool
	had     map[string]bool // the calls that have failed once
	fails   []*fail
	lag     map[string]time.Duration
	down    bool // rollcall is dying
}

func newFaults(o Options) faults {
	f := faults{crashAt: o.CrashAfter, failAt: o.FailAt, once: o.FailOnce, had: map[string]bool{}, lag: map[string]time.Duration{}}
	maps.Copy(f.lag, o.Behind)
	return f
}

// behind is how far the cache of a kind is behind.
func (f *faults) behind(kind string) time.Duration {
	if d, ok := f.lag[kind]; ok {
		return d
	}
	return f.lag["all"]
}

// fate decides on a call. A rollcall that has died calls nobody.
func (e *engine) fate(c memory.Call) memory.Fate {
	f := &e.faults
	if f.down {
		return memory.Fate{Down: true}
	}
	f.calls++
	f.down = f.calls == f.crashAt
	now := e.clock.now.Sub(e.zero)
	for _, one := range f.fails {
		if one.hits(c, now) {
			return memory.Fate{Code: one.code}
		}
	}
	if f.down {
		return memory.Fate{Lost: true}
	}
	if f.calls == f.failAt || f.once && !f.had[c.String()] {
		f.had[c.String()] = true
		return memory.Fate{Code: 500}
	}
	return memory.Fate{}
}

// install makes the custom resources known that the file uses, unless it says
// itself when they are.
func (e *engine) install() error {
	own := map[string]bool{}
	used := map[string]bool{"rollcall.dev": true}
	each(several(append(slices.Clone(e.Objects), actions(e.Steps)...)), func(apiVersion, kind, name string) {
		if kind == "CustomResourceDefinition" {
			own[name] = true
		}
		if apiVersion != "" {
			_ = e.server.Define(apiVersion, kind) // what is wrong is told when it is applied
		}
		if r, ok := e.server.OfKind("", kind); ok {
			used[r.Group] = true
		}
	})
	for _, r := range e.server.Known() {
		if r.Custom && used[r.Group] && !own[r.Definition()] {
			if err := e.server.Install(r); err != nil {
				return err
			}
		}
	}
	return nil
}

func actions(steps []Step) []Action {
	var out []Action
	for _, s := range steps {
		out = append(out, s.Do)
	}
	return out
}

// each calls a function with every object that actions are about.
func each(a Action, f func(apiVersion, kind, name string)) {
	switch a := a.(type) {
	case several:
		for _, one := range a {
			each(one, f)
		}
	case show:
		f("", a.ref.Kind, a.ref.Name)
	case patch:
		f("", a.ref.Kind, a.ref.Name)
	case apply:
		for _, o := range a.objects {
			f(o.GetAPIVersion(), o.GetKind(), o.GetName())
		}
	}
}

// defaultRules is one rule on each kind of workload that a file is about, as far as
// rules can be on them.
func defaultRules(kinds []string) string {
	head := "sinks: {test: {http: {url: \"http://test.invalid\"}}}\nrules:\n"
	var b strings.Builder
	for _, kind := range kinds {
		if !slices.Contains([]string{"Deployment", "StatefulSet", "DaemonSet", "Rollout"}, kind) {
			continue
		}
		rule := fmt.Sprintf("  - {name: default-%s, on: {kind: %s}, send: [test]}\n", strings.ToLower(kind), kind)
		if _, mistakes := config.Load(config.Key, []byte(head+rule)); len(mistakes) == 0 {
			b.WriteString(rule)
		}
	}
	if b.Len() == 0 {
		return head + "  []\n"
	}
	return head + b.String()
}
