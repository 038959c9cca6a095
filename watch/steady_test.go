package watch

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch/lean"
)

// steady is a subject that is settled, and what may happen to it without being a
// release. Each change is of the next generation.
type steady struct {
	kind    string
	first   func(w *world)
	changes map[string]func(w *world, generation int64)
}

// later is a change of an object that is no release.
func later[T metav1.Object](resource string, o T, change func(T)) func(*world, int64) {
	return func(w *world, generation int64) {
		o.SetGeneration(generation)
		change(o)
		w.api.put(resource, o)
	}
}

func ofDeployment() steady {
	d := func() *appsv1.Deployment { return ownedBy("shop", "Deployment", deployment("web", "web:1", "1")) }
	return steady{"Deployment", func(w *world) { w.roll(d(), "a") }, map[string]func(*world, int64){
		"scaled":     later("deployments", d(), func(d *appsv1.Deployment) { *d.Spec.Replicas = 9 }),
		"crashing":   later("deployments", d(), func(d *appsv1.Deployment) { d.Status.AvailableReplicas = 0 }),
		"unobserved": later("deployments", d(), func(d *appsv1.Deployment) { d.Status.ObservedGeneration = 0 }),
		"annotated":  later("deployments", d(), func(d *appsv1.Deployment) { d.Annotations["x"] = "y" }),
		"released":   later("deployments", d(), func(d *appsv1.Deployment) { delete(d.Annotations, trackingID) }),
		"synced":     later("applications", shop("web:1"), func(a *lean.Application) { a.Status.OperationState.SyncResult.Revision = "c9" }),
		"app gone":   func(w *world, _ int64) { w.api.remove("applications", "argocd", "shop") },
	}}
}

func ofStatefulSet() steady {
	s := func() *appsv1.StatefulSet { return ownedBy("shop", "StatefulSet", statefulSet("web", "web:1", "a", 1)) }
	return steady{"StatefulSet", func(w *world) { w.revise(s(), "a", 1, 0) }, map[string]func(*world, int64){
		"scaled":      later("statefulsets", s(), func(s *appsv1.StatefulSet) { *s.Spec.Replicas = 9 }),
		"crashing":    later("statefulsets", s(), func(s *appsv1.StatefulSet) { s.Status.AvailableReplicas = 0 }),
		"partitioned": later("statefulsets", s(), func(s *appsv1.StatefulSet) { *s.Spec.UpdateStrategy.RollingUpdate.Partition = 2 }),
		"annotated":   later("statefulsets", s(), func(s *appsv1.StatefulSet) { s.Annotations["x"] = "y" }),
		"synced":      later("applications", shop("web:1"), func(a *lean.Application) { a.Status.Health.Status = "Degraded" }),
	}}
}

func ofDaemonSet() steady {
	d := func() *appsv1.DaemonSet { return ownedBy("shop", "DaemonSet", daemonSet("web", "web:1", "1", 1)) }
	return steady{"DaemonSet", func(w *world) { w.revise(d(), "a", 1, 0) }, map[string]func(*world, int64){
		"a node more": later("daemonsets", d(), func(d *appsv1.DaemonSet) { d.Status.DesiredNumberScheduled = 9 }),
		"crashing":    later("daemonsets", d(), func(d *appsv1.DaemonSet) { d.Status.NumberAvailable = 0 }),
		"annotated":   later("daemonsets", d(), func(d *appsv1.DaemonSet) { d.Annotations["x"] = "y" }),
		"OnDelete":    later("daemonsets", d(), func(d *appsv1.DaemonSet) { d.Spec.UpdateStrategy.Type = appsv1.OnDeleteDaemonSetStrategyType }),
		"synced":      later("applications", shop("web:1"), func(a *lean.Application) { a.Status.Sync.Status = "OutOfSync" }),
	}}
}

func ofRollout() steady {
	r := func() *lean.Rollout { return ownedBy("shop", "Rollout", rollout("web", "web:1", "1", "a", 1)) }
	return steady{"Rollout", func(w *world) { w.carry(r(), "", 0) }, map[string]func(*world, int64){
		"scaled":    later("rollouts", r(), func(r *lean.Rollout) { *r.Spec.Replicas = 9 }),
		"degraded":  later("rollouts", r(), func(r *lean.Rollout) { r.Status.Phase = "Degraded" }),
		"restarted": later("rollouts", r(), func(r *lean.Rollout) { r.Spec.RestartAt = moment(900) }),
		"annotated": later("rollouts", r(), func(r *lean.Rollout) { r.Annotations["x"] = "y" }),
		"synced":    later("applications", shop("web:1"), func(a *lean.Application) { a.Status.Health.Status = "Degraded" }),
	}}
}

