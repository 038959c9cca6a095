package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/rollcall-dev/rollcall/config"
)

func newCheck() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "check FILE...",
		Short: "Check rules, and show every mistake at its line and column",
		Long: `Check files of rules: a ConfigMap that has them under the key rules.yaml, or the
rules alone. "-" is standard input. Every mistake of every file is shown. The
exit code is 0 if there is none, 1 if there is one, 2 if the command line makes
no sense.`,
		Example: `  rollcall check manifests/examples/rules.yaml
  kubectl get configmap rollcall-rules -n rollcall -o yaml | rollcall check -`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			if output != "" && output != "json" {
				return unknownOutput(output, "json")
			}
			reports, err := checkAll(cmd.InOrStdin(), files)
			if err != nil {
				return err
			}
			return tell(cmd.OutOrStdout(), reports, output == "json")
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "output format: json; default is for people")
	return cmd
}

// checked is what came of one file.
type checked struct {
	File     string           `json:"file"`
	Rules    int              `json:"rules"`
	Sinks    int              `json:"sinks"`
	Mistakes []config.Mistake `json:"mistakes"`
}

func checkAll(in io.Reader, files []string) ([]checked, error) {
	reports := make([]checked, 0, len(files))
	for _, f := range files {
		raw, err := read(in, f)
		if err != nil {
			return nil, fmt.Errorf("read rules: %w", err)
		}
		if f == "-" {
			f = "stdin"
		}
		c, mistakes := config.File(f, raw)
		r := checked{File: f, Rules: len(c.Rules), Sinks: len(c.Sinks), Mistakes: []config.Mistake{}}
		r.Mistakes = append(r.Mistakes, mistakes...)
		reports = append(reports, r)
	}
	return reports, nil
}

func read(in io.Reader, file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(in)
	}
	return os.ReadFile(file) //nolint:gosec // the user names it
}

// tell prints what came of the files; mistakes make it return an exit code.
func tell(out io.Writer, reports []checked, asJSON bool) error {
	bad := 0
	for _, r := range reports {
		bad += len(r.Mistakes)
	}
	if asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		if err := e.Encode(reports); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	} else if err := tellPeople(out, reports); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if bad > 0 {
		return exitError(1)
	}
	return nil
}

func tellPeople(out io.Writer, reports []checked) error {
	for _, r := range reports {
		for _, m := range r.Mistakes {
			if _, err := fmt.Fprintln(out, m); err != nil {
				return err
			}
		}
		verdict := "ok"
		if n := len(r.Mistakes); n > 0 {
			verdict = plural(n, "mistake")
		}
		if _, err := fmt.Fprintf(out, "%s: %s (%s, %s)\n", r.File, verdict, plural(r.Rules, "rule"), plural(r.Sinks, "sink")); err != nil {
			return err
		}
	}
	return nil
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
