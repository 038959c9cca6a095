package parts

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// atOnce is how many parts are built at the same time; each go command is
// parallel in itself, and two of them fill the times when one is linking.
const atOnce = 2

// Build makes sure that the named parts are in dir and says where their
// programs are. Without names it builds every part; an empty dir means the
// folder parts in CacheDir. What is up to date already costs next to nothing.
func Build(ctx context.Context, dir string, progress io.Writer, names ...Name) (Binaries, error) {
	if progress == nil {
		progress = io.Discard
	}
	root, err := Root()
	if err != nil {
		return Binaries{}, err
	}
	if dir == "" {
		cache, err := CacheDir()
		if err != nil {
			return Binaries{}, err
		}
		dir = filepath.Join(cache, "parts")
	}
	b := &builder{dir: dir, pins: filepath.Join(root, "e2e", "parts"), progress: &lines{to: progress}}
	if err := b.build(ctx, selected(table(), names)); err != nil {
		return Binaries{}, err
	}
	return Binaries{dir: dir}, nil
}

// selected keeps the named parts; no names keep all.
func selected(all []part, names []Name) []part {
	if len(names) == 0 {
		return all
	}
	return slices.DeleteFunc(all, func(p part) bool { return !slices.Contains(names, p.name) })
}

// builder builds parts into one folder.
type builder struct {
	dir      string
	pins     string
	progress *lines
	built    int // parts built so far; guarded by progress
	total    int
}

// build builds what is missing of the wanted parts.
func (b *builder) build(ctx context.Context, wanted []part) error {
	if err := os.MkdirAll(b.dir, 0o755); err != nil {
		return fmt.Errorf("make cache folder: %w", err)
	}
	stamps, err := newStamps(ctx, b.dir, b.pins)
	if err != nil {
		return err
	}
	if missing, err := stamps.missing(wanted); err != nil || len(missing) == 0 {
		return err
	}
	unlock, err := lock(ctx, b.dir, b.progress)
	if err != nil {
		return err
	}
	defer unlock()
	missing, err := stamps.missing(wanted) // Another process may have built them meanwhile.
	if err != nil || len(missing) == 0 {
		return err
	}
	if err := b.sweep(); err != nil {
		return err
	}
	b.announce(missing)
	return b.buildAll(ctx, missing, stamps)
}

// buildAll fetches all sources at once, then builds the parts two at a time.
func (b *builder) buildAll(ctx context.Context, missing []part, stamps stamps) error {
	sources := make([]string, len(missing))
	fetch, fetchCtx := errgroup.WithContext(ctx)
	for i, p := range missing {
		fetch.Go(func() (err error) {
			sources[i], err = b.source(fetchCtx, p)
			return err
		})
	}
	if err := fetch.Wait(); err != nil {
		return err
	}
	compile, compileCtx := errgroup.WithContext(ctx)
	compile.SetLimit(atOnce)
	for i, p := range missing {
		compile.Go(func() error {
			if err := b.buildOne(compileCtx, p, sources[i]); err != nil {
				return err
			}
			return stamps.put(p)
		})
	}
	return compile.Wait()
}

// buildOne builds one part and tells of its beginning, its going on and its end.
func (b *builder) buildOne(ctx context.Context, p part, source string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	fmt.Fprintf(b.progress, "building %s … (about %s cold on 2 cores)\n", p.name, roughly(p.cold))
	start := time.Now()
	done := make(chan struct{})
	defer close(done)
	go b.remind(p, start, done)
	if err := b.compile(ctx, p, source); err != nil {
		return err
	}
	if err := b.copyManifests(p, source); err != nil {
		return err
	}
	b.progress.mu.Lock()
	b.built++
	built := b.built
	b.progress.mu.Unlock()
	fmt.Fprintf(b.progress, "built %s in %s (%d of %d)\n", p.name, time.Since(start).Round(100*time.Millisecond), built, b.total)
	return nil
}

// remind says every half minute that a build goes on.
func (b *builder) remind(p part, start time.Time, done <-chan struct{}) {
	tick := time.NewTicker(30 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			fmt.Fprintf(b.progress, "still building %s (%s)\n", p.name, time.Since(start).Round(time.Second))
		}
	}
}

// announce says what is about to be built and how long that may take.
func (b *builder) announce(missing []part) {
	b.total = len(missing)
	names := make([]string, len(missing))
	var cold time.Duration
	for i, p := range missing {
		names[i] = string(p.name)
		cold += p.cold
	}
	fmt.Fprintf(b.progress, "building %d parts into %s: %s; about %s on 2 cores when nothing is cached, seconds to a minute each when it is\n",
		len(missing), b.dir, strings.Join(names, ", "), roughly(cold))
}

// sweep removes what interrupted builds left.
func (b *builder) sweep() error {
	left, err := filepath.Glob(filepath.Join(b.dir, tempPrefix+"*"))
	if err != nil {
		return fmt.Errorf("find leftovers: %w", err)
	}
	for _, path := range left {
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("remove leftovers: %w", err)
		}
	}
	return nil
}

// roughly writes a duration as one would say it.
func roughly(d time.Duration) string {
	if d < 90*time.Second {
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
	return fmt.Sprintf("%d min", int(d.Round(time.Minute).Minutes()))
}

// lines lets several builds write to one place without mixing lines.
type lines struct {
	mu sync.Mutex
	to io.Writer
}

// Write passes one whole line on.
func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(line)
}
