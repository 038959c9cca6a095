package watch

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch/lean"
)

// lookLive reads a subject's objects from the API server, without a resource
// version and so as they are now, and hands the snapshot on. The order matters:
// see the package's comment. claimed may hold the record of the release that is
// expected: if it is that one, nothing older needs to be read.
func (w *Watcher) lookLive(ctx context.Context, s release.Subject, claimed []release.Past) error {
	begun := w.Clock.Now()
	d, err := w.Kube.AppsV1().Deployments(s.Namespace).Get(ctx, s.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", s, err)
	}
	sets, err := w.replicaSets(ctx, d)
	if err != nil {
		return err
	}
	rs := current(d, sets)
	if rs == nil || rs.Annotations[revisionAnnotation] != d.Annotations[revisionAnnotation] {
		return release.ErrNotYet
	}
	past := claimed
	if !slices.ContainsFunc(claimed, func(p release.Past) bool { return carries(rs, d, p) }) {
		if past, err = w.past(ctx, s, d, sets); err != nil {
			return err
		}
	}
	snap, err := w.lively(d, rs, past)
	if err != nil {
		return err
	}
	if snap.Release.Kind == release.Reverted {
		if snap.Release.Kind, err = w.detour(ctx, rs, sets, past); err != nil {
			return err
		}
	}
	if snap.App, err = w.application(ctx, d); err != nil {
		return err
	}
	why := rolling(d)
	if why == "" {
		why = carrying(d, rs)
	}
	snap = snap.judged(why)
	snap.Late = snap.Ready && w.late(snap)
	w.Log.DebugContext(ctx, "looked live", "subject", s.String(), "release", snap.Release.Name(),
		"ready", snap.Ready, "waitingFor", snap.WaitingFor, "took", w.Clock.Since(begun))
	return w.Handler.Handle(ctx, snap.Snapshot)
}

// late reports whether the release was ready before this process could see it.
// The objects tell whole seconds, rounded down.
func (w *Watcher) late(s judgeable) bool {
	ready := s.RolledOutAt
	if s.App.SyncFinishedAt.After(ready) {
		ready = s.App.SyncFinishedAt
	}
	return !ready.IsZero() && ready.Add(time.Second).Before(w.started)
}

func (w *Watcher) replicaSets(ctx context.Context, d *appsv1.Deployment) ([]appsv1.ReplicaSet, error) {
	sel, err := metav1.LabelSelectorAsSelector(d.Spec.Selector)
	if err != nil {
		return nil, fmt.Errorf("read selector of Deployment %s/%s: %w", d.Namespace, d.Name, err)
	}
	list, err := w.Kube.AppsV1().ReplicaSets(d.Namespace).List(ctx, metav1.ListOptions{LabelSelector: sel.String()})
	if err != nil {
		return nil, fmt.Errorf("list ReplicaSets of Deployment %s/%s: %w", d.Namespace, d.Name, err)
	}
	return list.Items, nil
}

// past reads the recorded releases. For a subject without any, of which another
// release is known to have run, it first hands on the baseline that is missing.
func (w *Watcher) past(ctx context.Context, s release.Subject, d *appsv1.Deployment, sets []appsv1.ReplicaSet) ([]release.Past, error) {
	past, err := w.History.Past(ctx, s)
	if err != nil || len(past) > 0 {
		return past, err
	}
	first, ok := w.knownAs(s)
	if !ok || first.uid != string(d.UID) || first.revision == d.Annotations[revisionAnnotation] {
		return nil, nil
	}
	i := slices.IndexFunc(sets, func(rs appsv1.ReplicaSet) bool { return metav1.IsControlledBy(&rs, d) && carried(&rs, first.revision) })
	if i < 0 {
		return nil, nil
	}
	t, err := describe(&sets[i])
	if err != nil {
		return nil, err
	}
	base := w.snapshot(d, release.Release{Kind: release.Initial, Template: t, Sequence: 1, Generation: 0})
	base.Release.Revision, base.Baseline, base.Live = first.revision, true, true
	if err := w.Handler.Handle(ctx, base.Snapshot); err != nil {
		return nil, err
	}
	return w.History.Past(ctx, s)
}

// carried reports whether a ReplicaSet carries, or once carried, a revision.
func carried(rs *appsv1.ReplicaSet, revision string) bool {
	return rs.Annotations[revisionAnnotation] == revision ||
		slices.Contains(strings.Split(rs.Annotations[historyAnnotation], ","), revision)
}

// carries reports whether a ReplicaSet carries the release that a record is about.
func carries(rs *appsv1.ReplicaSet, d *appsv1.Deployment, p release.Past) bool {
	return p.UID == string(d.UID) && p.Revision == d.Annotations[revisionAnnotation] &&
		p.Template.Hash == hashOf(rs)
}

// judgeable is a snapshot that still lacks its verdict on readiness.
type judgeable struct{ release.Snapshot }

// judged completes a snapshot with the verdict, given what the workload lacks.
func (s judgeable) judged(workload string) judgeable {
	s.WaitingFor = workload
	if workload == "" {
		s.WaitingFor = s.App.WaitingFor
	}
	s.Ready = s.WaitingFor == ""
	return s
}

// snapshot detaches a Deployment, given what is known of its release.
func (w *Watcher) snapshot(d *appsv1.Deployment, r release.Release) judgeable {
	r.Subject, r.UID, r.Revision = w.subject(d), string(d.UID), d.Annotations[revisionAnnotation]
	return judgeable{release.Snapshot{
		Release: r,
		Labels:  maps.Clone(d.Labels), Annotations: maps.Clone(d.Annotations),
		Stalled:     stalled(d),
		RolledOutAt: rolledOut(d),
	}}
}

// lively makes the snapshot of a Deployment and the ReplicaSet that carries its
// release, which it classifies unless it is recorded already.
func (w *Watcher) lively(d *appsv1.Deployment, rs *appsv1.ReplicaSet, past []release.Past) (judgeable, error) {
	t, err := describe(rs)
	if err != nil {
		return judgeable{}, err
	}
	s := w.snapshot(d, release.Release{Template: t, Generation: d.Generation, Sequence: 1})
	s.Live = true
	reused := rs.Annotations[historyAnnotation] != ""
	if !reused {
		s.StartedAt = rs.CreationTimestamp.Time
	}
	if i := slices.IndexFunc(past, func(p release.Past) bool { return p.Same(s.Release) }); i >= 0 {
		s.Release = past[i].Release
		return s, nil
	}
	if len(past) > 0 {
		s.Release.Sequence = past[0].Sequence + 1
	} else if first, ok := w.knownAs(s.Release.Subject); ok && first == (identity{s.Release.UID, s.Release.Revision}) {
		s.Baseline = true
	}
	kind, last := classify(s.Release, past, reused)
	s.Release.Kind = kind
	if last != nil {
		s.Release.Previous = last.Name()
	}
	return s, nil
}

// application reads the Application that owns a Deployment, if one does.
func (w *Watcher) application(ctx context.Context, d *appsv1.Deployment) (release.App, error) {
	o := ownerOf(d)
	if o.Name == "" {
		return unowned(), nil
	}
	list, err := w.Argo.Applications(o.Namespace).List(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + o.Name})
	if apierrors.IsNotFound(err) {
		return unowned(), nil // Argo CD is not installed
	}
	if err != nil {
		return release.App{}, fmt.Errorf("read Application %s: %w", o.Name, err)
	}
	apps := make([]*lean.Application, len(list.Items))
	for i := range list.Items {
		apps[i] = &list.Items[i]
	}
	return observe(o.pick(apps, d), d), nil
}
