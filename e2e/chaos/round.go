package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/e2e/lab"
)

// Options say how long and how rough a round is.
type Options struct {
	Seed                  uint64
	Releases, Deployments int
	Over                  time.Duration // in which the releases happen
	Grace                 time.Duration // see Judge
}

// patience bounds everything that a round waits for.
const patience = 90 * time.Second

// Stage is where rounds are played, one after the other.
type Stage struct {
	Lab     *lab.Lab
	Binary  string // the program
	Account string // its kubeconfig
}

// round is one round while it is played.
type round struct {
	Stage
	Options
	ns       string
	seen     *recorder
	proxy    *Proxy
	replicas []*replica
	work     *worker
	random   *rand.Rand
	since    int64

	mu    sync.Mutex
	blows map[Trouble]int
}

// Report is what came of a round.
type Report struct {
	// Wrong holds the complaints of the oracle, and what else went wrong.
	Wrong []string
	// Complete releases, those that were due to be announced, and those that were.
	Complete, Due, Announced int
	Blows                    map[Trouble]int
	Calls                    map[string]int
	Starts                   int
	// Settled is how long it took, after all trouble, until nothing was missing.
	Settled time.Duration
}

// String sums the round up in one line.
func (r Report) String() string {
	return fmt.Sprintf("%d releases became complete, %d of them for long, %d were announced; blows %v; calls %v; rollcall was started %d times; in order %s after",
		r.Complete, r.Due, r.Announced, r.Blows, r.Calls, r.Starts, r.Settled.Round(100*time.Millisecond))
}

// Play plays one round.
func (s Stage) Play(ctx context.Context, o Options) (Report, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	r := &round{
		Stage: s, Options: o, ns: fmt.Sprintf("chaos-%d", o.Seed%1e9), blows: map[Trouble]int{},
		random: rand.New(rand.NewPCG(o.Seed, 0)),
	}
	defer r.strike()
	if err := r.set(ctx); err != nil {
		return Report{}, fmt.Errorf("set the stage: %w", err)
	}
	if err := r.storm(ctx); err != nil {
		return Report{}, fmt.Errorf("storm: %w", err)
	}
	took := r.settle(ctx)
	report := r.report()
	report.Settled = took
	return report, nil
}

// storm carries out the plan while blows fall.
func (r *round) storm(ctx context.Context) error {
	plan, err := NewPlan(r.random, r.Releases, r.Deployments, r.Over)
	if err != nil {
		return err
	}
	r.proxy.Calm(false)
	for i := r.old(); i < r.Deployments; i++ { // Some come only now.
		if err := r.create(ctx, i); err != nil {
			return err
		}
	}
	raging, calm := context.WithCancel(ctx)
	var blows sync.WaitGroup
	var failed error
	blows.Go(func() { failed = r.rage(raging) })
	begun := time.Now()
	for _, step := range plan {
		time.Sleep(step.At - time.Since(begun))
		if err = r.work.do(ctx, step); err != nil {
			break
		}
	}
	calm()
	blows.Wait()
	return errors.Join(err, failed)
}

// rage strikes the replicas until ctx ends.
func (r *round) rage(ctx context.Context) error {
	random := rand.New(rand.NewPCG(r.Seed, 2))
	var wg sync.WaitGroup
	defer wg.Wait()
	busy := make([]sync.Mutex, len(r.replicas))
	errs := make(chan error, 1)
	for n := 0; ; n++ {
		b := NextBlow(random, n, len(r.replicas))
		select {
		case <-ctx.Done():
			return nil
		case err := <-errs:
			return err
		case <-time.After(b.After):
		}
		if !busy[b.Replica].TryLock() {
			continue // One blow at a time for each.
		}
		r.mu.Lock()
		r.blows[b.Trouble]++
		r.mu.Unlock()
		wg.Go(func() {
			defer busy[b.Replica].Unlock()
			if err := r.replicas[b.Replica].suffer(ctx, b); err != nil {
				select {
				case errs <- err:
				default:
				}
			}
		})
	}
}

