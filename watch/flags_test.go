package watch

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/watch/lean"
)

// gated is a world with a Deployment of a new release that Argo CD does not vouch
// for: it was rolled out in minute 1, and rollcall started in minute 60.
func gated(t *testing.T, change func(a *lean.Application, d *appsv1.Deployment), settings ...func(*Config)) *world {
	w := newWorld(t, settings...)
	w.api.install("applications")
	w.ledger.record(settled(deployment("web", "web:1", "1"), "a"))
	a, d := application("web", "web:2"), owned(changed("web", "web:2", "2", 2))
	change(a, d)
	w.api.put("applications", a)
	w.roll(d, "b")
	w.start(0)
	return w
}

func outOfSync(a *lean.Application, _ *appsv1.Deployment) { a.Status.Resources[0].Status = "OutOfSync" }

func TestAnEngineIsWaitedForForAsLongAsItSays(t *testing.T) {
	allowed := func(d time.Duration) func(*Config) { return func(c *Config) { c.GateTimeout = d } }
	for _, c := range []struct {
		name    string
		timeout time.Duration
		change  func(a *lean.Application, d *appsv1.Deployment)
		ready   bool
		flagged bool
	}{
		{"for ever", 0, outOfSync, false, false},
		{"not long enough", time.Hour, outOfSync, false, false},
		{"to the second", 59 * time.Minute, outOfSync, true, true},
		{"long enough", time.Minute, outOfSync, true, true},
		{"and the engine vouches", time.Minute, func(*lean.Application, *appsv1.Deployment) {}, true, false},
		{"and the workload is not complete", time.Minute, func(a *lean.Application, d *appsv1.Deployment) {
			outOfSync(a, d)
			d.Status.AvailableReplicas = 2
		}, false, false},
		{"and it is not known since when", time.Minute, func(a *lean.Application, d *appsv1.Deployment) {
			outOfSync(a, d)
			d.Status.Conditions = nil
			d.Spec.ProgressDeadlineSeconds = nil
		}, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := gated(t, c.change, allowed(c.timeout))
			_ = w.look(t.Context(), subject("web"))
			got := w.ledger.snapshots()[0]
			require.Equal(t, c.ready, got.Ready, got.WaitingFor)
			require.Equal(t, c.flagged, got.GateTimeout)
			require.Equal(t, c.ready, got.WaitingFor == "")
			if c.flagged {
				require.False(t, got.App.Ready, "what the engine says stays as it is")
				require.Equal(t, "the Deployment is OutOfSync", got.App.WaitingFor)
			}
		})
	}
}

// wrote says that a manager wrote the pod template in a second.
func wrote(manager string, second int) metav1.ManagedFieldsEntry {
	return metav1.ManagedFieldsEntry{
		Manager: manager, Operation: metav1.ManagedFieldsOperationUpdate, Time: moment(second), FieldsType: "FieldsV1",
		FieldsV1: &metav1.FieldsV1{Raw: []byte(`{"f:spec":{"f:template":{"f:spec":{}}}}`)},
	}
}

func TestWhoWroteATemplateLast(t *testing.T) {
	scaled := wrote("hpa", 90)
	scaled.FieldsV1.SetRawBytes([]byte(`{"f:spec":{"f:replicas":{}}}`))
	status := wrote("kube-controller-manager", 90)
	status.Subresource = "status"
	timeless, empty, garbage := wrote("x", 0), wrote("x", 90), wrote("x", 90)
	timeless.Time, empty.FieldsV1 = nil, nil
	garbage.FieldsV1.SetRawBytes([]byte(`{"f:spec":3}`))
	for _, c := range []struct {
		name string
		all  []metav1.ManagedFieldsEntry
		want string
	}{
		{"nobody", nil, ""},
		{"one", []metav1.ManagedFieldsEntry{wrote("argocd-controller", 1)}, "argocd-controller"},
		{"the last of two", []metav1.ManagedFieldsEntry{wrote("kubectl-set", 9), wrote("argocd-controller", 1)}, "kubectl-set"},
		{"the last of two, in another order", []metav1.ManagedFieldsEntry{wrote("kubectl-set", 1), wrote("argocd-controller", 9)}, "argocd-controller"},
		{"others wrote other fields", []metav1.ManagedFieldsEntry{wrote("argocd-controller", 1), scaled, status, timeless, empty, garbage}, "argocd-controller"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := deployment("web", "web:1", "1")
			d.ManagedFields = c.all
			require.Equal(t, c.want, templateWriter(d).by)
		})
	}
}

func TestWhatSomebodyElseWroteIsNotOfTheCommit(t *testing.T) {
	by := func(manager string) func(*lean.Application, *appsv1.Deployment) {
		return func(_ *lean.Application, d *appsv1.Deployment) {
			d.ManagedFields = []metav1.ManagedFieldsEntry{wrote("argocd-controller", 1), wrote(manager, 2)}
		}
	}
	w := gated(t, by("kubectl-set"))
	require.NoError(t, w.look(t.Context(), subject("web")))
	got := w.ledger.snapshots()[0]
	require.True(t, got.OutOfBand)
	require.Empty(t, got.App.Revision)
	require.Equal(t, "web", got.App.Name)

	w = gated(t, by("argocd-controller"))
	require.NoError(t, w.look(t.Context(), subject("web")))
	require.False(t, w.ledger.snapshots()[0].OutOfBand)
	require.Equal(t, "c1", w.ledger.snapshots()[0].App.Revision)

	w = gated(t, func(_ *lean.Application, d *appsv1.Deployment) {
		delete(d.Annotations, trackingID)
		d.ManagedFields = []metav1.ManagedFieldsEntry{wrote("kubectl-set", 2)}
	})
	require.NoError(t, w.look(t.Context(), subject("web")))
	require.False(t, w.ledger.snapshots()[0].OutOfBand, "nobody owns it")
}

func TestARevisionThatCameAndWentIsSuperseded(t *testing.T) {
	w := newWorld(t)
	w.roll(deployment("web", "web:1", "1"), "a")
	w.start(1)
	w.told("web 1 initial 0")
	w.roll(midway(changed("web", "web:2", "2", 2)), "b")
	w.told("web 1 initial 0", "web 2 release .")
	w.roll(changed("web", "web:3", "3", 3), "c")
	w.told("web 1 initial 0", "web 2 release .", "web 3 release +")
	require.Equal(t, []string{"2"}, w.ledger.snapshots()[2].Superseded)
	require.Empty(t, w.ledger.snapshots()[1].Superseded)
}

func TestRevisionsThatNobodySawAreSuperseded(t *testing.T) {
	w := newWorld(t)
	w.roll(deployment("web", "web:1", "1"), "a")
	w.start(1)
	w.told("web 1 initial 0")
	w.stop()
	for i, hash := range []string{"b", "c", "d"} {
		d := changed("web", fmt.Sprint("web:", i+2), fmt.Sprint(i+2), int64(i+2))
		rs := replicaSet(d, hash)
		rs.CreationTimestamp = metav1.NewTime(epoch.Add(time.Duration(i+1) * time.Minute))
		w.api.put("replicasets", rs)
		w.api.put("deployments", d)
	}
	old := replicaSet(changed("web", "web:0", "0", 1), "z") // from before the first record
	old.CreationTimestamp = metav1.NewTime(epoch.Add(-time.Hour))
	w.api.put("replicasets", old)
	w.restart(1)
	w.told("web 4 release +")
	require.Equal(t, []string{"2", "3"}, w.ledger.snapshots()[0].Superseded)
	require.True(t, w.ledger.snapshots()[0].Late)
}
