package record

import (
	"context"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/rollcall-dev/rollcall/internal/timeline"
	"github.com/rollcall-dev/rollcall/watch/gitops"
)

// Source tells of the states of live objects.
type Source interface {
	// Follow tells of what a feed has, and returns once it has told of all that is
	// there. It goes on to tell of what happens, in whatever goroutine, until ctx ends.
	// What cannot be read at all is an error.
	Follow(ctx context.Context, f Feed, tell func(timeline.State)) error
}

// Recorder records one rollout.
type Recorder struct {
	Subject timeline.Ref
	Source  Source
	GitOps  gitops.Settings
	// Tape gets every state.
	Tape *timeline.Tape
	// Quiet is how long nothing must happen after the release was complete, For how
	// long is looked on at most.
	Quiet, For time.Duration
	// Tell hears in lines how it goes.
	Tell func(string)

	inbox    inbox
	followed map[Feed]bool
	first    string // the release that ran at the beginning
	rolling  bool   // another one was seen, or the first one was not complete
	waiting  string // what it waited for when that was told last
}

// Run records until the release is complete, it takes too long, or ctx ends: then
// what came is on the tape, and that is no error. It is an error if there is nothing
// to record.
func (r *Recorder) Run(ctx context.Context) error {
	looking, stop := context.WithTimeout(ctx, r.For)
	defer stop()
	r.inbox.news, r.followed = make(chan struct{}, 1), map[Feed]bool{}
	if err := r.begin(looking); err != nil {
		return err
	}
	over := r.over(looking)
	var quiet <-chan time.Time
	for {
		select {
		case <-looking.Done():
			r.Tell(r.ended(ctx))
			return nil
		case <-quiet:
			r.Tell(fmt.Sprintf("nothing happened for %s", r.Quiet))
			return nil
		case <-r.inbox.news:
			told, err := r.take(looking)
			if err != nil && looking.Err() == nil {
				return err
			}
			if !told && over {
				continue
			}
			quiet, over = nil, r.over(looking)
			if over {
				quiet = time.After(r.Quiet)
			}
		}
	}
}

// begin finds out what there is.
func (r *Recorder) begin(ctx context.Context) error {
	for _, f := range feed(r.Subject.Kind, r.Subject.Namespace, r.Subject.Name, "") {
		r.followed[f] = true
		if err := r.Source.Follow(ctx, f, r.inbox.add); err != nil {
			if apierrors.IsNotFound(err) {
				return fmt.Errorf("read %s: the kind %s is not installed", f, f.Definition())
			}
			return fmt.Errorf("read %s: %w", f, err)
		}
	}
	if _, err := r.take(ctx); err != nil {
		return err
	}
	now := scene(r.Tape.Objects())
	if now.find(r.Subject) == nil {
		return fmt.Errorf("there is no %s in the namespace %s", r.Subject, r.Subject.Namespace)
	}
	r.first = now.release()
	if r.rolling = now.lacks() != ""; r.rolling {
		r.Tell("a rollout is under way already: what runs when rollcall comes to it, it takes for the baseline, and announces no more of it")
	} else {
		r.Tell("recording: waits for a new release")
	}
	return nil
}

// take puts what came onto the tape, and follows what that leads to. It reports
// whether anything new was told.
func (r *Recorder) take(ctx context.Context) (bool, error) {
	told := false
	for states := r.inbox.take(); len(states) > 0; states = r.inbox.take() {
		for _, s := range states {
			line := r.Tape.Add(s)
			if line != "" {
				told = true
				if !s.Listed {
					r.Tell(line)
				}
			}
			if s.Gone {
				continue
			}
			more, err := wants(r.Subject, r.GitOps, s.Unstructured)
			if err != nil {
				return told, err
			}
			for _, f := range more {
				if err := r.follow(ctx, f); err != nil {
					return told, err
				}
			}
		}
	}
	return told, nil
}

// follow follows a feed, unless it is followed. What is not installed is not there;
// without what may not be read, the recording goes on if it makes sense.
func (r *Recorder) follow(ctx context.Context, f Feed) error {
	if r.followed[f] {
		return nil
	}
	r.followed[f] = true
	err := r.Source.Follow(ctx, f, r.inbox.add)
	if apierrors.IsForbidden(err) && f.Namespace == "" { // where Argo CD is by default
		f.Namespace = "argocd"
		err = r.Source.Follow(ctx, f, r.inbox.add)
	}
	switch {
	case err == nil, apierrors.IsNotFound(err), ctx.Err() != nil:
		return nil
	case f.required():
		return fmt.Errorf("read %s: %w", f, err)
	}
	r.Tell(fmt.Sprintf("recording without %s: %v", f, err))
	return nil
}

// over reports whether the new release is complete, or there is nothing left that
// could be. What it waits for is told.
func (r *Recorder) over(ctx context.Context) bool {
	now := scene(r.Tape.Objects())
	if now.find(r.Subject) == nil {
		r.say("the " + r.Subject.Kind + " is gone")
		return true
	}
	r.rolling = r.rolling || now.release() != r.first
	why, err := now.waits(ctx, r.Subject, r.GitOps)
	if err != nil {
		why = err.Error()
	}
	switch {
	case why != "":
		r.say("waits: " + why)
	case r.rolling:
		r.say("the release is complete")
	}
	return why == "" && r.rolling
}

func (r *Recorder) say(what string) {
	if r.waiting != what {
		r.waiting = what
		r.Tell(what)
	}
}

// ended says why nobody looks any more.
func (r *Recorder) ended(ctx context.Context) string {
	if ctx.Err() != nil {
		return "stopped"
	}
	return fmt.Sprintf("%s are over", r.For)
}

// inbox keeps states until somebody takes them. Whoever tells never waits.
type inbox struct {
	mu   sync.Mutex
	all  []timeline.State
	news chan struct{} // holds one
}

func (i *inbox) add(s timeline.State) {
	i.mu.Lock()
	i.all = append(i.all, s)
	i.mu.Unlock()
	select {
	case i.news <- struct{}{}:
	default: // it is known that there is something
	}
}

func (i *inbox) take() []timeline.State {
	i.mu.Lock()
	defer i.mu.Unlock()
	out := i.all
	i.all = nil
	return out
}
