package gitops

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch/lean"
)

var epoch = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// web is the Deployment that is asked about, with a container for each image.
func web(images ...string) Object {
	return Object{
		Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web",
		Labels: map[string]string{}, Annotations: map[string]string{}, Images: images,
	}
}

func moment(seconds int) *metav1.Time {
	t := metav1.NewTime(epoch.Add(time.Duration(seconds) * time.Second))
	return &t
}

func source(fingerprint string) *lean.Source {
	return &lean.Source{RepoURL: "https://git.example/shop.git", Fingerprint: lean.Fingerprint(fingerprint)}
}

var here = lean.Destination{Server: "https://kubernetes.default.svc", Namespace: "shop", Fingerprint: "here"}

// application is one that vouches for the Deployment of its name in shop: synced
// from second 10 to 20, compared at second 21.
func application(name string, images ...string) *lean.Application {
	a := &lean.Application{
		ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: name, Annotations: map[string]string{"team": "shop"}},
		Spec:       lean.ApplicationSpec{Source: source("main"), Destination: here, Project: "default"},
		Status: lean.ApplicationStatus{
			Resources:           []lean.ResourceStatus{{Kind: "Service", Namespace: "shop", Name: name, Status: "OutOfSync"}, {Group: "apps", Kind: "Deployment", Namespace: "shop", Name: name, Status: "Synced"}},
			Sync:                lean.SyncStatus{Status: "Synced", Revision: "c1", ComparedTo: lean.ComparedTo{Source: source("main"), Destination: here}},
			Health:              lean.HealthStatus{Status: "Healthy"},
			ReconciledAt:        moment(21),
			Summary:             lean.ApplicationSummary{Images: images},
			ControllerNamespace: "argocd",
			OperationState: &lean.OperationState{
				Phase: "Succeeded", StartedAt: *moment(10), FinishedAt: moment(20),
				Operation:  lean.Operation{Sync: &lean.SyncOperation{Revision: "c1"}, InitiatedBy: lean.InitiatedBy{Automated: true}},
				SyncResult: &lean.SyncResult{Revision: "c1", Source: source("main")},
			},
		},
	}
	a.APIVersion, a.Kind = "argoproj.io/v1alpha1", "Application"
	return a
}

