package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-dev/rollcall/config"
	"github.com/rollcall-dev/rollcall/internal/timeline"
)

// rehearsal are the flags of the test command.
type rehearsal struct {
	rules   string
	only    string
	output  string
	verbose bool
	watch   bool
}

func newTest() *cobra.Command {
	s := &rehearsal{}
	cmd := &cobra.Command{
		Use:   "test FILE...",
		Short: "Run timelines: what objects do, and what is to be sent then",
		Long: `Run timelines: files that say what happens to objects in a cluster, and what
rollcall is to send then. The controller's own code runs on objects in memory and
a clock that jumps, so that a day takes a moment. Of a directory, all .yaml files
are run, except for a web.yaml beside a web.timeline.yaml.

A file web.timeline.yaml that has no rules is run with those in web.yaml, if that
has some. --rules runs all files with your own rules instead; what a file expects
names rule and sink then, or is compared without them.

Below a file that does not end as it expects stands what was not sent, or was sent
unexpectedly; what was so at that moment; and what the rule made of it, as a tree
in which each part of the condition has its value.

The exit code is 0 if every file ends as it expects, 1 if one does not or has a
mistake, 2 if the command line makes no sense.`,
		Example: `  rollcall test internal/timeline/testdata/readiness
  rollcall test -v internal/timeline/testdata/readiness/001-new-image-rolling.yaml
  rollcall test manifests/examples/recipes
  rollcall test --watch --rules rules.yaml --run settle my-timelines/
  rollcall test -o junit my-timelines/ > report.xml`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, paths []string) error {
			if err := s.check(); err != nil {
				return err
			}
			if s.watch {
				return s.stay(cmd.Context(), cmd.OutOrStdout(), paths)
			}
			return s.run(cmd.Context(), cmd.OutOrStdout(), paths)
		},
	}
	f := cmd.Flags()
	f.StringVar(&s.rules, "rules", "", "file of rules to run the timelines with, instead of their own")
	f.StringVar(&s.only, "run", "", "run only the timelines whose file or name matches this regular expression")
	f.StringVarP(&s.output, "output", "o", "", "output format: json or junit; default is for people")
	f.BoolVarP(&s.verbose, "verbose", "v", false, "show every step, what rollcall sees, records and sends")
	f.BoolVar(&s.watch, "watch", false, "run again whenever a timeline or the rules change, until interrupted")
	return cmd
}

// check finds what makes no sense on the command line.
func (s *rehearsal) check() error {
	if !slices.Contains([]string{"", "json", "junit"}, s.output) {
		return unknownOutput(s.output, "json, junit")
	}
	if s.watch && s.output != "" {
		return usageError{errors.New("--watch is for people: it goes with no output format")}
	}
	if _, err := regexp.Compile(s.only); err != nil {
		return usageError{fmt.Errorf("read --run: %w", err)}
	}
	return nil
}

// named is how the name of a timeline ends that lies beside its rules.
const named = ".timeline.yaml"

// found lists the files of a path: itself, or those of a directory.
func found(path string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && (p == path || strings.HasSuffix(p, ".yaml")) {
			files = append(files, p)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find timelines: %w", err)
	}
	var neighbours []string
	for _, f := range files {
		neighbours = append(neighbours, beside(f))
	}
	return slices.DeleteFunc(files, func(f string) bool { return f != path && slices.Contains(neighbours, f) }), nil
}

// beside is the file of rules that belongs to a timeline by its name; empty if its
// name does not say so.
func beside(file string) string {
	if name, ok := strings.CutSuffix(file, named); ok {
		return name + ".yaml"
	}
	return ""
}

// played is what came of one file.
type played struct {
	File        string                `json:"file"`
	Name        string                `json:"name"`
	OK          bool                  `json:"ok"`
	Events      []timeline.Said       `json:"events"`
	Records     []timeline.Recorded   `json:"records"`
	Differences []string              `json:"differences"`
	Explained   []timeline.Difference `json:"explained,omitempty"`
	Mistakes    []config.Mistake      `json:"mistakes"`

	took time.Duration
}

// tree is what came of the files of one path.
type tree struct {
	path string
	all  []played
}

