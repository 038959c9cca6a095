package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// calmAfter is how long nothing must have changed before the timelines are run again:
// editors write a file in several steps.
const calmAfter = 100 * time.Millisecond

// stay runs the timelines, and again whenever one of them or the rules change, until
// ctx ends.
func (s *rehearsal) stay(ctx context.Context, out io.Writer, paths []string) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch files: %w", err)
	}
	defer func() { _ = w.Close() }() // nothing is lost with it
	for {
		if err := s.attend(w, paths); err != nil {
			return err
		}
		if err := s.run(ctx, out, paths); err != nil && ctx.Err() == nil {
			if _, told := err.(exitError); !told { //nolint:errorlint // only what run returns as it is
				_, _ = fmt.Fprintln(out, "error:", err) // it may be right after the next change
			}
		}
		changed, err := s.wait(ctx, w, paths)
		if err != nil || changed == "" {
			return err
		}
		_, _ = fmt.Fprintf(out, "\n%s has changed\n", changed) // what cannot be shown is seen with the report
	}
}

// attend watches all folders that there are. A file is watched by its folder: editors
// put another one in its place.
func (s *rehearsal) attend(w *fsnotify.Watcher, paths []string) error {
	folders := []string{}
	if s.rules != "" {
		folders = append(folders, filepath.Dir(s.rules))
	}
	for _, p := range paths {
		err := filepath.WalkDir(p, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir():
				folders = append(folders, path)
			case path == p:
				folders = append(folders, filepath.Dir(path))
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("watch files: %w", err)
		}
	}
	for _, f := range folders {
		if err := w.Add(f); err != nil {
			return fmt.Errorf("watch files: %w", err)
		}
	}
	return nil
}

// wait waits until something has changed that matters, and then until nothing does
// any more. It gives the file that changed first; empty if ctx has ended.
func (s *rehearsal) wait(ctx context.Context, w *fsnotify.Watcher, paths []string) (string, error) {
	first := ""
	var calm <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return "", nil
		case err := <-w.Errors:
			return "", fmt.Errorf("watch files: %w", err)
		case <-calm:
			return first, nil
		case e := <-w.Events:
			if !s.matters(e, paths) {
				continue
			}
			if first == "" {
				first = filepath.Clean(e.Name)
			}
			calm = time.After(calmAfter)
		}
	}
}

// matters reports whether a change is one of the rules, or of a timeline, or of a
// folder that may hold some.
func (s *rehearsal) matters(e fsnotify.Event, paths []string) bool {
	name := filepath.Clean(e.Name)
	if e.Op == fsnotify.Chmod {
		return false
	}
	if s.rules != "" && name == filepath.Clean(s.rules) {
		return true
	}
	return slices.ContainsFunc(paths, func(p string) bool {
		p = filepath.Clean(p)
		within := p == "." || strings.HasPrefix(name, p+string(filepath.Separator))
		return name == p || name == beside(p) || within && (strings.HasSuffix(name, ".yaml") || filepath.Ext(name) == "")
	})
}