func ofWidget() steady {
	return steady{someWidget, func(w *world) { w.api.put("widgets", widget("web", "small", 1)) }, map[string]func(*world, int64){
		"again":     func(w *world, n int64) { w.api.put("widgets", widget("web", "small", n)) },
		"not ready": func(w *world, n int64) { w.api.put("widgets", unready(widget("web", "small", n))) },
		"labelled": func(w *world, n int64) {
			u := widget("web", "small", n)
			u.SetLabels(map[string]string{"x": "y"})
			w.api.put("widgets", u)
		},
	}}
}

func ofKustomization() steady {
	k := func() *lean.Kustomization { return kustomization("web", "shop_web_apps_Deployment") }
	return steady{"Kustomization", func(w *world) {
		w.roll(labelled("kustomize", "web", deployment("web", "web:1", "1")), "a")
		w.api.put("kustomizations", k())
	}, map[string]func(*world, int64){
		"reconciled":   later("kustomizations", k(), func(k *lean.Kustomization) { k.Status.Conditions[0].Status = metav1.ConditionUnknown }),
		"a commit":     later("kustomizations", k(), func(k *lean.Kustomization) { k.Status.LastAppliedRevision = "x" }),
		"suspended":    later("kustomizations", k(), func(k *lean.Kustomization) { k.Spec.Suspend = true }),
		"its workload": later("deployments", labelled("kustomize", "web", deployment("web", "web:1", "1")), func(d *appsv1.Deployment) { *d.Spec.Replicas = 9 }),
	}}
}

func ofHelmRelease() steady {
	h := func() *lean.HelmRelease { return helmRelease("web", "") }
	return steady{"HelmRelease", func(w *world) {
		w.roll(labelled("helm", "web", deployment("web", "web:1", "1")), "a")
		w.api.put("helmreleases", h())
	}, map[string]func(*world, int64){
		"upgraded":     later("helmreleases", h(), func(h *lean.HelmRelease) { h.Status.History[0].Version = 9 }),
		"failed":       later("helmreleases", h(), func(h *lean.HelmRelease) { h.Status.Conditions[0].Status = metav1.ConditionFalse }),
		"its workload": later("deployments", labelled("helm", "web", deployment("web", "web:1", "1")), func(d *appsv1.Deployment) { d.Status.AvailableReplicas = 0 }),
	}}
}

func TestASettledSubjectOfAnyKindCostsNoCall(t *testing.T) {
	for _, c := range []steady{ofDeployment(), ofStatefulSet(), ofDaemonSet(), ofRollout(), ofWidget(), ofKustomization(), ofHelmRelease()} {
		t.Run(c.kind, func(t *testing.T) {
			w := withFlux(t, "Kustomization", "HelmRelease")
			for _, r := range []string{"applications", "rollouts", "widgets"} {
				w.api.install(r)
			}
			w.Follow([]release.KindRef{widgets})
			w.api.put("applications", shop("web:1"))
			c.first(w)
			w.start(0)
			w.shows(c.kind, "web")
			w.drain()
			require.NotEmpty(t, w.ledger.told())
			told, reads := len(w.ledger.told()), w.ledger.reads
			w.api.requests()

			generation := int64(1)
			for _, name := range slices.Sorted(maps.Keys(c.changes)) {
				generation++
				c.changes[name](w, generation)
				w.caughtUp()
				require.NoError(t, w.look(t.Context(), of(c.kind, "web")), name)
				w.drain()
				require.Empty(t, w.api.requests(), name)
			}
			require.Len(t, w.ledger.told(), told)
			require.Equal(t, reads, w.ledger.reads)
			require.Empty(t, w.ledger.asked)
		})
	}
}

// drain judges what is on the queue now.
func (w *world) drain() {
	for w.queue.Len() > 0 {
		w.Next(w.t.Context())
	}
}

// caughtUp waits for all caches to hold what the API server does.
func (w *world) caughtUp() {
	w.t.Helper()
	var behind string
	require.True(w.t, eventually(func() bool {
		behind = w.behind()
		return behind == ""
	}), "%s", &behind)
}

// behind names something of which a cache does not hold what the API server does.
func (w *world) behind() string {
	feeds := map[string]*feed{}
	for _, f := range w.followed() {
		feeds[strings.Split(fmt.Sprintf("%T", f.feed.example), ".")[1]] = f.feed
	}
	maps.Copy(feeds, w.apps)
	want := map[string]map[string]string{}
	w.api.mu.Lock()
	for k, m := range w.api.objects {
		resource, name, _ := strings.Cut(k, " ")
		kind := served[resource].kind
		if kind == "Widget" {
			kind = "Unstructured"
		}
		if want[kind] == nil {
			want[kind] = map[string]string{}
		}
		want[kind][name] = field(m, "resourceVersion")
	}
	w.api.mu.Unlock()
	for kind, f := range feeds {
		have := map[string]string{}
		for _, o := range f.list() {
			if m, ok := o.(metav1.Object); ok {
				have[m.GetNamespace()+"/"+m.GetName()] = m.GetResourceVersion()
			}
		}
		if !maps.Equal(have, want[kind]) {
			return kind
		}
	}
	return ""
}
