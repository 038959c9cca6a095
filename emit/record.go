package emit

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// newRecord makes the object that claims a release. Nothing of the subject's own
// labels and annotations is copied: an engine would take the object for its own.
func newRecord(s release.Snapshot) *v1alpha1.Release {
	r := s.Release
	return &v1alpha1.Release{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: v1alpha1.Kind},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: r.Subject.Namespace, Name: r.Name(),
			Labels: map[string]string{v1alpha1.LabelSubject: r.Subject.Hash()},
		},
		Spec: v1alpha1.ReleaseSpec{
			Cluster:  r.Subject.Cluster,
			Subject:  v1alpha1.Subject{APIVersion: r.APIVersion, Kind: r.Subject.ObjectKind(), Name: r.Subject.Name, UID: r.UID},
			Revision: r.Revision, Token: token(r), Template: v1alpha1.Template(r.Template),
			Kind: string(r.Kind), Baseline: s.Baseline, Generation: r.Generation,
			Sequence: r.Sequence, Previous: r.Previous,
			Completed: r.Completed, Superseded: s.Superseded[:min(len(s.Superseded), release.Memory)],
		},
	}
}

// token is empty where the revision says the same.
func token(r release.Release) string {
	if r.Token == r.Revision {
		return ""
	}
	return r.Token
}

// Of reads the release that a record is about.
func Of(rec *v1alpha1.Release) release.Release {
	sp := rec.Spec
	kind := release.KindRef{APIVersion: sp.Subject.APIVersion, Kind: sp.Subject.Kind}
	return release.Release{
		Subject: release.Subject{
			Cluster: sp.Cluster, Kind: kind.Subject(), Namespace: rec.Namespace, Name: sp.Subject.Name,
		},
		APIVersion: sp.Subject.APIVersion,
		UID:        sp.Subject.UID, Revision: sp.Revision, Token: sp.Token, Template: release.Template(sp.Template),
		Kind: release.Kind(sp.Kind), Generation: sp.Generation, Sequence: sp.Sequence, Previous: sp.Previous,
		Completed: sp.Completed,
	}
}

// pastOf sums up a record.
func pastOf(rec *v1alpha1.Release) release.Past {
	return release.Past{
		Release: Of(rec), Phase: phase(rec), Settled: settled(rec), RecordedAt: rec.CreationTimestamp.Time,
		Due: next(rec), RolledOutAt: when(rec.Status.Timeline.RolloutFinished), Superseded: rec.Spec.Superseded,
	}
}

// phase reads how far a record has come. A record whose status was never written
// is as its spec says: the claim was made, and nothing after it.
func phase(rec *v1alpha1.Release) release.Phase {
	switch {
	case rec.Status.Phase != "":
		return release.Phase(rec.Status.Phase)
	case rec.Spec.Baseline:
		return release.Adopted
	case rec.Spec.Kind == string(release.Reverted):
		return release.Withdrawn
	}
	return release.Rolling
}

// settled reports whether nothing about a release is left to judge: its first
// status is written, it is not on its way to ready, and no rule waits.
func settled(rec *v1alpha1.Release) bool {
	if rec.Status.Phase == "" {
		return false
	}
	switch phase(rec) {
	case release.Rolling, release.Stalled:
		return false
	case release.Superseded:
		return true
	}
	return !slices.ContainsFunc(rec.Status.Rules, waits)
}

// waits reports whether a rule may still come to hold.
func waits(r v1alpha1.RuleState) bool {
	return r.State == string(release.Waiting) || r.State == string(release.Broken)
}

