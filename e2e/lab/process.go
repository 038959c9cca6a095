package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// command says what to run as one part of the lab.
type command struct {
	name string // of the log file
	path string
	args []string
	env  []string
}

// process is a running program whose output goes to a file.
type process struct {
	name string
	log  string
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
}

// spawn starts the command with its output in a file of the lab's log folder.
// Programs see little of the environment of the harness, so that they behave
// the same on every machine.
func (l *Lab) spawn(c command) (*process, error) {
	logPath := filepath.Join(l.Dir, "logs", c.name+".log")
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open log of %s: %w", c.name, err)
	}
	defer log.Close()

	cmd := exec.Command(c.path, c.args...)
	cmd.Dir = l.Dir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + filepath.Join(l.Dir, "home"),
		"TMPDIR=" + filepath.Join(l.Dir, "tmp"),
		"GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_CONFIG_NOSYSTEM=1",
	}, c.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := l.spawner.start(cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.name, err)
	}
	p := &process{name: c.name, log: logPath, cmd: cmd, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // How it ended is in cmd.ProcessState.
		close(p.done)
	}()
	l.remember(p)
	return p, nil
}

// running reports whether the process has not ended yet.
func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// terminate asks the process to end.
func (p *process) terminate() error { return p.signal(p.cmd.Process.Pid, syscall.SIGTERM) }

// kill ends the process, and what it may have started, at once.
func (p *process) kill() error { return p.signal(-p.cmd.Process.Pid, syscall.SIGKILL) }

// signal sends a signal unless the process has ended, whose id may then be another's.
func (p *process) signal(id int, sig syscall.Signal) error {
	if !p.running() {
		return nil
	}
	if err := syscall.Kill(id, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signal %s: %w", p.name, err)
	}
	return nil
}

// wait waits for the process to end and returns its exit code, which is -1
// when a signal ended it.
func (p *process) wait(ctx context.Context) (int, error) {
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode(), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("wait for %s to end: %w", p.name, ctx.Err())
	}
}

// tail returns the last lines of the process's log.
func (p *process) tail(lines int) string {
	content, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(content), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// ready polls until check is content. It gives up when the process has ended or
// startTimeout is over, and then tells the end of the process's log.
func (p *process) ready(ctx context.Context, check func(context.Context) error) error {
	timeout := time.After(startTimeout)
	for {
		last := check(ctx)
		if last == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("start %s: it ended (%s); its log ends with:\n%s", p.name, p.cmd.ProcessState, p.tail(20))
		case <-ctx.Done(): // The caller, or another part that failed, ends it; this part is not to blame.
			return fmt.Errorf("start %s: %w", p.name, ctx.Err())
		case <-timeout:
			return fmt.Errorf("start %s: not ready after %s: %w; its log ends with:\n%s", p.name, startTimeout, last, p.tail(20))
		case <-time.After(pollEvery):
		}
	}
}

// Pause makes a part of the lab stand still, as a machine under its load may, and
// Resume lets it go on. Its connections stay open, and nothing answers on them.
func (l *Lab) Pause(name string) error { return l.signal(name, syscall.SIGSTOP) }

// Resume lets a part go on that Pause made stand still.
func (l *Lab) Resume(name string) error { return l.signal(name, syscall.SIGCONT) }

func (l *Lab) signal(name string, sig syscall.Signal) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.processes {
		if p.name == name {
			return p.signal(p.cmd.Process.Pid, sig)
		}
	}
	return fmt.Errorf("signal %s: the lab has no such part", name)
}
