package journey

import (
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// What one version drew, the next must draw again to the byte: a change here
// doubles every span that is exported around an upgrade. The golden files say
// what is in these bytes.
func TestBytesStayTheSameOverVersions(t *testing.T) {
	rec := recorded(nil)
	for name, tt := range map[string]struct {
		bytes []byte
		want  string
	}{
		"ready": {marshal(t, Ready(rec)), "69a316a616bc463b"},
		"run":   {marshal(t, Run(rec, rec.Status.Deliveries[0])), "8de51a3d7370590c"},
	} {
		t.Run(name, func(t *testing.T) {
			sum := sha256.Sum256(tt.bytes)
			assert.Equal(t, tt.want, hex.EncodeToString(sum[:8]))
		})
	}
}

func TestReplicasDrawAtOnce(t *testing.T) {
	rec := recorded(nil)
	want := marshal(t, Ready(rec))
	got := make([][]byte, 8)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() { got[i] = marshal(t, Ready(rec)) })
	}
	wg.Wait()
	for _, b := range got {
		assert.Equal(t, want, b)
	}
}

func TestDrawingLeavesTheRecordAlone(t *testing.T) {
	rec := recorded(nil)
	before := rec.DeepCopy()
	Ready(rec)
	Run(rec, rec.Status.Deliveries[0])
	FromRecord(rec)
	assert.Equal(t, before, rec)
}

// The record gives back the very identity that the ids were handed out under.
func TestReleaseOfHasTheKeyOfTheRelease(t *testing.T) {
	r := release.Release{
		Subject: release.Subject{Cluster: "prod", Kind: "Deployment", Namespace: "shop", Name: "web"},
		UID:     "uid-1", Revision: "7", Template: release.Template{Hash: "6f4c1b9e"}, Kind: release.Image,
	}
	assert.Equal(t, r.Key(), releaseOf(recorded(nil)).Key())
	assert.Equal(t, r.EventID("web-ready"), releaseOf(recorded(nil)).EventID("web-ready"))
}

func TestEverythingInTheIdentityChangesEveryID(t *testing.T) {
	ids := map[trace.SpanID]string{}
	changes := map[string]func(*v1alpha1.Release){
		"nothing":   func(*v1alpha1.Release) {},
		"cluster":   func(rec *v1alpha1.Release) { rec.Spec.Cluster = "staging" },
		"namespace": func(rec *v1alpha1.Release) { rec.Namespace = "shop-2" },
		"kind":      func(rec *v1alpha1.Release) { rec.Spec.Subject.Kind = "StatefulSet" },
		"name":      func(rec *v1alpha1.Release) { rec.Spec.Subject.Name = "api" },
		"uid":       func(rec *v1alpha1.Release) { rec.Spec.Subject.UID = "uid-2" },
		"revision":  func(rec *v1alpha1.Release) { rec.Spec.Revision = "8" },
		"template":  func(rec *v1alpha1.Release) { rec.Spec.Template.Hash = "0" },
	}
	for name, change := range changes {
		for _, s := range Ready(recorded(change)) {
			id := trace.SpanID(s.SpanId)
			assert.NotContains(t, ids, id, "%s of %s", s.Name, name)
			ids[id] = name
		}
	}
}

func TestCommonAttributesAreOnEverySpan(t *testing.T) {
	rec := recorded(nil)
	want := map[string]string{
		"deployment.name": "web", "k8s.namespace.name": "shop", "k8s.deployment.name": "web",
		"vcs.ref.head.revision": sha1Commit, "trace.id.source": "commit",
	}
	for _, s := range append(Ready(rec), Run(rec, rec.Status.Deliveries[0])...) {
		assert.Subset(t, attributesOf(s), want, s.Name)
		assert.Len(t, attributesOf(s)["deployment.id"], 16)
	}
}

func TestRevisionThatIsNoCommitIsNotOnTheSpans(t *testing.T) {
	for _, revision := range []string{"", "1.2.3", "main", "3f9c2d1"} {
		spans := Ready(recorded(func(rec *v1alpha1.Release) { rec.Status.GitOps.Revision = revision }))
		assert.NotContains(t, attributesOf(spans[0]), "vcs.ref.head.revision")
	}
}

func TestRepositoryIsNotShownWithItsToken(t *testing.T) {
	spans := Ready(recorded(func(rec *v1alpha1.Release) {
		rec.Status.GitOps.RepoURL = "https://bot:secret@github.com/acme/shop.git"
	}))
	assert.Equal(t, repo, attributesOf(named(spans, "SYNC shop"))["vcs.repository.url.full"])
	assert.NotContains(t, described(spans), "secret")
	unreadable := Ready(recorded(func(rec *v1alpha1.Release) { rec.Status.GitOps.RepoURL = "https://a:%@x" }))
	assert.NotContains(t, attributesOf(named(unreadable, "SYNC shop")), "vcs.repository.url.full")
}

func TestAt(t *testing.T) {
	assert.True(t, at(nil).IsZero())
	assert.True(t, at(&metav1.MicroTime{}).IsZero())
	assert.Equal(t, readyAt.Truncate(time.Microsecond), at(after(0)), "what is stored, before it is stored")
}

func TestNanosBeforeTheEpoch(t *testing.T) {
	assert.Zero(t, nanos(time.Unix(-1, 0)))
	assert.Equal(t, uint64(1e9), nanos(time.Unix(1, 0)))
}

func TestSortedKeepsTheLastOfAKey(t *testing.T) {
	got := sorted([]attribute.KeyValue{attribute.String("b", "1"), attribute.Bool("a", true), attribute.String("b", "2")})
	assert.Len(t, got, 2)
	assert.Equal(t, "a", got[0].Key)
	assert.True(t, got[0].Value.GetBoolValue())
	assert.Equal(t, "2", got[1].Value.GetStringValue())
	assert.Equal(t, "\uFFFD", sorted([]attribute.KeyValue{attribute.String("x", "\xff")})[0].Value.GetStringValue())
}
