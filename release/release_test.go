package release_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/release"
)

// pinned is a release whose identities must never change: records and events in
// the clusters of users carry them.
func pinned() release.Release {
	return release.Release{
		Subject:  release.Subject{Cluster: "prod", Kind: "Deployment", Namespace: "shop", Name: "web"},
		UID:      "0b1c",
		Revision: "7",
		Template: release.Template{Hash: "6d4b75cb6d", Digest: "d", DigestSansRestart: "s", Images: []string{"web:1"}},
		Kind:     release.Image, Generation: 12, Sequence: 3, Previous: "web-0000000000",
	}
}

func TestIdentitiesArePinned(t *testing.T) {
	r := pinned()
	require.Equal(t, "prod\x00Deployment\x00shop\x00web\x000b1c\x006d4b75cb6d\x007", r.Key())
	require.Equal(t, "web-5819d8e3f1", r.Name())
	require.Equal(t, "71373cf86c8eae12dfed3275795c5948", r.EventID("smoke"))
	require.Equal(t, "c68d7bccbd09147f", r.Subject.Hash())
	require.Equal(t, "Deployment shop/web", r.Subject.String())
}

func TestEveryPartOfTheIdentityCounts(t *testing.T) {
	seen := map[string]string{}
	for name, change := range map[string]func(*release.Release){
		"nothing":   func(*release.Release) {},
		"cluster":   func(r *release.Release) { r.Subject.Cluster = "test" },
		"kind":      func(r *release.Release) { r.Subject.Kind = "StatefulSet" },
		"namespace": func(r *release.Release) { r.Subject.Namespace = "live" },
		"name":      func(r *release.Release) { r.Subject.Name = "api" },
		"uid":       func(r *release.Release) { r.UID = "0b1d" },
		"hash":      func(r *release.Release) { r.Template.Hash = "x" },
		"revision":  func(r *release.Release) { r.Revision = "8" },
		"shifted":   func(r *release.Release) { r.Subject.Namespace, r.Subject.Name = "shopw", "eb" },
	} {
		r := pinned()
		change(&r)
		require.Equal(t, name == "nothing", r.Same(pinned()), name)
		for _, id := range []string{r.Key(), r.Name(), r.EventID("smoke"), r.EventID("load")} {
			require.Empty(t, seen[id], "%s and %s share %q", name, seen[id], id)
			seen[id] = name
		}
	}
}

func TestAttributesAreNoIdentity(t *testing.T) {
	r := pinned()
	r.Template.Digest, r.Template.DigestSansRestart, r.Template.Images = "x", "y", nil
	r.Kind, r.Generation, r.Sequence, r.Previous = release.Restart, 99, 99, ""
	require.True(t, r.Same(pinned()))
	require.Equal(t, pinned().Name(), r.Name())
	require.Equal(t, pinned().EventID("smoke"), r.EventID("smoke"))
}

func TestNamesOfRecordsAreValidHoweverLongTheSubject(t *testing.T) {
	valid := regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
	for name, subject := range map[string]string{
		"one letter":         "a",
		"just as long":       strings.Repeat("a", 200),
		"one too long":       strings.Repeat("a", 201),
		"the longest":        strings.Repeat("a", 253),
		"cut at a dash":      strings.Repeat("a", 199) + "-" + strings.Repeat("b", 53),
		"cut at a dot":       strings.Repeat("a", 199) + "." + strings.Repeat("b", 53),
		"cut at several":     strings.Repeat("a", 196) + "----" + strings.Repeat("b", 53),
		"dots all the while": strings.Repeat("a.", 126) + "a",
	} {
		t.Run(name, func(t *testing.T) {
			r := pinned()
			r.Subject.Name = subject
			got := r.Name()
			require.LessOrEqual(t, len(got), 211)
			require.Regexp(t, valid, got)
			require.Regexp(t, `-[0-9a-f]{10}$`, got)
			require.True(t, strings.HasPrefix(subject, got[:len(got)-11]))
		})
	}
	long := pinned()
	long.Subject.Name = strings.Repeat("a", 253)
	longer := long
	longer.Subject.Name = strings.Repeat("a", 252) + "b"
	require.NotEqual(t, long.Name(), longer.Name(), "what was cut off must still count")
}

func TestIdentitiesOfManyReleasesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for i := range 2000 {
		r := pinned()
		r.Revision = fmt.Sprint(i)
		for _, id := range []string{r.Name(), r.EventID("a"), r.EventID("b")} {
			require.False(t, seen[id], id)
			seen[id] = true
		}
	}
}

func TestAnEventIsOfTheFormThatTracesWant(t *testing.T) {
	require.Regexp(t, `^[0-9a-f]{32}$`, pinned().EventID(""))
	require.Regexp(t, `^[0-9a-f]{16}$`, pinned().Subject.Hash())
}

func TestPhasesThatWereFullyReady(t *testing.T) {
	for phase, want := range map[release.Phase]bool{
		release.Adopted:    true,
		release.Rolling:    false,
		release.Stalled:    false,
		release.Ready:      true,
		release.Testing:    true,
		release.Passed:     true,
		release.Failed:     true,
		release.Superseded: false,
		release.Withdrawn:  true,
		"":                 false,
		"Unheard":          false,
	} {
		require.Equal(t, want, phase.Completed(), phase)
	}
}

func TestKinds(t *testing.T) {
	all := release.Kinds()
	require.Len(t, all, 7)
	require.Subset(t, all, release.DefaultKinds())
	require.Equal(t, []release.Kind{"initial", "release", "config", "rollback"}, release.DefaultKinds())
	for _, never := range []release.Kind{release.Restart, release.Recreate, release.Reverted} {
		require.NotContains(t, release.DefaultKinds(), never)
	}
	all[0] = "changed"
	require.Equal(t, release.Initial, release.Kinds()[0], "a caller changed the list of all")
}
