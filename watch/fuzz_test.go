package watch

import (
	"encoding/json"
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch/lean"
)

// FuzzObserve sees whatever an API server may send of each kind: nothing panics,
// what is not complete says why, and slimming changes none of it.
func FuzzObserve(f *testing.F) {
	w, err := New(Config{Kube: kubernetes.NewForConfigOrDie(&rest.Config{Host: "http://nowhere.invalid"}), Lean: leanNowhere(f), Argo: leanNowhere(f), Meta: metaNowhere(f), ArgoMeta: metaNowhere(f)})
	require.NoError(f, err)
	f.Cleanup(w.queue.ShutDown)
	for _, seed := range rubbish {
		f.Add([]byte("{" + seed + "}"))
	}
	for _, o := range []any{
		deployment("web", "web:1", "1"), statefulSet("db", "db:1", "a", 1), daemonSet("log", "log:1", "1", 1), rollout("web", "web:1", "1", "a", 1),
		shop("web:1"), kustomization("shop", "shop_web_apps_Deployment", "a_b_c", "shop_x_helm.toolkit.fluxcd.io_HelmRelease"), helmRelease("h", "shop"), widget("w", 1.5, 1),
	} {
		seed, err := json.Marshal(o)
		require.NoError(f, err)
		f.Add(seed)
	}
	for _, name := range release.Apps() {
		w.followApp(name, w.apps[name])
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		seen(t, w, deployments{w}, &appsv1.Deployment{}, raw)
		seen(t, w, statefulSets{w}, &appsv1.StatefulSet{}, raw)
		seen(t, w, daemonSets{w}, &appsv1.DaemonSet{}, raw)
		seen(t, w, rollouts{w}, &lean.Rollout{}, raw)
		seen(t, w, applications{w, "Application"}, &lean.Application{}, raw)
		seen(t, w, applications{w, "Kustomization"}, &lean.Kustomization{}, raw)
		seen(t, w, applications{w, "HelmRelease"}, &lean.HelmRelease{}, raw)
		seen(t, w, custom{w: w, name: someWidget}, &unstructured.Unstructured{}, raw)
		if _, err := templateOf(&appsv1.ControllerRevision{Data: runtime.RawExtension{Raw: raw}}); err == nil {
			require.True(t, json.Valid(raw))
		}
		require.NotPanics(t, func() { ownsTemplate(&metav1.FieldsV1{Raw: raw}) })
	})
}

func leanNowhere(t testing.TB) *lean.Client {
	c, err := lean.New(&rest.Config{Host: "http://nowhere.invalid"}, http.DefaultClient)
	require.NoError(t, err)
	return c
}

func metaNowhere(t testing.TB) metadata.Interface {
	c, err := metadata.NewForConfig(&rest.Config{Host: "http://nowhere.invalid"})
	require.NoError(t, err)
	return c
}

// seen observes an object before and after it was slimmed for a cache.
func seen(t *testing.T, w *Watcher, k kind, o runtime.Object, raw []byte) {
	t.Helper()
	if u, ok := o.(*unstructured.Unstructured); ok {
		if json.Unmarshal(raw, &u.Object) != nil || u.Object == nil {
			return
		}
	} else if json.Unmarshal(raw, o) != nil {
		return
	}
	whole := k.observe(o)
	if u, ok := o.(*unstructured.Unstructured); !ok || u.GetNamespace() != "" {
		require.NotNil(t, o)
	}
	w.GitOps.Claims(whole.object())
	slimmed, err := slim(o)
	require.NoError(t, err)
	if slimmed, err = lean.Slim(slimmed); err != nil {
		require.NoError(t, err)
	}
	again := k.observe(slimmed.(runtime.Object))
	require.Equal(t, whole.State, again.State)
	require.Equal(t, whole.token, again.token)
	require.Equal(t, whole.images, again.images)
	require.Equal(t, whole.subject, again.subject)
}

// FuzzClassify classifies a release after any past: it never panics, and says
// initial if, and only if, nothing had completed.
func FuzzClassify(f *testing.F) {
	f.Add([]byte("\x00\x10\x20"), byte(0), false)
	f.Add([]byte{}, byte(3), true)
	f.Add([]byte("abcdefghijklmnopqrstuvwxyz"), byte(200), true)
	phases := []release.Phase{
		release.Adopted, release.Rolling, release.Stalled, release.Ready, release.Testing, release.Passed, release.Failed, release.Superseded, release.Withdrawn, "",
	}
	templates := []string{"a", "b", "a'", "a+", "c"}
	of := func(b byte, revision int) release.Release {
		return ran([]string{"u", "v"}[b&1], templates[int(b>>1)%len(templates)], strconv.Itoa(revision))
	}
	f.Fuzz(func(t *testing.T, steps []byte, b byte, reused bool) {
		var past []release.Past
		completed := false
		for i, s := range steps {
			p := release.Past{Release: of(s, i+1), Phase: phases[int(s>>4)%len(phases)]}
			completed = completed || p.Phase.Completed()
			past = append([]release.Past{p}, past...)
		}
		now := of(b, len(steps)+1)
		kind, last := classify(now, past, reused)
		require.Contains(t, release.Kinds(), kind)
		require.Equal(t, !completed, kind == release.Initial)
		require.Equal(t, !completed, last == nil)
		if last == nil {
			return
		}
		require.True(t, last.Phase.Completed())
		same := last.Template.Hash == now.Template.Hash
		require.Equal(t, same && last.UID == now.UID, kind == release.Reverted)
		require.Equal(t, same && last.UID != now.UID, kind == release.Recreate)
	})
}
