package watch

import (
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/rollcall-dev/rollcall/release"
)

func described(t *testing.T, change func(*appsv1.ReplicaSet)) release.Template {
	t.Helper()
	rs := replicaSet(deployment("web", "web:1", "1"), "abc")
	if change != nil {
		change(rs)
	}
	before := rs.DeepCopy()
	got, err := describe(rs.Labels[appsv1.DefaultDeploymentUniqueLabelKey], &rs.Spec.Template)
	require.NoError(t, err)
	require.Equal(t, before, rs, "describe changed the ReplicaSet")
	return got
}

func TestTheDigestOfATemplateIsStable(t *testing.T) {
	got := described(t, nil)
	require.Equal(t, "abc", got.Hash)
	require.Equal(t, got.Digest, got.DigestSansRestart)
	require.Regexp(t, `^[0-9a-f]{32}$`, got.Digest)
	for range 20 {
		require.Equal(t, got, described(t, func(rs *appsv1.ReplicaSet) {
			rs.Spec.Template.Annotations = map[string]string{}
		}))
	}
}

func TestWhatTheDigestOfATemplateTells(t *testing.T) {
	plain := described(t, nil)
	annotated := func(kv ...string) func(*appsv1.ReplicaSet) {
		return func(rs *appsv1.ReplicaSet) {
			rs.Spec.Template.Annotations = map[string]string{}
			for i := 0; i < len(kv); i += 2 {
				rs.Spec.Template.Annotations[kv[i]] = kv[i+1]
			}
		}
	}
	for _, c := range []struct {
		name        string
		change      func(*appsv1.ReplicaSet)
		whole, sans bool // whether the digests are those of the plain template
	}{
		{"another hash label", func(rs *appsv1.ReplicaSet) {
			rs.Spec.Template.Labels[appsv1.DefaultDeploymentUniqueLabelKey] = "xyz"
		}, true, true},
		{"a restart", annotated(restartedAt, "2026-11-22T10:00:00Z"), false, true},
		{"a checksum", annotated("checksum/config", "1"), false, false},
		{"a restart and a checksum", annotated(restartedAt, "2026-11-22T10:00:00Z", "checksum/config", "1"), false, false},
		{"a label", func(rs *appsv1.ReplicaSet) { rs.Spec.Template.Labels["chart"] = "web-2" }, false, false},
		{"an image", func(rs *appsv1.ReplicaSet) { rs.Spec.Template.Spec.Containers[0].Image = "web:2" }, false, false},
		{"an environment", func(rs *appsv1.ReplicaSet) {
			rs.Spec.Template.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "A", Value: "b"}}
		}, false, false},
		{"annotations of the ReplicaSet itself", func(rs *appsv1.ReplicaSet) { rs.Annotations["x"] = "y" }, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := described(t, c.change)
			require.Equal(t, c.whole, got.Digest == plain.Digest)
			require.Equal(t, c.sans, got.DigestSansRestart == plain.DigestSansRestart)
		})
	}
	checked := described(t, annotated("checksum/config", "1"))
	again := described(t, annotated("checksum/config", "1", restartedAt, "2026-11-22T10:00:00Z"))
	require.Equal(t, checked.DigestSansRestart, again.DigestSansRestart)
}

func TestImagesAreThoseOfAllContainersSortedAndOnce(t *testing.T) {
	got := images(corev1.PodSpec{
		InitContainers: []corev1.Container{{Image: "migrate:1"}, {Image: "web:1"}},
		Containers:     []corev1.Container{{Image: "web:1"}, {Image: "proxy:2"}},
	})
	require.Equal(t, []string{"migrate:1", "proxy:2", "web:1"}, got)
	require.Empty(t, images(corev1.PodSpec{}))
}
