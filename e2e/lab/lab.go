// Package lab starts a whole cluster of real programs on the loopback address
// of one machine, for the scenarios and the demo: etcd, the Kubernetes API
// server, controller manager and scheduler, kwok in place of the kubelets,
// Argo CD and Flux on local Git repositories, the Argo Workflows controller and
// Jaeger.
//
// Everything a lab keeps is in one temporary folder and every process it starts
// ends with it, even when the harness itself is killed. Labs do not share
// anything, so several can run at once. Linux only.
package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"

	"github.com/rollcall-dev/rollcall/e2e/parts"
)

// stopGrace is how long parts may take to end by themselves. Nothing that they
// keep is needed afterwards.
const stopGrace = 2 * time.Second

// Options say what a lab consists of. The zero value is a whole lab.
type Options struct {
	// NoArgoCD leaves Argo CD out.
	NoArgoCD bool
	// NoFlux leaves Flux out.
	NoFlux bool
	// NoArgoWorkflows leaves Argo Workflows out.
	NoArgoWorkflows bool
	// NoJaeger leaves Jaeger out.
	NoJaeger bool
	// Progress receives a line for everything that takes a while; nil for none.
	Progress io.Writer
	// Keep leaves the temporary folder, with all logs, when the lab stops.
	Keep bool
	// Cache is the folder of built parts; empty for the usual one.
	Cache string
}

// Lab is a running cluster. Its methods may be used from several goroutines.
type Lab struct {
	// Dir is the temporary folder; logs holds a file for each part.
	Dir string
	// Kubeconfig is the path of a kubeconfig of an administrator.
	Kubeconfig string
	// JaegerQuery is the base URL of Jaeger's query API, such as http://127.0.0.1:16686.
	JaegerQuery string
	// OTLP is the host and port that takes traces by OTLP over gRPC.
	OTLP string

	options  Options
	started  time.Time
	binaries parts.Binaries
	at       addresses
	spawner  *spawner
	redis    *miniredis.Miniredis
	pprof    net.Listener
	git      *gitServer // guarded by mu
	admin    *rest.Config
	client   kubernetes.Interface
	dynamic  dynamic.Interface
	mapper   *restmapper.DeferredDiscoveryRESTMapper

	mu        sync.Mutex // guards what follows and writing progress
	processes []*process
	rollcalls int
}

// Start builds the parts that are missing, starts them and waits until the
// cluster runs pods and every part answers. The context bounds starting only:
// the lab runs until Stop.
func Start(ctx context.Context, options Options) (*Lab, error) {
	if runtime.GOOS != "linux" {
		return nil, fmt.Errorf("start lab: it needs Linux, this is %s", runtime.GOOS)
	}
	if options.Progress == nil {
		options.Progress = io.Discard
	}
	binaries, err := parts.Build(ctx, options.Cache, options.Progress, options.parts()...)
	if err != nil {
		return nil, fmt.Errorf("start lab: %w", err)
	}
	dir, err := os.MkdirTemp("", "rollcall-lab-")
	if err != nil {
		return nil, fmt.Errorf("start lab: %w", err)
	}
	l := &Lab{Dir: dir, options: options, binaries: binaries, spawner: newSpawner(), started: time.Now()}
	if err := l.bringUp(ctx); err != nil {
		return nil, fmt.Errorf("start lab: %w", errors.Join(err, l.Stop()))
	}
	l.say("lab ready")
	return l, nil
}

// parts lists the parts that the options ask for.
func (o Options) parts() []parts.Name {
	names := []parts.Name{parts.Kubernetes, parts.Etcd, parts.Kwok}
	if !o.NoArgoCD {
		names = append(names, parts.ArgoCD)
	}
	if !o.NoFlux {
		names = append(names, parts.FluxSource, parts.FluxKustomize)
	}
	if !o.NoArgoWorkflows {
		names = append(names, parts.ArgoWorkflows)
	}
	if !o.NoJaeger {
		names = append(names, parts.Jaeger)
	}
	return names
}

// bringUp starts everything, as much at once as can be.
func (l *Lab) bringUp(ctx context.Context) error {
	for _, name := range []string{"logs", "home", "tmp", "flux"} {
		if err := os.Mkdir(filepath.Join(l.Dir, name), 0o755); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
	}
	if err := l.allot(); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return l.startCluster(ctx) })
	if !l.options.NoJaeger {
		group.Go(func() error { return l.startJaeger(ctx) })
	}
	return group.Wait()
}

// startCluster starts the API server and then all that needs it.
func (l *Lab) startCluster(ctx context.Context) error {
	if err := l.startAPIServer(ctx); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return l.startControllerManager(ctx) })
	group.Go(func() error { return l.startScheduler(ctx) })
	group.Go(func() error { return l.startKwok(ctx) })
	group.Go(func() error { return l.startNode(ctx) })
	if !l.options.NoArgoCD {
		group.Go(func() error { return l.startArgoCD(ctx) })
	}
	if !l.options.NoFlux {
		group.Go(func() error { return l.startFlux(ctx) })
	}
	if !l.options.NoArgoWorkflows {
		group.Go(func() error { return l.startArgoWorkflows(ctx) })
	}
	return group.Wait()
}

// Stop ends every process of the lab and removes its folder unless Keep is set.
// It may be called more than once.
func (l *Lab) Stop() error {
	l.mu.Lock()
	processes := l.processes
	l.processes = nil
	l.mu.Unlock()

	var failed []error
	for _, p := range processes {
		failed = append(failed, p.terminate())
	}
	grace := time.After(stopGrace)
	for _, p := range processes {
		select {
		case <-p.done:
		case <-grace:
			grace = closed()
			failed = append(failed, p.kill())
			<-p.done
		}
	}
	l.spawner.close()
	if l.redis != nil {
		l.redis.Close()
		l.redis = nil
	}
	if l.pprof != nil {
		l.pprof.Close()
	}
	if l.git != nil {
		l.git.server.Close()
	}
	if l.options.Keep {
		l.say("kept %s", l.Dir)
	} else {
		failed = append(failed, os.RemoveAll(l.Dir))
	}
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("stop lab: %w", err)
	}
	return nil
}

// Health tells which parts have ended though they should run, with the ends of
// their logs; nil when none has.
func (l *Lab) Health() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var failed []error
	for _, p := range l.processes {
		if !p.running() {
			failed = append(failed, fmt.Errorf("%s ended (%s); its log ends with:\n%s", p.name, p.cmd.ProcessState, p.tail(20)))
		}
	}
	return errors.Join(failed...)
}

// Log is the path of a part's log, such as "argocd-repo-server".
func (l *Lab) Log(name string) string { return filepath.Join(l.Dir, "logs", name+".log") }

// remember keeps the process, to be ended with the lab.
func (l *Lab) remember(p *process) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.processes = append(l.processes, p)
}

// forget drops a process that has been ended on purpose.
func (l *Lab) forget(gone *process) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, p := range l.processes {
		if p == gone {
			l.processes = append(l.processes[:i:i], l.processes[i+1:]...)
			return
		}
	}
}

// say writes a line of progress with the time since the lab's start.
func (l *Lab) say(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.options.Progress, "%5.1fs  %s\n", time.Since(l.started).Seconds(), fmt.Sprintf(format, args...))
}

// closed is a channel that is always ready.
func closed() <-chan time.Time {
	c := make(chan time.Time)
	close(c)
	return c
}
