// Command rollcall tells what comes next that a new release is fully ready, and
// draws the way from commit to verdict as one trace.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // kubeconfigs that name a cloud's login
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := run(ctx, os.Args, os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// exitError is an error that has been told already and only sets the exit code.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// run is the whole program; it returns the exit code: 0 for success, 1 for what
// the command found or could not do, 2 for a command line that makes no sense.
func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	root := newRoot(filepath.Base(args[0]))
	root.SetArgs(args[1:])
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	root.InitDefaultCompletionCmd() // it takes the output as it is now
	strict(root)
	cmd, err := root.ExecuteContextC(ctx)
	switch e := err.(type) { //nolint:errorlint // only what the commands return as it is
	case nil:
		return 0
	case exitError:
		return int(e)
	case usageError:
		_, _ = fmt.Fprintf(errs, "error: %v\nRun '%s --help' for usage.\n", e, cmd.CommandPath())
		return 2
	}
	_, _ = fmt.Fprintln(errs, "error:", err)
	return 1
}

// usageError is an error in the command line.
type usageError struct{ error }

// newRoot makes the root command; as kubectl-rollcall it is a plugin of kubectl.
func newRoot(name string) *cobra.Command {
	root := &cobra.Command{
		Use:   "rollcall",
		Short: "Start what comes after a deployment, once the new release is fully ready",
		Long: `rollcall watches rollouts, Argo CD and Flux, notices a new release, waits until it is
fully operational, and starts what comes next, once: an Argo Workflow, or any
receiver of CloudEvents. It draws the way from commit to verdict as one trace.

As kubectl-rollcall on the PATH it is a plugin of kubectl.`,
		SilenceUsage: true, SilenceErrors: true,
		Args: cobra.NoArgs,
	}
	if strings.HasPrefix(name, "kubectl-") {
		root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl rollcall"}
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(newRun(), newCheck(), newSchema(), newTest(), newRecord(), newExplain(), newEval(), newReleases(), newTraceparent(), newVersion())
	return root
}

// strict makes a wrong argument of any command an error in the command line. A
// command that only has others below it would show its help, and succeed.
func strict(cmd *cobra.Command) {
	if !cmd.Runnable() {
		cmd.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	}
	cmd.Args = asUsage(cmd.Args)
	for _, c := range cmd.Commands() {
		strict(c)
	}
}

func asUsage(check cobra.PositionalArgs) cobra.PositionalArgs {
	if check == nil {
		return nil
	}
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{err}
		}
		return nil
	}
}
