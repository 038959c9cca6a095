package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/rollcall-dev/rollcall/config"
)

// checking is what the check command is asked for.
type checking struct {
	output  string
	strict  bool
	tenant  string
	live    bool
	tenants bool
	// operator is the ConfigMap of the operator's rules.
	operator types.NamespacedName
	cluster  cluster
}

func newCheck() *cobra.Command {
	c := &checking{}
	cmd := &cobra.Command{
		Use:   "check FILE|DIR...",
		Short: "Check rules, and show every mistake at its line and column",
		Long: `Check rules, and show every mistake at its line and column.

A file holds the rules alone, or manifests with a ConfigMap that has them under the
key rules.yaml, or several of them. "-" is standard input. Of a folder, all .yaml
and .yml files that hold rules are checked, and the others passed over. A ConfigMap
with the label rollcall.dev/rules: "true" in a namespace other than the operator's is
read as that of a tenant, which reaches no further than its namespace; --tenant
reads everything so.

A warning is about what is in force, and most likely not meant: a sink that nobody
sends to, a condition that can never be true. It fails only with --strict.

With --live, the ConfigMaps of a cluster are read in place of files: the operator's,
and with --tenant-rules those of all tenants. It is said what of them is in force. A
rule or sink with a mistake is not, unless rollcall has seen a good version of it
since it was started. Kinds that this cluster does not know are warned about.

For programs, -o json gives everything that is known; -o sarif is SARIF 2.1.0, for
code scanning; -o github has GitHub show each mistake in its line.

The exit code is 0 if all is well, 1 if there is a mistake (or a warning, with
--strict) or something cannot be read, 2 if the command line makes no sense.`,
		Example: `  rollcall check manifests/examples/rules.yaml
  rollcall check --strict manifests/examples
  rollcall check -o github manifests/examples
  kubectl get configmap rollcall-rules -n rollcall -o yaml | rollcall check -
  rollcall check --live --tenant-rules --context prod`,
		Args: c.arguments,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.check(cmd.Flags()); err != nil {
				return err
			}
			reports, err := c.reports(cmd.Context(), cmd.InOrStdin(), args)
			if err != nil {
				return err
			}
			return c.tell(cmd.OutOrStdout(), reports)
		},
	}
	c.bind(cmd.Flags())
	return cmd
}

func (c *checking) bind(f *pflag.FlagSet) {
	f.StringVarP(&c.output, "output", "o", "", "output format: "+strings.Join(formats(), ", ")+"; default is for people")
	f.BoolVar(&c.strict, "strict", false, "warnings are as bad as mistakes")
	f.StringVar(&c.tenant, "tenant", "", "read all files as rules of a tenant in this namespace")
	f.BoolVar(&c.live, "live", false, "read the rules of a cluster, in place of files")
	f.BoolVar(&c.tenants, "tenant-rules", false, "with --live, read also ConfigMaps with the label rollcall.dev/rules: \"true\" in other namespaces")
	f.StringVar(&c.operator.Namespace, "config-namespace", envOr("POD_NAMESPACE", "rollcall"), "namespace of the operator's ConfigMap [$POD_NAMESPACE]")
	f.StringVar(&c.operator.Name, "config-name", "rollcall-rules", "with --live, name of the operator's ConfigMap")
	c.cluster.bind(f)
}

// arguments asks for files, unless a cluster is asked.
func (c *checking) arguments(cmd *cobra.Command, args []string) error {
	if c.live {
		return cobra.NoArgs(cmd, args)
	}
	return cobra.MinimumNArgs(1)(cmd, args)
}

// check finds what the flags' own types do not.
func (c *checking) check(f *pflag.FlagSet) error {
	if c.output != "" && !slices.Contains(formats(), c.output) {
		return unknownOutput(c.output, strings.Join(formats(), ", "))
	}
	switch {
	case c.live && c.tenant != "":
		return usageError{errors.New("--tenant is for files: with --live, --tenant-rules reads those of all tenants")}
	case c.tenant != "" && len(validation.IsDNS1123Label(c.tenant)) > 0:
		return usageError{fmt.Errorf("--tenant %q is not the name of a namespace", c.tenant)}
	case c.live:
		return nil
	}
	for _, name := range []string{"tenant-rules", "config-name", "kubeconfig", "context"} {
		if f.Changed(name) {
			return usageError{fmt.Errorf("--%s is for --live", name)}
		}
	}
	return nil
}

// checked is what came of one text of rules.
type checked struct {
	// File is where it was read; of a cluster, namespace and name of the ConfigMap.
	File string `json:"file"`
	// ConfigMap is the one in the file that holds it, if one does; Tenant is the
	// namespace that it is confined to, if it is.
	ConfigMap string `json:"configMap,omitempty"`
	Tenant    string `json:"tenant,omitempty"`
	Rules     int    `json:"rules"`
	Sinks     int    `json:"sinks"`
	// Force is known of a cluster.
	*force
	Mistakes []config.Mistake `json:"mistakes"`
	Warnings []config.Mistake `json:"warnings"`
}

func newChecked(file string, c config.Config, mistakes []config.Mistake) checked {
	return checked{
		File: file, Rules: len(c.Rules), Sinks: len(c.Sinks),
		Mistakes: append([]config.Mistake{}, mistakes...), Warnings: append([]config.Mistake{}, c.Warnings...),
	}
}

// found are the mistakes, and then the warnings.
func (r checked) found() []config.Mistake { return slices.Concat(r.Mistakes, r.Warnings) }

func (c *checking) reports(ctx context.Context, in io.Reader, args []string) ([]checked, error) {
	if !c.live {
		return c.files(in, args)
	}
	clients, err := c.cluster.clients()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	l := live{kube: clients.Kube, mapper: clients.Mapper, operator: c.operator}
	return l.check(ctx, c.tenants)
}

// tell prints what came of it; mistakes make it return an exit code.
func (c *checking) tell(out io.Writer, reports []checked) error {
	write := map[string]func(io.Writer, []checked) error{
		"": c.people, "json": asJSON, "sarif": asSARIF, "github": c.github,
	}[c.output]
	if err := write(out, reports); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	for _, r := range reports {
		if len(r.Mistakes) > 0 || c.strict && len(r.Warnings) > 0 {
			return exitError(1)
		}
	}
	return nil
}

func formats() []string { return []string{"json", "sarif", "github"} }
