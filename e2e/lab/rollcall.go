package lab

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/rollcall-dev/rollcall/e2e/parts"
)

// BuildRollcall builds the program under test from the main module, without the
// race detector, and returns its path.
func BuildRollcall(ctx context.Context) (string, error) {
	root, err := parts.Root()
	if err != nil {
		return "", fmt.Errorf("build rollcall: %w", err)
	}
	cache, err := parts.CacheDir()
	if err != nil {
		return "", fmt.Errorf("build rollcall: %w", err)
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("build rollcall: %w", err)
	}
	path := filepath.Join(cache, "rollcall")
	temp := fmt.Sprintf("%s.%d", path, os.Getpid()) // Others may be running the one that is there.
	cmd := exec.CommandContext(ctx, "go", "build", "-tags=grpcnotrace", "-trimpath", "-ldflags=-s -w", "-o", temp, "./cmd/rollcall")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build rollcall: %w:\n%s", err, bytes.TrimSpace(out))
	}
	if err := os.Rename(temp, path); err != nil {
		return "", fmt.Errorf("build rollcall: %w", err)
	}
	return path, nil
}

// RollcallOptions say how to run the program under test.
type RollcallOptions struct {
	// Binary is the program, as BuildRollcall returns it.
	Binary string
	// Args are its arguments, such as "run" and its flags. The address that it
	// serves health and metrics on is added when Listen is set.
	Args []string
	// Env is added to the environment, which has little else in it.
	Env []string
	// Listen is the address for --listen; Lab.FreeAddress finds one. Empty for
	// commands that do not serve.
	Listen string
	// Name is used for the log file and in errors; empty for "rollcall".
	Name string
}

// Rollcall is a running program under test.
type Rollcall struct {
	lab     *Lab
	process *process
	listen  string
}

// FreeAddress is an address on loopback that nothing listens on.
func (l *Lab) FreeAddress() (string, error) {
	free := ports{}
	return free.next()
}

// StartRollcall starts the program under test. It ends with the lab at the
// latest. It does not wait until the program is ready; WaitReady does.
func (l *Lab) StartRollcall(options RollcallOptions) (*Rollcall, error) {
	name := options.Name
	if name == "" {
		name = "rollcall"
	}
	l.mu.Lock()
	l.rollcalls++
	name = fmt.Sprintf("%s-%d", name, l.rollcalls)
	l.mu.Unlock()

	args := options.Args
	if options.Listen != "" {
		args = append(args[:len(args):len(args)], "--listen="+options.Listen)
	}
	p, err := l.spawn(command{name: name, path: options.Binary, args: args, env: options.Env})
	if err != nil {
		return nil, err
	}
	return &Rollcall{lab: l, process: p, listen: options.Listen}, nil
}

// WaitReady waits until /readyz answers well.
func (r *Rollcall) WaitReady(ctx context.Context) error {
	return r.process.ready(ctx, answers("http://"+r.listen+"/readyz"))
}

// WaitHealthy waits until /healthz answers well, as it does without being the leader.
func (r *Rollcall) WaitHealthy(ctx context.Context) error {
	return r.process.ready(ctx, answers("http://"+r.listen+"/healthz"))
}

// Metrics returns what /metrics says.
func (r *Rollcall) Metrics(ctx context.Context) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.listen+"/metrics", nil)
	if err != nil {
		return "", fmt.Errorf("read metrics: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", fmt.Errorf("read metrics: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "", fmt.Errorf("read metrics: %w", err)
	}
	return string(body), nil
}

// Kill ends the program as a crash would, and waits until it is gone.
func (r *Rollcall) Kill() error {
	r.lab.forget(r.process)
	if err := r.process.kill(); err != nil {
		return err
	}
	<-r.process.done
	return nil
}

// Stop asks the program to end, waits until it has and returns its exit code.
func (r *Rollcall) Stop(ctx context.Context) (int, error) {
	if err := r.process.terminate(); err != nil {
		return 0, err
	}
	return r.Wait(ctx)
}

// Wait waits until the program ends by itself and returns its exit code, which
// is -1 when a signal ended it.
func (r *Rollcall) Wait(ctx context.Context) (int, error) {
	code, err := r.process.wait(ctx)
	if err == nil {
		r.lab.forget(r.process)
	}
	return code, err
}

// PID is the program's process id.
func (r *Rollcall) PID() int { return r.process.cmd.Process.Pid }

// Log returns everything that the program has written so far.
func (r *Rollcall) Log() (string, error) {
	content, err := os.ReadFile(r.process.log)
	if err != nil {
		return "", fmt.Errorf("read log of %s: %w", r.process.name, err)
	}
	return string(content), nil
}

// Dump writes the end of the program's log to w, for a test that failed.
func (r *Rollcall) Dump(w io.Writer) {
	fmt.Fprintf(w, "--- %s (pid %d) ---\n%s\n", r.process.name, r.PID(), r.process.tail(100))
}
