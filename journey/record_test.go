package journey

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

var readyAt = time.Date(2026, 11, 22, 10, 0, 42, 123456789, time.UTC)

// after is a time counted from ready.
func after(d time.Duration) *metav1.MicroTime { return new(metav1.NewMicroTime(readyAt.Add(d))) }

// recorded is a release that went all the way: synced, rolled out, told to a run
// that is followed and to a bus, tested.
func recorded(change func(*v1alpha1.Release)) *v1alpha1.Release {
	rec := &v1alpha1.Release{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web-0123456789"},
		Spec: v1alpha1.ReleaseSpec{
			Cluster: "prod", Revision: "7", Kind: "release", Sequence: 3,
			Subject:  v1alpha1.Subject{APIVersion: "apps/v1", Kind: "Deployment", Name: "web", UID: "uid-1"},
			Template: v1alpha1.Template{Hash: "6f4c1b9e"},
		},
		Status: v1alpha1.ReleaseStatus{
			Phase: "Passed",
			GitOps: &v1alpha1.GitOps{
				Engine: "argocd", Namespace: "argocd", Name: "shop", RepoURL: "git@github.com:acme/shop.git",
				Revision: sha1Commit, Operation: "Succeeded",
			},
			Timeline: v1alpha1.Timeline{
				SyncStarted: after(-42 * time.Second), SyncFinished: after(-37 * time.Second),
				RolloutStarted: after(-38 * time.Second), RolloutFinished: after(-2 * time.Second),
				Seen: after(-37500 * time.Millisecond), Ready: after(0),
			},
		},
	}
	rec.Status.Trace = Trace{ID: mustCommit(), Source: FromCommit}.V1alpha1()
	rec.Status.Deliveries = []v1alpha1.Delivery{
		delivery(rec, "smoke", true), delivery(rec, "bus", false),
	}
	rec.Status.Deliveries[0].Outcome = outcome()
	if change != nil {
		change(rec)
	}
	return rec
}

func mustCommit() (id [16]byte) {
	id, _ = TraceIDForCommit(repo, sha1Commit)
	return id
}

func delivery(rec *v1alpha1.Release, sink string, follows bool) v1alpha1.Delivery {
	r := releaseOf(rec)
	t, _ := FromRecorded(rec.Status.Trace)
	v := v1alpha1.Delivery{
		Rule: "web-ready", Sink: sink, EventID: r.EventID("web-ready"), State: "Sent", Follows: follows,
		Created: *after(0), Attempts: 1,
		First:  &v1alpha1.Attempt{Started: *after(10 * time.Millisecond), Finished: *after(130 * time.Millisecond)},
		Object: &v1alpha1.ObjectRef{APIVersion: "argoproj.io/v1alpha1", Kind: "Workflow", Namespace: "ci", Name: "smoke-1a2b", UID: "wf-uid"},
		URL:    "https://argo.local/workflows/ci/smoke-1a2b",
	}
	v.Traceparent = EventTraceparent(t, r, v)
	return v
}

func outcome() *v1alpha1.Outcome {
	return &v1alpha1.Outcome{
		Result: "success", Created: *after(time.Second), Started: after(3 * time.Second), Finished: *after(30 * time.Second),
		Steps: []v1alpha1.Step{
			{ID: "n-1", Name: "login", Result: "success", Started: *after(4 * time.Second), Finished: *after(12 * time.Second)},
			{ID: "n-2", Name: "checkout", Result: "success", Started: *after(12 * time.Second), Finished: *after(30 * time.Second)},
		},
	}
}

// stored is the record as the API server gives it back.
func stored(t *testing.T, rec *v1alpha1.Release) *v1alpha1.Release {
	t.Helper()
	b, err := json.Marshal(rec)
	require.NoError(t, err)
	out := &v1alpha1.Release{}
	require.NoError(t, json.Unmarshal(b, out))
	return out
}

// randomRecord is a record as no cluster would write it: any time may be missing
// or out of order, anything may be named twice.
func randomRecord(r *rand.Rand) *v1alpha1.Release {
	rec := recorded(nil)
	l := &rec.Status.Timeline
	for _, at := range []**metav1.MicroTime{&l.SyncStarted, &l.SyncFinished, &l.RolloutStarted, &l.RolloutFinished, &l.Seen} {
		*at = randomTime(r)
	}
	if r.IntN(4) == 0 {
		rec.Status.GitOps = nil
	}
	if r.IntN(4) == 0 {
		rec.Status.Trace.Parent = someSpan
	}
	rec.Status.Deliveries = nil
	for range r.IntN(5) {
		rec.Status.Deliveries = append(rec.Status.Deliveries, randomDelivery(r, rec))
	}
	return rec
}

func randomDelivery(r *rand.Rand, rec *v1alpha1.Release) v1alpha1.Delivery {
	d := delivery(rec, fmt.Sprintf("sink-%d", r.IntN(3)), r.IntN(2) == 0)
	d.Rule = fmt.Sprintf("rule-%d", r.IntN(2))
	d.Event = []string{"", "", "stalled", "superseded"}[r.IntN(4)]
	d.First = nil
	if a, b := randomTime(r), randomTime(r); a != nil && b != nil {
		d.First = &v1alpha1.Attempt{Started: *a, Finished: *b, Error: strings.Repeat("x", r.IntN(2))}
	}
	d.Outcome = &v1alpha1.Outcome{Result: "failure", Started: randomTime(r)}
	for _, at := range []*metav1.MicroTime{&d.Outcome.Created, &d.Outcome.Finished} {
		if t := randomTime(r); t != nil {
			*at = *t
		}
	}
	for range r.IntN(4) {
		d.Outcome.Steps = append(d.Outcome.Steps, randomStep(r))
	}
	return d
}

func randomStep(r *rand.Rand) v1alpha1.Step {
	s := v1alpha1.Step{ID: fmt.Sprint(r.IntN(3)), Name: "step", Result: "success"}
	for _, at := range []*metav1.MicroTime{&s.Started, &s.Finished} {
		if t := randomTime(r); t != nil {
			*at = *t
		}
	}
	return s
}

// randomTime is often near ready, sometimes far, sometimes unknown.
func randomTime(r *rand.Rand) *metav1.MicroTime {
	switch r.IntN(6) {
	case 0:
		return nil
	case 1:
		return after(time.Duration(r.Int64N(int64(100*time.Hour))) - 50*time.Hour)
	default:
		return after(time.Duration(r.Int64N(int64(time.Minute))) - 30*time.Second)
	}
}
