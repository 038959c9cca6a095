package gitops

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/watch/lean"
)

func TestTheOwnerOfADeployment(t *testing.T) {
	const own = "apps/Deployment:shop/web"
	for _, c := range []struct {
		name, tracking, label string
		want                  claim
	}{
		{"nobody", "", "", claim{}},
		{"tracked", "store:" + own, "", claim{Name: "store", Tracked: true}},
		{"tracked wins over the label", "store:" + own, "chart", claim{Name: "store", Tracked: true}},
		{"in another namespace", "team_store:" + own, "", claim{Namespace: "team", Name: "store", Tracked: true}},
		{"labelled", "", "store", claim{Name: "store"}},
		{"labelled, in another namespace", "", "team_store", claim{Namespace: "team", Name: "store"}},
		{"copied from another Deployment", "store:apps/Deployment:shop/api", "", claim{}},
		{"copied from another namespace", "store:apps/Deployment:live/web", "", claim{}},
		{"copied from another kind", "store:apps/StatefulSet:shop/web", "", claim{}},
		{"copied, and labelled", "store:apps/Deployment:shop/api", "store", claim{Name: "store"}},
		{"an old group", "store:extensions/Deployment:shop/web", "", claim{}},
		{"garbage", "store", "", claim{}},
		{"more garbage", ":::", "", claim{}},
		{"no name", ":" + own, "", claim{Tracked: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := web()
			if c.tracking != "" {
				o.Annotations[trackingAnnotation] = c.tracking
			}
			if c.label != "" {
				o.Labels[instanceLabel] = c.label
			}
			require.Equal(t, c.want, Settings{}.claimOf(o))
		})
	}
}

func TestPickingTheOwnerAmongApplicationsOfOneName(t *testing.T) {
	// in makes an Application of a namespace, which lists the Deployment or not.
	in := func(ns string, lists bool) *lean.Application {
		a := application("web", "web:1")
		if a.Namespace = ns; !lists {
			a.Status.Resources = nil
		}
		return a
	}
	tracked := claim{Name: "web", Tracked: true}
	for _, c := range []struct {
		name  string
		claim claim
		apps  []*lean.Application
		want  string
	}{
		{"there is none", tracked, nil, ""},
		{"tracked and listed", tracked, []*lean.Application{in("argocd", true)}, "argocd"},
		{"tracked and not listed yet", tracked, []*lean.Application{in("argocd", false)}, "argocd"},
		{"labelled and listed", claim{Name: "web"}, []*lean.Application{in("argocd", true)}, "argocd"},
		{"labelled by a chart", claim{Name: "web"}, []*lean.Application{in("argocd", false)}, ""},
		{"labelled, two of the name", claim{Name: "web"}, []*lean.Application{in("argocd", false), in("team", true)}, "team"},
		{"tracked, the one that lists it", tracked, []*lean.Application{in("argocd", false), in("team", true)}, "team"},
		{"tracked, neither lists it: the one in Argo CD's own namespace", tracked, []*lean.Application{in("team", false), in("argocd", false)}, "argocd"},
		{"tracked, the namespace is given", claim{Namespace: "team", Name: "web", Tracked: true}, []*lean.Application{in("argocd", true), in("team", false)}, "team"},
		{"tracked, in a namespace that has none", claim{Namespace: "team", Name: "web", Tracked: true}, []*lean.Application{in("argocd", true)}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 2 {
				got := ""
				if a := (Settings{}).pick(c.claim, c.apps, web("web:1")); a != nil {
					got = a.Namespace
				}
				require.Equal(t, c.want, got)
				slices.Reverse(c.apps)
			}
		})
	}
}

func TestTheEntryOfADeploymentIsExactlyItsOwn(t *testing.T) {
	for i, r := range []lean.ResourceStatus{
		{Group: "extensions", Kind: "Deployment", Namespace: "shop", Name: "web"},
		{Group: "apps", Kind: "StatefulSet", Namespace: "shop", Name: "web"},
		{Group: "apps", Kind: "Deployment", Namespace: "live", Name: "web"},
		{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "api"},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			a := &lean.Application{Status: lean.ApplicationStatus{Resources: []lean.ResourceStatus{r}}}
			require.Nil(t, entry(a, web("web:1")))
		})
	}
}
