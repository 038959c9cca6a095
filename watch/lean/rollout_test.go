package lean_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/watch/lean"
)

func TestARolloutIsDecodedToTheFieldsThatAreRead(t *testing.T) {
	r := read[lean.Rollout](t, "rollout.json")
	require.Empty(t, r.Unreadable())
	require.Equal(t, "shop/web", r.Namespace+"/"+r.Name)
	require.Equal(t, "4", r.Annotations["rollout.argoproj.io/revision"])
	three := lean.Count(3)
	require.Equal(t, lean.RolloutSpec{
		Replicas: &three, MinReadySeconds: 5, RestartAt: clock("10:00:00"),
		Template: lean.PodTemplate{Spec: lean.PodSpec{
			InitContainers: []lean.Container{{Name: "migrate", Image: "registry.example/migrate:7"}},
			Containers:     []lean.Container{{Name: "web", Image: "registry.example/web:2.0.0"}},
		}},
		Strategy: lean.RolloutStrategy{Canary: &lean.CanaryStrategy{TrafficRouting: &lean.Present{}}},
	}, r.Spec)
	require.Equal(t, lean.RolloutStatus{
		ObservedGeneration: "12", CurrentPodHash: "74b9", StableRS: "6cbc",
		Replicas: 4, UpdatedReplicas: 1, ReadyReplicas: 4, AvailableReplicas: 3,
		ControllerPause: true, PauseConditions: []lean.PauseCondition{{Reason: "CanaryPauseStep", StartTime: *clock("10:02:30")}},
		Abort: true, AbortedAt: clock("10:03:00"), RestartedAt: clock("10:00:00"),
		Phase: "Degraded", Message: "RolloutAborted: Rollout aborted update to revision 4",
		Conditions: []lean.RolloutCondition{
			{Type: "Completed", Status: "False", Reason: "RolloutCompleted", Message: "RolloutCompleted", LastUpdateTime: *clock("10:02:00"), LastTransitionTime: *clock("10:02:00")},
			{Type: "Progressing", Status: "False", Reason: "RolloutAborted", Message: "Rollout aborted update to revision 4", LastUpdateTime: *clock("10:03:01"), LastTransitionTime: *clock("10:03:00")},
		},
	}, r.Status)
}

func TestARolloutWithTheTemplateOfAnother(t *testing.T) {
	r := read[lean.Rollout](t, "bluegreen.json")
	require.Empty(t, r.Unreadable())
	require.Equal(t, lean.RolloutSpec{
		Paused: true, WorkloadRef: &lean.WorkloadRef{APIVersion: "apps/v1", Kind: "Deployment", Name: "api"},
		Strategy: lean.RolloutStrategy{BlueGreen: &lean.Present{}},
	}, r.Spec)
	require.Equal(t, "6cbc", r.Status.BlueGreen.ActiveSelector)
	require.Equal(t, "7", r.Status.WorkloadObservedGeneration)
	require.Equal(t, "7", r.Annotations["rollout.argoproj.io/workload-generation"])
}

func TestAKustomizationIsDecodedToTheFieldsThatAreRead(t *testing.T) {
	k := read[lean.Kustomization](t, "kustomization.json")
	require.Empty(t, k.Unreadable())
	require.Equal(t, "flux-system", k.Labels["kustomize.toolkit.fluxcd.io/name"])
	require.Equal(t, lean.KustomizationSpec{
		SourceRef: lean.ObjectRef{Kind: "GitRepository", Name: "shop", Namespace: "sources"},
		Suspend:   true, Wait: true, HealthChecks: []lean.ObjectRef{{Kind: "Deployment", Name: "web", Namespace: "shop"}},
		KubeConfig: &lean.Present{},
	}, k.Spec)
	require.Equal(t, lean.KustomizationStatus{
		ObservedGeneration: 3,
		Conditions: []metav1.Condition{
			{Type: "Reconciling", Status: "True", Reason: "ProgressingWithRetry", Message: "Detecting drift", ObservedGeneration: 3, LastTransitionTime: *clock("10:00:00")},
			{Type: "Ready", Status: "Unknown", Reason: "Progressing", Message: "Reconciliation in progress", ObservedGeneration: 3, LastTransitionTime: *clock("10:00:00")},
		},
		LastAttemptedRevision: "main@sha1:aa11bb22", LastAppliedRevision: "main@sha1:8f14e45f", LastAppliedOriginRevision: "main@sha1:0c0ffee0",
		Inventory: &lean.Inventory{Entries: []lean.InventoryEntry{{ID: "shop_web_apps_Deployment"}, {ID: "_shop__Namespace"}}},
		History: []lean.Reconciliation{{
			Digest: "sha256:8d9d", FirstReconciled: *clock("09:00:00"), LastReconciled: *clock("09:50:00"), LastReconciledStatus: "ReconciliationSucceeded",
			Metadata: map[string]string{"revision": "main@sha1:8f14e45f", "originRevision": "main@sha1:0c0ffee0"},
		}},
	}, k.Status)
}

