package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/config"
)

// source is a file to check.
type source struct {
	path string
	// named says that it was named by hand, and not found in a folder: then it has to
	// hold rules.
	named bool
}

// files checks files, and what folders hold.
func (c *checking) files(in io.Reader, args []string) ([]checked, error) {
	var reports []checked
	seen := map[string]bool{}
	for _, arg := range args {
		sources, err := sourcesOf(arg)
		if err != nil {
			return nil, fmt.Errorf("read rules: %w", err)
		}
		held := false
		for _, s := range sources {
			if at := filepath.Clean(s.path); !seen[at] {
				seen[at] = true
				found, err := c.file(in, s)
				if err != nil {
					return nil, fmt.Errorf("read rules: %w", err)
				}
				reports = append(reports, found...)
			}
			held = held || s.named || slices.ContainsFunc(reports, func(r checked) bool { return r.File == s.path })
		}
		if !held {
			return nil, fmt.Errorf("read rules: %s holds none", arg)
		}
	}
	return reports, nil
}

// sourcesOf lists the files that an argument stands for.
func sourcesOf(arg string) ([]source, error) {
	if arg == "-" {
		return []source{{arg, true}}, nil
	}
	info, err := os.Stat(arg)
	if err != nil {
		return nil, openError(err)
	}
	if !info.IsDir() {
		return []source{{arg, true}}, nil
	}
	var out []source
	err = filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path != arg && d.IsDir() && strings.HasPrefix(d.Name(), "."):
			return filepath.SkipDir
		case !d.IsDir() && slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(path)):
			out = append(out, source{path, false})
		}
		return nil
	})
	return out, err
}

// openError tells of a file what reading it would.
func openError(err error) error {
	var e *fs.PathError
	if errors.As(err, &e) {
		return &fs.PathError{Op: "open", Path: e.Path, Err: e.Err}
	}
	return err
}

// file checks all that one file holds.
func (c *checking) file(in io.Reader, s source) ([]checked, error) {
	raw, err := read(in, s.path)
	if err != nil {
		return nil, err
	}
	path := s.path
	if path == "-" {
		path = "stdin"
	}
	parts := config.Parts(path, raw)
	if !s.named {
		parts = slices.DeleteFunc(parts, func(p config.Part) bool { return !p.IsRules() })
	} else if len(parts) == 0 { // which is told as a mistake
		_, mistakes := config.File(path, raw)
		return []checked{newChecked(path, config.Config{}, mistakes)}, nil
	}
	var out []checked
	for _, p := range parts {
		out = append(out, c.part(path, p))
	}
	return out, nil
}

// part checks one text of a file.
func (c *checking) part(path string, p config.Part) checked {
	tenant := c.tenant
	if tenant == "" && p.Tenant && p.Namespace != c.operator.Namespace {
		tenant = p.Namespace
	}
	read, mistakes := p.Load(tenant)
	r := newChecked(path, read, mistakes)
	r.Tenant = tenant
	if p.Name != "" {
		r.ConfigMap = strings.TrimPrefix(p.Namespace+"/"+p.Name, "/")
	}
	return r
}

func read(in io.Reader, file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(in)
	}
	return os.ReadFile(file) //nolint:gosec // the user names it
}
