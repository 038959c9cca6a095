package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rollcall-dev/rollcall/config"
)

func newSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the rules, for editors",
		Long: `Print the JSON Schema of the rules, draft-07. Editors complete and check a file of
rules by it; the first line of the file says where it is:

  # yaml-language-server: $schema=rules.schema.json

The path is relative to the file. A schema cannot tell what an expression means:
rollcall check is what counts.`,
		Example: `  rollcall schema > rules.schema.json`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := config.Schema()
			if err != nil {
				return err
			}
			if _, err := cmd.OutOrStdout().Write(text); err != nil {
				return fmt.Errorf("write schema: %w", err)
			}
			return nil
		},
	}
}
