package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rollcall-dev/rollcall/journey"
)

func newTraceparent() *cobra.Command {
	var repo, commit, output string
	cmd := &cobra.Command{
		Use:   "traceparent --repo URL --commit SHA",
		Short: "Print the trace context of a commit, as rollcall will derive it",
		Long: `Print the W3C trace context that belongs to a commit. rollcall derives the same
trace id when it sees a release of that commit, so that spans which a CI job
records under it come to stand in the same trace. The trace id alone is also

  printf 'trace\0%s\0%s' https://HOST/PATH SHA | sha256sum | cut -c1-32

with the URL in its canonical form: https, no user, no trailing .git.`,
		Example: `  export TRACEPARENT=$(rollcall traceparent --repo https://github.com/acme/shop --commit $GITHUB_SHA)
  rollcall traceparent --repo git@github.com:acme/shop.git --commit $(git rev-parse HEAD) -o id`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			id, err := journey.TraceIDForCommit(repo, commit)
			if err != nil {
				return usageError{err}
			}
			parent := journey.Traceparent(id, journey.CommitSpan(id))
			out := cmd.OutOrStdout()
			switch output {
			case "":
				_, err = fmt.Fprintln(out, parent)
			case "id":
				_, err = fmt.Fprintln(out, id)
			case "json":
				err = json.NewEncoder(out).Encode(map[string]string{
					"traceparent": parent, "traceId": id.String(), "repository": journey.CanonicalRepoURL(repo),
				})
			default:
				return unknownOutput(output, "id, json")
			}
			return err
		},
	}
	cmd.Flags().StringVar(&repo, "repo", "", "URL of the Git repository, in any form Git takes (required)")
	cmd.Flags().StringVar(&commit, "commit", "", "full SHA of the commit (required)")
	cmd.Flags().StringVarP(&output, "output", "o", "", "output format: id, json; default is the traceparent")
	return cmd
}
