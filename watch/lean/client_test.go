package lean_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/rollcall-dev/rollcall/watch/lean"
)

// served is a server that answers one path with two objects, the first of which
// cannot be read, and a watch of it with one event.
func served(t *testing.T, kind lean.Kind, path string) *lean.Client {
	t.Helper()
	object := func(name, status string) string {
		return fmt.Sprintf(`{"apiVersion": %q, "kind": %q, "metadata": {"name": %q, "namespace": "shop", "resourceVersion": "7"}, "status": %s}`, kind.GroupVersion, kind.Name, name, status)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.Header.Get("Accept") != "application/json":
			http.Error(w, "no such format", http.StatusNotAcceptable)
		case r.URL.Path == path+"/good":
			fmt.Fprint(w, object("good", "{}"))
		case r.URL.Path != path || r.URL.Query().Get("labelSelector") != "a=b":
			http.NotFound(w, r)
		case r.URL.Query().Get("watch") == "true":
			fmt.Fprintf(w, `{"type": "MODIFIED", "object": %s}`+"\n", object("good", "{}"))
		default:
			fmt.Fprintf(w, `{"apiVersion": %q, "kind": %q, "metadata": {"resourceVersion": "9"}, "items": [%s, %s]}`,
				kind.GroupVersion, kind.Name+"List", object("bad", "7"), object("good", "{}"))
		}
	}))
	t.Cleanup(server.Close)
	c, err := lean.New(&rest.Config{Host: server.URL}, server.Client())
	require.NoError(t, err)
	return c
}

func TestAClientReadsEachKindWhereItIs(t *testing.T) {
	type tested struct {
		kind       lean.Kind
		path       string
		definition string
		list       func(*lean.Client) cache.ListerWatcher
		get        func(*lean.Client) (metav1.Object, error)
	}
	tests := []tested{
		{
			lean.Applications, "/apis/argoproj.io/v1alpha1/namespaces/shop/applications", "applications.argoproj.io",
			func(c *lean.Client) cache.ListerWatcher { return lean.ListWatch(c.Applications("shop"), "a=b") },
			func(c *lean.Client) (metav1.Object, error) { return get(t, c.Applications("shop")) },
		},
		{
			lean.Rollouts, "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts", "rollouts.argoproj.io",
			func(c *lean.Client) cache.ListerWatcher { return lean.ListWatch(c.Rollouts("shop"), "a=b") },
			func(c *lean.Client) (metav1.Object, error) { return get(t, c.Rollouts("shop")) },
		},
		{
			lean.Workflows, "/apis/argoproj.io/v1alpha1/namespaces/shop/workflows", "workflows.argoproj.io",
			func(c *lean.Client) cache.ListerWatcher { return lean.ListWatch(c.Workflows("shop"), "a=b") },
			func(c *lean.Client) (metav1.Object, error) { return get(t, c.Workflows("shop")) },
		},
		{
			lean.Kustomizations, "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/shop/kustomizations", "kustomizations.kustomize.toolkit.fluxcd.io",
			func(c *lean.Client) cache.ListerWatcher { return lean.ListWatch(c.Kustomizations("shop"), "a=b") },
			func(c *lean.Client) (metav1.Object, error) { return get(t, c.Kustomizations("shop")) },
		},
		{
			lean.HelmReleases, "/apis/helm.toolkit.fluxcd.io/v2/namespaces/shop/helmreleases", "helmreleases.helm.toolkit.fluxcd.io",
			func(c *lean.Client) cache.ListerWatcher { return lean.ListWatch(c.HelmReleases("shop"), "a=b") },
			func(c *lean.Client) (metav1.Object, error) { return get(t, c.HelmReleases("shop")) },
		},
	}
	for i, plural := range []string{"gitrepositories", "ocirepositories", "buckets", "helmrepositories", "helmcharts"} {
		kind := lean.Sources()[i]
		tests = append(tests, tested{
			kind, "/apis/source.toolkit.fluxcd.io/v1/namespaces/shop/" + plural, plural + ".source.toolkit.fluxcd.io",
			func(c *lean.Client) cache.ListerWatcher { return lean.ListWatch(c.Sources(kind, "shop"), "a=b") },
			func(c *lean.Client) (metav1.Object, error) { return get(t, c.Sources(kind, "shop")) },
		})
	}
	for _, test := range tests {
		t.Run(test.kind.Name, func(t *testing.T) {
			require.Equal(t, test.definition, test.kind.Definition())
			require.Equal(t, test.path, "/apis/"+test.kind.GroupVersionResource().GroupVersion().String()+"/namespaces/shop/"+test.kind.GroupVersionResource().Resource)
			c := served(t, test.kind, test.path)
			one, err := test.get(c)
			require.NoError(t, err)
			require.Equal(t, "good", one.GetName())
			lw := cache.ToListerWatcherWithContext(test.list(c))
			list, err := lw.ListWithContext(t.Context(), metav1.ListOptions{})
			require.NoError(t, err)
			require.Equal(t, []string{"bad", "good"}, names(t, list))
			events, err := lw.WatchWithContext(t.Context(), metav1.ListOptions{})
			require.NoError(t, err)
			defer events.Stop()
			event := <-events.ResultChan()
			require.Equal(t, apiwatch.Modified, event.Type)
			changed, ok := event.Object.(metav1.Object)
			require.True(t, ok)
			require.Equal(t, "good", changed.GetName())
			require.IsType(t, one, changed)
		})
	}
}

func get[T metav1.Object](t *testing.T, c interface {
	Get(ctx context.Context, name string, opts metav1.GetOptions) (T, error)
},
) (metav1.Object, error) {
	return c.Get(t.Context(), "good", metav1.GetOptions{})
}

func names(t *testing.T, list runtime.Object) []string {
	t.Helper()
	var out []string
	switch l := list.(type) {
	case *lean.ApplicationList:
		out = named(l.Items, func(o lean.Application) (string, string) { return o.Name, o.Unreadable() })
	case *lean.RolloutList:
		out = named(l.Items, func(o lean.Rollout) (string, string) { return o.Name, o.Unreadable() })
	case *lean.WorkflowList:
		out = named(l.Items, func(o lean.Workflow) (string, string) { return o.Name, o.Status.Message })
	case *lean.KustomizationList:
		out = named(l.Items, func(o lean.Kustomization) (string, string) { return o.Name, o.Unreadable() })
	case *lean.HelmReleaseList:
		out = named(l.Items, func(o lean.HelmRelease) (string, string) { return o.Name, o.Unreadable() })
	case *lean.FluxSourceList:
		out = named(l.Items, func(o lean.FluxSource) (string, string) { return o.Name, o.Unreadable() })
	default:
		t.Fatalf("a list of %T", l)
	}
	return out
}

// named are the names of objects; of one that is marked and should not be, or the
// other way around, the mark comes in its place.
func named[T any](items []T, of func(T) (name, mark string)) []string {
	var out []string
	for _, o := range items {
		name, mark := of(o)
		if (mark == "") == (name == "bad") {
			name = "marked: " + mark
		}
		out = append(out, name)
	}
	return out
}