// eventOf makes the event of a delivery from the record alone.
func eventOf(rec *v1alpha1.Release, d *v1alpha1.Delivery) release.Event {
	e := release.Event{
		ID: d.EventID, Rule: d.Rule, Sink: d.Sink, Occasion: occasion(d),
		Release: Of(rec), Superseded: rec.Spec.Superseded, At: d.Created.Time, RecordedAt: d.Created.Time,
		Record: release.Ref{
			APIVersion: v1alpha1.GroupVersion.String(), Kind: v1alpha1.Kind,
			Namespace: rec.Namespace, Name: rec.Name, UID: string(rec.UID),
		},
		Traceparent: d.Traceparent, Parameters: d.Parameters, Repeat: d.Repeat,
	}
	if d.Tested != nil {
		e.Outcome = outcomeFrom(*d.Tested)
	}
	if e.Occasion == release.DidStall || e.Occasion == release.WasSuperseded { // the release may become ready yet, and the next attempt must say the same
		e.App = owner(appOf(rec))
		return e
	}
	st := rec.Status
	e.App, e.At, e.Late, e.OutOfBand, e.GateTimeout = appOf(rec), becameReady(rec), st.Late, st.OutOfBand, st.GateTimeout
	switch {
	case e.Outcome != nil:
		e.At = e.Outcome.FinishedAt
	case e.Repeat > 0:
		e.At = d.Created.Time
	}
	return e
}

// outcomeFrom reads how runs ended.
func outcomeFrom(t v1alpha1.Tested) *release.Tested {
	return &release.Tested{
		Result: release.Result(t.Result), Passed: t.Result == string(release.Success), Failed: t.Failed, Message: t.Message,
		FinishedAt: t.Finished.UTC(),
	}
}

// concluded is a release whose runs have ended, as rules see it: all that its record
// tells. Labels and annotations are not in it.
func concluded(rec *v1alpha1.Release, t v1alpha1.Tested) release.Snapshot {
	st := rec.Status
	return release.Snapshot{
		Release: Of(rec), App: appOf(rec), Ready: true, RolledOut: true, Live: true, Superseded: rec.Spec.Superseded,
		Late: st.Late, OutOfBand: st.OutOfBand, GateTimeout: st.GateTimeout, Outcome: outcomeFrom(t),
		StartedAt: when(st.Timeline.RolloutStarted), RolledOutAt: when(st.Timeline.RolloutFinished),
	}
}

// overtaken is a release that a newer one superseded, as rules see it: of what
// changed with the newer one, nothing is known any more.
func overtaken(rec *v1alpha1.Release, newer release.Snapshot) release.Snapshot {
	return release.Snapshot{
		Release: Of(rec), App: owner(appOf(rec)), WaitingFor: rec.Status.WaitingFor, Live: true, Superseded: rec.Spec.Superseded,
		Labels: newer.Labels, Annotations: newer.Annotations,
	}
}

// owner is what of an application stays the same from one release to the next.
func owner(a release.App) release.App {
	return release.App{
		Engine: a.Engine, Kind: a.Kind, Namespace: a.Namespace, Name: a.Name, Project: a.Project, RepoURL: a.RepoURL,
		Ready: a.Engine == "",
	}
}

// occasion is what a delivery tells.
func occasion(d *v1alpha1.Delivery) release.Occasion {
	if d.Event == "" {
		return release.BecameReady
	}
	return release.Occasion(d.Event)
}

// becameReady is when the release became ready: when it was seen to, or, if nobody
// was there to see it, what its objects say.
func becameReady(rec *v1alpha1.Release) time.Time {
	tl := rec.Status.Timeline
	t := when(tl.RolloutFinished)
	if synced := when(tl.SyncFinished); synced.After(t) {
		t = synced
	}
	switch {
	case tl.Ready == nil: // it never did
		return when(tl.Seen)
	case !rec.Status.Late || t.IsZero():
		return tl.Ready.Time
	}
	return t
}

func appOf(rec *v1alpha1.Release) release.App {
	g := rec.Status.GitOps
	if g == nil {
		return release.App{Ready: true}
	}
	return release.App{
		Engine: g.Engine, Kind: g.Kind, Source: g.Source, Namespace: g.Namespace, Name: g.Name, Project: g.Project,
		RepoURL: g.RepoURL, Revision: g.Revision, Revisions: g.Revisions,
		Operation: g.Operation, Partial: g.Partial, Ready: true, Synced: true, Healthy: true,
		SyncStartedAt: when(rec.Status.Timeline.SyncStarted), SyncFinishedAt: when(rec.Status.Timeline.SyncFinished),
	}
}

func when(t *metav1.MicroTime) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}

// micro is the API's form of a time; nil if it is zero.
func micro(t time.Time) *metav1.MicroTime {
	if t.IsZero() {
		return nil
	}
	m := metav1.NewMicroTime(t.Truncate(time.Microsecond))
	return &m
}
