// Command record plays situations on the real controllers of a lab, and writes what
// became of the objects as steps of timelines.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/rollcall-dev/rollcall/e2e/lab"
)

// atOnce is how many scripts play side by side: all of them share two cores at times.
const atOnce = 6

func main() { os.Exit(run()) }

func run() int {
	only := flag.String("only", ".", "play the scripts whose names match this regular expression")
	folder := flag.String("o", "recorded", "folder that the recordings are written to")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := recordAll(ctx, *only, *folder); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		return 1
	}
	return 0
}

// recordAll plays the scripts in one lab, which has the engines that they need.
func recordAll(ctx context.Context, only, folder string) (err error) {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return fmt.Errorf("read -only: %w", err)
	}
	options := lab.Options{NoArgoCD: true, NoFlux: true, NoArgoWorkflows: true, NoJaeger: true, Progress: os.Stderr}
	var chosen []script
	for _, s := range scripts() {
		if pattern.MatchString(s.name) {
			chosen = append(chosen, s)
			options.NoArgoCD = options.NoArgoCD && s.engine != argoCD
			options.NoFlux = options.NoFlux && s.engine != flux
		}
	}
	if len(chosen) == 0 {
		return fmt.Errorf("no script is named like %s", only)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	l, err := lab.Start(ctx, options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Stop()) }()
	group := errgroup.Group{}
	group.SetLimit(atOnce)
	failed := make([]error, len(chosen))
	for i, s := range chosen {
		group.Go(func() error {
			failed[i] = s.record(ctx, l, filepath.Join(folder, s.name+".txt"))
			fmt.Fprintf(os.Stderr, "%s: %v\n", s.name, errors.Join(failed[i], nil))
			return nil
		})
	}
	return errors.Join(append(failed, group.Wait())...)
}

// record plays one script, and writes what was seen.
func (s script) record(ctx context.Context, l *lab.Lab, file string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	t := &take{ctx: ctx, lab: l, ns: "row-" + s.name[:min(len(s.name), 40)], engine: s.engine}
	defer t.strike()
	t.begin()
	s.play(t)
	if t.err != nil {
		return fmt.Errorf("play %s: %w", s.name, t.err)
	}
	text, err := t.tape.write(t.zero, t.commits)
	if err != nil {
		return fmt.Errorf("write %s: %w", s.name, err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return fmt.Errorf("write %s: %w", s.name, err)
	}
	return nil
}
