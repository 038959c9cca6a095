package watch

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rollcall-dev/rollcall/release"
)

var widgets = release.KindRef{APIVersion: "example.com/v1", Kind: "Widget"}

// widget is an object of a kind of which nothing is known, and which is ready.
func widget(name string, size any, generation int64) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "example.com/v1", "kind": "Widget",
		"metadata": map[string]any{
			"namespace": "shop", "name": name, "uid": "uid-" + name, "generation": generation,
			"creationTimestamp": epoch.Format(time.RFC3339),
		},
		"spec": map[string]any{"size": size},
		"status": map[string]any{
			"observedGeneration": generation,
			"conditions":         []any{map[string]any{"type": "Ready", "status": "True", "observedGeneration": generation}},
		},
	}}
}

// unready takes back that a widget is ready.
func unready(u *unstructured.Unstructured) *unstructured.Unstructured {
	conditions := []any{map[string]any{"type": "Ready", "status": "False", "reason": "Growing", "message": "it grows"}}
	if err := unstructured.SetNestedSlice(u.Object, conditions, "status", "conditions"); err != nil {
		panic(err)
	}
	return u
}

// withWidgets is a world in which rules are about widgets.
func withWidgets(t *testing.T) *world {
	w := newWorld(t)
	w.api.install("widgets")
	w.Follow([]release.KindRef{widgets})
	return w
}

const someWidget = "Widget.example.com"

func TestAnyKindIsReleasedByWhatItSays(t *testing.T) {
	w := withWidgets(t)
	w.api.put("widgets", widget("gear", "small", 1))
	w.start(1)
	w.told("gear 1 initial 0")

	w.api.put("widgets", unready(widget("gear", "large", 2)))
	w.told("gear 1 initial 0", "gear 2 config .")
	require.Contains(t, w.ledger.snapshots()[1].WaitingFor, "it grows")
	w.api.put("widgets", widget("gear", "large", 3)) // a generation more, and no more said
	w.told("gear 1 initial 0", "gear 2 config .", "gear 2 config +")
	got := w.ledger.snapshots()[2]
	require.Equal(t, someWidget, got.Release.Subject.Kind)
	require.Equal(t, "example.com/v1", got.Release.APIVersion)
	require.Equal(t, got.Release.Token, got.Release.Template.Digest)
	require.Empty(t, got.Release.Template.Images)

	w.api.put("widgets", widget("gear", "small", 4))
	w.told("gear 1 initial 0", "gear 2 config .", "gear 2 config +", "gear 4 rollback +")
}

func TestWhatIsNotSaidOfAKindIsNoRelease(t *testing.T) {
	w := withWidgets(t)
	w.api.put("widgets", widget("gear", "small", 1))
	w.start(0)
	s := of(someWidget, "gear")
	require.NoError(t, w.look(t.Context(), s))
	w.api.requests()
	for _, u := range []*unstructured.Unstructured{unready(widget("gear", "small", 1)), widget("gear", "small", 2)} {
		u.SetLabels(map[string]string{"team": "shop"})
		u.SetAnnotations(map[string]string{"note": "x"})
		w.api.put("widgets", u)
		w.shows(someWidget, "gear")
		require.NoError(t, w.look(t.Context(), s))
	}
	require.Empty(t, w.api.requests())
	w.told("gear 1 initial 0")
}

func TestAKindIsFollowedFromThenOn(t *testing.T) {
	w := newWorld(t)
	w.api.install("widgets")
	w.api.put("widgets", widget("gear", "small", 1))
	w.Baseline = func(time.Time) bool { return false } // as after a restart
	w.start(1)
	require.True(t, w.Exists(of(someWidget, "gear")), "of what is not followed, nothing is known")
	w.clock.Step(time.Second)
	w.Follow([]release.KindRef{widgets, widgets})
	w.told("gear 1 initial 0")
	w.api.put("widgets", widget("gear", "large", 2))
	w.told("gear 1 initial 0", "gear 2 config +")
	require.False(t, w.Exists(of(someWidget, "other")))
	calls := w.api.requests()
	w.Follow([]release.KindRef{widgets})
	require.Contains(t, calls, "watch widgets /")
	require.Empty(t, w.api.requests(), "it is followed already")
}

func TestAKindThatIsNotKnownIsToldAndTriedAgain(t *testing.T) {
	w := newWorld(t)
	var said bytes.Buffer
	w.Log = slog.New(slog.NewTextHandler(&said, nil))
	known := w.Mapper
	w.Mapper = meta.NewDefaultRESTMapper(nil)
	w.Follow([]release.KindRef{widgets})
	require.Contains(t, said.String(), `msg="kind cannot be followed yet" kind=Widget apiVersion=example.com/v1`)
	said.Reset()
	w.Mapper = nil
	w.Follow([]release.KindRef{widgets, {APIVersion: "a/b/c", Kind: "Widget"}})
	require.Contains(t, said.String(), "nothing maps kinds to resources")
	require.Contains(t, said.String(), "unexpected GroupVersion string: a/b/c")
	said.Reset()
	w.Mapper = known
	w.Follow([]release.KindRef{widgets})
	require.Empty(t, said.String())
	_, ok := w.kind(someWidget)
	require.True(t, ok)
}

func TestAKindThatMayNotBeReadHoldsNothingUp(t *testing.T) {
	w := withWidgets(t)
	w.api.failing("list widgets", 403)
	w.api.failing("watch widgets", 403)
	w.roll(deployment("web", "web:1", "1"), "a")
	w.start(1)
	w.told("web 1 initial 0")
}

func TestAnObjectOfAKindMayGoWhileItIsRead(t *testing.T) {
	w := withWidgets(t)
	w.api.put("widgets", widget("gear", "small", 1))
	w.start(0)
	require.True(t, eventually(func() bool { return w.cached(someWidget, "gear") != nil }))
	w.api.failing("get widgets", 404)
	require.NoError(t, w.look(t.Context(), of(someWidget, "gear")))
	w.api.failing("get widgets", 403)
	require.EqualError(t, w.look(t.Context(), of(someWidget, "gear")), "read Widget.example.com shop/gear: Forbidden")
	require.Empty(t, w.ledger.told())
}

// stale is a mapper that learns of a kind only when it is told to ask anew.
type stale struct {
	meta.RESTMapper
	fresh  meta.RESTMapper
	resets int
}

// Reset lets it ask anew.
func (s *stale) Reset() { s.RESTMapper, s.resets = s.fresh, s.resets+1 }

func TestAKindThatIsInstalledLaterIsFound(t *testing.T) {
	w := newWorld(t)
	w.api.install("widgets")
	w.api.put("widgets", widget("gear", "small", 1))
	mapper := &stale{RESTMapper: meta.NewDefaultRESTMapper(nil), fresh: meta.NewDefaultRESTMapper(nil)}
	known := w.Mapper
	w.Mapper = mapper
	gear := release.Query{APIVersion: "example.com/v1", Kind: "Widget", Name: "gear"}
	find := func() release.Found {
		return w.Find(t.Context(), release.Subject{Namespace: "shop"}, []release.Query{gear})[gear]
	}
	for range 3 {
		require.Contains(t, find().Err, "no kind Widget")
	}
	require.Equal(t, 1, mapper.resets, "not at each look")
	mapper.fresh = known
	w.clock.Step(rediscover - time.Second)
	require.NotEmpty(t, find().Err)
	w.clock.Step(time.Second)
	require.NotNil(t, find().Object)
	w.clock.Step(time.Hour)
	require.NotNil(t, find().Object)
	require.Equal(t, 2, mapper.resets, "what is known is not asked for")
}
