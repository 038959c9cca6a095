package watch

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch/lean"
)

// ownedBy marks a workload as tracked by an Application.
func ownedBy[T metav1.Object](app, kind string, o T) T {
	if o.GetAnnotations() == nil {
		o.SetAnnotations(map[string]string{})
	}
	o.GetAnnotations()[trackingID] = app + ":" + release.Group(kind) + "/" + kind + ":shop/" + o.GetName()
	return o
}

// shop is an Application of a Deployment web and a StatefulSet db.
func shop(images ...string) *lean.Application {
	a := application("shop", images...)
	a.Status.Resources = []lean.ResourceStatus{{Kind: "Service", Namespace: "shop", Name: "web", Status: "Synced"}, listed("StatefulSet", "db"), listed("Deployment", "web")}
	return a
}

func web(image, revision string, generation int64) *appsv1.Deployment {
	return ownedBy("shop", "Deployment", changed("web", image, revision, generation))
}

func db(image, revision string, generation int64) *appsv1.StatefulSet {
	return ownedBy("shop", "StatefulSet", statefulSet("db", image, revision, generation))
}

// withApplications is a world in which rules are about Applications.
func withApplications(t *testing.T, settings ...func(*Config)) *world {
	w := newWorld(t, settings...)
	w.api.install("applications")
	w.Follow([]release.KindRef{{Kind: "Application"}})
	return w
}

// only are the snapshots of subjects of one kind, as told says them.
func (w *world) only(kind string) []string {
	var out []string
	told := w.ledger.told()
	for i, s := range w.ledger.snapshots() {
		if s.Release.Subject.Kind == kind {
			mark := told[i][len(told[i])-1:]
			out = append(out, strings.Join([]string{s.Release.Subject.Name, string(s.Release.Kind), mark}, " "))
		}
	}
	return out
}

// tells waits for exactly these to be handed on of one kind, and for nothing more
// to come: the queue is empty by then.
func (w *world) tells(kind string, want ...string) {
	w.t.Helper()
	eventually(func() bool { return len(w.only(kind)) >= len(want) })
	eventually(func() bool { return w.queue.Len() == 0 })
	require.Equal(w.t, want, w.only(kind))
}

func TestAnApplicationIsReleasedOnceAllItsWorkloadsAre(t *testing.T) {
	w := withApplications(t)
	w.roll(web("web:1", "1", 1), "a")
	w.revise(db("db:1", "a", 1), "a", 1, 0)
	w.api.put("applications", shop("web:1", "db:1"))
	w.start(1)
	w.tells("Application", "shop initial 0")

	w.api.put("applications", shop("web:1", "web:2", "db:1", "db:2"))
	w.roll(midway(web("web:2", "2", 2)), "b")
	w.tells("Application", "shop initial 0", "shop release .")
	w.revise(from("a", db("db:2", "b", 2)), "b", 2, 10)
	w.roll(web("web:2", "2", 2), "b")
	w.tells("StatefulSet", "db initial 0", "db release .")
	w.revise(db("db:2", "b", 2), "b", 2, 10)
	require.True(t, eventually(func() bool { return slices.Contains(w.only("Application"), "shop release +") }), w.only("Application"))
	w.tells("StatefulSet", "db initial 0", "db release .", "db release +")

	var ready []release.Snapshot
	for _, s := range w.ledger.snapshots() {
		if s.Release.Subject.Kind == "Application" && s.Ready && !s.Baseline {
			ready = append(ready, s)
		}
	}
	require.Len(t, ready, 1, "it is one release, though two workloads changed one by one")
	require.Equal(t, []string{"db:2", "web:2"}, ready[0].Release.Template.Images)
	require.Equal(t, "argocd/shop", ready[0].Release.Subject.Namespace+"/"+ready[0].Release.Subject.Name)
	require.Equal(t, "shop", ready[0].App.Name)
	require.Equal(t, "c1", ready[0].App.Revision)
	require.Equal(t, epoch.Add(time.Minute), ready[0].RolledOutAt.UTC())
}

func TestACommitThatChangesNoWorkloadIsNoReleaseOfAnApplication(t *testing.T) {
	w := withApplications(t)
	w.roll(web("web:1", "1", 1), "a")
	w.revise(db("db:1", "a", 1), "a", 1, 0)
	w.api.put("applications", shop("web:1", "db:1"))
	w.start(0)
	s := release.Subject{Cluster: "c", Kind: "Application", Namespace: "argocd", Name: "shop"}
	w.ready()
	require.NoError(t, w.look(t.Context(), s))
	require.Equal(t, []string{"shop initial 0"}, w.only("Application"))
	w.api.requests()

	next := shop("web:1", "db:1")
	next.Generation = 9
	next.Status.OperationState.SyncResult.Revision, next.Status.Sync.Revision = "c2", "c2"
	w.api.put("applications", next)
	w.shows("Application", "shop")
	require.NoError(t, w.look(t.Context(), s))
	require.Empty(t, w.api.requests())
	require.Equal(t, []string{"shop initial 0"}, w.only("Application"))
}

// ready waits for the caches of shop to be filled.
func (w *world) ready() {
	w.t.Helper()
	w.shows("Deployment", "web")
	w.shows("StatefulSet", "db")
	w.shows("Application", "shop")
}

