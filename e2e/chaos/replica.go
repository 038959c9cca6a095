package chaos

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rollcall-dev/rollcall/e2e/lab"
)

// replica is one instance of rollcall, which is started again whenever it ends, as
// Kubernetes does.
type replica struct {
	lab    *lab.Lab
	binary string
	name   string
	wire   *Wire
	args   []string
	listen string

	mu      sync.Mutex
	program *lab.Rollcall
	cut     bool // off from the API server
	starts  int
	led     []Span
	err     error
}

// newReplica writes a kubeconfig that leads over the wire, and starts the program.
// It runs until ctx ends.
func newReplica(ctx context.Context, r *replica, account string, ca []byte, args ...string) error {
	path := filepath.Join(r.lab.Dir, r.name+".kubeconfig")
	err := lab.Redirect(account, path, r.wire.URL, ca)
	if err != nil {
		return err
	}
	if r.listen, err = r.lab.FreeAddress(); err != nil {
		return err
	}
	r.args = append([]string{"run", "--kubeconfig=" + path, "--identity=" + r.name, "--log-level=debug"}, args...)
	if err := r.start(); err != nil {
		return err
	}
	go r.keep(ctx)
	return nil
}

func (r *replica) start() error {
	program, err := r.lab.StartRollcall(lab.RollcallOptions{Binary: r.binary, Args: r.args, Listen: r.listen, Name: r.name})
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.program = program
	r.starts++
	return nil
}

// keep starts the program again when it has ended, and follows whether it leads.
func (r *replica) keep(ctx context.Context) {
	for ctx.Err() == nil {
		wait, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		_, err := r.current().Wait(wait)
		cancel()
		if err != nil { // It still runs.
			r.note(ctx)
			continue
		}
		r.setCut(r.isCut()) // Whatever stretch there was has ended.
		time.Sleep(200 * time.Millisecond)
		if ctx.Err() != nil {
			return
		}
		if err := r.start(); err != nil {
			r.mu.Lock()
			r.err = err
			r.mu.Unlock()
			return
		}
	}
}

func (r *replica) current() *lab.Rollcall {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.program
}

// note writes down whether the replica leads right now. A stretch is one process
// that leads, undisturbed.
func (r *replica) note(ctx context.Context) {
	program := r.current()
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	metrics, err := program.Metrics(ctx)
	leads := err == nil && strings.Contains(metrics, "rollcall_leader 1\n")
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.led)
	switch {
	case !leads || r.cut || program != r.program:
		r.interrupted()
	case n > 0 && r.led[n-1].To.IsZero():
	default:
		r.led = append(r.led, Span{From: time.Now()})
	}
}

// interrupted ends the stretch in which the replica led, if it did. It is called
// with the lock held.
func (r *replica) interrupted() {
	if n := len(r.led); n > 0 && r.led[n-1].To.IsZero() {
		r.led[n-1].To = time.Now()
	}
}

// spans are the times in which the replica led, up to now.
func (r *replica) spans() []Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := slices.Clone(r.led)
	if n := len(out); n > 0 && out[n-1].To.IsZero() {
		out[n-1].To = time.Now()
	}
	return out
}

// suffer has a blow hit the replica, and returns when it is over.
func (r *replica) suffer(ctx context.Context, b Blow) error {
	switch b.Trouble {
	case Kill:
		r.mu.Lock()
		r.interrupted()
		r.mu.Unlock()
		return r.current().Kill()
	case Cut:
		return r.wire.Cut()
	}
	how := map[Trouble]string{Reset: Broken, Slowness: Slow, Scarcity: Narrow, Partition: Dead}[b.Trouble]
	r.setCut(b.Trouble == Partition || b.Trouble == Reset)
	defer r.setCut(false)
	if err := r.wire.Spoil(how); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case <-time.After(b.For):
	}
	r.wire.Heal(ctx)
	if b.Trouble == Partition {
		return r.wire.Cut() // What was swallowed will not come.
	}
	return nil
}

func (r *replica) isCut() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cut
}

func (r *replica) setCut(cut bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut = cut
	r.interrupted()
}
