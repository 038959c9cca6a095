package watch

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch/gitops"
	"github.com/rollcall-dev/rollcall/watch/lean"
)

// lookLive reads a subject's objects from the API server, without a resource
// version and so as they are now, and hands the snapshot on. The order matters:
// see the package's comment. claimed may hold the record of the release that is
// expected: if it is that one, nothing older needs to be read.
func (w *Watcher) lookLive(ctx context.Context, k kind, s release.Subject, claimed []release.Past) error {
	begun := w.Clock.Now()
	snap, err := w.see(ctx, k, s, claimed)
	if err != nil || snap == nil {
		return err
	}
	w.Log.DebugContext(ctx, "looked live", "subject", s.String(), "release", snap.Release.Name(),
		"ready", snap.Ready, "waitingFor", snap.WaitingFor, "took", w.Clock.Since(begun))
	return w.Handler.Handle(ctx, *snap)
}

// see makes the live snapshot; nil if the subject is gone.
func (w *Watcher) see(ctx context.Context, k kind, s release.Subject, claimed []release.Past) (*release.Snapshot, error) {
	r, err := k.read(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", s, err)
	}
	if r == nil {
		return nil, nil //nolint:nilnil // gone is neither a snapshot nor a fault
	}
	if r.current == nil || r.token == "" {
		return nil, release.ErrNotYet
	}
	past := claimed
	if !slices.ContainsFunc(claimed, r.carries) {
		if past, err = w.past(ctx, r); err != nil {
			return nil, err
		}
	}
	r.settleNumber(past)
	snap, err := w.lively(r, past)
	if err != nil {
		return nil, err
	}
	return &snap, w.complete(ctx, &snap, r, past)
}

// complete adds to a snapshot what the engine says, and the verdict.
func (w *Watcher) complete(ctx context.Context, snap *release.Snapshot, r *reading, past []release.Past) error {
	var err error
	if snap.Release.Kind == release.Reverted {
		if snap.Release.Kind, err = w.detour(ctx, r, past); err != nil {
			return err
		}
	}
	if snap.App, err = w.application(ctx, r); err != nil {
		return err
	}
	w.attribute(snap, r)
	snap.Workloads = r.workloads()
	*snap = w.judged(*snap, cmp.Or(r.WaitingFor, r.lacks))
	snap.Late = snap.Ready && w.late(*snap, len(past) > 0 && past[0].Same(snap.Release))
	return nil
}

// late reports whether the release was ready before this process could see it.
// The objects tell whole seconds, rounded down. One that does not tell when it was
// rolled out was before if its version is older than this process, which has
// never seen it rolling.
func (w *Watcher) late(s release.Snapshot, seen bool) bool {
	ready := s.RolledOutAt
	if ready.IsZero() && !seen {
		ready = s.StartedAt
	}
	if s.App.SyncFinishedAt.After(ready) {
		ready = s.App.SyncFinishedAt
	}
	return !ready.IsZero() && ready.Add(time.Second).Before(w.started)
}

// past reads the recorded releases. For a subject without any, of which another
// release is known to have run, it first hands on the baseline that is missing.
func (w *Watcher) past(ctx context.Context, r *reading) ([]release.Past, error) {
	past, err := w.History.Past(ctx, r.subject)
	if err != nil || len(past) > 0 {
		return past, err
	}
	first, ok := w.knownAs(r.subject)
	if !ok || first.uid != r.uid || first.token == r.token {
		return nil, nil
	}
	v := r.carrier(first.token)
	if v == nil {
		return nil, nil
	}
	t, err := v.template()
	if err != nil {
		return nil, err
	}
	base := w.snapshot(r.observed, release.Release{Kind: release.Initial, Template: t, Sequence: 1, Revision: v.numberOf(first.token)})
	base.Release.Token, base.Baseline, base.Live = first.token, true, true
	if err := w.Handler.Handle(ctx, base); err != nil {
		return nil, err
	}
	return w.History.Past(ctx, r.subject)
}

// carries reports whether the current version is the release of a record.
func (r *reading) carries(p release.Past) bool {
	return p.UID == r.uid && p.Template.Hash == r.current.hash && (r.current.soft || p.Revision == r.current.number)
}

