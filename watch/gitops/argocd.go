package gitops

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch/lean"
)

// The words of Argo CD's API that the gate reads.
const (
	argoSynced      = "Synced"
	argoHealthy     = "Healthy"
	argoProgressing = "Progressing"
	argoSucceeded   = "Succeeded"
)

// badConditions are those under which Argo CD's other statements are not about
// what is in Git.
var badConditions = []string{"ComparisonError", "InvalidSpecError", "SyncError"}

// ArgoCD says what an Application reports about one of its workloads, and judges it.
func ArgoCD(a *lean.Application, o Object) release.App {
	out := report(a)
	if out.WaitingFor = unsettled(a); out.WaitingFor == "" {
		out.WaitingFor = disagrees(a, o)
	}
	out.Ready = out.WaitingFor == ""
	return out
}

// Application says what an Application reports about all of its workloads, and
// judges it as a whole.
func Application(a *lean.Application, members []Object) release.App {
	out := report(a)
	out.WaitingFor = unsettled(a)
	for _, o := range members {
		if out.WaitingFor == "" {
			out.WaitingFor = disagrees(a, o)
		}
	}
	if h := a.Status.Health.Status; out.WaitingFor == "" && h != argoHealthy {
		out.WaitingFor = "the Application is " + orUnknown(h)
	}
	out.Ready = out.WaitingFor == ""
	return out
}

// report detaches what an Application says, without a verdict.
func report(a *lean.Application) release.App {
	out := release.App{
		Engine: EngineArgoCD, Kind: "Application", Namespace: a.Namespace, Name: a.Name, Project: a.Spec.Project,
		RepoURL:     repoURL(a),
		Synced:      a.Status.Sync.Status == argoSynced,
		Healthy:     a.Status.Health.Status == argoHealthy,
		Annotations: a.Annotations,
	}
	if op := a.Status.OperationState; op != nil {
		out.Operation = op.Phase
		out.SyncStartedAt, out.SyncFinishedAt = op.StartedAt.Time, at(op.FinishedAt)
		out.Partial = op.Operation.Sync != nil && len(op.Operation.Sync.Resources) > 0
		if op.Phase == argoSucceeded && op.SyncResult != nil {
			out.Revision, out.Revisions = op.SyncResult.Revision, slices.Clone(op.SyncResult.Revisions)
		}
	}
	if out.Revision == "" && len(out.Revisions) > 0 {
		out.Revision = out.Revisions[0]
	}
	if h := a.Status.SourceHydrator.LastSuccessfulOperation; h != nil && h.HydratedSHA != "" && h.HydratedSHA == out.Revision {
		out.Source = h.DrySHA
	}
	return out
}

// unsettled says why an Application vouches for nothing yet; it is empty if it
// does. Argo CD writes the operation and the comparison in two independent loops:
// what the second says is about the last sync only if it ran after it, and for the
// spec as it is now.
func unsettled(a *lean.Application) string {
	switch {
	case a.Unreadable() != "":
		return "of the Application, " + a.Unreadable()
	case a.DeletionTimestamp != nil:
		return "the Application is being deleted"
	}
	if why := operating(a); why != "" {
		return why
	}
	return stale(a)
}

// operating says what the last operation lacks to be a finished sync.
func operating(a *lean.Application) string {
	op := a.Status.OperationState
	switch {
	case a.Operation != nil:
		return "a sync is requested"
	case op == nil:
		return "the Application was never synced"
	case op.Phase != argoSucceeded:
		return fmt.Sprintf("the sync is %s", op.Phase)
	case op.FinishedAt == nil || op.SyncResult == nil:
		return "the sync has no result"
	case op.Operation.Sync != nil && op.Operation.Sync.DryRun:
		return "the last sync was a dry run"
	}
	return ""
}

