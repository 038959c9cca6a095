package journey

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// alarmed adds what a rule about another event started, at a time counted from ready.
func alarmed(rec *v1alpha1.Release, event string, d time.Duration) {
	v := delivery(rec, "undo", true)
	v.Rule, v.Event, v.Created = "alarm", event, *after(d)
	v.EventID = releaseOf(rec).EventID("alarm")
	t, _ := FromRecorded(rec.Status.Trace)
	v.Traceparent = EventTraceparent(t, releaseOf(rec), v)
	v.First = &v1alpha1.Attempt{Started: *after(d), Finished: *after(d + time.Millisecond)}
	v.Outcome = outcome()
	rec.Status.Deliveries = append(rec.Status.Deliveries, v)
}

func TestWhatAStallToldIsNoPartOfTheAnnouncement(t *testing.T) {
	want := marshal(t, Ready(recorded(nil)))
	for name, d := range map[string]time.Duration{"before": -10 * time.Second, "at the very moment": 0} {
		t.Run(name, func(t *testing.T) {
			rec := recorded(func(rec *v1alpha1.Release) { alarmed(rec, "stalled", d) })
			assert.Equal(t, want, marshal(t, Ready(rec)))
		})
	}
}

func TestARunThatAStallStartedIsARootOfItsOwn(t *testing.T) {
	rec := recorded(func(rec *v1alpha1.Release) { alarmed(rec, "stalled", 0) })
	run := Run(rec, rec.Status.Deliveries[2])[0]
	assert.Equal(t, "RUN undo", run.Name)
	assert.Empty(t, run.Links, "there is no announcement that it follows from")
	assert.Equal(t, "dev.rollcall.release.stalled.v1", attributesOf(run)["cloudevents.event_type"])
	assert.NotContains(t, attributesOf(Run(rec, rec.Status.Deliveries[0])[0]), "cloudevents.event_type", "as it was before there were others")
}

func TestAReleaseThatNeverWasReadyIsNotDrawn(t *testing.T) {
	for _, event := range []string{"stalled", "superseded"} {
		t.Run(event, func(t *testing.T) {
			rec := recorded(func(rec *v1alpha1.Release) {
				alarmed(rec, event, -time.Second)
				rec.Status.Deliveries = rec.Status.Deliveries[2:]
				rec.Status.Trace, rec.Status.Timeline.Ready, rec.Status.Phase = nil, nil, "Superseded"
				rec.Status.Timeline.RolloutFinished = nil
			})
			assert.Empty(t, Ready(rec))
			assert.Empty(t, Run(rec, rec.Status.Deliveries[0]))
			for _, s := range FromRecord(rec) {
				assert.NotEqual(t, "release ready", s.Name)
				assert.NotEqual(t, "send undo", s.Name)
			}
		})
	}
}

func TestFluxTellsNoSync(t *testing.T) {
	rec := recorded(func(rec *v1alpha1.Release) {
		rec.Status.GitOps = &v1alpha1.GitOps{
			Engine: "flux", Kind: "Kustomization", Namespace: "flux-system", Name: "shop", RepoURL: "ssh://git@github.com/acme/shop",
			Revision: sha1Commit, Operation: "ReconciliationSucceeded",
		}
		rec.Status.Timeline.SyncStarted = nil // Flux says only when it ended
	})
	spans := Ready(rec)
	for _, s := range spans {
		assert.NotContains(t, s.Name, "SYNC")
		assert.Equal(t, sha1Commit, attributesOf(s)["vcs.ref.head.revision"])
	}
	root := named(spans, "release web")
	require.NotNil(t, root)
	assert.Equal(t, -38*time.Second, relative(root.StartTimeUnixNano), "from the start of the rollout")
	assert.NotContains(t, attributesOf(root), "clamped")
	assert.NotNil(t, named(spans, "rollout shop/web rev 7"))
	assert.NotNil(t, named(spans, "send bus"))
}

