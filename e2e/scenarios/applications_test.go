package scenarios

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rollcall-dev/rollcall/e2e/lab"
)

// monorepo is a stage with one Git repository and several Applications, each of
// which deploys one folder of it.
type monorepo struct {
	*stage
	repo  *lab.Repo
	after time.Duration // that pods take
}

func newMonorepo(t *testing.T, ns string) *monorepo {
	t.Helper()
	m := &monorepo{stage: newStage(t, ns, time.Second), after: time.Second}
	var err error
	m.repo, err = lab.NewRepo(t.TempDir())
	require.NoError(t, err)
	return m
}

// write writes a Deployment's manifest into a folder.
func (m *monorepo) write(folder, name, image string) {
	m.Helper()
	d := deployment{name: name, image: image, replicas: 2, after: m.after}
	require.NoError(m, m.repo.Write(folder+"/"+name+".yaml", d.yaml(m.ns)))
}

func (m *monorepo) commit(message string) (sha string) {
	m.Helper()
	sha, err := m.repo.Commit(message)
	require.NoError(m, err)
	return sha
}

// application makes an Application of a folder, whose name it bears.
func (m *monorepo) application(a lab.Application) {
	m.Helper()
	if a.RepoURL == "" {
		a.RepoURL = m.repo.URL()
	}
	a.Path, a.Name, a.Namespace = a.Name, m.ns+"-"+a.Name, m.ns
	require.NoError(m, cluster.CreateApplication(m.Context(), a))
	m.afterwards(func(ctx context.Context) {
		_ = cluster.Dynamic().Resource(lab.ApplicationResource()).Namespace(lab.ArgoCDNamespace).
			Delete(ctx, a.Name, metav1.DeleteOptions{})
	})
}

// compared waits until Argo CD has compared an Application with a commit, and
// returns it.
func (m *monorepo) compared(name, sha string) *unstructured.Unstructured {
	m.Helper()
	require.NoError(m, cluster.RefreshApplication(m.Context(), m.ns+"-"+name))
	var last *unstructured.Unstructured
	m.eventually(name+" is compared with "+sha, func() bool {
		var err error
		last, err = cluster.Dynamic().Resource(lab.ApplicationResource()).Namespace(lab.ArgoCDNamespace).
			Get(m.Context(), m.ns+"-"+name, metav1.GetOptions{})
		if err != nil {
			return false
		}
		one, _, _ := unstructured.NestedString(last.Object, "status", "sync", "revision")
		several, _, _ := unstructured.NestedStringSlice(last.Object, "status", "sync", "revisions")
		return slices.Contains(append(several, one), sha)
	})
	return last
}

// operate syncs an Application by hand; sync is JSON.
func (m *monorepo) operate(name, sync string) {
	m.Helper()
	require.NoError(m, cluster.OperateApplication(m.Context(), m.ns+"-"+name,
		`{"initiatedBy": {"username": "somebody"}, "sync": `+sync+`}`))
}

