package release_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/release"
)

func TestAKindOfASubjectBearsItsGroupUnlessItIsOurs(t *testing.T) {
	for _, c := range []struct {
		ref             release.KindRef
		subject, object string
		says, path      string
	}{
		{release.KindRef{Kind: "Deployment"}, "Deployment", "Deployment", "Deployment", "deployments/shop/x"},
		{release.KindRef{APIVersion: "apps/v1", Kind: "StatefulSet"}, "StatefulSet", "StatefulSet", "apps/v1 StatefulSet", "statefulsets/shop/x"},
		{release.KindRef{APIVersion: "argoproj.io/v1alpha1", Kind: "Rollout"}, "Rollout", "Rollout", "argoproj.io/v1alpha1 Rollout", "rollouts/shop/x"},
		{release.KindRef{Kind: "HelmRelease"}, "HelmRelease", "HelmRelease", "HelmRelease", "helmreleases/shop/x"},
		{
			release.KindRef{APIVersion: "cert-manager.io/v1", Kind: "Certificate"},
			"Certificate.cert-manager.io", "Certificate", "cert-manager.io/v1 Certificate", "certificates.cert-manager.io/shop/x",
		},
		{
			release.KindRef{APIVersion: "example.com/v1", Kind: "Deployment"}, // somebody else's, of the same name
			"Deployment.example.com", "Deployment", "example.com/v1 Deployment", "deployments.example.com/shop/x",
		},
		{release.KindRef{APIVersion: "v1", Kind: "Pod"}, "Pod.", "Pod", "v1 Pod", "pods/shop/x"},
		{release.KindRef{APIVersion: "v1", Kind: "Deployment"}, "Deployment.", "Deployment", "v1 Deployment", "deployments/shop/x"},
	} {
		t.Run(c.says, func(t *testing.T) {
			s := release.Subject{Cluster: "prod", Kind: c.ref.Subject(), Namespace: "shop", Name: "x"}
			require.Equal(t, c.subject, s.Kind)
			require.Equal(t, c.object, s.ObjectKind())
			require.Equal(t, c.says, c.ref.String())
			require.Equal(t, c.path, s.Path())
			again := release.KindRef{APIVersion: c.ref.APIVersion, Kind: s.ObjectKind()}
			if again.APIVersion != "" {
				require.Equal(t, c.ref.Subject(), again.Subject(), "it can be read back")
			}
		})
	}
}

func TestEveryKindOfOursHasAGroup(t *testing.T) {
	for _, kind := range append(release.Workloads(), release.Apps()...) {
		require.NotEmpty(t, release.Group(kind), kind)
		require.Equal(t, kind, release.KindRef{APIVersion: release.Group(kind) + "/v9", Kind: kind}.Subject(), "whatever the version")
	}
	require.Empty(t, release.Group("Pod"))
	require.Empty(t, release.Group("Certificate"))
}

func TestTypesOfEvents(t *testing.T) {
	for occasion, want := range map[release.Occasion]string{
		"":                    "dev.rollcall.release.ready.v1",
		release.BecameReady:   "dev.rollcall.release.ready.v1",
		release.DidStall:      "dev.rollcall.release.stalled.v1",
		release.WasSuperseded: "dev.rollcall.release.superseded.v1",
	} {
		require.Equal(t, want, occasion.EventType())
	}
}

func TestSign(t *testing.T) {
	r := pinned()
	require.Equal(t, "7", r.Sign())
	r.Token = "db-5d4f"
	require.Equal(t, "db-5d4f", r.Sign())
	require.Equal(t, pinned().Key(), r.Key(), "it is no part of the identity")
}

// past is a recorded release of a template.
func past(hash string, phase release.Phase) release.Past {
	return release.Past{Release: release.Release{Template: release.Template{Hash: hash}}, Phase: phase}
}

func TestRemembered(t *testing.T) {
	remembering := past("c", release.Passed)
	remembering.Completed = []string{"b", "a", "old"}
	superseded := past("d", release.Superseded)
	superseded.Completed = []string{"c", "b", "old"}
	for name, c := range map[string]struct {
		past []release.Past
		want []string
	}{
		"nothing":                          {nil, nil},
		"what was ready, newest first":     {[]release.Past{past("b", release.Passed), past("a", release.Adopted)}, []string{"b", "a"}},
		"not what never was":               {[]release.Past{past("b", release.Superseded), past("a", release.Rolling), past("c", release.Stalled)}, nil},
		"each once":                        {[]release.Past{past("a", release.Ready), past("b", release.Failed), past("a", release.Passed)}, []string{"a", "b"}},
		"not what has no name":             {[]release.Past{past("", release.Ready)}, nil},
		"what the newest record remembers": {[]release.Past{remembering, past("b", release.Passed)}, []string{"c", "b", "a", "old"}},
		"even if it never was ready":       {[]release.Past{superseded, past("c", release.Passed)}, []string{"c", "b", "old"}},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, release.Remembered(c.past)) })
	}
}

func TestRememberedIsBounded(t *testing.T) {
	newest := past("new", release.Passed)
	for i := range release.Memory {
		newest.Completed = append(newest.Completed, fmt.Sprint(i))
	}
	got := release.Remembered([]release.Past{newest})
	require.Len(t, got, release.Memory)
	require.Equal(t, []string{"new", "0", "1"}, got[:3])
	require.Equal(t, fmt.Sprint(release.Memory-2), got[release.Memory-1], "the oldest is forgotten")
}

func TestRecallBearsWhatTheRecordSays(t *testing.T) {
	first, later := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC), time.Date(2026, 7, 1, 13, 0, 0, 0, time.UTC)
	p := release.Past{Release: pinned(), RolledOutAt: first, Superseded: []string{"5", "6"}}
	p.Token, p.Completed = "old-token", []string{"a"}

	fresh := release.Snapshot{Release: pinned(), Ready: true, Superseded: []string{"9"}}
	fresh.Release.Kind, fresh.Release.Sequence, fresh.Release.Generation, fresh.Release.Token = release.Config, 99, 99, "token"
	fresh.Recall(p)
	require.Equal(t, release.Image, fresh.Release.Kind)
	require.EqualValues(t, 3, fresh.Release.Sequence)
	require.EqualValues(t, 12, fresh.Release.Generation)
	require.Equal(t, []string{"a"}, fresh.Release.Completed)
	require.Equal(t, []string{"5", "6"}, fresh.Superseded)
	require.Equal(t, "token", fresh.Release.Token, "what the object says now")
	require.Equal(t, first, fresh.RolledOutAt)
	require.True(t, fresh.Ready, "what is seen now stays")

	fresh.RolledOutAt = later
	fresh.Recall(p)
	require.Equal(t, later, fresh.RolledOutAt, "the object's own word counts more")
}
