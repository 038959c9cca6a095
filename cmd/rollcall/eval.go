package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-dev/rollcall/conditions"
	"github.com/rollcall-dev/rollcall/release"
)

func newEval() *cobra.Command {
	l := &looking{}
	cmd := &cobra.Command{
		Use:   "eval EXPRESSION [KIND/NAME]",
		Short: "Evaluate an expression of a rule, as a playground",
		Long: `Evaluate a CEL expression as a rule would, on a workload or application in a
cluster, or on objects from files, and print its value. Without either, there is
nothing to read but now and constants.

The exit code is 0 if it has a value, 1 if it has a mistake or cannot be evaluated,
2 if the command line makes no sense.`,
		Example: `  rollcall eval 'release.ready && app.synced' Deployment/web -n shop
  rollcall eval 'release.images.map(i, image(i).registry)' -f objects.yaml
  rollcall eval "object.spec.replicas" -f objects.yaml -o json
  rollcall eval "semver('1.10.0').isGreaterThan(semver('1.9.0'))"`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if l.output != "" && l.output != "json" {
				return unknownOutput(l.output, "json")
			}
			return l.evaluate(cmd, args[0], args[1:])
		},
	}
	l.bind(cmd)
	return cmd
}

// evaluated is the value of an expression.
type evaluated struct {
	Type  string `json:"type"`
	Value any    `json:"value"`
}

func (l *looking) evaluate(cmd *cobra.Command, text string, args []string) error {
	language, err := conditions.NewLanguage()
	if err != nil {
		return err
	}
	expression, err := language.Value(text)
	var wrong conditions.Issues
	if errors.As(err, &wrong) {
		return fmt.Errorf("the expression is wrong\n%s", wrong.Show(text))
	} else if err != nil {
		return err
	}
	value, err := l.valueOf(cmd, expression, args)
	if err != nil {
		return fmt.Errorf("evaluate: %w", err)
	}
	if l.output == "json" {
		return writeJSON(cmd.OutOrStdout(), evaluated{expression.Type(), value})
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), conditions.Shown(value))
	return err
}

func (l *looking) valueOf(cmd *cobra.Command, v *conditions.Value, args []string) (any, error) {
	if len(args) == 0 && len(l.files) == 0 {
		out, needs, err := v.Of(cmd.Context(), release.Snapshot{}, time.Now())
		if len(needs) > 0 {
			return nil, errors.New("there is nothing to read from: name a workload, or give objects with --filename")
		}
		return out, err
	}
	place, name, _, err := l.place(cmd.InOrStdin(), args)
	if err != nil {
		return nil, err
	}
	return place.Evaluate(cmd.Context(), name, v)
}
