package memory_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"

	"github.com/rollcall-dev/rollcall/internal/memory"
)

// lab is a server, its clock, and clients of it.
type lab struct {
	*memory.Server
	now     time.Time
	kube    kubernetes.Interface
	dynamic dynamic.Interface
	meta    metadata.Interface
}

func newLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{now: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}
	l.Server = memory.New(func() time.Time { return l.now })
	var err error
	l.kube, err = kubernetes.NewForConfigAndClient(l.Config(), l.Client())
	require.NoError(t, err)
	l.dynamic, err = dynamic.NewForConfigAndClient(l.Config(), l.Client())
	require.NoError(t, err)
	l.meta, err = metadata.NewForConfigAndClient(l.Config(), l.Client())
	require.NoError(t, err)
	return l
}

func (l *lab) put(t *testing.T, o map[string]any) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{Object: o}
	require.NoError(t, l.Put(u))
	return u
}

// named makes the parts that every object has.
func named(apiVersion, kind, name string, labels map[string]any) map[string]any {
	return map[string]any{
		"apiVersion": apiVersion, "kind": kind,
		"metadata": map[string]any{"namespace": "shop", "name": name, "labels": labels},
	}
}

func TestReading(t *testing.T) {
	l := newLab(t)
	for _, name := range []string{"web", "api"} {
		l.put(t, named("apps/v1", "Deployment", name, map[string]any{"app": name}))
	}
	d, err := l.kube.AppsV1().Deployments("shop").Get(t.Context(), "web", metav1.GetOptions{})
	require.NoError(t, err)
	require.Equal(t, "1", d.ResourceVersion)
	require.NotEmpty(t, d.UID)
	require.True(t, d.CreationTimestamp.Time.Equal(l.now))

	for name, tt := range map[string]struct {
		namespace string
		opts      metav1.ListOptions
		want      []string
	}{
		"all":               {"", metav1.ListOptions{}, []string{"api", "web"}},
		"of a namespace":    {"shop", metav1.ListOptions{}, []string{"api", "web"}},
		"of another one":    {"live", metav1.ListOptions{}, nil},
		"by label":          {"", metav1.ListOptions{LabelSelector: "app=web"}, []string{"web"}},
		"by label, none":    {"", metav1.ListOptions{LabelSelector: "app notin (web, api)"}, nil},
		"by name":           {"", metav1.ListOptions{FieldSelector: "metadata.name=api"}, []string{"api"}},
		"by name and label": {"", metav1.ListOptions{FieldSelector: "metadata.name=api", LabelSelector: "app=web"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := l.kube.AppsV1().Deployments(tt.namespace).List(t.Context(), tt.opts)
			require.NoError(t, err)
			var got []string
			for _, d := range list.Items {
				got = append(got, d.Name)
			}
			require.Equal(t, tt.want, got)
			require.Equal(t, "2", list.ResourceVersion)
		})
	}
	_, err = l.kube.AppsV1().Deployments("shop").Get(t.Context(), "gone", metav1.GetOptions{})
	require.True(t, apierrors.IsNotFound(err), err)
}

func TestWriting(t *testing.T) {
	l, ctx := newLab(t), t.Context()
	maps := l.kube.CoreV1().ConfigMaps("shop")
	first, err := maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, metav1.CreateOptions{})
	require.NoError(t, err)
	_, err = maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, metav1.CreateOptions{})
	require.True(t, apierrors.IsAlreadyExists(err), err)

	first.Data = map[string]string{"k": "v"}
	second, err := maps.Update(ctx, first, metav1.UpdateOptions{})
	require.NoError(t, err)
	require.NotEqual(t, first.ResourceVersion, second.ResourceVersion)
	same, err := maps.Update(ctx, second, metav1.UpdateOptions{})
	require.NoError(t, err)
	require.Equal(t, second.ResourceVersion, same.ResourceVersion, "an update that changes nothing is none")
	_, err = maps.Update(ctx, first, metav1.UpdateOptions{})
	require.True(t, apierrors.IsConflict(err), err)

	require.NoError(t, maps.Delete(ctx, "a", metav1.DeleteOptions{}))
	require.True(t, apierrors.IsNotFound(maps.Delete(ctx, "a", metav1.DeleteOptions{})))
	again, err := maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.NotEqual(t, first.UID, again.UID, "it is another object")
	again.ResourceVersion, again.UID = "", first.UID
	_, err = maps.Update(ctx, again, metav1.UpdateOptions{})
	require.True(t, apierrors.IsConflict(err), err)
}