func TestEachClauseOfTheGateIsNeeded(t *testing.T) {
	two := []lean.Source{*source("chart"), *source("values")}
	for _, c := range []struct {
		name   string
		change func(a *lean.Application)
		want   string
	}{
		{"an Application that vouches", func(*lean.Application) {}, ""},
		{"a spec that cannot be read", func(a *lean.Application) { a.Spec.Unreadable = "it cannot be read" }, "of the Application, it cannot be read"},
		{"a status that cannot be read", func(a *lean.Application) { a.Status.Unreadable = "it cannot be read" }, "of the Application, it cannot be read"},
		{"being deleted", func(a *lean.Application) { a.DeletionTimestamp = moment(0) }, "the Application is being deleted"},
		{"a sync is requested", func(a *lean.Application) { a.Operation = &lean.Operation{} }, "a sync is requested"},
		{"never synced", func(a *lean.Application) { a.Status.OperationState = nil }, "the Application was never synced"},
		{"running", func(a *lean.Application) { a.Status.OperationState.Phase = "Running" }, "the sync is Running"},
		{"running again, with what the one before left", func(a *lean.Application) {
			a.Status.OperationState.Phase, a.Status.OperationState.StartedAt = "Running", *moment(30)
		}, "the sync is Running"},
		{"terminating", func(a *lean.Application) { a.Status.OperationState.Phase = "Terminating" }, "the sync is Terminating"},
		{"failed", func(a *lean.Application) { a.Status.OperationState.Phase = "Failed" }, "the sync is Failed"},
		{"in error", func(a *lean.Application) { a.Status.OperationState.Phase = "Error" }, "the sync is Error"},
		{"no end", func(a *lean.Application) { a.Status.OperationState.FinishedAt = nil }, "the sync has no result"},
		{"no result", func(a *lean.Application) { a.Status.OperationState.SyncResult = nil }, "the sync has no result"},
		{"a dry run", func(a *lean.Application) { a.Status.OperationState.Operation.Sync.DryRun = true }, "the last sync was a dry run"},
		{"never compared", func(a *lean.Application) { a.Status.ReconciledAt = nil }, "the Application was not compared since the sync"},
		{"compared a second before the sync ended", func(a *lean.Application) { a.Status.ReconciledAt = moment(19) }, "the Application was not compared since the sync"},
		{"compared in the second in which the sync ended", func(a *lean.Application) { a.Status.ReconciledAt = moment(20) }, ""},
		{"compared for another source", func(a *lean.Application) { a.Spec.Source = source("other") }, "the Application was not compared since its spec changed"},
		{"compared for another destination", func(a *lean.Application) { a.Spec.Destination.Fingerprint = "there" }, "the Application was not compared since its spec changed"},
		{"compared for no source", func(a *lean.Application) { a.Status.Sync.ComparedTo.Source = nil }, "the Application was not compared since its spec changed"},
		{"several sources", func(a *lean.Application) {
			a.Spec.Source, a.Spec.Sources = nil, two
			a.Status.Sync.ComparedTo.Source, a.Status.Sync.ComparedTo.Sources = &lean.Source{}, slices.Clone(two)
		}, ""},
		{"several sources, one of them changed", func(a *lean.Application) {
			a.Spec.Source, a.Spec.Sources = nil, []lean.Source{two[0], *source("new values")}
			a.Status.Sync.ComparedTo.Source, a.Status.Sync.ComparedTo.Sources = nil, two
		}, "the Application was not compared since its spec changed"},
		{"several sources, in another order", func(a *lean.Application) {
			a.Spec.Source, a.Spec.Sources = nil, []lean.Source{two[1], two[0]}
			a.Status.Sync.ComparedTo.Source, a.Status.Sync.ComparedTo.Sources = nil, two
		}, "the Application was not compared since its spec changed"},
		{"several sources, one more", func(a *lean.Application) {
			a.Spec.Source, a.Spec.Sources = nil, two
			a.Status.Sync.ComparedTo.Source, a.Status.Sync.ComparedTo.Sources = nil, two[:1]
		}, "the Application was not compared since its spec changed"},
		{"a comparison that failed", conditioned("ComparisonError"), "the Application has a ComparisonError"},
		{"a spec that is invalid", conditioned("InvalidSpecError"), "the Application has a InvalidSpecError"},
		{"a sync that was not possible", conditioned("SyncError"), "the Application has a SyncError"},
		{"a mere warning", conditioned("OrphanedResourceWarning"), ""},
		{"another application claims it as well", conditioned("SharedResourceWarning"), ""},
		{"the Deployment is not listed", func(a *lean.Application) { a.Status.Resources = a.Status.Resources[:1] }, "the Application does not list the Deployment"},
		{"the Deployment is out of sync", func(a *lean.Application) { a.Status.Resources[1].Status = "OutOfSync" }, "the Deployment is OutOfSync"},
		{"nothing is known of the Deployment", func(a *lean.Application) { a.Status.Resources[1].Status = "" }, "the Deployment is of unknown state"},
		{"others are out of sync", func(a *lean.Application) { a.Status.Sync.Status = "OutOfSync" }, ""},
		{"progressing, perhaps because of others", func(a *lean.Application) { a.Status.Health.Status = "Progressing" }, ""},
		{"progressing by itself", func(a *lean.Application) { a.Status.Resources[1].Health = health("Progressing") }, "the Deployment is Progressing to Argo CD"},
		{"degraded by itself, and the whole is not told so", func(a *lean.Application) { a.Status.Resources[1].Health = health("Degraded") }, "the Deployment is Degraded to Argo CD"},
		{"healthy, and the whole is degraded by others", func(a *lean.Application) {
			a.Status.Resources[1].Health, a.Status.Health.Status = health("Healthy"), "Degraded"
		}, ""},
		{"a health of its own that says nothing", func(a *lean.Application) {
			a.Status.Resources[1].Health, a.Status.Health.Status = health(""), "Degraded"
		}, "the Application is Degraded"},
		{"suspended", func(a *lean.Application) { a.Status.Health.Status = "Suspended" }, "the Application is Suspended"},
		{"missing", func(a *lean.Application) { a.Status.Health.Status = "Missing" }, "the Application is Missing"},
		{"degraded", func(a *lean.Application) { a.Status.Health.Status = "Degraded" }, "the Application is Degraded"},
		{"no health", func(a *lean.Application) { a.Status.Health.Status = "" }, "the Application is of unknown state"},
		{"pods of the new image are not seen", func(a *lean.Application) { a.Status.Summary.Images = []string{"web:0"} }, "Argo CD has not seen pods of image web:1"},
		{"no pods are seen", func(a *lean.Application) { a.Status.Summary.Images = nil }, "Argo CD has not seen pods of image web:1"},
		{"old pods are still seen", func(a *lean.Application) { a.Status.Summary.Images = []string{"web:0", "web:1"} }, ""},
		{"limited to some resources", func(a *lean.Application) {
			a.Status.OperationState.Operation.Sync.Resources = []lean.SyncedElement{{Kind: "Deployment", Name: "web"}}
		}, ""},
		{"an operation without a sync", func(a *lean.Application) { a.Status.OperationState.Operation.Sync = nil }, ""},
		{"Git moved on and nothing of it is ours", func(a *lean.Application) { a.Status.Sync.Revision = "c2" }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, o := application("web", "web:1"), web("web:1")
			c.change(a)
			got := ArgoCD(a, o)
			require.Equal(t, c.want, got.WaitingFor)
			require.Equal(t, c.want == "", got.Ready)
		})
	}
}