func TestWhatAnApplicationWaitsFor(t *testing.T) {
	s := release.Subject{Cluster: "c", Kind: "Application", Namespace: "argocd", Name: "shop"}
	for _, c := range []struct {
		name   string
		change func(w *world)
		want   string // what it waits for; empty if nothing is told
	}{
		{"a workload that rolls", func(w *world) { w.roll(midway(web("web:2", "2", 2)), "b") }, "Deployment shop/web: 1 of 3 replicas are updated"},
		{"a ReplicaSet that is not available", func(w *world) {
			rs := replicaSet(web("web:2", "2", 2), "b")
			rs.Status.AvailableReplicas = 0
			w.api.put("replicasets", rs)
		}, "Deployment shop/web: 0 of 3 replicas of the new ReplicaSet are available"},
		{"a health that is not that of all", func(w *world) {
			a := shop("web:2", "db:1")
			a.Status.Health.Status = "Progressing"
			w.api.put("applications", a)
		}, "the Application is Progressing"},
		{"a workload that is out of sync", func(w *world) {
			a := shop("web:2", "db:1")
			a.Status.Resources[1].Status = "OutOfSync"
			w.api.put("applications", a)
		}, "the StatefulSet is OutOfSync"},
		{"a sync", func(w *world) {
			a := shop("web:2", "db:1")
			a.Status.OperationState.Phase = "Running"
			w.api.put("applications", a)
		}, "the sync is Running"},
		{"pods that Argo CD has not seen", func(w *world) { w.api.put("applications", shop("web:1", "db:1")) }, "Argo CD has not seen pods of image web:2"},
		{"a workload that has no version", func(w *world) { w.api.remove("replicasets", "shop", "web-b") }, ""},
		{"a workload that is gone", func(w *world) { w.api.failing("get statefulsets", 404) }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := withApplications(t)
			w.roll(web("web:1", "1", 1), "a")
			w.revise(db("db:1", "a", 1), "a", 1, 0)
			w.api.put("applications", shop("web:1", "db:1"))
			w.start(0)
			w.ready()
			require.NoError(t, w.look(t.Context(), s))
			w.roll(web("web:2", "2", 2), "b")
			w.api.put("applications", shop("web:2", "db:1"))
			c.change(w)
			w.ready()
			require.ErrorIs(t, w.look(t.Context(), s), release.ErrNotYet)
			got := w.ledger.snapshots()
			if c.want == "" {
				require.Len(t, got, 1)
				return
			}
			require.Len(t, got, 2)
			require.Equal(t, c.want, got[1].WaitingFor)
			require.Equal(t, release.Image, got[1].Release.Kind)
		})
	}
}

func TestAWorkloadThatIsNotThereYetHoldsAnApplicationBack(t *testing.T) {
	w := withApplications(t)
	w.roll(web("web:1", "1", 1), "a")
	w.api.put("applications", shop("web:1"))
	w.start(0)
	w.shows("Deployment", "web")
	w.shows("Application", "shop")
	s := release.Subject{Cluster: "c", Kind: "Application", Namespace: "argocd", Name: "shop"}
	require.ErrorIs(t, w.look(t.Context(), s), release.ErrNotYet)
	require.Empty(t, w.ledger.told())
}

func TestTheParentOfAnAppOfAppsIsNeverReleased(t *testing.T) {
	w := withApplications(t)
	parent := application("all")
	parent.Status.Resources = []lean.ResourceStatus{{Group: "argoproj.io", Kind: "Application", Namespace: "argocd", Name: "shop", Status: "Synced"}}
	w.api.put("applications", parent)
	w.start(0)
	w.shows("Application", "all")
	w.api.requests()
	require.NoError(t, w.look(t.Context(), release.Subject{Cluster: "c", Kind: "Application", Namespace: "argocd", Name: "all"}))
	require.Empty(t, w.api.requests())
	require.Empty(t, w.ledger.told())
}

func TestHooksAndWhatIsOfOtherClustersAreNoMembers(t *testing.T) {
	w := withApplications(t)
	a := shop()
	a.Status.Resources[1].Hook = true
	k := applications{w: w.Watcher, name: "Application"}
	require.Equal(t, "[{Deployment shop web}]", fmt.Sprint(k.members(a)))
	a.Status.Resources = append(a.Status.Resources, a.Status.Resources[2], lean.ResourceStatus{Group: "extensions", Kind: "Deployment", Namespace: "shop", Name: "old"})
	require.Equal(t, "[{Deployment shop web}]", fmt.Sprint(k.members(a)), "each once, and of the group that is watched")
	a.Spec.Destination = lean.Destination{Server: "https://elsewhere"}
	require.Empty(t, k.members(a))
}

func TestFollowingApplicationsLaterMakesBaselinesOfThem(t *testing.T) {
	w := newWorld(t)
	w.api.install("applications")
	w.roll(web("web:1", "1", 1), "a")
	w.revise(db("db:1", "a", 1), "a", 1, 0)
	w.api.put("applications", shop("web:1", "db:1"))
	w.Baseline = func(time.Time) bool { return false }
	w.start(1)
	w.tells("Deployment", "web initial +")
	require.Empty(t, w.only("Application"))
	w.clock.Step(time.Second)
	w.Follow([]release.KindRef{{Kind: "Application"}})
	w.tells("Application", "shop initial 0")
}

func TestAnApplicationThatChangesWhileItIsReadIsReadAgain(t *testing.T) {
	w := withApplications(t)
	w.roll(web("web:1", "1", 1), "a")
	w.revise(db("db:1", "a", 1), "a", 1, 0)
	w.api.put("applications", shop("web:1", "db:1"))
	w.start(0)
	w.ready()
	less := shop("web:1", "db:1")
	less.Status.Resources = less.Status.Resources[:2]
	w.api.mu.Lock()
	w.api.during = func(call string) {
		if call == "list replicasets shop/" {
			w.api.put("applications", less)
		}
	}
	w.api.mu.Unlock()
	s := release.Subject{Cluster: "c", Kind: "Application", Namespace: "argocd", Name: "shop"}
	require.ErrorIs(t, w.look(t.Context(), s), release.ErrNotYet)
	require.Empty(t, w.ledger.told())
}