func TestTheStatusIsWrittenApart(t *testing.T) {
	l, ctx := newLab(t), t.Context()
	all := l.kube.AppsV1().Deployments("shop")
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "web"}}
	d.Status.Replicas = 3
	d, err := all.Create(ctx, d, metav1.CreateOptions{})
	require.NoError(t, err)
	require.Zero(t, d.Status.Replicas)
	require.EqualValues(t, 1, d.Generation)

	d.Status.Replicas, d.Spec.Paused = 3, true
	d, err = all.UpdateStatus(ctx, d, metav1.UpdateOptions{})
	require.NoError(t, err)
	require.EqualValues(t, 3, d.Status.Replicas)
	require.False(t, d.Spec.Paused)
	require.EqualValues(t, 1, d.Generation)

	d.Status.Replicas, d.Spec.Paused = 5, true
	d, err = all.Update(ctx, d, metav1.UpdateOptions{})
	require.NoError(t, err)
	require.EqualValues(t, 3, d.Status.Replicas)
	require.True(t, d.Spec.Paused)
	require.EqualValues(t, 2, d.Generation)
}

// rollouts is a custom resource.
func rollouts() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "rollouts"}
}

func TestACustomResourceIsThereOnceItIsInstalled(t *testing.T) {
	l, ctx := newLab(t), t.Context()
	_, err := l.dynamic.Resource(rollouts()).List(ctx, metav1.ListOptions{})
	require.True(t, apierrors.IsNotFound(err), err)

	r, ok := l.OfKind("", "Rollout")
	require.True(t, ok)
	require.NoError(t, l.Install(r))
	list, err := l.dynamic.Resource(rollouts()).List(ctx, metav1.ListOptions{})
	require.NoError(t, err)
	require.Empty(t, list.Items)

	crds := schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	defs, err := l.meta.Resource(crds).List(ctx, metav1.ListOptions{FieldSelector: "metadata.name=rollouts.argoproj.io"})
	require.NoError(t, err)
	require.Len(t, defs.Items, 1)
	require.Equal(t, "rollouts.argoproj.io", defs.Items[0].Name)
}

func TestKindsAreDiscovered(t *testing.T) {
	l := newLab(t)
	require.NoError(t, l.Define("cert-manager.io/v1", "Certificate"))
	r, ok := l.OfKind("cert-manager.io/v1", "Certificate")
	require.True(t, ok)
	require.NoError(t, l.Install(r))
	d, err := discovery.NewDiscoveryClientForConfigAndClient(l.Config(), l.Client())
	require.NoError(t, err)
	_, lists, err := d.ServerGroupsAndResources()
	require.NoError(t, err)
	got := map[string]string{}
	for _, list := range lists {
		for _, r := range list.APIResources {
			got[r.Kind] = list.GroupVersion + " " + r.Name
		}
	}
	require.Equal(t, "cert-manager.io/v1 certificates", got["Certificate"])
	require.Equal(t, "apps/v1 deployments", got["Deployment"])
	require.NotContains(t, got, "Rollout", "it is not installed")
	require.Error(t, l.Define("v1", ""))
}

