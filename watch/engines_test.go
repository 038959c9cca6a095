package watch

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch/lean"
)

func moment(seconds int) *metav1.Time {
	t := metav1.NewTime(epoch.Add(time.Duration(seconds) * time.Second))
	return &t
}

// here is the destination of what is in the cluster of Argo CD itself.
var here = lean.Destination{Server: "https://kubernetes.default.svc", Namespace: "shop"}

func source() *lean.Source { return &lean.Source{RepoURL: "https://git.example/shop.git"} }

// application is one that vouches for the Deployment of its name in shop: synced
// from second 10 to 20, compared at second 21.
func application(name string, images ...string) *lean.Application {
	return &lean.Application{
		ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: name, UID: types.UID("app-" + name), CreationTimestamp: *moment(0)},
		Spec:       lean.ApplicationSpec{Source: source(), Destination: here, Project: "default"},
		Status: lean.ApplicationStatus{
			Resources:           []lean.ResourceStatus{listed("Deployment", name)},
			Sync:                lean.SyncStatus{Status: "Synced", Revision: "c1", ComparedTo: lean.ComparedTo{Source: source(), Destination: here}},
			Health:              lean.HealthStatus{Status: "Healthy"},
			ReconciledAt:        moment(21),
			Summary:             lean.ApplicationSummary{Images: images},
			ControllerNamespace: "argocd",
			OperationState: &lean.OperationState{
				Phase: "Succeeded", StartedAt: *moment(10), FinishedAt: moment(20),
				Operation:  lean.Operation{Sync: &lean.SyncOperation{Revision: "c1"}, InitiatedBy: lean.InitiatedBy{Automated: true}},
				SyncResult: &lean.SyncResult{Revision: "c1", Source: source()},
			},
		},
	}
}

// listed is how an Application lists a workload in shop that is in sync.
func listed(kind, name string) lean.ResourceStatus {
	return lean.ResourceStatus{Group: release.Group(kind), Kind: kind, Namespace: "shop", Name: name, Status: "Synced"}
}