// settle ends all trouble, and waits until everything that is complete has been so
// for the time of grace and the oracle misses nothing, or patience is over: what had
// to be tried again and again is tried again only after a while. It returns how long
// that took.
func (r *round) settle(ctx context.Context) time.Duration {
	r.proxy.Calm(true)
	for _, replica := range r.replicas {
		replica.wire.Heal(ctx)
		_ = replica.wire.Cut() // The judgement will tell.
	}
	begun := time.Now()
	for time.Since(begun) < patience && (!r.settled() || strings.Contains(strings.Join(r.wrong(), ""), "missing: ")) {
		time.Sleep(500 * time.Millisecond)
	}
	took := time.Since(begun)
	time.Sleep(time.Second) // What must not come has the time to come.
	return took
}

// wrong asks the oracle about every Deployment.
func (r *round) wrong() (out []string) {
	led := r.led()
	for i := range r.Deployments {
		h := r.seen.history(nameOf(i), r.since, led)
		if wrong := Judge(h, r.Grace); len(wrong) > 0 {
			out = append(out, fmt.Sprintf("%s: %s\n%s", nameOf(i), strings.Join(wrong, "\n  "), Tell(h)))
		}
	}
	return out
}

// settled reports whether what runs is due to be announced, or will never be.
func (r *round) settled() bool {
	led := r.led()
	for i := range r.Deployments {
		all := Releases(r.seen.history(nameOf(i), r.since, led).Moments, time.Now())
		if len(all) == 0 {
			return false
		}
		last := all[len(all)-1]
		if !strings.HasPrefix(last.Images, "bad:") && !due(last, led, r.Grace) {
			return false
		}
	}
	return true
}

func (r *round) led() []Span {
	var out []Span
	for _, replica := range r.replicas {
		out = append(out, replica.spans()...)
	}
	return out
}

func (r *round) report() Report {
	out := Report{Wrong: r.wrong(), Blows: r.blows, Calls: r.proxy.Counts()}
	led := r.led()
	for i := range r.Deployments {
		h := r.seen.history(nameOf(i), r.since, led)
		out.Announced += len(h.Effects)
		for _, release := range Releases(h.Moments, h.End) {
			if len(release.Complete) > 0 && release.Complete[0].Version >= r.since {
				out.Complete++
				if due(release, led, r.Grace) {
					out.Due++
				}
			}
		}
	}
	for _, replica := range r.replicas {
		replica.mu.Lock()
		out.Starts += replica.starts
		if replica.err != nil {
			out.Wrong = append(out.Wrong, replica.err.Error())
		}
		replica.mu.Unlock()
	}
	r.seen.mu.Lock()
	defer r.seen.mu.Unlock()
	for _, err := range r.seen.wrong {
		out.Wrong = append(out.Wrong, err.Error())
	}
	return out
}

// Tell writes what happened to a Deployment, for whoever looks for the reason.
func Tell(h History) string {
	var b strings.Builder
	announced := map[Key]int64{}
	for _, e := range h.Effects {
		announced[e.Key] = e.Version
	}
	for _, r := range Releases(h.Moments, h.End) {
		fmt.Fprintf(&b, "    %s begun at %d, images %s, announced at %d\n", r.Key, r.Begun, r.Images, announced[r.Key])
		for _, c := range r.Complete {
			fmt.Fprintf(&b, "      complete at %d from %s to %s\n", c.Version, c.From.Format("04:05.000"), c.To.Format("04:05.000"))
		}
	}
	spans := slices.SortedFunc(slices.Values(h.Led), func(a, b Span) int { return a.From.Compare(b.From) })
	for _, s := range spans {
		fmt.Fprintf(&b, "    led from %s to %s\n", s.From.Format("04:05.000"), s.To.Format("04:05.000"))
	}
	return b.String()
}

// strike ends the replicas, and begins to remove everything else.
func (r *round) strike() {
	for _, replica := range r.replicas {
		_ = replica.current().Kill()
		replica.wire.Close()
	}
	if r.proxy != nil {
		r.proxy.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = r.Lab.Client().CoreV1().Namespaces().Delete(ctx, r.ns, metav1.DeleteOptions{}) // The next round has another.
}
