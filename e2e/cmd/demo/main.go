// Command demo shows rollcall at work on one machine, on real parts: it starts a
// cluster with Argo CD, Argo Workflows and Jaeger, installs rollcall with no more
// than its manifests' permissions, commits a new image to Git and tells what
// happens until the verdict. In the end it shows the record and the trace.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) }

// The exit codes.
const (
	exitWell        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

const usage = `Show rollcall at work on one machine, from a commit to the verdict.

Usage: make demo [KEEP=1], or in the folder e2e: go run ./cmd/demo

It needs Linux, Go and git. The first time it builds the real parts, which takes
about 20 minutes on two cores; later it takes about a minute.

Environment:
  KEEP=1          leave everything running until Ctrl-C, and say how to play with it
  NO_COLOR=1      no colours; there are none either when the output is no terminal
  ROLLCALL_CACHE  folder of everything that was built; default is .cache in the repository
`

// run is the whole program; it returns the exit code. Whatever it started has
// ended, and its folder is gone, when it returns.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(out, usage)
		return exitWell
	case err == nil && flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
		fallthrough
	case err != nil:
		fmt.Fprintf(errs, "error: %v\n\n%s", err, usage)
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	context.AfterFunc(ctx, stop) // A second signal ends the program at once.

	d := &demo{screen: newScreen(out, os.Getenv), keep: wanted(os.Getenv("KEEP")), errs: errs}
	return code(ctx, d.run(ctx), errs)
}

// code tells how the demo ended.
func code(ctx context.Context, err error, errs io.Writer) int {
	switch {
	case err == nil:
		return exitWell
	case ctx.Err() != nil:
		fmt.Fprintln(errs, "\ninterrupted")
		return exitInterrupted
	}
	fmt.Fprintln(errs, "\nerror:", err)
	return exitFailed
}

// wanted reads a switch from the environment.
func wanted(value string) bool { return !slices.Contains([]string{"", "0", "no", "false"}, value) }
