package watch

import (
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/watch/lean"
)

func TestSlimKeepsWhatVerdictsRead(t *testing.T) {
	d := deployment("web", "web:1", "1")
	d.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl"}}
	d.Annotations["kubectl.kubernetes.io/last-applied-configuration"] = "{}"
	d.Spec.Template.Spec.InitContainers = template("migrate:1").Spec.Containers
	d.Spec.Template.Spec.NodeName = "node"
	whole := d.DeepCopy()
	got, err := slim(d)
	require.NoError(t, err)
	small, ok := got.(*appsv1.Deployment)
	require.True(t, ok)
	k := deployments{&Watcher{}}
	require.Equal(t, k.observe(whole).State, k.observe(small).State)
	require.Equal(t, k.observe(whole).images, k.observe(small).images)
	require.Equal(t, map[string]string{revisionAnnotation: "1"}, small.Annotations)
	require.Nil(t, small.ManagedFields)
	require.Nil(t, small.Spec.Selector)
	require.Empty(t, small.Spec.Template.Spec.NodeName)

	for _, o := range []any{nil, "x", &lean.Workflow{}} {
		same, err := slim(o)
		require.NoError(t, err)
		require.Equal(t, o, same)
	}
	for _, o := range []any{"x", d} {
		same, err := slimCustom(o)
		require.NoError(t, err)
		require.Equal(t, o, same)
	}
	for _, o := range []any{"x", deployment("web", "web:1", "1")} {
		require.Empty(t, (&Watcher{}).claims(deployments{&Watcher{}}, o))
	}
	for _, o := range []any{"x", &lean.HelmRelease{}} {
		keys, err := indexParent(o)
		require.NoError(t, err)
		require.Empty(t, keys)
	}
	keys, err := indexName("x")
	require.NoError(t, err)
	require.Empty(t, keys)
}
