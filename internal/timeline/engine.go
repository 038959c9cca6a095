package timeline

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rollcall-dev/rollcall/config"
	"github.com/rollcall-dev/rollcall/internal/memory"
	"github.com/rollcall-dev/rollcall/release"
)

// Options are how a timeline is run.
type Options struct {
	// Rules replace those of the file, if there are any.
	Rules string
	// Tell hears everything as it happens; it may be nil.
	Tell func(Note)
	// After is called once rollcall has come to rest after a step; it may be nil.
	After func(Moment)
	// RestartAfter restarts rollcall after so many steps, CrashAfter kills it on so
	// many calls, FailAt makes that call fail; zero is never.
	RestartAfter, CrashAfter, FailAt int
	// FailOnce makes every different call fail the first time.
	FailOnce bool
	// Behind is how far the caches of a kind are behind; "all" are all.
	Behind map[string]time.Duration
}

// disturbed reports whether the run is not as the file says.
func (o Options) disturbed() bool {
	return o.RestartAfter+o.CrashAfter+o.FailAt > 0 || o.FailOnce || len(o.Behind) > 0
}

// Moment is the world between two steps.
type Moment struct {
	// At is when, Objects is the cluster.
	At      time.Duration
	Objects *memory.Server
	// Calm says that rollcall is there, and hindered by nothing.
	Calm bool
}

// Note is one thing that happened.
type Note struct {
	At time.Duration
	// What is step, look, record, send, stop, run or process.
	What string
	Text string
}

// String gives the note as a line.
func (n Note) String() string { return fmt.Sprintf("%9s  %-8s %s", moment(n.At), n.What, n.Text) }

// Run is what came of a timeline.
type Run struct {
	// Events is everything that arrived, in order.
	Events []Said
	// Records are those that are left, by subject and in order.
	Records []Recorded
	// Calls counts the calls that rollcall made, sends among them.
	Calls int
	// Looks is what rollcall saw when it looked live, and what its rules said, in order.
	Looks []Look
}

// Look is one live look at a subject.
type Look struct {
	At       time.Duration
	Snapshot release.Snapshot
	Verdicts []release.Verdict
	// Rules are those that were in force.
	Rules *config.Config
}

// engine is one run.
type engine struct {
	*Timeline
	opt    Options
	ctx    context.Context //nolint:containedctx // it is that of the one call of Run
	clock  *virtual
	zero   time.Time
	server *memory.Server
	world  *world
	rules  *ruleBook
	faults faults
	heard  *heard

	running []*process // one, unless there is a second
	first   time.Time  // when rollcall was first started
	stopped time.Time  // when it was last stopped
	phases  map[string]string
	looks   []Look
}

// beginning is when every timeline begins.
func beginning() time.Time { return time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC) }

// before is how old the objects are that are there from the beginning.
const before = time.Hour

// busy is how much may be done at one moment.
const busy = 10_000

// Run lives through the timeline. An error says that it could not be run.
func (t *Timeline) Run(ctx context.Context, opt Options) (*Run, error) {
	e := &engine{Timeline: t, opt: opt, ctx: ctx, zero: beginning(), phases: map[string]string{}}
	e.clock = &virtual{now: e.zero.Add(-before)}
	e.server = memory.New(e.clock.Now)
	e.server.Hook = e.fate
	e.world = &world{server: e.server, now: e.clock.Now, namespace: t.Namespace, owners: map[Ref]Ref{}}
	e.faults = newFaults(opt)
	e.heard = &heard{engine: e}
	if err := e.prepare(); err != nil {
		return nil, err
	}
	defer e.end()
	if err := e.live(); err != nil {
		return nil, err
	}
	return &Run{Events: e.heard.said, Records: e.records(), Calls: e.faults.calls, Looks: e.looks}, nil
}

// prepare makes what is there before anything happens.
func (e *engine) prepare() error {
	text := e.Rules
	if e.opt.Rules != "" {
		text = e.opt.Rules
	}
	if text == "" {
		text = defaultRules(e.kinds)
	}
	first, _ := config.Load(config.Key, []byte(text))
	e.rules = &ruleBook{&first}
	if err := e.install(); err != nil {
		return err
	}
	for _, a := range e.Objects {
		if err := a.do(e); err != nil {
			return fmt.Errorf("%s: %w", e.File, err)
		}
	}
	e.clock.now = e.zero
	if !e.startsLater() {
		if err := e.boot(); err != nil {
			return err
		}
	}
	return e.settle()
}

// startsLater reports whether the first that is told of rollcall is its start.
func (e *engine) startsLater() bool {
	for _, s := range e.Steps {
		if p, ok := s.Do.(power); ok {
			return p == "start"
		}
	}
	return false
}

// live goes from one moment to the next, until the end.
func (e *engine) live() error {
	steps, done := e.Steps, 0
	end := e.zero.Add(e.End)
	if e.opt.disturbed() {
		end = end.Add(e.grace())
	}
	for {
		for len(steps) > 0 && !e.zero.Add(steps[0].At).After(e.clock.now) {
			if err := e.step(steps[0]); err != nil {
				return err
			}
			steps, done = steps[1:], done+1
			if done == e.opt.RestartAfter && len(e.running) > 0 { // what is away stays away
				if err := several([]Action{power("restart")}).do(e); err != nil {
					return err
				}
			}
		}
		if err := e.settle(); err != nil {
			return err
		}
		next, ok := e.next(steps)
		if !ok || next.After(end) {
			return nil
		}
		e.clock.now = next
	}
}

// grace is how much longer a disturbed run may take.
func (e *engine) grace() time.Duration { return time.Minute }

func (e *engine) step(s Step) error {
	e.tell("step", s.Text)
	if err := s.Do.do(e); err != nil {
		return fmt.Errorf("%s:%d: %w", e.File, s.Line, err)
	}
	if err := e.settle(); err != nil || e.opt.After == nil {
		return err
	}
	calm := len(e.running) > 0 && len(e.faults.lag)+len(e.faults.fails) == 0
	e.opt.After(Moment{At: e.clock.now.Sub(e.zero), Objects: e.server, Calm: calm})
	return nil
}

// settle lets rollcall do what there is to do at this moment.
func (e *engine) settle() error {
	for range busy {
		if err := e.ctx.Err(); err != nil {
			return fmt.Errorf("run timeline: %w", err)
		}
		if e.faults.down {
			e.tell("process", "rollcall dies, and is started again")
			e.stop()
			e.faults.down = false
			if err := e.boot(); err != nil {
				return err
			}
		}
		more := false
		for _, p := range e.running {
			busy, err := e.work(p)
			if err != nil {
				return err
			}
			e.tellRecords()
			more = more || busy
		}
		if !more && !e.faults.down {
			return nil
		}
	}
	return fmt.Errorf("%s: at %s rollcall does not come to rest", e.File, moment(e.clock.now.Sub(e.zero)))
}

// next is the next moment at which something happens.
func (e *engine) next(steps []Step) (time.Time, bool) {
	var all []time.Time
	if len(steps) > 0 {
		all = append(all, e.zero.Add(steps[0].At))
	}
	for _, p := range e.running {
		all = append(all, p.due()...)
	}
	if len(all) == 0 {
		return time.Time{}, false
	}
	soonest := slices.MinFunc(all, time.Time.Compare)
	if !soonest.After(e.clock.now) { // what is due now was done
		soonest = e.clock.now.Add(time.Millisecond)
	}
	return soonest, true
}

func (e *engine) tell(what, text string) {
	if e.opt.Tell != nil {
		e.opt.Tell(Note{At: e.clock.now.Sub(e.zero), What: what, Text: text})
	}
}