func TestAHelmReleaseIsDecodedToTheFieldsThatAreRead(t *testing.T) {
	h := read[lean.HelmRelease](t, "helmrelease.json")
	require.Empty(t, h.Unreadable())
	require.Equal(t, lean.HelmReleaseSpec{
		Chart: &lean.ChartTemplate{Spec: lean.ChartTemplateSpec{
			Chart: "web", Version: "1.x", SourceRef: lean.ObjectRef{Kind: "HelmRepository", Name: "charts", Namespace: "sources"},
		}},
		Suspend: true, KubeConfig: &lean.Present{}, TargetNamespace: "prod", Test: &lean.HelmTest{Enable: true},
	}, h.Spec)
	require.Equal(t, lean.HelmReleaseStatus{
		ObservedGeneration: 5, LastAttemptedGeneration: 5, LastAttemptedRevision: "1.2.3+0123456789ab",
		LastAttemptedRevisionDigest: "sha256:0123456789ab", LastAttemptedReleaseAction: "upgrade", HelmChart: "sources/shop-web",
		Conditions: []metav1.Condition{
			{Type: "Released", Status: "True", Reason: "UpgradeSucceeded", Message: "Helm upgrade succeeded", ObservedGeneration: 5, LastTransitionTime: *clock("10:00:00")},
		},
		History: []lean.HelmSnapshot{
			{
				Name: "web", Namespace: "prod", Version: 2, Status: "deployed", ChartName: "web", ChartVersion: "1.2.3", AppVersion: "1.2.0",
				Digest: "sha256:d2", ConfigDigest: "sha256:c2", OCIDigest: "sha256:0123456789ab", FirstDeployed: *clock("09:00:00"), LastDeployed: *clock("10:00:00"),
				TestHooks: map[string]lean.HelmTestHook{"web-test": {Phase: "Succeeded"}, "other": {}},
			},
			{
				Name: "web", Namespace: "prod", Version: 1, Status: "superseded", ChartName: "web", ChartVersion: "1.2.2",
				Digest: "sha256:d1", ConfigDigest: "sha256:c1", FirstDeployed: *clock("09:00:00"), LastDeployed: *clock("09:00:00"),
			},
		},
	}, h.Status)
}

func TestSourcesAreDecodedToTheFieldsThatAreRead(t *testing.T) {
	list := read[lean.FluxSourceList](t, "fluxsources.json")
	type told struct {
		spec     lean.FluxSourceSpec
		revision string
	}
	got := map[string]told{}
	for _, s := range list.Items {
		require.Empty(t, s.Unreadable())
		of := told{spec: s.Spec}
		if s.Status.Artifact != nil {
			of.revision = s.Status.Artifact.Revision
		}
		got[s.Kind] = of
	}
	require.Equal(t, map[string]told{
		"GitRepository": {lean.FluxSourceSpec{URL: "https://git.example/shop.git", Suspend: true}, "main@sha1:8f14e45f"},
		"OCIRepository": {lean.FluxSourceSpec{URL: "oci://registry.example/shop"}, "latest@sha256:b2"},
		"Bucket":        {lean.FluxSourceSpec{Endpoint: "s3.example", BucketName: "shop"}, ""},
		"HelmChart":     {lean.FluxSourceSpec{Chart: "web", Version: "1.x", SourceRef: &lean.SourceRef{Kind: "HelmRepository", Name: "charts"}}, "1.2.3"},
	}, got)
	git, oci := list.Items[0].Status, list.Items[1].Status
	require.Equal(t, "True", string(git.Conditions[0].Status))
	require.Equal(t, lean.Artifact{Revision: "main@sha1:8f14e45f", Digest: "sha256:a1", LastUpdateTime: *clock("10:00:00")}, *git.Artifact)
	require.Equal(t, "main@sha1:8f14e45f", oci.Artifact.Metadata["org.opencontainers.image.revision"])
}

func TestWhatWasHydratedIsTheSourceThatWasCompared(t *testing.T) {
	a := decoded[lean.Application](t, `{"spec": {"sourceHydrator": {
		"drySource": {"repoURL": "https://git.example/shop.git", "targetRevision": "HEAD", "path": "web"},
		"syncSource": {"targetBranch": "env/prod", "path": "out"}, "hydrateTo": {"targetBranch": "env/prod-next"}
	}}, "status": {
		"sync": {"comparedTo": {"source": {"repoURL": "https://git.example/shop.git", "path": "out", "targetRevision": "env/prod"}}},
		"sourceHydrator": {"currentOperation": {"phase": "Hydrated", "message": ""}, "lastSuccessfulOperation": {"drySHA": "d1", "hydratedSHA": "h1"}}
	}}`)
	require.Empty(t, a.Unreadable())
	require.Equal(t, *a.Status.Sync.ComparedTo.Source, a.Spec.SourceHydrator.Source())
	require.Equal(t, lean.SuccessfulHydration{DrySHA: "d1", HydratedSHA: "h1"}, *a.Status.SourceHydrator.LastSuccessfulOperation)
	require.Equal(t, "Hydrated", a.Status.SourceHydrator.CurrentOperation.Phase)
	a.Spec.SourceHydrator.SyncSource.Path = "other"
	require.NotEqual(t, *a.Status.Sync.ComparedTo.Source, a.Spec.SourceHydrator.Source())
}