// stale says why the comparison may be older than the sync or the spec.
func stale(a *lean.Application) string {
	st, finished := a.Status, a.Status.OperationState.FinishedAt
	switch {
	case st.ReconciledAt == nil || st.ReconciledAt.Time.Before(finished.Time):
		return "the Application was not compared since the sync"
	case !sameSources(a):
		return "the Application was not compared since its spec changed"
	}
	for _, c := range st.Conditions {
		if slices.Contains(badConditions, c.Type) {
			return fmt.Sprintf("the Application has a %s", c.Type)
		}
	}
	return ""
}

// sameSources reports whether the comparison was made for the spec as it is now.
func sameSources(a *lean.Application) bool {
	to := a.Status.Sync.ComparedTo
	return a.Spec.Destination.Fingerprint == to.Destination.Fingerprint && same(sources(a), either(to.Source, to.Sources))
}

// sources are those that Argo CD syncs from: with a hydrator, what it hydrates.
func sources(a *lean.Application) []lean.Source {
	if h := a.Spec.SourceHydrator; h != nil {
		return []lean.Source{h.Source()}
	}
	return either(a.Spec.Source, a.Spec.Sources)
}

// either is the list of sources if there is one, else the single one.
func either(one *lean.Source, several []lean.Source) []lean.Source {
	if len(several) == 0 && fingerprint(one) != "" {
		return []lean.Source{*one}
	}
	return several
}

func same(a, b []lean.Source) bool {
	return slices.EqualFunc(a, b, func(x, y lean.Source) bool { return x.Fingerprint == y.Fingerprint })
}

func fingerprint(s *lean.Source) lean.Fingerprint {
	if s == nil {
		return ""
	}
	return s.Fingerprint
}

// disagrees says what a fresh comparison still holds against a workload.
func disagrees(a *lean.Application, o Object) string {
	r := entry(a, o)
	switch {
	case r == nil:
		return fmt.Sprintf("the Application does not list %s", o)
	case r.Status != argoSynced && !rolledBack(a):
		return fmt.Sprintf("%s is %s", o, orUnknown(r.Status))
	}
	if why := unhealthy(a, r, o); why != "" {
		return why
	}
	for _, image := range o.Images {
		if !slices.Contains(a.Status.Summary.Images, image) {
			return fmt.Sprintf("Argo CD has not seen pods of image %s", image)
		}
	}
	return ""
}

// unhealthy says what Argo CD's health of a workload lacks. Argo CD up to v2.14
// keeps the health of each resource; later ones tell that of the whole Application
// alone. A whole that is Progressing may be so because of another resource: whether
// this one progresses, its own counters say, and they are judged apart.
func unhealthy(a *lean.Application, r *lean.ResourceStatus, o Object) string {
	if r.Health != nil && r.Health.Status != "" {
		if r.Health.Status != argoHealthy {
			return fmt.Sprintf("%s is %s to Argo CD", o, r.Health.Status)
		}
		return ""
	}
	if h := a.Status.Health.Status; h != argoHealthy && h != argoProgressing {
		return "the Application is " + orUnknown(h)
	}
	return ""
}

// rolledBack reports whether somebody asked for this sync with a revision other
// than the one that Git is at, as `argocd app rollback` does. Such an Application
// stays OutOfSync for as long as the rollback lasts.
func rolledBack(a *lean.Application) bool {
	op, sync := a.Status.OperationState, a.Status.Sync
	if op.Operation.Sync == nil || op.Operation.InitiatedBy.Automated {
		return false
	}
	asked, did := op.Operation.Sync, op.SyncResult
	switch {
	case (asked.Source != nil || len(asked.Sources) > 0) && !same(either(did.Source, did.Sources), sources(a)):
		return true
	case asked.Revision != "":
		return asked.Revision == did.Revision && sync.Revision != did.Revision
	case len(asked.Revisions) > 0:
		return slices.Equal(asked.Revisions, did.Revisions) && !slices.Equal(sync.Revisions, did.Revisions)
	}
	return false
}

func repoURL(a *lean.Application) string {
	if all := sources(a); len(all) > 0 {
		return all[0].RepoURL
	}
	return ""
}

func at(t *metav1.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}

func orUnknown(s string) string {
	if s == "" {
		return "of unknown state"
	}
	return s
}
