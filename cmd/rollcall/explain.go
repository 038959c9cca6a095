package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/config"
	"github.com/rollcall-dev/rollcall/internal/inspect"
	"github.com/rollcall-dev/rollcall/internal/line"
)

// looking are the flags of commands that look at a subject.
type looking struct {
	settings
	files  []string
	rules  string
	output string
}

func newExplain() *cobra.Command {
	l := &looking{}
	cmd := &cobra.Command{
		Use:   "explain [KIND/NAME]",
		Short: "Say whether a release is ready, what each rule says of it, and why",
		Long: `Look at a workload or application now, and tell what rollcall makes of it: which
release it runs, whether it is new, what it waits for, and for each rule that is
about it whether it holds. The condition is shown as a tree in which each part has
its value; what is to blame is marked with ✗. If the release is recorded, what was
sent, what came back, and what is next is shown too.

In a cluster, the rules are those of its ConfigMap. With --filename, objects are read
from files as "kubectl get -o yaml" writes them, and nothing is called; the rules are
those of --rules. One Deployment alone will do: what its controller keeps beside it
is then taken from its status.

The exit code is 0 if the release is ready, 1 if it is not or if something went
wrong, 2 if the command line makes no sense.`,
		Example: `  rollcall explain Deployment/web -n shop
  rollcall explain deploy/web -n shop --rules rules.yaml
  kubectl get deploy,rs,app -A -o yaml | rollcall explain Deployment/web -f - --rules rules.yaml -o json
  until rollcall explain deploy/web -n shop >/dev/null; do sleep 2; done`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if l.output != "" && l.output != "json" {
				return unknownOutput(l.output, "json")
			}
			r, err := l.explain(cmd.Context(), cmd.InOrStdin(), args)
			if err != nil {
				return err
			}
			return l.tell(cmd.OutOrStdout(), r)
		},
	}
	l.bind(cmd)
	cmd.Flags().StringVar(&l.rules, "rules", "", "file of rules; default is the ConfigMap of the cluster, or with --filename the built-in rule")
	return cmd
}

// bind binds the flags.
func (l *looking) bind(cmd *cobra.Command) {
	f := cmd.Flags()
	l.cluster.bind(f)
	f.StringVarP(&l.cluster.namespace, "namespace", "n", "", "namespace; default is the kubeconfig's own, or with --filename any")
	f.StringArrayVarP(&l.files, "filename", "f", nil, "file of objects, or - for standard input, in place of a cluster; may be given again")
	f.StringVarP(&l.output, "output", "o", "", "output format: json; default is for people")
	f.StringVar(&l.name, "cluster", "", "name of the cluster in records; default is what they say")
	own := envOr("POD_NAMESPACE", "rollcall")
	f.StringVar(&l.settings.rules.Namespace, "config-namespace", own, "namespace of the rules' ConfigMap [$POD_NAMESPACE]")
	f.StringVar(&l.settings.rules.Name, "config-name", "rollcall-rules", "name of the rules' ConfigMap")
	l.bindEngines(f)
}

