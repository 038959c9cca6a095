package main

import (
	"context"
	"embed"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/e2e/lab"
)

// The names on the stage.
const (
	namespace   = "shop"
	application = "shop"
	deployment  = "web"
	firstImage  = "web:1"
	newImage    = "web:2"
	manifest    = "deploy/web.yaml" // in the repository
)

// shop is what the cluster and the Git repository hold.
//
//go:embed shop/*.yaml
var shop embed.FS

// repository is the Git repository that Argo CD deploys.
type repository struct {
	*lab.Repo
	dir string
}

// setStage installs everything and waits until the first version runs and is
// what rollcall compares with.
func (d *demo) setStage(ctx context.Context) error {
	d.screen.title("Set the stage")
	account, err := d.install(ctx)
	if err != nil {
		return err
	}
	if err := d.deployFirst(ctx); err != nil {
		return err
	}
	return d.startRollcall(ctx, account)
}

// install installs rollcall, its rules and the tests. It returns a kubeconfig of
// rollcall's service account.
func (d *demo) install(ctx context.Context) (account string, err error) {
	if account, err = d.cluster.InstallRollcall(ctx); err != nil {
		return "", err
	}
	d.screen.done("rollcall's resource, service account and roles are installed, as in manifests/base")
	for _, file := range []string{"shop/smoke.yaml", "shop/rules.yaml"} {
		content, err := shop.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("read manifest: %w", err)
		}
		if err := d.cluster.Apply(ctx, content); err != nil {
			return "", err
		}
	}
	d.screen.done("rule web-ready: start WorkflowTemplate smoke when release.ready && app.project == 'default'")
	return account, nil
}

// deployFirst brings the first version to the cluster, by Git and Argo CD.
func (d *demo) deployFirst(ctx context.Context) (err error) {
	d.repo.dir = filepath.Join(d.cluster.Dir, "repository")
	if d.repo.Repo, err = lab.NewRepo(d.repo.dir); err != nil {
		return err
	}
	if _, err = d.commit(firstImage); err != nil {
		return err
	}
	err = d.cluster.CreateApplication(ctx, lab.Application{
		Name: application, RepoURL: d.repo.URL(), Path: filepath.Dir(manifest), Namespace: namespace, Automated: true,
	})
	if err != nil {
		return err
	}
	if err := await(ctx, firstImage+" to run", d.firstRuns); err != nil {
		return err
	}
	d.screen.done("Argo CD has deployed " + firstImage + " from a Git repository: 3 pods, each ready after 3s")
	return nil
}

// commit writes an image to Git.
func (d *demo) commit(image string) (sha string, err error) {
	content, err := shop.ReadFile("shop/web.yaml")
	if err != nil {
		return "", fmt.Errorf("read manifest: %w", err)
	}
	if err := d.repo.Write(manifest, strings.ReplaceAll(string(content), firstImage, image)); err != nil {
		return "", err
	}
	return d.repo.Commit("release " + image)
}

// firstRuns reports whether the first version runs.
func (d *demo) firstRuns(ctx context.Context) bool {
	web, err := d.cluster.Client().AppsV1().Deployments(namespace).Get(ctx, deployment, metav1.GetOptions{})
	return err == nil && web.Status.ObservedGeneration >= web.Generation && web.Status.AvailableReplicas == *web.Spec.Replicas
}

// startRollcall starts rollcall as its service account, and waits until it has
// written down what runs already.
func (d *demo) startRollcall(ctx context.Context, account string) error {
	address, err := d.cluster.FreeAddress()
	if err != nil {
		return err
	}
	d.program, err = d.cluster.StartRollcall(lab.RollcallOptions{
		Binary: d.binary, Listen: address,
		Args: []string{"run", "--cluster=demo", "--kubeconfig=" + account},
		Env: []string{
			"POD_NAMESPACE=" + lab.RollcallNamespace, "POD_NAME=rollcall-0",
			"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + d.cluster.OTLP,
		},
	})
	if err != nil {
		return err
	}
	if err := d.program.WaitReady(ctx); err != nil {
		return err
	}
	if err := await(ctx, "the baseline", d.adopted); err != nil {
		return err
	}
	d.screen.done("rollcall runs, as its service account; " + firstImage + " is its baseline, nothing was started for it")
	return nil
}

// adopted reports whether rollcall has recorded the first version.
func (d *demo) adopted(ctx context.Context) bool {
	list, err := d.cluster.Dynamic().Resource(releasesResource()).Namespace(namespace).List(ctx, metav1.ListOptions{})
	return err == nil && len(list.Items) > 0
}

// await waits for what must come.
func await(ctx context.Context, what string, there func(context.Context) bool) error {
	for !there(ctx) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}