// settleNumber gives a version that has no number of its own the one that it was
// recorded under.
func (r *reading) settleNumber(past []release.Past) {
	if r.current.soft && len(past) > 0 && past[0].UID == r.uid && past[0].Template.Hash == r.current.hash {
		r.current.number = past[0].Revision
	}
}

// judged completes a snapshot with the verdict, given what the workload lacks.
func (w *Watcher) judged(s release.Snapshot, workload string) release.Snapshot {
	s.WaitingFor = workload
	if workload == "" {
		s.WaitingFor = s.App.WaitingFor
		s.RolledOut = true
	}
	if s.RolledOut && s.WaitingFor != "" && w.timedOut(s) {
		s.WaitingFor, s.GateTimeout = "", true
	}
	s.Ready = s.WaitingFor == ""
	return s
}

// timedOut reports whether the engine was waited for as long as is allowed.
func (w *Watcher) timedOut(s release.Snapshot) bool {
	return w.GateTimeout > 0 && !s.RolledOutAt.IsZero() && w.Clock.Since(s.RolledOutAt) >= w.GateTimeout
}

// attribute says whether the engine made the release. If somebody else did, the
// commit that the engine tells of has nothing to do with it. A Kustomization does
// not show that something differs; it vouches for what somebody else wrote only by
// having looked since, and let it be.
func (w *Watcher) attribute(s *release.Snapshot, r *reading) {
	if s.App.Engine == "" || r.writer.by == "" || gitops.Manager(r.writer.by) {
		return
	}
	s.OutOfBand = true
	s.App.Revision, s.App.Revisions, s.App.Source = "", nil, ""
	if s.App.Kind == lean.Kustomizations.Name && s.App.WaitingFor == "" && !s.App.SyncFinishedAt.After(r.writer.at) {
		s.App.WaitingFor, s.App.Ready = "Flux has not looked since "+r.writer.by+" wrote the template", false
	}
}

// snapshot detaches what is known of a subject and its release.
func (w *Watcher) snapshot(o observed, r release.Release) release.Snapshot {
	r.Subject, r.APIVersion, r.UID, r.Token = o.subject, o.apiVersion, o.uid, o.token
	return release.Snapshot{
		Release: r,
		Labels:  maps.Clone(o.labels), Annotations: maps.Clone(o.annotations),
		Stalled:     o.Stalled,
		RolledOutAt: o.RolledOutAt,
	}
}

// lively makes the snapshot of a live reading, and classifies the release unless
// it is recorded already.
func (w *Watcher) lively(r *reading, past []release.Past) (release.Snapshot, error) {
	t, err := r.current.template()
	if err != nil {
		return release.Snapshot{}, err
	}
	s := w.snapshot(r.observed, release.Release{Template: t, Revision: r.current.number, Generation: r.generation, Sequence: 1})
	s.Live = true
	if r.current.newest(r.others) {
		s.StartedAt = r.current.created
	}
	if i := slices.IndexFunc(past, func(p release.Past) bool { return p.Same(s.Release) }); i >= 0 {
		s.Recall(past[i])
		return s, nil
	}
	if len(past) > 0 {
		s.Release.Sequence = past[0].Sequence + 1
	} else if first, ok := w.knownAs(r.subject); ok && first.uid == r.uid && (first.token == r.token || first.token == untold) {
		s.Baseline = true
	}
	kind, last := classify(s.Release, past, len(r.current.former) > 0)
	if kind == release.Recreate && !r.current.created.After(last.RecordedAt) {
		kind = release.Reverted // the object took over what the last one left: no pod was replaced
	}
	s.Release.Kind, s.Release.Completed, s.Superseded = kind, release.Remembered(past), superseded(r, past)
	if last != nil {
		s.Release.Previous = last.Name()
	}
	return s, nil
}

// newest reports whether no other version is younger: then its age is that of the
// rollout, and it is not one that was taken up again.
func (v version) newest(others []version) bool {
	return len(v.former) == 0 && !slices.ContainsFunc(others, func(o version) bool { return o.created.After(v.created) })
}

// application asks the engine that owns a workload, if one does.
func (w *Watcher) application(ctx context.Context, r *reading) (release.App, error) {
	if r.app != nil {
		return *r.app, nil
	}
	return w.GitOps.Judge(ctx, liveFinder{w}, r.object())
}
