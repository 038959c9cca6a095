package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/e2e/lab"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// patience is how long everything may take once the lab is up.
const patience = 3 * time.Minute

var errSlow = fmt.Errorf("the demo takes longer than %s", patience)

// demo is one performance.
type demo struct {
	screen *screen
	errs   io.Writer
	keep   bool

	cluster *lab.Lab
	binary  string        // rollcall
	program *lab.Rollcall // nil until it was started
	repo    repository
	record  v1alpha1.Release // of the release, as it was in the end
}

const introduction = `This starts a real cluster on this machine: etcd, the Kubernetes control plane,
Argo CD, Argo Workflows and Jaeger. Only the kubelet is played, by kwok. rollcall
is installed with exactly its manifests' permissions. Then a new image is committed
to Git, and what happens is told until the tests of the release have passed.

The first time, the parts are built: about 20 minutes on two cores. They are kept,
and then it takes about a minute. Ctrl-C ends and removes everything.`

// run performs the demo, and cleans up after it.
func (d *demo) run(ctx context.Context) (err error) {
	d.screen.title("rollcall, from a commit to the verdict")
	d.screen.text(introduction)

	d.screen.title("Build and start")
	d.screen.text("build rollcall")
	if d.binary, err = lab.BuildRollcall(ctx); err != nil {
		return err
	}
	d.screen.text("start the parts; those that are missing are built first")
	if d.cluster, err = lab.Start(ctx, lab.Options{NoFlux: true, Progress: d.screen.out}); err != nil {
		return err
	}
	defer func() {
		d.screen.text("\nclean up")
		err = errors.Join(err, d.cluster.Stop())
	}()
	if err := d.perform(ctx); err != nil {
		d.lookBack(ctx)
		return err
	}
	if d.keep {
		return d.play(ctx)
	}
	return nil
}

// perform is the demo on a lab that runs.
func (d *demo) perform(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errSlow)
	defer cancel()
	for _, act := range []func(context.Context) error{d.setStage, d.release, d.showReleases, d.showWhy, d.showTrace} {
		err := act(ctx)
		if err != nil && ctx.Err() != nil {
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// lookBack shows what may explain why the demo did not go well, unless it was
// interrupted.
func (d *demo) lookBack(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	fmt.Fprintln(d.errs)
	if d.program != nil {
		d.program.Dump(d.errs)
	}
	if err := d.cluster.Health(); err != nil {
		fmt.Fprintln(d.errs, err)
	}
}

// showReleases shows what rollcall's own command says of the releases.
func (d *demo) showReleases(ctx context.Context) error {
	d.screen.title("The record")
	return d.ask(ctx, "releases")
}

// showWhy shows how it explains what it made of the workload.
func (d *demo) showWhy(ctx context.Context) error {
	d.screen.title("Why")
	return d.ask(ctx, "explain", "deploy/web")
}

// ask runs one of rollcall's own commands, and shows what it says.
func (d *demo) ask(ctx context.Context, command string, args ...string) error {
	args = append(append([]string{command}, args...), "-n", namespace)
	d.screen.text("$ rollcall " + strings.Join(args, " "))
	cmd := exec.CommandContext(ctx, d.binary, append(args, "--kubeconfig="+d.cluster.Kubeconfig)...)
	said, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("run rollcall %s: %w: %s", command, err, said)
	}
	d.screen.text(string(said))
	return nil
}
