package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"text/template"
)

// toys is what there is to play with.
type toys struct {
	Kubeconfig, Rollcall, Repo, Manifest, Logs, Jaeger string
	Kubectl                                            bool // is installed
}

var howToPlay = template.Must(template.New("play").Parse(`Look, with the lab's own kubeconfig:

  export KUBECONFIG={{.Kubeconfig}}
  {{.Rollcall}} releases -n shop -o wide
  {{.Rollcall}} explain deploy/web -n shop
{{- if .Kubectl}}
  kubectl get releases -n shop --watch
  kubectl get applications,deployments,pods,workflows -A
{{- end}}

Release another image:

  sed -i -E 's/(image: web:).*/\13/' {{.Repo}}/{{.Manifest}}
  git -C {{.Repo}} -c user.name=dev -c user.email=dev@example.com commit -qam 'release web:3'
{{- if .Kubectl}}
  kubectl annotate application shop -n argocd --overwrite argocd.argoproj.io/refresh=normal

Change the rules, with a mistake perhaps, and see what rollcall says of it:

  kubectl edit configmap rollcall-rules -n rollcall
  kubectl get events -n rollcall
{{- else}}

Argo CD looks at Git every three minutes. With kubectl, which is not installed here,
there would be more to play with.
{{- end}}

Git repository  {{.Repo}}
Logs            {{.Logs}}
Jaeger          {{.Jaeger}}/api/services
`))

// play leaves everything running until the context ends, having said what to do with it.
func (d *demo) play(ctx context.Context) error {
	d.screen.title("It goes on running; play with it in another terminal")
	_, err := exec.LookPath("kubectl")
	err = toys{
		Kubeconfig: d.cluster.Kubeconfig, Rollcall: d.binary, Repo: d.repo.dir, Manifest: manifest, Kubectl: err == nil,
		Logs: filepath.Join(d.cluster.Dir, "logs"), Jaeger: d.cluster.JaegerQuery,
	}.show(d.screen.out)
	if err != nil {
		return err
	}
	d.screen.text("\nCtrl-C ends and removes everything.")
	<-ctx.Done()
	return nil
}

// show says how to play.
func (t toys) show(w io.Writer) error {
	if err := howToPlay.Execute(w, t); err != nil {
		return fmt.Errorf("say how to play: %w", err)
	}
	return nil
}
