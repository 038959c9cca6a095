package gitops

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/watch/lean"
)

func TestSettingsSayWhatIsAClaim(t *testing.T) {
	const tracked = "store:apps/Deployment:shop/web"
	for _, c := range []struct {
		name        string
		settings    Settings
		annotations map[string]string
		labels      map[string]string
		want        claim
	}{
		{"an instance label of one's own", Settings{InstanceLabel: "argo/app"}, nil, map[string]string{"argo/app": "store"}, claim{Name: "store"}},
		{"the usual label, and one of one's own is set", Settings{InstanceLabel: "argo/app"}, nil, map[string]string{instanceLabel: "store"}, claim{}},
		{"tracked by this installation", Settings{InstallationID: "one"}, map[string]string{trackingAnnotation: tracked, installationAnnotation: "one"}, nil, claim{Name: "store", Tracked: true}},
		{"tracked by another installation", Settings{InstallationID: "one"}, map[string]string{trackingAnnotation: tracked, installationAnnotation: "two"}, nil, claim{}},
		{"tracked by an installation without an id", Settings{InstallationID: "one"}, map[string]string{trackingAnnotation: tracked}, nil, claim{}},
		{"labelled, by an installation without an id", Settings{InstallationID: "one"}, nil, map[string]string{instanceLabel: "store"}, claim{}},
		{"no id is asked for", Settings{}, map[string]string{trackingAnnotation: tracked, installationAnnotation: "two"}, nil, claim{Name: "store", Tracked: true}},
		{"a namespace, and no name", Settings{}, map[string]string{trackingAnnotation: "team_:apps/Deployment:shop/web"}, nil, claim{Namespace: "team", Tracked: true}},
		{"several underscores", Settings{}, nil, map[string]string{instanceLabel: "a_b_c"}, claim{Namespace: "a", Name: "b_c"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := web("web:1")
			o.Annotations, o.Labels = c.annotations, c.labels
			require.Equal(t, c.want, c.settings.claimOf(o))
			refs := c.settings.Claims(o)
			if c.want.Name == "" {
				require.Empty(t, refs)
				return
			}
			require.Equal(t, []Ref{{Kind: "Application", Name: c.want.Name}}, refs)
		})
	}
}

func TestWhatIsHere(t *testing.T) {
	for _, c := range []struct {
		known        []string
		server, name string
		want         bool
	}{
		{nil, "https://kubernetes.default.svc", "", true},
		{nil, "", "in-cluster", true},
		{nil, "https://spoke", "", false},
		{nil, "", "spoke", false},
		{nil, "", "", false},
		{[]string{"https://spoke", "spoke"}, "https://spoke", "", true},
		{[]string{"https://spoke", "spoke"}, "", "spoke", true},
		{[]string{"https://spoke", "spoke"}, "https://kubernetes.default.svc", "", false},
		{[]string{""}, "", "", false},
	} {
		a := application("web")
		a.Spec.Destination.Server, a.Spec.Destination.Name = c.server, c.name
		require.Equal(t, c.want, Settings{Destinations: c.known}.Here(a), "%+v", c)
	}
}

func TestTheDestinationDecidesBetweenApplicationsOfOneName(t *testing.T) {
	spoke := func(ns, server string, lists bool) *lean.Application {
		a := application("web", "web:1")
		a.Namespace, a.Spec.Destination.Server = ns, server
		if !lists {
			a.Status.Resources = nil
		}
		return a
	}
	tracked := claim{Name: "web", Tracked: true}
	for _, c := range []struct {
		name     string
		settings Settings
		apps     []*lean.Application
		want     string
	}{
		{"two spokes with the same names", Settings{Hub: true, Destinations: []string{"https://b"}}, []*lean.Application{spoke("argocd", "https://a", true), spoke("team", "https://b", true)}, "team"},
		{"none is for this spoke", Settings{Hub: true, Destinations: []string{"https://b"}}, []*lean.Application{spoke("argocd", "https://a", true)}, ""},
		{"for here, and not listed yet", Settings{}, []*lean.Application{spoke("argocd", "https://a", true), spoke("team", "https://kubernetes.default.svc", false)}, "team"},
		{"no hub, and an address that is not known", Settings{}, []*lean.Application{spoke("argocd", "https://10.0.0.1", true)}, "argocd"},
		{"a hub that is not told where it is read for", Settings{Hub: true}, []*lean.Application{spoke("argocd", "https://a", true)}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 2 {
				got := ""
				if a := c.settings.pick(tracked, c.apps, web("web:1")); a != nil {
					got = a.Namespace
				}
				require.Equal(t, c.want, got)
				slices.Reverse(c.apps)
			}
		})
	}
}

func TestWhoIsAManager(t *testing.T) {
	for name, want := range map[string]bool{
		"argocd-controller": true, "argocd-application-controller": true, "kustomize-controller": true, "helm-controller": true, "flux": true,
		"kubectl-set": false, "kubectl-client-side-apply": false, "helm": false, "argo-rollouts": false, "": false,
	} {
		require.Equal(t, want, Manager(name), name)
	}
}

func TestAnApplicationAsAWholeMustAgreeOnEachMember(t *testing.T) {
	api := web("api:1")
	api.Name = "api"
	a := application("web", "web:1", "api:1")
	a.Status.Resources = append(a.Status.Resources, lean.ResourceStatus{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "api", Status: "Synced"})
	got := Application(a, []Object{web("web:1"), api})
	require.True(t, got.Ready)
	require.Equal(t, "c1", got.Revision)
	a.Status.Resources[2].Status = "OutOfSync"
	require.Equal(t, "the Deployment is OutOfSync", Application(a, []Object{web("web:1"), api}).WaitingFor)
	require.True(t, Application(a, []Object{web("web:1")}).Ready)
	for _, health := range []string{"Progressing", "Degraded", ""} {
		a.Status.Health.Status = health
		require.False(t, Application(a, []Object{web("web:1")}).Ready, health)
		require.False(t, Application(a, nil).Ready, health)
	}
	a.Status.OperationState = nil
	require.Equal(t, "the Application was never synced", Application(a, nil).WaitingFor)
}
