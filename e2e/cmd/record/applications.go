package main

import (
	"fmt"
	"os"
	"time"

	"github.com/rollcall-dev/rollcall/e2e/lab"
)

// write writes the Deployment's manifest into the repository.
func (t *take) write(image string, after time.Duration) {
	t.do(func() error { return t.repo.Write("deploy/web.yaml", web("Deployment", image, 2, after, "")) })
}

func (t *take) file(path, content string) {
	t.do(func() error { return t.repo.Write(path, content) })
}

// commit commits what was written, and has the engine look.
func (t *take) commit(message string) string {
	sha := ""
	t.do(func() (err error) {
		sha, err = t.repo.Commit(message)
		t.commits = append(t.commits, sha)
		return err
	})
	t.look()
	return sha
}

// look has the engine look at the repository, if it knows it.
func (t *take) look() {
	if t.engine == argoCD && t.tape.last("Application", t.ns) != nil {
		t.do(func() error { return t.lab.RefreshApplication(t.ctx, t.ns) })
	}
	if t.engine == flux && t.tape.last("Kustomization", appName) != nil {
		t.do(func() error { return t.lab.ReconcileFlux(t.ctx, lab.GitRepositoryResource(), t.ns, appName) })
	}
}

// operate syncs the Application by hand; sync is JSON.
func (t *take) operate(sync string) {
	t.do(func() error {
		return t.lab.OperateApplication(t.ctx, t.ns, `{"initiatedBy": {"username": "somebody"}, "sync": `+sync+`}`)
	})
}

// compared waits until Argo CD has compared the Application with a commit, after
// its last sync.
func (t *take) compared(sha string) {
	t.until("Argo CD has compared", func() bool {
		o := t.tape.last("Application", t.ns)
		return o != nil && text(o, "status", "sync", "revision") == sha && (looked(o) || text(o, "status", "operationState", "phase") == "")
	})
}

func (t *take) healthy() {
	t.until("the Application is healthy", func() bool {
		o := t.tape.last("Application", t.ns)
		return o != nil && looked(o) && text(o, "status", "health", "status") == "Healthy"
	})
}

// shop sets the scene: an Application whose Deployment is all there.
func (t *take) shop(a lab.Application) {
	t.write("a:1", 2*time.Second)
	sha := t.commit("first")
	t.do(func() error {
		a.Name, a.RepoURL, a.Path, a.Namespace = t.ns, t.repo.URL(), "deploy", t.ns
		return t.lab.CreateApplication(t.ctx, a)
	})
	if !a.Automated {
		t.compared(sha)
		t.operate(`{"revision": "` + sha + `"}`)
	}
	t.up("a:1")
	t.healthy()
	t.wait(2 * time.Second)
}

// applications are situations of Argo CD.
func applications() []script {
	over := func(name string, a lab.Application, play func(t *take)) script {
		return script{name: name, engine: argoCD, play: func(t *take) {
			t.shop(a)
			t.roll()
			play(t)
			t.healthy()
			t.wait(5 * time.Second)
		}}
	}
	auto := lab.Application{Automated: true}
	release := func(t *take, image string, after time.Duration) string {
		t.write(image, after)
		sha := t.commit("release " + image)
		t.compared(sha)
		return sha
	}
	return []script{
		over("053-by-hand-without-self-heal", auto, func(t *take) { t.image("b:1"); t.wait(time.Second); t.up("b:1") }),
		over("054-by-hand-and-healed", lab.Application{Automated: true, SelfHeal: true}, func(t *take) {
			t.slowly("b:1", slow)
			t.wait(3 * time.Second)
			t.up("a:1")
		}),
		over("058-automatic-sync", auto, func(t *take) { release(t, "b:1", 3*time.Second); t.up("b:1") }),
		over("061-hook-after-the-sync", auto, func(t *take) {
			t.file("deploy/hook.yaml", fmt.Sprintf(`
apiVersion: batch/v1
kind: Job
metadata: {name: smoke, annotations: {argocd.argoproj.io/hook: PostSync}}
spec: {backoffLimit: 0, template: {metadata: {annotations: {e2e.rollcall.dev/runs-for: 6s}},
  spec: {restartPolicy: Never, containers: [{name: main, image: "%s"}]}}}
`, "smoke:1"))
			release(t, "b:1", 2*time.Second)
			t.up("b:1")
		}),
		over("062-unrelated-commit", auto, func(t *take) {
			t.file("README.md", "nothing to deploy\n")
			t.compared(t.commit("say something"))
		}),
		over("063-sync-without-a-difference", auto, func(t *take) { t.operate(`{"revision": "HEAD"}`); t.wait(6 * time.Second) }),
		over("065-selective-sync", lab.Application{}, func(t *take) {
			t.file("deploy/settings.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {text: one}\n")
			sha := release(t, "b:1", 2*time.Second)
			t.operate(`{"revision": "` + sha + `", "resources": [{"group": "apps", "kind": "Deployment", "name": "web"}]}`)
			t.up("b:1")
		}),
		over("067-argocd-rollback", lab.Application{}, func(t *take) {
			sha := release(t, "b:1", 2*time.Second)
			t.operate(`{"revision": "` + sha + `"}`)
			t.up("b:1")
			t.healthy()
			t.wait(3 * time.Second)
			t.operate(fmt.Sprintf(`{"revision": %q, "source": {"repoURL": %q, "path": "deploy", "targetRevision": "HEAD"}}`, t.commits[0], t.repo.URL()))
			t.wait(time.Second)
			t.up("a:1")
		}),
		over("071-health-flaps-by-a-repository-error", auto, func(t *take) {
			t.do(func() error { return os.Rename(t.dir, t.dir+".gone") })
			t.look()
			t.wait(8 * time.Second)
			t.do(func() error { return os.Rename(t.dir+".gone", t.dir) })
			t.look()
			t.wait(8 * time.Second)
		}),
	}
}