// run plays all files; a difference or a mistake makes it return an exit code.
func (s *rehearsal) run(ctx context.Context, out io.Writer, paths []string) error {
	rules, err := replacement(s.rules)
	if err != nil {
		return err
	}
	var trees []tree
	passed, failed := 0, 0
	for _, path := range paths {
		t, err := s.playAll(ctx, out, path, rules)
		if err != nil {
			return err
		}
		for _, p := range t.all {
			if p.OK {
				passed++
			} else {
				failed++
			}
		}
		trees = append(trees, t)
	}
	if passed+failed == 0 {
		return errors.New("there is no such timeline")
	}
	if err := s.report(out, trees, passed, failed); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if failed > 0 {
		return exitError(1)
	}
	return nil
}

// playAll plays the files of one path, and tells people of each.
func (s *rehearsal) playAll(ctx context.Context, out io.Writer, path, rules string) (tree, error) {
	files, err := found(path)
	if err != nil {
		return tree{}, err
	}
	t := tree{path: path}
	for _, file := range files {
		p, ok, err := s.play(ctx, out, file, rules)
		if err != nil {
			return t, err
		}
		if !ok {
			continue
		}
		t.all = append(t.all, p)
		if s.output == "" {
			if err := p.tell(out); err != nil {
				return t, fmt.Errorf("write report: %w", err)
			}
		}
	}
	return t, nil
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

// neighbours are the rules beside a timeline; empty if there are none.
func neighbours(file string) (string, []config.Mistake, error) {
	file = beside(file)
	raw, err := os.ReadFile(file) //nolint:gosec // the user named its timeline
	switch {
	case file == "" || errors.Is(err, fs.ErrNotExist):
		return "", nil, nil
	case err != nil:
		return "", nil, fmt.Errorf("read rules: %w", err)
	}
	if len(config.Parts(file, raw)) == 0 { // it is a manifest of something else
		return "", nil, nil
	}
	text, mistakes := config.Text(file, raw)
	return text, mistakes, nil
}

// play plays one file; false if it is not one that is to be.
func (s *rehearsal) play(ctx context.Context, out io.Writer, file, rules string) (played, bool, error) {
	p := played{File: file, Differences: []string{}, Mistakes: []config.Mistake{}, Events: []timeline.Said{}, Records: []timeline.Recorded{}}
	raw, err := os.ReadFile(file) //nolint:gosec // the user names it
	if err != nil {
		return p, false, fmt.Errorf("read timeline: %w", err)
	}
	only, err := regexp.Compile(s.only)
	if err != nil {
		return p, false, fmt.Errorf("read --run: %w", err)
	}
	t, mistakes := timeline.Read(file, raw)
	if t == nil {
		p.Mistakes = mistakes
		return p, only.MatchString(file), nil
	}
	p.Name = t.Name
	if !only.MatchString(file) && !only.MatchString(t.Name) {
		return p, false, nil
	}
	if rules == "" && t.Rules == "" {
		rules, mistakes, err = neighbours(file)
		if err != nil || len(mistakes) > 0 {
			p.Mistakes = mistakes
			return p, true, err
		}
	}
	began := time.Now()
	s.live(ctx, out, t, rules, &p)
	p.took = time.Since(began)
	return p, true, nil
}

// live runs a timeline, and writes down what came of it.
func (s *rehearsal) live(ctx context.Context, out io.Writer, t *timeline.Timeline, rules string, p *played) {
	opt := timeline.Options{Rules: rules}
	if s.verbose && s.output == "" {
		opt.Tell = func(n timeline.Note) { _, _ = fmt.Fprintln(out, n) } // shown beside the report, which is checked
	}
	run, err := t.Run(ctx, opt)
	if err != nil {
		p.Differences = append(p.Differences, err.Error())
		p.Explained = []timeline.Difference{{Text: err.Error()}}
		return
	}
	p.Events, p.Records = append(p.Events, run.Events...), append(p.Records, run.Records...)
	p.Explained = t.Explain(ctx, run)
	for _, d := range p.Explained {
		p.Differences = append(p.Differences, d.Text)
	}
	p.OK = len(p.Differences) == 0
}
