package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/internal/line"
	"github.com/rollcall-dev/rollcall/internal/record"
	"github.com/rollcall-dev/rollcall/internal/timeline"
)

// recording are the flags of the record command.
type recording struct {
	cluster    cluster
	settings   timeline.Settings
	rules      string
	file       string
	force      bool
	quiet, max time.Duration
}

func newRecord() *cobra.Command {
	s := &recording{}
	cmd := &cobra.Command{
		Use:   "record KIND/NAME",
		Short: "Record a live rollout as a timeline, for the test command",
		Long: `Record a live rollout as a timeline: every state of the workload, of its
ReplicaSets or ControllerRevisions and pods, and of the Argo CD Application or the
Flux Kustomization, HelmRelease and source that it belongs to; of an Application,
Kustomization or HelmRelease, those of all its workloads. The file runs with
"rollcall test". What it expects is what rollcall says today: review that.

Start it, and then the rollout. It ends once the new release is complete, its
engine has caught up, and nothing happened for a while; after --for; or at Ctrl-C.
What was recorded until then is written. Progress is told on standard error.

What may be secret does not get into the file. Secrets and ConfigMaps are never
read, and of pods only the metadata. Replaced by a salted digest, which differs if
the value does, are: values of environment variables, headers of probes, arguments
and commands that look as if they held a secret, annotations whose name does,
whoever logs in by a URL, and Helm values, parameters and patches. Left out are
last-applied configurations, and of managed fields all but who wrote the pod
template. Names, images, other annotations and messages stay: look through the
file before you show it to others.

The exit code is 0 if the file was written, 1 if not, 2 if the command line makes
no sense.`,
		Example: `  rollcall record -n shop Deployment/web -o web.yaml
  rollcall record -n argocd Application/shop --rules manifests/examples/rules.yaml -o shop.yaml
  rollcall record -n shop StatefulSet/db --for 1h --quiet 1m -o db.yaml`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: s.complete,
		RunE: func(cmd *cobra.Command, args []string) error {
			about, err := s.check(args)
			if err != nil {
				return err
			}
			return s.run(cmd.Context(), about, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	s.cluster.bind(f)
	f.StringVarP(&s.cluster.namespace, "namespace", "n", "", "namespace; default is the kubeconfig's own")
	f.StringVarP(&s.file, "output", "o", "", "file to write; default is standard output")
	f.BoolVar(&s.force, "force", false, "overwrite the file if it is there")
	f.StringVar(&s.rules, "rules", "", "file of rules to expect events by; default is one rule on each kind of workload")
	f.DurationVar(&s.quiet, "quiet", 10*time.Second, "how long nothing must happen after the release is complete")
	f.DurationVar(&s.max, "for", 15*time.Minute, "how long is looked on at most")
	f.StringVar(&s.settings.GitOps.InstanceLabel, "argocd-instance-label", "", "Argo CD's application.instanceLabelKey; default: app.kubernetes.io/instance")
	f.StringVar(&s.settings.GitOps.InstallationID, "argocd-installation-id", "", "Argo CD's installationID; objects with another one, or none, are not its own")
	return cmd
}

// check reads what is to be recorded, and what makes no sense.
func (s *recording) check(args []string) (timeline.Ref, error) {
	word, name, err := subject(args)
	if err != nil {
		return timeline.Ref{}, err
	}
	kind, ok := record.Kind(word)
	if !ok {
		return timeline.Ref{}, usageError{fmt.Errorf("%s cannot be recorded: there are %s", word, strings.Join(record.Subjects(), ", "))}
	}
	if s.quiet < 0 || s.max <= 0 {
		return timeline.Ref{}, usageError{errors.New("--quiet and --for must not be negative")}
	}
	return timeline.Ref{Kind: kind.Name, Name: name}, nil
}

// run records, and writes the file.
func (s *recording) run(ctx context.Context, about timeline.Ref, out, errs io.Writer) error {
	if _, err := os.Stat(s.file); s.file != "" && err == nil && !s.force {
		return fmt.Errorf("write %s: it is there already; --force overwrites it", s.file)
	}
	rules, err := replacement(s.rules)
	if err != nil {
		return err
	}
	if about.Namespace, _, err = s.cluster.loader().Namespace(); err != nil {
		return fmt.Errorf("find the namespace: %w", err)
	}
	clients, err := s.cluster.clients()
	if err != nil {
		return err
	}
	tape := timeline.NewTape(about, timeline.NewRedactor([]byte(rand.Text())))
	tape.Rules, tape.Settings = rules, s.settings
	begun := time.Now()
	tell := func(what string) {
		_, _ = fmt.Fprintf(errs, "%9s  %s\n", time.Since(begun).Round(10*time.Millisecond), what) // nobody may be looking
	}
	if err := s.film(ctx, clients, tape, tell); err != nil {
		return err
	}
	tape.Ended, tape.Note = time.Now(), note(clients, begun)
	return s.write(context.WithoutCancel(ctx), tape, out, tell)
}

// film records until it is over, and lets nothing go on after that.
func (s *recording) film(ctx context.Context, clients *line.Clients, tape *timeline.Tape, tell func(string)) error {
	ctx, stop := context.WithCancel(ctx)
	live := &record.Live{Dynamic: clients.Dynamic, Meta: clients.Meta, Tell: tell}
	defer live.Wait()
	defer stop()
	r := &record.Recorder{
		Subject: tape.Subject, Source: live, GitOps: s.settings.GitOps, Tape: tape, Quiet: s.quiet, For: s.max, Tell: tell,
	}
	return r.Run(ctx)
}

// note says from what and when a recording is.
func note(clients *line.Clients, at time.Time) string {
	when := "recorded on " + at.UTC().Format("2006-01-02")
	v, err := clients.Kube.Discovery().ServerVersion()
	if err != nil {
		return when // the recording is as good without
	}
	return fmt.Sprintf("Kubernetes %s, %s", v.GitVersion, when)
}

// write writes the timeline. What was recorded is not lost: it goes to standard
// output if the file cannot be written.
func (s *recording) write(ctx context.Context, tape *timeline.Tape, out io.Writer, tell func(string)) error {
	text, expected := tape.Text(ctx)
	if text == "" {
		return expected
	}
	var err error
	if s.file != "" {
		err = save(s.file, text, s.force)
	}
	if s.file == "" || err != nil {
		_, unsaid := io.WriteString(out, text)
		err = errors.Join(err, unsaid)
	}
	if expected != nil {
		return errors.Join(err, fmt.Errorf("find out what to expect: %w", expected))
	}
	if _, list, ok := strings.Cut(text, "\nexpect:"); ok {
		tell("rollcall says:" + strings.TrimRight(list, "\n"))
	}
	return err
}

// save writes a file; one that is there only if that is wanted.
func save(file, text string, force bool) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(filepath.Clean(file), flags, 0o644) //nolint:gosec // a test that everybody may read
	if err != nil {
		return fmt.Errorf("write timeline: %w", err)
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write timeline: %w", err)
	}
	return nil
}

// complete offers kinds, and after the kind the names that there are.
func (s *recording) complete(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	word, _, named := strings.Cut(begun, "/")
	if !named {
		var out []string
		for _, kind := range record.Subjects() {
			out = append(out, kind+"/")
		}
		return out, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	}
	kind, ok := record.Kind(word)
	clients, err := s.cluster.clients()
	namespace, _, unnamed := s.cluster.loader().Namespace()
	if !ok || errors.Join(err, unnamed) != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, stop := context.WithTimeout(cmd.Context(), 3*time.Second)
	defer stop()
	list, err := clients.Meta.Resource(kind.GroupVersionResource()).Namespace(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []string
	for _, o := range list.Items {
		out = append(out, word+"/"+o.Name)
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