func TestWhatElseIsCommittedIsNoRelease(t *testing.T) {
	t.Parallel()
	m := newMonorepo(t, "mono")
	values, err := lab.NewRepo(t.TempDir())
	require.NoError(t, err)
	settings := func(text string) (sha string) {
		require.NoError(t, values.Write("values/settings.yaml", fmt.Sprintf(
			"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: %s}\ndata: {text: %s}\n", m.ns, text)))
		sha, err := values.Commit(text)
		require.NoError(t, err)
		return sha
	}
	settings("one")
	m.write("web", "web", "web:1")
	m.write("api", "api", "api:1")
	m.write("healed", "healed", "healed:1")
	m.commit("first")
	m.application(lab.Application{Name: "web", Automated: true})
	m.application(lab.Application{Name: "api", Automated: true, More: []lab.Source{{RepoURL: values.URL(), Path: "values"}}})
	m.application(lab.Application{Name: "healed", Automated: true, SelfHeal: true})
	for _, name := range []string{"web", "api", "healed"} {
		m.ready(name, name+":1")
	}
	m.rules(m.smokeRules())
	m.start()
	m.eventually("baselines are written", func() bool { return len(latest(t, m.ns)) == 3 })

	// One commit for web; the others are compared with it, and have nothing to do.
	m.write("web", "web", "web:2")
	sha := m.commit("release web:2")
	for _, name := range []string{"api", "healed", "web"} {
		m.compared(name, sha)
	}
	m.fired("web", 1)
	require.Equal(t, sha, parameter(m.seen.startedFor("web")[0], "revision"))

	// Of several sources, one changes what no pod reads.
	m.compared("api", settings("two"))
	// Somebody changes an image by hand, and Argo CD changes it back.
	m.patch("healed", `{"spec":{"template":{"metadata":{"annotations":{"e2e.rollcall.dev/ready-after":"20s"}},"spec":{"containers":[{"name":"main","image":"healed:9"}]}}}}`)
	m.eventually("the change is there", func() bool { return m.seen.before("Deployment/healed", 1<<62).image == "healed:9" })
	m.ready("healed", "healed:1")
	m.quiet()
	require.Len(t, m.seen.started(), 1)

	m.write("api", "api", "api:2")
	sha = m.commit("release api:2")
	m.compared("api", sha)
	m.fired("api", 1)
	require.Equal(t, sha, parameter(m.seen.startedFor("api")[0], "revision"), "the first source's")
	for _, r := range latest(t, m.ns) {
		if r.Spec.Subject.Name == "api" && r.Spec.Sequence == 2 {
			require.Len(t, r.Status.GitOps.Revisions, 2)
		}
	}
	m.quiet()
	require.Len(t, m.seen.started(), 2)
}

func TestSyncsByHandAreTold(t *testing.T) {
	t.Parallel()
	m := newMonorepo(t, "hand")
	m.write("back", "back", "back:1")
	m.write("some", "one", "one:1")
	m.write("some", "other", "other:1")
	first := m.commit("first")
	m.application(lab.Application{Name: "back"})
	m.application(lab.Application{Name: "some"})
	for _, name := range []string{"back", "some"} {
		m.compared(name, first)
		m.operate(name, `{"revision": "`+first+`"}`)
	}
	for _, name := range []string{"back", "one", "other"} {
		m.ready(name, name+":1")
	}
	m.rules(m.smokeRules())
	m.start()
	m.eventually("baselines are written", func() bool { return len(latest(t, m.ns)) == 3 })

	m.write("back", "back", "back:2")
	m.write("some", "one", "one:2")
	m.write("some", "other", "other:2")
	second := m.commit("second")
	m.compared("some", second)
	m.operate("some", `{"revision": "`+second+`", "resources": [{"group": "apps", "kind": "Deployment", "name": "one"}]}`)
	m.compared("back", second)
	m.operate("back", `{"revision": "`+second+`"}`)
	m.fired("back", 1)
	m.fired("one", 1)
	for _, r := range latest(t, m.ns) {
		if r.Spec.Subject.Name == "one" && r.Spec.Sequence == 2 {
			require.True(t, r.Status.GitOps.Partial, "only some of the Application's objects were synced")
		}
	}

	// What argocd app rollback does: the revision of before, while Git is ahead.
	m.operate("back", fmt.Sprintf(
		`{"revision": %q, "source": {"repoURL": %q, "path": "back", "targetRevision": "HEAD"}}`, first, m.repo.URL()))
	m.ready("back", "back:1")
	m.fired("back", 2)
	w := m.seen.startedFor("back")[1]
	require.Equal(t, "rollback", parameter(w, "kind"))
	require.Equal(t, first, parameter(w, "revision"))
	m.quiet()
	require.Empty(t, m.seen.startedFor("other"), "what was not synced did not change")
	require.Len(t, m.seen.started(), 3)
}
