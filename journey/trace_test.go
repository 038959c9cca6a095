package journey

import (
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

var pinnedImage = "registry.local/web@sha256:" + strings.Repeat("ab", 32)

// The ids that the snapshots below lead to, as sha256sum prints them.
const (
	commitTrace = "dcc4b80b28cb0a9b30bfe239b249f8b6"
	digestTrace = "10b03f3a08af9314889852817fdf4c3c"
)

func snapshot(change func(*release.Snapshot)) release.Snapshot {
	s := release.Snapshot{Release: release.Release{
		Subject: release.Subject{Cluster: "prod", Kind: "Deployment", Namespace: "shop", Name: "web"},
		UID:     "uid-1", Revision: "7", Kind: release.Image,
		Template: release.Template{Hash: "6f4c1b9e", Images: []string{"registry.local/web:v7"}},
	}}
	if change != nil {
		change(&s)
	}
	return s
}

func on(keys ...string) map[string]string {
	out := map[string]string{}
	for i := 0; i+1 < len(keys); i += 2 {
		out[keys[i]] = keys[i+1]
	}
	return out
}

func withApp(s *release.Snapshot) {
	s.App = release.App{Engine: "argocd", Name: "shop", RepoURL: repo + ".git", Revision: sha1Commit}
}

func TestFindOrder(t *testing.T) {
	other := strings.Replace(someParent, "4bf9", "5bf9", 1)
	tests := map[string]struct {
		change     func(*release.Snapshot)
		want       string
		wantSource Source
	}{
		"annotation of the subject": {
			func(s *release.Snapshot) { s.Annotations = on("opentelemetry.io/traceparent", someParent) },
			someTrace, FromAnnotation,
		},
		"annotation by KEP-5915": {
			func(s *release.Snapshot) { s.Annotations = on("tracing.k8s.io/traceparent", someParent) },
			someTrace, FromAnnotation,
		},
		"bare annotation": {
			func(s *release.Snapshot) { s.Annotations = on("traceparent", someParent) }, someTrace, FromAnnotation,
		},
		"first key of several": {
			func(s *release.Snapshot) {
				s.Annotations = on("traceparent", other, "opentelemetry.io/traceparent", someParent)
			}, someTrace, FromAnnotation,
		},
		"an invalid one is passed over": {
			func(s *release.Snapshot) {
				s.Annotations = on("traceparent", someParent, "opentelemetry.io/traceparent", "00-zz")
			}, someTrace, FromAnnotation,
		},
		"subject before application": {
			func(s *release.Snapshot) {
				s.Annotations, s.App.Annotations = on("traceparent", someParent), on("opentelemetry.io/traceparent", other)
			}, someTrace, FromAnnotation,
		},
		"annotation of the application": {
			func(s *release.Snapshot) { withApp(s); s.App.Annotations = on("traceparent", someParent) },
			someTrace, FromAnnotation,
		},
		"annotation before commit": {
			func(s *release.Snapshot) { withApp(s); s.Annotations = on("traceparent", someParent) },
			someTrace, FromAnnotation,
		},
		"commit of the code": {
			func(s *release.Snapshot) {
				withApp(s)
				s.App.Revision = strings.Repeat("1", 40)
				s.Annotations = on(imageSource, repo, imageRevision, sha1Commit)
			}, commitTrace, FromCommit,
		},
		"commit of the code without its repository is not enough": {
			func(s *release.Snapshot) { withApp(s); s.Annotations = on(imageRevision, strings.Repeat("1", 40)) },
			commitTrace, FromCommit,
		},
		"commit of the application": {withApp, commitTrace, FromCommit},
		"commit before digest": {
			func(s *release.Snapshot) { withApp(s); s.Release.Template.Images = []string{pinnedImage} },
			commitTrace, FromCommit,
		},
		"chart version is no commit": {
			func(s *release.Snapshot) {
				withApp(s)
				s.App.Revision, s.Release.Template.Images = "1.2.3", []string{pinnedImage}
			}, digestTrace, FromDigest,
		},
		"digest": {
			func(s *release.Snapshot) { s.Release.Template.Images = []string{pinnedImage} }, digestTrace, FromDigest,
		},
		"digest of one image among several is not certain": {
			func(s *release.Snapshot) { s.Release.Template.Images = []string{pinnedImage, "sidecar:1"} }, "", FromRelease,
		},
		"digest does not change with the configuration": {
			func(s *release.Snapshot) {
				s.Release.Kind, s.Release.Template.Images = release.Config, []string{pinnedImage}
			}, "", FromRelease,
		},
		"malformed digest": {
			func(s *release.Snapshot) { s.Release.Template.Images = []string{"web@sha256:abc"} }, "", FromRelease,
		},
		"tag":                      {nil, "", FromRelease},
		"no image":                 {func(s *release.Snapshot) { s.Release.Template.Images = nil }, "", FromRelease},
		"commit without an engine": {func(s *release.Snapshot) { withApp(s); s.App.Engine = "" }, "", FromRelease},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := snapshot(tt.change)
			got := Find(s, nil)
			if tt.want == "" {
				tt.want = ofRelease(s.Release).ID.String()
			}
			assert.Equal(t, tt.want, got.ID.String())
			assert.Equal(t, tt.wantSource, got.Source)
			assert.Equal(t, tt.wantSource == FromAnnotation, got.Parent.IsValid())
			assert.Equal(t, got, Find(s, nil))
		})
	}
}

