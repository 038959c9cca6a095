package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rollcall-dev/rollcall/config"
	"github.com/rollcall-dev/rollcall/internal/timeline"
)

// rehearsal are the flags of the test command.
type rehearsal struct {
	rules   string
	output  string
	verbose bool
}

func newTest() *cobra.Command {
	s := &rehearsal{}
	cmd := &cobra.Command{
		Use:   "test FILE...",
		Short: "Run timelines: what objects do, and what is to be sent then",
		Long: `Run timelines: files that say what happens to objects in a cluster, and what
rollcall is to send then. The controller's own code runs on objects in memory and
a clock that jumps, so that a day takes a moment. Of a directory, all .yaml files
are run.

--rules runs the files with your own rules instead of theirs; what a file expects
names rule and sink then, or is compared without them.

The exit code is 0 if every file ends as it expects, 1 if one does not or has a
mistake, 2 if the command line makes no sense.`,
		Example: `  rollcall test internal/timeline/testdata/readiness
  rollcall test -v internal/timeline/testdata/readiness/001-new-image-rolling.yaml`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, paths []string) error {
			if s.output != "" && s.output != "json" {
				return unknownOutput(s.output, "json")
			}
			files, err := found(paths)
			if err != nil {
				return err
			}
			return s.run(cmd.Context(), cmd.OutOrStdout(), files)
		},
	}
	f := cmd.Flags()
	f.StringVar(&s.rules, "rules", "", "file of rules to run the timelines with, instead of their own")
	f.StringVarP(&s.output, "output", "o", "", "output format: json; default is for people")
	f.BoolVarP(&s.verbose, "verbose", "v", false, "show every step, what rollcall sees, records and sends")
	return cmd
}

// found lists the files, and those of directories.
func found(paths []string) ([]string, error) {
	var files []string
	for _, p := range paths {
		err := filepath.WalkDir(p, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && (path == p || strings.HasSuffix(path, ".yaml")) {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("find timelines: %w", err)
		}
	}
	return files, nil
}

// played is what came of one file.
type played struct {
	File        string              `json:"file"`
	Name        string              `json:"name"`
	OK          bool                `json:"ok"`
	Events      []timeline.Said     `json:"events"`
	Records     []timeline.Recorded `json:"records"`
	Differences []string            `json:"differences"`
	Mistakes    []config.Mistake    `json:"mistakes"`
}

// run plays all files; a difference or a mistake makes it return an exit code.
func (s *rehearsal) run(ctx context.Context, out io.Writer, files []string) error {
	rules, err := replacement(s.rules)
	if err != nil {
		return err
	}
	all, bad := make([]played, 0, len(files)), 0
	for _, file := range files {
		p, err := s.play(ctx, out, file, rules)
		if err != nil {
			return err
		}
		if !p.OK {
			bad++
		}
		all = append(all, p)
		if s.output == "" {
			if err := p.tell(out); err != nil {
				return fmt.Errorf("write report: %w", err)
			}
		}
	}
	if s.output == "json" {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		if err := e.Encode(all); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	}
	if bad > 0 {
		return exitError(1)
	}
	return nil
}

// replacement is the text of the rules to run with, from a file; without one, it is
// empty, for those that the timelines have.
func replacement(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	raw, err := os.ReadFile(file) //nolint:gosec // the user names it
	if err != nil {
		return "", fmt.Errorf("read rules: %w", err)
	}
	text, mistakes := config.Text(file, raw)
	if len(mistakes) > 0 {
		return "", fmt.Errorf("read rules: %s", mistakes[0])
	}
	return text, nil
}

func (s *rehearsal) play(ctx context.Context, out io.Writer, file, rules string) (played, error) {
	p := played{File: file, Differences: []string{}, Mistakes: []config.Mistake{}, Events: []timeline.Said{}, Records: []timeline.Recorded{}}
	raw, err := os.ReadFile(file) //nolint:gosec // the user names it
	if err != nil {
		return p, fmt.Errorf("read timeline: %w", err)
	}
	t, mistakes := timeline.Read(file, raw)
	if t == nil {
		p.Mistakes = mistakes
		return p, nil
	}
	p.Name = t.Name
	opt := timeline.Options{Rules: rules}
	if s.verbose && s.output == "" {
		opt.Tell = func(n timeline.Note) { _, _ = fmt.Fprintln(out, n) } // shown beside the report, which is checked
	}
	run, err := t.Run(ctx, opt)
	if err != nil {
		p.Differences = append(p.Differences, err.Error())
		return p, nil
	}
	p.Events, p.Records = append(p.Events, run.Events...), append(p.Records, run.Records...)
	p.Differences = append(p.Differences, t.Differences(run)...)
	p.OK = len(p.Differences) == 0
	return p, nil
}

// tell prints what came of one file.
func (p played) tell(out io.Writer) error {
	verdict := "ok  "
	if !p.OK {
		verdict = "FAIL"
	}
	if _, err := fmt.Fprintf(out, "%s %s  %s\n", verdict, p.File, p.Name); err != nil {
		return err
	}
	for _, m := range p.Mistakes {
		if _, err := fmt.Fprintf(out, "     %s\n", m); err != nil {
			return err
		}
	}
	for _, d := range p.Differences {
		if _, err := fmt.Fprintf(out, "     %s\n", d); err != nil {
			return err
		}
	}
	return nil
}