func health(status string) *lean.HealthStatus { return &lean.HealthStatus{Status: status} }

func conditioned(kind string) func(*lean.Application) {
	return func(a *lean.Application) {
		a.Status.Conditions = []lean.ApplicationCondition{{Type: kind, Message: "x"}}
	}
}

func TestARollbackNeedNotBeInSync(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(a *lean.Application, op *lean.OperationState)
		open   bool
	}{
		{"to an earlier revision", func(_ *lean.Application, op *lean.OperationState) {
			op.Operation.Sync.Revision, op.SyncResult.Revision = "c0", "c0"
		}, true},
		{"with an earlier source", func(_ *lean.Application, op *lean.OperationState) {
			op.Operation.Sync.Source = source("earlier")
			op.SyncResult.Source = source("earlier")
		}, true},
		{"not with a source that was edited since, and not synced", func(_ *lean.Application, op *lean.OperationState) {
			op.SyncResult.Source = source("earlier")
		}, false},
		{"of several sources, with revisions that were asked for", func(a *lean.Application, op *lean.OperationState) {
			a.Spec.Sources, a.Spec.Source = []lean.Source{*source("one"), *source("two")}, nil
			a.Status.Sync.ComparedTo.Sources, a.Status.Sync.ComparedTo.Source = a.Spec.Sources, nil
			a.Status.Sync.Revision, a.Status.Sync.Revisions = "", []string{"c2", "v2"}
			op.Operation.Sync.Revision, op.Operation.Sync.Revisions = "", []string{"c1", "v1"}
			op.SyncResult.Revision, op.SyncResult.Revisions = "", []string{"c1", "v1"}
		}, true},
		{"never when automated", func(_ *lean.Application, op *lean.OperationState) {
			op.Operation.InitiatedBy.Automated = true
			op.Operation.Sync.Revision, op.SyncResult.Revision, op.SyncResult.Source = "c0", "c0", source("earlier")
		}, false},
		{"not if it synced something else than was asked", func(_ *lean.Application, op *lean.OperationState) {
			op.Operation.Sync.Revision, op.SyncResult.Revision = "c0", "c9"
		}, false},
		{"not if no revision was asked for", func(_ *lean.Application, op *lean.OperationState) {
			op.Operation.Sync.Revision, op.SyncResult.Revision = "", "c0"
		}, false},
		{"not if it is what Git is at", func(*lean.Application, *lean.OperationState) {}, false},
		{"not if the source of the result is not known", func(_ *lean.Application, op *lean.OperationState) {
			op.SyncResult.Source = nil
		}, false},
		{"not without a sync", func(_ *lean.Application, op *lean.OperationState) {
			op.Operation.Sync, op.SyncResult.Source = nil, source("earlier")
		}, false},
		{"not with the empty source of several", func(a *lean.Application, op *lean.OperationState) {
			a.Spec.Sources, a.Spec.Source = []lean.Source{*source("one")}, nil
			a.Status.Sync.ComparedTo.Sources, a.Status.Sync.ComparedTo.Source = a.Spec.Sources, nil
			op.SyncResult.Source = &lean.Source{}
		}, false},
		{"and must be healthy", func(a *lean.Application, op *lean.OperationState) {
			op.Operation.Sync.Revision, op.SyncResult.Revision = "c0", "c0"
			a.Status.Health.Status = "Degraded"
		}, false},
		{"and must be compared since", func(a *lean.Application, op *lean.OperationState) {
			op.Operation.Sync.Revision, op.SyncResult.Revision = "c0", "c0"
			a.Status.ReconciledAt = moment(1)
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, o := application("web", "web:1"), web("web:1")
			a.Status.Sync.Status, a.Status.Resources[1].Status = "OutOfSync", "OutOfSync"
			a.Status.OperationState.Operation.InitiatedBy = lean.InitiatedBy{Username: "eve"}
			c.change(a, a.Status.OperationState)
			got := ArgoCD(a, o)
			require.Equal(t, c.open, got.Ready, got.WaitingFor)
		})
	}
}

