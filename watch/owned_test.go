package watch

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/release"
)

func TestAnApplicationThatChangesPokesItsDeployments(t *testing.T) {
	w := newWorld(t)
	w.api.install("applications")
	w.ledger.record(settled(deployment("web", "web:1", "1"), "a"))
	a := application("web", "web:1")
	a.Status.Health.Status = "Degraded"
	w.api.put("applications", a)
	w.roll(owned(changed("web", "web:2", "2", 2)), "b")
	w.start(1)
	w.told("web 2 release .")
	got := w.ledger.snapshots()[0]
	require.Equal(t, "the Application is Degraded", got.WaitingFor)
	require.Equal(t, "argocd", got.App.Engine)
	require.False(t, got.Late, "what is not ready is not late")

	w.api.put("applications", application("web", "web:2"))
	w.told("web 2 release .", "web 2 release +")
	require.Equal(t, "c1", w.ledger.snapshots()[1].App.Revision)
	require.Contains(t, w.api.requests(), "list applications /web")
}

func TestTheApplicationIsReadAfterTheDeployment(t *testing.T) {
	w := newWorld(t)
	w.api.install("applications")
	w.ledger.record(settled(deployment("web", "web:1", "1"), "a"))
	w.api.put("applications", application("web", "web:2"))
	w.roll(owned(changed("web", "web:2", "2", 2)), "b")
	w.start(0)
	w.api.requests()
	require.NoError(t, w.look(t.Context(), subject("web")))
	require.Equal(t, []string{"get deployments shop/web", "list replicasets shop/", "list applications /web"}, w.api.requests())
}

func TestAnApplicationThatCannotBeReadHoldsTheReleaseBack(t *testing.T) {
	w := newWorld(t)
	w.api.install("applications")
	w.ledger.record(settled(deployment("web", "web:1", "1"), "a"))
	w.api.put("applications", application("web", "web:2"))
	w.roll(owned(changed("web", "web:2", "2", 2)), "b")
	w.start(0)
	w.api.failing("list applications", 403)
	require.EqualError(t, w.look(t.Context(), subject("web")), "find Application web: Forbidden")
	require.Empty(t, w.ledger.told())
}

func TestApplicationsOfOtherNamespacesAreTold(t *testing.T) {
	w := newWorld(t)
	w.api.install("applications")
	w.ledger.record(settled(deployment("web", "web:1", "1"), "a"))
	elsewhere := application("web", "web:2")
	elsewhere.Namespace = "team"
	w.api.put("applications", application("web", "web:1"))
	w.api.put("applications", elsewhere)
	d := changed("web", "web:2", "2", 2)
	d.Annotations[trackingID] = "team_web:apps/Deployment:shop/web"
	w.roll(d, "b")
	w.start(1)
	w.told("web 2 release +")
	require.Equal(t, "team", w.ledger.snapshots()[0].App.Namespace)
	require.Contains(t, w.api.requests(), "list applications team/web")
}

func TestADefinitionThatAppearsLaterIsWatchedUntilItGoes(t *testing.T) {
	w := newWorld(t)
	d := owned(midway(changed("web", "web:2", "2", 2)))
	claimed := settled(d, "b")
	claimed.Settled = false
	w.ledger.record(claimed)
	w.roll(d, "b")
	w.start(0)
	require.Nil(t, w.apps["Application"].informer())
	require.Nil(t, w.apps["Application"].indexed(byName, "web"))
	s, _ := w.queue.Get()
	w.queue.Done(s)

	w.api.install("applications")
	w.api.put("applications", application("web", "web:2"))
	require.True(t, eventually(func() bool { return len(w.apps["Application"].indexed(byName, "web")) == 1 }))
	require.True(t, eventually(func() bool { return w.queue.Len() == 1 }), "the Application pokes its Deployment")
	k := deployments{w.Watcher}
	running := w.apps["Application"].informer()
	require.Equal(t, "web", w.leanly(t.Context(), k.observe(w.cached("Deployment", "web")), claimed).App.Name)

	w.api.install("applications") // a change of the definition is no other
	w.api.uninstall("applications")
	require.True(t, eventually(func() bool { return w.apps["Application"].informer() == nil }))
	require.True(t, eventually(running.IsStopped))
	require.Nil(t, w.apps["Application"].indexed(byName, "web"))
	require.Equal(t, release.App{Ready: true}, w.leanly(t.Context(), k.observe(w.cached("Deployment", "web")), claimed).App)
	app, err := w.application(t.Context(), &reading{observed: k.observe(d)})
	require.NoError(t, err)
	require.Equal(t, release.App{Ready: true}, app)

	w.api.install("applications")
	require.True(t, eventually(func() bool { return len(w.apps["Application"].indexed(byName, "web")) == 1 }), "and it may come again")
}

func TestAnUnownedDeploymentAsksForNoApplication(t *testing.T) {
	w := newWorld(t)
	w.api.install("applications")
	app, err := w.application(t.Context(), &reading{observed: deployments{w.Watcher}.observe(deployment("web", "web:1", "1"))})
	require.NoError(t, err)
	require.Equal(t, release.App{Ready: true}, app)
	require.Empty(t, w.api.requests())
}