func TestTheCommitThatPeopleWroteCounts(t *testing.T) {
	hydrated := strings.Repeat("1", 40)
	tests := map[string]struct {
		source, revision, want string
	}{
		"a hydrated revision":        {sha1Commit, hydrated, sha1Commit},
		"a digest of an artifact":    {sha1Commit, "sha256:" + strings.Repeat("a", 64), sha1Commit},
		"only the revision":          {"", sha1Commit, sha1Commit},
		"a source that is no commit": {"v1.2.3", sha1Commit, sha1Commit},
		"in upper case":              {strings.ToUpper(sha1Commit), hydrated, sha1Commit},
		"no commit at all":           {"v1.2.3", "1.2.3", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, kind := range []release.Kind{release.Image, release.Config, release.Rollback} {
				s := snapshot(func(s *release.Snapshot) {
					withApp(s)
					s.Release.Kind, s.App.Source, s.App.Revision = kind, tt.source, tt.revision
				})
				got := Find(s, nil)
				assert.Equal(t, tt.want != "", got.Source == FromCommit)
				if tt.want != "" {
					assert.Equal(t, commitTrace, got.ID.String())
				}
			}
			spans := Ready(recorded(func(rec *v1alpha1.Release) {
				rec.Status.GitOps.Source, rec.Status.GitOps.Revision = tt.source, tt.revision
			}))
			assert.Equal(t, tt.want, attributesOf(spans[0])["vcs.ref.head.revision"])
		})
	}
}

func TestSubjectsOfAllKinds(t *testing.T) {
	tests := map[string]struct {
		apiVersion, kind string
		attribute, path  string
	}{
		"Deployment":     {"apps/v1", "Deployment", "k8s.deployment.name", "deployments/shop/web"},
		"StatefulSet":    {"apps/v1", "StatefulSet", "k8s.statefulset.name", "statefulsets/shop/web"},
		"DaemonSet":      {"apps/v1", "DaemonSet", "k8s.daemonset.name", "daemonsets/shop/web"},
		"Rollout":        {"argoproj.io/v1alpha1", "Rollout", "", "rollouts/shop/web"},
		"Application":    {"argoproj.io/v1alpha1", "Application", "", "applications/shop/web"},
		"Kustomization":  {"kustomize.toolkit.fluxcd.io/v1", "Kustomization", "", "kustomizations/shop/web"},
		"any other":      {"cert-manager.io/v1", "Certificate", "", "certificates.cert-manager.io/shop/web"},
		"of one's name":  {"example.com/v1", "Deployment", "", "deployments.example.com/shop/web"},
		"a built-in one": {"v1", "ReplicationController", "", "replicationcontrollers/shop/web"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			rec := recorded(func(rec *v1alpha1.Release) {
				rec.Spec.Subject.APIVersion, rec.Spec.Subject.Kind = tt.apiVersion, tt.kind
				rec.Status.Deliveries = []v1alpha1.Delivery{delivery(rec, "smoke", true), delivery(rec, "bus", false)}
			})
			spans := Ready(rec)
			for _, s := range spans {
				attributes := attributesOf(s)
				assert.Equal(t, "web", attributes["deployment.name"])
				assert.Equal(t, "shop", attributes["k8s.namespace.name"])
				for _, key := range []string{"k8s.deployment.name", "k8s.statefulset.name", "k8s.daemonset.name"} {
					assert.Equal(t, key == tt.attribute, attributes[key] == "web", key)
				}
			}
			assert.NotNil(t, named(spans, "release web"))
			assert.NotNil(t, named(spans, "rollout shop/web rev 7"))
			told := named(spans, "release ready")
			assert.Equal(t, tracepb.Span_SPAN_KIND_PRODUCER, told.Kind)
			assert.Equal(t, tt.path, attributesOf(told)["cloudevents.event_subject"])
			assert.Equal(t, "dev.rollcall.release.ready.v1", attributesOf(told)["cloudevents.event_type"])

			// What a sink was handed, from the subject as watch knows it, is what is drawn.
			s := release.Subject{Cluster: "prod", Kind: release.KindRef{APIVersion: tt.apiVersion, Kind: tt.kind}.Subject(), Namespace: "shop", Name: "web"}
			r := release.Release{Subject: s, UID: "uid-1", Template: release.Template{Hash: "6f4c1b9e"}, Revision: "7"}
			tr, _ := FromRecorded(rec.Status.Trace)
			_, want, ok := ParseTraceparent(EventTraceparent(tr, r, v1alpha1.Delivery{Rule: "web-ready", Sink: "bus", EventID: r.EventID("web-ready")}))
			require.True(t, ok)
			assert.Equal(t, want[:], told.SpanId)
		})
	}
}
