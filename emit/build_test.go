package emit

import (
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

var update = flag.Bool("update", false, "write the golden files anew")

// noon is when the tests begin.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const traceparent = "00-8a1f0c4be5d24b7f9c0d1e2f3a4b5c6d-1122334455667788-01"

var webSubject = release.Subject{Cluster: "prod", Kind: "Deployment", Namespace: "shop", Name: "web"}

// web is a live snapshot of a Deployment that rolls out its seventh revision.
func web(changes ...func(*release.Snapshot)) release.Snapshot {
	s := release.Snapshot{
		Live: true, WaitingFor: "2 of 3 replicas", StartedAt: noon.Add(-30 * time.Second),
		Release: release.Release{
			Subject: webSubject, APIVersion: "apps/v1", UID: "uid-web", Revision: "7", Kind: release.Image, Generation: 12, Sequence: 3,
			Previous: "web-0000000000",
			Template: release.Template{
				Hash: "6f4c1b9e", Digest: "d1", DigestSansRestart: "d2", Images: []string{"acme/web:7", "acme/side@sha256:5eed"},
			},
		},
	}
	for _, change := range changes {
		change(&s)
	}
	return s
}

func isReady(s *release.Snapshot) {
	s.Ready, s.WaitingFor, s.RolledOutAt = true, "", noon.Add(-2*time.Second)
}
func isStalled(s *release.Snapshot) { s.Stalled = true }
func isBaseline(s *release.Snapshot) {
	isReady(s)
	s.Baseline = true
}

// byArgo makes Argo CD the owner.
func byArgo(s *release.Snapshot) {
	s.App = release.App{
		Engine: "argocd", Namespace: "argocd", Name: "shop", Project: "default", RepoURL: "https://git.example/acme/shop.git",
		Revision: "3f9c2d1e5a6b7c8d9e0f", Synced: true, Healthy: true, Ready: true, Operation: "Succeeded",
		SyncStartedAt: noon.Add(-40 * time.Second), SyncFinishedAt: noon.Add(-35 * time.Second),
	}
}

// numbered makes the snapshot that of the n-th release of the subject.
func numbered(n int64) func(*release.Snapshot) {
	return func(s *release.Snapshot) {
		s.Release.Sequence, s.Release.Revision = n, string(rune('a'+n))
		s.Release.Template.Hash = "hash-" + s.Release.Revision
	}
}

// verdict is what a rule says; it tells the sinks given, and follows each.
func verdict(rule string, standing release.Standing, sinks ...string) release.Verdict {
	v := release.Verdict{Rule: rule, Hash: "h1", Event: release.BecameReady, Standing: standing, Reason: "because"}
	for _, sink := range sinks {
		v.Send = append(v.Send, release.Message{Sink: sink, Follows: true, Parameters: map[string]string{"suite": "smoke"}})
	}
	return v
}

func announce(s release.Snapshot, verdicts ...release.Verdict) Announcement {
	return Announcement{
		Snapshot: s, Verdicts: verdicts,
		Trace:       &v1alpha1.Trace{ID: traceID(traceparent), Source: "commit"},
		Traceparent: func(v1alpha1.Delivery) string { return traceparent },
	}
}

// event is one that is to be sent.
func event(changes ...func(*release.Event)) release.Event {
	s := web(isReady, byArgo)
	e := release.Event{
		ID: s.Release.EventID("smoke"), Rule: "smoke", Sink: "tests", Occasion: release.BecameReady, Release: s.Release, App: s.App,
		At: noon, RecordedAt: noon.Add(time.Second), Traceparent: traceparent,
		Record: release.Ref{
			APIVersion: "rollcall.dev/v1alpha1", Kind: "Release", Namespace: "shop", Name: s.Release.Name(), UID: "uid-of-record",
		},
		Parameters: map[string]string{"suite": "smoke"},
	}
	for _, change := range changes {
		change(&e)
	}
	return e
}

// startLedger makes a ledger over a server, and starts it.
func startLedger(t *testing.T, api *apiServer, clk *clocktesting.FakeClock) *Ledger {
	t.Helper()
	l := NewLedger(LedgerConfig{Client: api.client, Clock: clk})
	require.NoError(t, l.Start(t.Context()))
	return l
}

// caughtUp waits until a ledger's cache holds what the server holds.
func caughtUp(t *testing.T, l *Ledger, api *apiServer) {
	t.Helper()
	require.Eventually(t, func() bool {
		want := api.all()
		for _, rec := range want {
			o, ok, _ := l.informer.GetStore().GetByKey(rec.Namespace + "/" + rec.Name)
			if got, is := o.(*v1alpha1.Release); !ok || !is || got.ResourceVersion != rec.ResourceVersion {
				return false
			}
		}
		return len(l.informer.GetStore().ListKeys()) == len(want)
	}, 10*time.Second, 2*time.Millisecond, "the cache never caught up")
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// golden compares with a file in testdata, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "run with -update to write it")
	require.Equal(t, string(want), got)
}
