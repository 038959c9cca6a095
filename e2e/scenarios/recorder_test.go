package scenarios

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"

	"github.com/rollcall-dev/rollcall/e2e/lab"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// recorder keeps every state of every workload and Workflow of a namespace, and of
// what Flux has there, in the order in which etcd took them.
type recorder struct {
	mu             sync.Mutex
	workloads      []workload
	workflows      []*unstructured.Unstructured
	kustomizations []*unstructured.Unstructured
	arrived        map[string]time.Time // when the state of a resource version came
}

var releasesResource = schema.GroupVersionResource{Group: "rollcall.dev", Version: "v1alpha1", Resource: "releases"}

func record(t testing.TB, ns string) *recorder {
	t.Helper()
	r := &recorder{arrived: map[string]time.Time{}}
	for _, gvr := range []schema.GroupVersionResource{
		appsv1.SchemeGroupVersion.WithResource("deployments"), appsv1.SchemeGroupVersion.WithResource("statefulsets"),
		appsv1.SchemeGroupVersion.WithResource("daemonsets"), lab.WorkflowResource(), lab.KustomizationResource(),
	} {
		r.follow(t, gvr, ns)
	}
	return r
}

func (r *recorder) follow(t testing.TB, gvr schema.GroupVersionResource, ns string) {
	t.Helper()
	c := cluster.Dynamic().Resource(gvr).Namespace(ns)
	list, err := c.List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	w, err := watchtools.NewRetryWatcherWithContext(t.Context(), list.GetResourceVersion(), &cache.ListWatch{
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) { return c.Watch(ctx, o) },
	})
	require.NoError(t, err)
	t.Cleanup(w.Stop)
	go func() {
		for e := range w.ResultChan() {
			if o, ok := e.Object.(*unstructured.Unstructured); ok {
				r.keep(o)
			}
		}
	}()
}

func (r *recorder) keep(o *unstructured.Unstructured) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.arrived[o.GetResourceVersion()] = time.Now()
	switch o.GetKind() {
	case "Deployment", "StatefulSet", "DaemonSet":
		r.workloads = append(r.workloads, asWorkload(o))
	case "Workflow":
		r.workflows = append(r.workflows, o)
	case "Kustomization":
		r.kustomizations = append(r.kustomizations, o)
	}
}

func version(o metav1.Object) int {
	n, _ := strconv.Atoi(o.GetResourceVersion()) // etcd's revisions are numbers
	return n
}

// started lists the Workflows as they were created, in order.
func (r *recorder) started() []*unstructured.Unstructured {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := map[string]bool{}
	var out []*unstructured.Unstructured
	for _, w := range r.workflows {
		if !first[string(w.GetUID())] {
			first[string(w.GetUID())] = true
			out = append(out, w)
		}
	}
	return out
}

// startedFor lists the Workflows created for one subject.
func (r *recorder) startedFor(name string) []*unstructured.Unstructured {
	return slices.DeleteFunc(r.started(), func(w *unstructured.Unstructured) bool { return parameter(w, "name") != name })
}

// before returns the last state of a workload, named Kind/name, before a resource
// version; its zero value if there is none.
func (r *recorder) before(name string, v int) workload {
	r.mu.Lock()
	defer r.mu.Unlock()
	return lastBefore(r.workloads, v, func(o workload) bool { return o.kind+"/"+o.GetName() == name })
}

// lastBefore finds the last object before a resource version.
func lastBefore[T metav1.Object](all []T, v int, match func(T) bool) T {
	var last T
	at := 0
	for _, o := range all {
		if match(o) && version(o) < v && at < version(o) {
			last, at = o, version(o)
		}
	}
	return last
}

// latest lists the Releases of a namespace as they are now, by subject, oldest first.
func latest(t testing.TB, ns string) []v1alpha1.Release {
	t.Helper()
	list, err := cluster.Dynamic().Resource(releasesResource).Namespace(ns).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	var out []v1alpha1.Release
	for _, o := range list.Items {
		var rec v1alpha1.Release
		require.NoError(t, runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &rec))
		out = append(out, rec)
	}
	slices.SortFunc(out, func(a, b v1alpha1.Release) int {
		return cmp.Or(cmp.Compare(a.Spec.Subject.Name, b.Spec.Subject.Name), cmp.Compare(a.Spec.Sequence, b.Spec.Sequence))
	})
	return out
}

// parameter reads a parameter that a Workflow was created with.
func parameter(w *unstructured.Unstructured, name string) string {
	all, _, _ := unstructured.NestedSlice(w.Object, "spec", "arguments", "parameters")
	for _, p := range all {
		if m, ok := p.(map[string]any); ok && m["name"] == name {
			v, _ := m["value"].(string)
			return v
		}
	}
	return ""
}

// neverEarly asserts that when a Workflow was created, the workload that it was
// created for was complete, with the very images that the Workflow was told of.
func (s *stage) neverEarly(w *unstructured.Unstructured) {
	s.Helper()
	o := s.seen.before(parameter(w, "workload"), version(w))
	require.NotNil(s, o.Object, "a Workflow was created before anything was seen of its workload")
	require.True(s, complete(o), "Workflow %s was created early: %+v", w.GetName(), o.Object)
	require.Equal(s, o.image, parameter(w, "images"))
}