func TestCallsAreSeenAndCanFail(t *testing.T) {
	l, ctx := newLab(t), t.Context()
	l.put(t, named("v1", "ConfigMap", "a", nil))
	var calls []string
	fate := memory.Fate{}
	l.Hook = func(c memory.Call) memory.Fate {
		calls = append(calls, c.String())
		return fate
	}
	maps := l.kube.CoreV1().ConfigMaps("shop")
	cm, err := maps.Get(ctx, "a", metav1.GetOptions{})
	require.NoError(t, err)

	fate = memory.Fate{Code: 503}
	_, err = maps.List(ctx, metav1.ListOptions{})
	require.True(t, apierrors.IsServiceUnavailable(err), err)

	fate = memory.Fate{Down: true}
	require.ErrorContains(t, maps.Delete(ctx, "a", metav1.DeleteOptions{}), "connection refused")
	_, there := l.Get("ConfigMap", "shop", "a")
	require.True(t, there)

	fate, cm.Data = memory.Fate{Lost: true}, map[string]string{"k": "v"}
	_, err = maps.Update(ctx, cm, metav1.UpdateOptions{})
	require.ErrorContains(t, err, "connection refused")
	o, _ := l.Get("ConfigMap", "shop", "a")
	require.Equal(t, map[string]any{"k": "v"}, o.Object["data"], "only the answer was lost")

	require.Equal(t, []string{"get configmaps shop/a", "list configmaps shop", "delete configmaps shop/a", "update configmaps shop/a"}, calls)
	l.put(t, named("v1", "ConfigMap", "b", nil))
	require.Len(t, calls, 4, "who writes the world is no client")
}

func TestTheWorldCanBeSeenAsItWas(t *testing.T) {
	l := newLab(t)
	names := func(at time.Time) []string {
		ctx := memory.As(t.Context(), &memory.View{At: at})
		list, err := l.kube.CoreV1().ConfigMaps("").List(ctx, metav1.ListOptions{})
		require.NoError(t, err)
		var out []string
		for _, cm := range list.Items {
			out = append(out, cm.Name+cm.ResourceVersion)
		}
		return out
	}
	start := l.now
	a := l.put(t, named("v1", "ConfigMap", "a", nil))
	l.now = start.Add(2 * time.Second)
	require.NoError(t, l.Touch(a))
	l.put(t, named("v1", "ConfigMap", "b", nil))
	l.now = start.Add(4 * time.Second)
	l.Remove("ConfigMap", "shop", "a")

	require.Empty(t, names(start.Add(-time.Second)))
	require.Equal(t, []string{"a1"}, names(start))
	require.Equal(t, []string{"a1"}, names(start.Add(time.Second)))
	require.Equal(t, []string{"a2", "b3"}, names(start.Add(2*time.Second)))
	require.Equal(t, []string{"b3"}, names(start.Add(4*time.Second)))
	require.Equal(t, []string{"b3"}, names(start.Add(time.Hour)))
}

func TestWhatIsThereAlreadyIsNotWrittenAgain(t *testing.T) {
	l := newLab(t)
	a := l.put(t, named("v1", "ConfigMap", "a", nil))
	same := a.DeepCopy()
	same.SetResourceVersion("")
	require.NoError(t, l.Put(same))
	require.Equal(t, a.GetResourceVersion(), same.GetResourceVersion())
	require.Error(t, l.Put(&unstructured.Unstructured{Object: named("example.com/v1", "Unknown", "a", nil)}))
}

func TestRequestsThatNobodyServes(t *testing.T) {
	l := newLab(t)
	_, err := l.kube.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	require.True(t, apierrors.IsNotFound(err), err)
	_, err = l.kube.CoreV1().Pods("").Watch(context.WithoutCancel(t.Context()), metav1.ListOptions{})
	require.True(t, apierrors.IsMethodNotSupported(err), err)
	_, err = l.kube.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{LabelSelector: "a in b"})
	require.True(t, apierrors.IsBadRequest(err), err)
}
