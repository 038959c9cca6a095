package parts

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// stamps knows what the stamp of an up-to-date part says.
type stamps struct {
	dir  string // the folder of built parts
	pins string // the folder of pin modules
	goes string // the Go version
}

// newStamps asks the go command for its version, which is part of every stamp.
func newStamps(ctx context.Context, dir, pins string) (stamps, error) {
	cmd := exec.CommandContext(ctx, "go", "env", "GOVERSION")
	cmd.Dir = pins
	out, err := cmd.Output()
	if err != nil {
		return stamps{}, fmt.Errorf("ask go for its version: %w", err)
	}
	return stamps{dir: dir, pins: pins, goes: strings.TrimSpace(string(out))}, nil
}

// want is what the part's stamp says when the part is up to date.
func (s stamps) want(p part) (string, error) {
	pinned := p.sum
	if p.pin != "" {
		hash := sha256.New()
		for _, name := range []string{"go.mod", "go.sum"} {
			content, err := os.ReadFile(filepath.Join(s.pins, p.pin, name))
			if err != nil {
				return "", fmt.Errorf("read pin of %s: %w", p.name, err)
			}
			hash.Write(content)
		}
		pinned = fmt.Sprintf("%x", hash.Sum(nil))
	}
	if p.beside != nil {
		pinned += " " + p.beside.module + " " + p.beside.sums[0]
	}
	return fmt.Sprintf("%s\n%s\n%s\n%s\n", p.module, pinned, s.goes, strings.Join(buildFlags(), " ")), nil
}

// fresh reports whether the part is built and up to date.
func (s stamps) fresh(p part) (bool, error) {
	want, err := s.want(p)
	if err != nil {
		return false, err
	}
	have, err := os.ReadFile(s.path(p))
	if err != nil || string(have) != want {
		return false, nil //nolint:nilerr // A stamp that cannot be read is one that is not there.
	}
	for _, t := range p.targets {
		if _, err := os.Stat(filepath.Join(s.dir, t.binary)); err != nil {
			return false, nil //nolint:nilerr // A program that is gone is built again.
		}
	}
	return true, nil
}

// missing lists the parts that are not built or out of date.
func (s stamps) missing(all []part) ([]part, error) {
	var out []part
	for _, p := range all {
		ok, err := s.fresh(p)
		if err != nil {
			return nil, err
		}
		if !ok {
			out = append(out, p)
		}
	}
	return out, nil
}

// put marks the part as built. It is the last thing that a build does.
func (s stamps) put(p part) error {
	want, err := s.want(p)
	if err != nil {
		return err
	}
	temp := s.path(p) + ".new"
	if err := os.WriteFile(temp, []byte(want), 0o644); err != nil {
		return fmt.Errorf("write stamp of %s: %w", p.name, err)
	}
	if err := os.Rename(temp, s.path(p)); err != nil {
		return fmt.Errorf("write stamp of %s: %w", p.name, err)
	}
	return nil
}

func (s stamps) path(p part) string { return filepath.Join(s.dir, string(p.name)+".stamp") }