// tell writes the report; a release that is not ready makes it return an exit code.
func (l *looking) tell(out io.Writer, r *inspect.Report) error {
	write := r.Write
	if l.output == "json" {
		write = func(w io.Writer) error { return writeJSON(w, r) }
	}
	if err := write(out); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if !r.Release.Ready {
		return exitError(1)
	}
	return nil
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func (l *looking) explain(ctx context.Context, in io.Reader, args []string) (*inspect.Report, error) {
	place, name, notes, err := l.place(in, args)
	if err != nil {
		return nil, err
	}
	rules, err := l.current(ctx)
	if err != nil {
		return nil, err
	}
	r, err := place.Explain(ctx, name, rules)
	if err != nil {
		return nil, err
	}
	r.Notes = append(r.Notes, notes...)
	return r, nil
}

// place is where to look, and at whom.
func (l *looking) place(in io.Reader, args []string) (*inspect.Place, inspect.Name, []string, error) {
	kind, name, err := subject(args)
	if err != nil {
		return nil, inspect.Name{}, nil, err
	}
	if len(l.files) > 0 {
		return l.fromFiles(in, kind, name)
	}
	if name == "" {
		return nil, inspect.Name{}, nil, usageError{errors.New("say which workload or application, for example Deployment/web, or give its objects with --filename")}
	}
	place, n, err := l.fromCluster(kind, name)
	return place, n, nil, err
}

func (l *looking) fromCluster(kind, name string) (*inspect.Place, inspect.Name, error) {
	clients, hub, err := l.connect()
	if err != nil {
		return nil, inspect.Name{}, err
	}
	n := inspect.Name{Name: name}
	if n.Kind, err = inspect.KindOf(kind, clients.Mapper); err != nil {
		return nil, n, err
	}
	if n.Namespace, _, err = l.cluster.loader().Namespace(); err != nil {
		return nil, n, fmt.Errorf("find the namespace: %w", err)
	}
	return inspect.Cluster(clients, hub, l.where()), n, nil
}

func (l *looking) connect() (clients, hub *line.Clients, err error) {
	l.cluster.qps, l.cluster.burst = 50, 100
	if clients, err = l.cluster.clients(); err != nil {
		return nil, nil, err
	}
	hub, err = l.hubClients(clients)
	return clients, hub, err
}

// where is how the controller is run.
func (l *looking) where() inspect.Settings {
	return inspect.Settings{Cluster: l.name, GitOps: l.gitops, GateTimeout: l.gateTimeout}
}

func (l *looking) fromFiles(in io.Reader, kind, name string) (*inspect.Place, inspect.Name, []string, error) {
	var texts [][]byte
	for _, f := range l.files {
		raw, err := read(in, f)
		if err != nil {
			return nil, inspect.Name{}, nil, fmt.Errorf("read objects: %w", err)
		}
		texts = append(texts, raw)
	}
	files, err := inspect.Read(l.files, texts)
	if err != nil {
		return nil, inspect.Name{}, nil, err
	}
	all := files.Subjects()
	if name != "" {
		all = files.Find(kind, l.cluster.namespace, name)
	}
	if len(all) != 1 {
		return nil, inspect.Name{}, nil, l.choose(all, name)
	}
	place, err := files.Place(l.where())
	return place, all[0], files.Notes, err
}

// choose asks for one of several subjects.
func (l *looking) choose(all []inspect.Name, name string) error {
	switch {
	case len(all) > 0:
		var names []string
		for _, n := range all {
			names = append(names, n.Namespace+" "+n.String())
		}
		return usageError{fmt.Errorf("say which one, with --namespace if need be: %s", strings.Join(names, ", "))}
	case name != "":
		return fmt.Errorf("there is no %s among the objects", name)
	}
	return errors.New("there is no workload or application among the objects")
}

// current are the rules to explain.
func (l *looking) current(ctx context.Context) (config.Config, error) {
	if l.rules != "" {
		return rulesOf(l.rules)
	}
	if len(l.files) > 0 {
		return config.Default(), nil
	}
	clients, err := l.cluster.clients()
	if err != nil {
		return config.Config{}, err
	}
	cm, err := clients.Kube.CoreV1().ConfigMaps(l.settings.rules.Namespace).Get(ctx, l.settings.rules.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return config.Default(), nil
	case err != nil:
		return config.Config{}, fmt.Errorf("read rules: %w", err)
	}
	c, _ := config.Load(config.Key, []byte(cm.Data[config.Key])) // what is wrong with them is for check to say
	return c, nil
}

// rulesOf reads rules from a file, all of which must be right.
func rulesOf(file string) (config.Config, error) {
	raw, err := os.ReadFile(file) //nolint:gosec // the user names it
	if err != nil {
		return config.Config{}, fmt.Errorf("read rules: %w", err)
	}
	c, mistakes := config.File(file, raw)
	if len(mistakes) > 0 {
		return c, fmt.Errorf("read rules: %s", mistakes[0])
	}
	return c, nil
}