func TestFindDoesNotContinueAnOldTrace(t *testing.T) {
	annotated := on("traceparent", someParent, imageSource, repo, imageRevision, strings.Repeat("1", 40))
	tests := map[string]struct {
		kind release.Kind
		app  bool
		want Source
	}{
		"rollback by undo":     {release.Rollback, false, FromRelease},
		"rollback through Git": {release.Rollback, true, FromCommit},
		"restart":              {release.Restart, false, FromRelease},
		"restart of an app":    {release.Restart, true, FromRelease},
		"recreate":             {release.Recreate, false, FromRelease},
		"recreate of an app":   {release.Recreate, true, FromRelease},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := snapshot(func(s *release.Snapshot) {
				if tt.app {
					withApp(s)
				}
				s.Annotations, s.Release.Kind = maps.Clone(annotated), tt.kind
				s.App.Annotations = on("traceparent", someParent)
				s.Release.Template.Images = []string{pinnedImage}
			})
			got := Find(s, nil)
			assert.Equal(t, tt.want, got.Source)
			assert.False(t, got.Parent.IsValid())
			if tt.want == FromCommit {
				assert.Equal(t, commitTrace, got.ID.String())
			}
		})
	}
}

func TestFindReadsConfiguredAnnotations(t *testing.T) {
	s := snapshot(func(s *release.Snapshot) { s.Annotations = on("acme.io/trace", someParent) })
	assert.Equal(t, FromRelease, Find(s, nil).Source)
	assert.Equal(t, FromAnnotation, Find(s, []string{"acme.io/trace"}).Source)
	assert.Equal(t, FromAnnotation, New([]string{"acme.io/trace"}, nil).Trace(s).Source)
}

func TestTraceSurvivesItsRecord(t *testing.T) {
	for name, want := range map[string]Trace{
		"derived":  Find(snapshot(nil), nil),
		"explicit": Find(snapshot(func(s *release.Snapshot) { s.Annotations = on("traceparent", someParent) }), nil),
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := FromRecorded(want.V1alpha1())
			require.True(t, ok)
			assert.Equal(t, want, got)
		})
	}
	_, ok := FromRecorded(nil)
	assert.False(t, ok)
	_, ok = FromRecorded(&v1alpha1.Trace{ID: "no hex"})
	assert.False(t, ok)
}

func TestEventTraceparent(t *testing.T) {
	s := snapshot(withApp)
	tr, r := Find(s, nil), s.Release
	of := func(rule, sink string, follows bool, repeat int64) string {
		id := r.EventID(rule)
		if repeat > 0 {
			id = r.EventID(rule, "repeat", "1")
		}
		return EventTraceparent(tr, r, v1alpha1.Delivery{Rule: rule, Sink: sink, EventID: id, Follows: follows, Repeat: repeat})
	}
	followed, told := of("web-ready", "smoke", true, 0), of("web-ready", "bus", false, 0)
	assert.Equal(t, told, of("web-ready", "chat", false, 0), "one announcement for a rule")
	assert.NotEqual(t, followed, told)
	assert.NotEqual(t, followed, of("web-ready", "load", true, 0), "one run for each sink")
	assert.NotEqual(t, told, of("other", "bus", false, 0))
	for _, tp := range []string{followed, told} {
		id, _, ok := ParseTraceparent(tp)
		assert.True(t, ok)
		assert.Equal(t, tr.ID, id)
	}
	for _, follows := range []bool{true, false} {
		id, _, ok := ParseTraceparent(of("web-ready", "smoke", follows, 1))
		assert.True(t, ok)
		assert.NotEqual(t, tr.ID, id, "what is told again has a trace of its own")
	}
}
