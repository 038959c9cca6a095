package parts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// tempPrefix begins the name of every temporary folder of a build.
const tempPrefix = ".building-"

// buildFlags are the flags that every part is built with.
func buildFlags() []string {
	return []string{"-trimpath", "-ldflags=-s -w"}
}

// source is the folder that the part is built in: its pin folder, or its own
// folder in the module cache, downloaded when it is not there.
func (b *builder) source(ctx context.Context, p part) (string, error) {
	if p.pin != "" {
		return filepath.Join(b.pins, p.pin), nil
	}
	temp, err := os.MkdirTemp(b.dir, tempPrefix)
	if err != nil {
		return "", fmt.Errorf("make temporary folder: %w", err)
	}
	defer os.RemoveAll(temp)

	cmd := goCommand(ctx, temp, "mod", "download", "-json", p.module)
	// The table holds the module's checksum, so that a checksum database, which
	// may not know the module, need not be asked.
	modulePath, _, _ := strings.Cut(p.module, "@")
	cmd.Env = append(cmd.Env, "GOFLAGS=-mod=mod", "GONOSUMDB="+joinComma(os.Getenv("GONOSUMDB"), modulePath))
	out, err := run(cmd)
	if err != nil {
		return "", fmt.Errorf("download %s: %w", p.module, err)
	}
	var got struct{ Dir, Sum string }
	if err := json.Unmarshal(out, &got); err != nil {
		return "", fmt.Errorf("download %s: read answer of go: %w", p.module, err)
	}
	if got.Sum != p.sum {
		return "", fmt.Errorf("download %s: checksum is %s, want %s", p.module, got.Sum, p.sum)
	}
	return got.Dir, nil
}

// compile builds the part's programs under temporary names and moves them into place.
func (b *builder) compile(ctx context.Context, p part, source string) error {
	temp, err := os.MkdirTemp(b.dir, tempPrefix)
	if err != nil {
		return fmt.Errorf("make temporary folder: %w", err)
	}
	defer os.RemoveAll(temp)

	output := temp + string(filepath.Separator)
	if len(p.targets) == 1 {
		output = filepath.Join(temp, p.targets[0].binary)
	}
	args := append([]string{"build"}, buildFlags()...)
	args = append(args, "-o", output)
	if p.beside != nil {
		modfile, err := p.beside.modfile(ctx, source, temp)
		if err != nil {
			return fmt.Errorf("build %s: %w", p.name, err)
		}
		args = append(args, "-modfile="+modfile)
	}
	for _, t := range p.targets {
		if len(p.targets) > 1 && t.binary != path.Base(t.pkg) {
			return fmt.Errorf("build %s: program %s of several must be named like its package %s", p.name, t.binary, t.pkg)
		}
		args = append(args, t.pkg)
	}
	if _, err := run(goCommand(ctx, source, args...)); err != nil {
		return fmt.Errorf("build %s: %w", p.name, err)
	}
	for _, t := range p.targets {
		if err := os.Rename(filepath.Join(temp, t.binary), filepath.Join(b.dir, t.binary)); err != nil {
			return fmt.Errorf("build %s: %w", p.name, err)
		}
	}
	return nil
}

// modfile writes a copy of the part's go.mod and go.sum into a folder, with the
// module from the proxy in them, and returns the copy's path. The checksums are
// ours, so that no checksum database need be asked.
func (m beside) modfile(ctx context.Context, source, dir string) (string, error) {
	modulePath, version, _ := strings.Cut(m.module, "@")
	line := modulePath + " " + version
	sums := fmt.Sprintf("%s %s\n%s/go.mod %s\n", line, m.sums[0], line, m.sums[1])
	for name, more := range map[string]string{"go.mod": "", "go.sum": sums} {
		content, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			return "", fmt.Errorf("copy %s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), append(content, more...), 0o644); err != nil {
			return "", fmt.Errorf("copy %s: %w", name, err)
		}
	}
	_, err := run(goCommand(ctx, dir, "mod", "edit", "-replace="+modulePath+"="+m.module))
	if err != nil {
		return "", fmt.Errorf("edit go.mod: %w", err)
	}
	return filepath.Join(dir, "go.mod"), nil
}

// copyManifests puts the part's manifests beside its programs.
func (b *builder) copyManifests(p part, source string) error {
	for name, folder := range p.manifests {
		to := Binaries{dir: b.dir}.Manifests(name)
		if err := os.RemoveAll(to); err != nil {
			return fmt.Errorf("copy manifests of %s: %w", p.name, err)
		}
		if err := os.MkdirAll(to, 0o755); err != nil {
			return fmt.Errorf("copy manifests of %s: %w", p.name, err)
		}
		files, err := filepath.Glob(filepath.Join(source, folder, "*.yaml"))
		if err != nil || len(files) == 0 {
			return fmt.Errorf("copy manifests of %s: nothing in %s: %w", p.name, folder, errors.Join(err, os.ErrNotExist))
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				return fmt.Errorf("copy manifests of %s: %w", p.name, err)
			}
			if err := os.WriteFile(filepath.Join(to, filepath.Base(file)), content, 0o644); err != nil {
				return fmt.Errorf("copy manifests of %s: %w", p.name, err)
			}
		}
	}
	return nil
}

// goCommand is a go command that stands by itself: no workspace, nobody's flags,
// and a process group of its own so that stopping it stops its compilers too.
func goCommand(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-buildvcs=false")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// run runs the command and returns its output; an error carries the end of
// what the command said.
func run(cmd *exec.Cmd) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		said := strings.Split(strings.TrimSpace(stdout.String()+stderr.String()), "\n")
		return nil, fmt.Errorf("%w:\n%s", err, strings.Join(said[max(0, len(said)-30):], "\n"))
	}
	return stdout.Bytes(), nil
}

// joinComma joins two lists that are separated by commas, of which the first may be empty.
func joinComma(list, more string) string {
	if list == "" {
		return more
	}
	return list + "," + more
}
