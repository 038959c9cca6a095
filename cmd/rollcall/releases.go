package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/rollcall-dev/rollcall/emit"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

func newReleases() *cobra.Command {
	var (
		c      cluster
		all    bool
		output string
	)
	cmd := &cobra.Command{
		Use:   "releases [KIND/NAME]",
		Short: "List recorded releases, newest last",
		Long: `List the releases that rollcall has recorded: of one workload or application, of
a namespace, or of the whole cluster. The kind may bear its group, as in
Certificate.cert-manager.io/web. The same objects are there as "kubectl get
releases".`,
		Example: `  rollcall releases -n shop
  rollcall releases -n shop StatefulSet/db -o yaml
  rollcall releases -n argocd Application/shop
  rollcall releases -A -o wide`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains([]string{"", "wide", "json", "yaml"}, output) {
				return unknownOutput(output, "wide, json, yaml")
			}
			kind, name, err := subject(args)
			if err != nil {
				return err
			}
			list, err := listReleases(cmd.Context(), &c, all)
			if err != nil {
				return err
			}
			if name != "" {
				only(list, kind, name)
			}
			return show(cmd.OutOrStdout(), list, output)
		},
	}
	c.bind(cmd.Flags())
	cmd.Flags().StringVarP(&c.namespace, "namespace", "n", "", "namespace; default is the kubeconfig's own")
	cmd.Flags().BoolVarP(&all, "all-namespaces", "A", false, "list the releases of all namespaces")
	cmd.Flags().StringVarP(&output, "output", "o", "", "output format: wide, json, yaml; default is a table")
	return cmd
}

func listReleases(ctx context.Context, c *cluster, all bool) (*v1alpha1.ReleaseList, error) {
	cfg, err := c.config()
	if err != nil {
		return nil, err
	}
	cfg.Timeout = callTimeout
	var h *http.Client
	if h, err = rest.HTTPClientFor(cfg); err != nil {
		return nil, fmt.Errorf("make client: %w", err)
	}
	client, err := emit.NewClient(cfg, h)
	if err != nil {
		return nil, err
	}
	namespace := metav1.NamespaceAll
	if !all {
		if namespace, _, err = c.loader().Namespace(); err != nil {
			return nil, fmt.Errorf("find the namespace: %w", err)
		}
	}
	list, err := client.In(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list releases: %w", err)
	}
	slices.SortFunc(list.Items, func(a, b v1alpha1.Release) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time),
			cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Spec.Subject.Name, b.Spec.Subject.Name), cmp.Compare(a.Spec.Sequence, b.Spec.Sequence))
	})
	for i := range list.Items {
		list.Items[i].SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(v1alpha1.Kind))
	}
	return list, nil
}

// subject reads what may be the one argument, KIND/NAME.
func subject(args []string) (kind, name string, err error) {
	if len(args) == 0 {
		return "", "", nil
	}
	kind, name, ok := strings.Cut(args[0], "/")
	if !ok || kind == "" || name == "" {
		return "", "", usageError{fmt.Errorf("%q is not of the form KIND/NAME, for example Deployment/web", args[0])}
	}
	return kind, name, nil
}

// only keeps the releases of one subject, by its kind with or without the group.
func only(list *v1alpha1.ReleaseList, kind, name string) {
	list.Items = slices.DeleteFunc(list.Items, func(r v1alpha1.Release) bool {
		s := r.Spec.Subject
		group, _, grouped := strings.Cut(s.APIVersion, "/")
		named := strings.EqualFold(s.Kind, kind) || grouped && strings.EqualFold(s.Kind+"."+group, kind)
		return !named || s.Name != name
	})
}

func show(out io.Writer, list *v1alpha1.ReleaseList, output string) error {
	list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("ReleaseList"))
	switch output {
	case "json":
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(list)
	case "yaml":
		raw, err := yaml.Marshal(list)
		if err != nil {
			return fmt.Errorf("write releases: %w", err)
		}
		_, err = out.Write(raw)
		return err
	}
	if len(list.Items) == 0 {
		_, err := fmt.Fprintln(out, "No releases are recorded.")
		return err
	}
	return table(out, list.Items, output == "wide")
}

// table prints the columns that kubectl shows for the resource.
func table(out io.Writer, items []v1alpha1.Release, wide bool) error {
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	head := []string{"NAMESPACE", "NAME", "SUBJECT", "KIND", "REVISION", "PHASE", "TESTS", "READY IN", "TRACE", "AGE"}
	if wide {
		head = append(head, "LATE", "SENT", "WAITING FOR", "IMAGES")
	}
	_, _ = fmt.Fprintln(w, strings.Join(head, "\t"))
	for i := range items {
		_, _ = fmt.Fprintln(w, strings.Join(row(&items[i], wide), "\t"))
	}
	return w.Flush()
}

func row(r *v1alpha1.Release, wide bool) []string {
	trace := ""
	if r.Status.Trace != nil {
		trace = r.Status.Trace.ID
	}
	cells := []string{
		r.Namespace, r.Name, r.Status.Subject, r.Spec.Kind, r.Status.Revision, r.Status.Phase,
		r.Status.Tests, r.Status.ReadyIn, trace, duration.HumanDuration(time.Since(r.CreationTimestamp.Time)),
	}
	if wide {
		sent := 0
		for _, d := range r.Status.Deliveries {
			if d.State == "Sent" {
				sent++
			}
		}
		cells = append(cells, fmt.Sprint(r.Status.Late), fmt.Sprintf("%d/%d", sent, len(r.Status.Deliveries)),
			r.Status.WaitingFor, strings.Join(r.Spec.Template.Images, ","))
	}
	for i, c := range cells {
		if c == "" {
			cells[i] = "-"
		}
	}
	return cells
}