func TestWhatIsObservedOfAnApplication(t *testing.T) {
	o := web("web:1")
	require.Equal(t, release.App{Ready: true}, Unowned())

	whole := release.App{
		Engine: "argocd", Kind: "Application", Namespace: "argocd", Name: "web", Project: "default",
		RepoURL: "https://git.example/shop.git", Revision: "c1",
		Synced: true, Healthy: true, Ready: true, Operation: "Succeeded",
		SyncStartedAt: epoch.Add(10 * time.Second), SyncFinishedAt: epoch.Add(20 * time.Second),
		Annotations: map[string]string{"team": "shop"},
	}
	require.Equal(t, whole, ArgoCD(application("web", "web:1"), o))

	a := application("web", "web:1")
	a.Spec.Source, a.Spec.Sources = nil, []lean.Source{{RepoURL: "first"}, {RepoURL: "second"}}
	a.Status.OperationState.SyncResult = &lean.SyncResult{Revisions: []string{"r1", "r2"}}
	a.Status.OperationState.Operation.Sync.Resources = []lean.SyncedElement{{Kind: "Deployment", Name: "web"}}
	got := ArgoCD(a, o)
	require.Equal(t, "first", got.RepoURL)
	require.Equal(t, "r1", got.Revision)
	require.Equal(t, []string{"r1", "r2"}, got.Revisions)
	require.True(t, got.Partial)
	got.Revisions[0] = "changed"
	require.Equal(t, "r1", a.Status.OperationState.SyncResult.Revisions[0], "a revision is shared with the cache")

	running := application("web", "web:1")
	running.Status.OperationState.Phase, running.Status.OperationState.FinishedAt = "Running", nil
	got = ArgoCD(running, o)
	require.Empty(t, got.Revision, "the result of a running sync may be that of the one before")
	require.Zero(t, got.SyncFinishedAt)
	require.Equal(t, "Running", got.Operation)

	bare := ArgoCD(&lean.Application{}, o)
	require.Equal(t, release.App{Engine: "argocd", Kind: "Application", WaitingFor: "the Application was never synced"}, bare)
}

func TestEveryImageMustHaveBeenSeen(t *testing.T) {
	o := web("migrate:1", "proxy:1", "web:1")
	closed := func(a *lean.Application) string { return ArgoCD(a, o).WaitingFor }
	require.Equal(t, "Argo CD has not seen pods of image migrate:1", closed(application("web", "web:1", "proxy:1")))
	require.Equal(t, "Argo CD has not seen pods of image proxy:1", closed(application("web", "web:1", "migrate:1")))
	require.Empty(t, closed(application("web", "web:1", "migrate:1", "proxy:1")))
}

func TestTheGateDoesNotDependOnTheOrderOfLists(t *testing.T) {
	o := web("proxy:1", "web:1")
	a := application("web", "old:1", "proxy:1", "web:1", "job:1")
	a.Status.Conditions = []lean.ApplicationCondition{{Type: "OrphanedResourceWarning"}, {Type: "ExcludedResourceWarning"}}
	bad := a.DeepCopy()
	bad.Status.Conditions = append(bad.Status.Conditions, lean.ApplicationCondition{Type: "ComparisonError"})
	shuffle := func(a *lean.Application) {
		st := &a.Status
		rand.Shuffle(len(st.Resources), func(i, j int) { st.Resources[i], st.Resources[j] = st.Resources[j], st.Resources[i] })
		rand.Shuffle(len(st.Conditions), func(i, j int) { st.Conditions[i], st.Conditions[j] = st.Conditions[j], st.Conditions[i] })
		rand.Shuffle(len(st.Summary.Images), func(i, j int) {
			st.Summary.Images[i], st.Summary.Images[j] = st.Summary.Images[j], st.Summary.Images[i]
		})
	}
	for range 50 {
		shuffle(a)
		shuffle(bad)
		require.Empty(t, ArgoCD(a, o).WaitingFor)
		require.Equal(t, "the Application has a ComparisonError", ArgoCD(bad, o).WaitingFor)
	}
}

// FuzzArgoCD judges whatever an API server may send: it never panics, and what
// is ready waits for nothing.
func FuzzArgoCD(f *testing.F) {
	for _, file := range []string{"application.json", "sources.json"} {
		raw, err := os.ReadFile("../lean/testdata/" + file)
		require.NoError(f, err)
		f.Add(raw)
	}
	f.Add([]byte(`{"status":{"operationState":{"phase":"Succeeded","finishedAt":"2026-11-22T10:00:00Z","syncResult":{}},"reconciledAt":"2026-11-22T10:00:00Z"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var a lean.Application
		if json.Unmarshal(raw, &a) != nil {
			return
		}
		got := ArgoCD(&a, web("registry.example/web:1.2.0"))
		require.Equal(t, got.Ready, got.WaitingFor == "")
		if got.Ready {
			require.Equal(t, "Succeeded", got.Operation)
			require.NotContains(t, []string{"", "Degraded", "Missing", "Unknown", "Suspended"}, a.Status.Health.Status)
		}
	})
}

func TestARealApplicationVouches(t *testing.T) {
	raw, err := os.ReadFile("../lean/testdata/application.json")
	require.NoError(t, err)
	var a lean.Application
	require.NoError(t, json.Unmarshal(raw, &a))
	require.Empty(t, ArgoCD(&a, web("registry.example/web:1.2.0")).WaitingFor)
}
