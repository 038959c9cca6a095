package watch

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/watch/gitops"
	"github.com/rollcall-dev/rollcall/watch/lean"
)

// inHub is a world whose Applications are in another cluster, where this one is
// known as https://spoke.
func inHub(t *testing.T) (*world, *api) {
	hub := newAPI(t)
	hub.install("applications")
	w := newWorld(t, func(c *Config) {
		c.Argo, c.ArgoMeta = hub.lean(), hub.meta()
		c.GitOps = gitops.Settings{Hub: true, Destinations: []string{"https://spoke", "spoke"}}
	})
	return w, hub
}

// to makes an Application for another destination.
func to(server string, a *lean.Application) *lean.Application {
	a.Spec.Destination.Server, a.Status.Sync.ComparedTo.Destination.Server = server, server
	return a
}

func TestApplicationsOfAHubAreAskedForWhatIsInItsSpoke(t *testing.T) {
	w, hub := inHub(t)
	w.ledger.record(settled(deployment("web", "web:1", "1"), "a"))
	hub.put("applications", to("https://spoke", application("web", "web:1")))
	w.roll(owned(changed("web", "web:2", "2", 2)), "b")
	w.start(1)
	w.told("web 2 release .")
	require.Equal(t, "Argo CD has not seen pods of image web:2", w.ledger.snapshots()[0].WaitingFor)
	hub.put("applications", to("https://spoke", application("web", "web:2")))
	w.told("web 2 release .", "web 2 release +")
	require.Equal(t, "c1", w.ledger.snapshots()[1].App.Revision)
	require.Contains(t, hub.requests(), "list applications /web")
	for _, call := range w.api.requests() {
		require.NotContains(t, call, "applications")
	}
}

func TestApplicationsOfAHubForAnotherSpokeOwnNothingHere(t *testing.T) {
	w, hub := inHub(t)
	w.ledger.record(settled(deployment("web", "web:1", "1"), "a"))
	hub.put("applications", to("https://other", application("web", "web:1")))
	w.roll(owned(changed("web", "web:2", "2", 2)), "b")
	w.start(1)
	w.told("web 2 release +")
	require.Empty(t, w.ledger.snapshots()[0].App.Engine)
}

func TestAHubThatDoesNotAnswerHoldsTheReleaseBack(t *testing.T) {
	w, hub := inHub(t)
	w.ledger.record(settled(deployment("web", "web:1", "1"), "a"))
	w.roll(owned(changed("web", "web:2", "2", 2)), "b")
	w.start(0)
	hub.failing("list applications", 403)
	require.EqualError(t, w.look(t.Context(), subject("web")), "find Application web: Forbidden")
	require.Empty(t, w.ledger.told())
}

func TestAnInstallationThatIsNotAskedOwnsNothing(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.GitOps = gitops.Settings{InstallationID: "one", InstanceLabel: "argo/app"} })
	w.api.install("applications")
	w.ledger.record(settled(deployment("web", "web:1", "1"), "a"), settled(deployment("api", "api:1", "1"), "a"))
	for _, name := range []string{"web", "api"} {
		a := application(name, name+":2")
		a.Status.Resources[0].Status = "OutOfSync"
		w.api.put("applications", a)
	}
	w.start(1)
	theirs := owned(changed("web", "web:2", "2", 2))
	theirs.Annotations["argocd.argoproj.io/installation-id"] = "two"
	w.roll(theirs, "b")
	w.told("web 2 release +")

	ours := changed("api", "api:2", "2", 2)
	ours.Annotations["argocd.argoproj.io/installation-id"] = "one"
	ours.Labels["argo/app"] = "api"
	w.roll(ours, "b")
	w.told("web 2 release +", "api 2 release .")
	require.Equal(t, "the Deployment is OutOfSync", w.ledger.snapshots()[1].WaitingFor)
}
