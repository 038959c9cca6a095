package chaos

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"

	"github.com/rollcall-dev/rollcall/e2e/lab"
)

// recorder keeps every state of what the oracle judges by, read past all proxies.
type recorder struct {
	mu        sync.Mutex
	moments   map[string][]Moment // by the Deployment's name
	workflows map[string]*unstructured.Unstructured
	records   map[string]Key // by the record's name
	wrong     []error
}

func record(ctx context.Context, client dynamic.Interface, ns string) (*recorder, error) {
	r := &recorder{moments: map[string][]Moment{}, workflows: map[string]*unstructured.Unstructured{}, records: map[string]Key{}}
	for _, gvr := range []schema.GroupVersionResource{
		appsv1.SchemeGroupVersion.WithResource("deployments"), appsv1.SchemeGroupVersion.WithResource("replicasets"),
		lab.WorkflowResource(),
		{Group: "rollcall.dev", Version: "v1alpha1", Resource: "releases"},
	} {
		if err := r.follow(ctx, client.Resource(gvr).Namespace(ns)); err != nil {
			return nil, fmt.Errorf("follow %s: %w", gvr.Resource, err)
		}
	}
	return r, nil
}

// follow keeps what a watch tells, which is every state. It begins in an empty
// namespace.
func (r *recorder) follow(ctx context.Context, c dynamic.ResourceInterface) error {
	list, err := c.List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	w, err := watchtools.NewRetryWatcherWithContext(ctx, list.GetResourceVersion(), &cache.ListWatch{
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) { return c.Watch(ctx, o) },
	})
	if err != nil {
		return err
	}
	go func() {
		for e := range w.ResultChan() {
			o, ok := e.Object.(*unstructured.Unstructured)
			if !ok {
				r.complain(fmt.Errorf("follow: %v", e.Object))
				continue
			}
			if err := r.keep(o, e.Type == watch.Deleted); err != nil {
				r.complain(err)
			}
		}
	}()
	return nil
}

func (r *recorder) complain(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wrong = append(r.wrong, err)
}

func (r *recorder) keep(o *unstructured.Unstructured, gone bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := Moment{Version: version(o), At: time.Now(), Gone: gone}
	switch o.GetKind() {
	case "Deployment":
		m.Deployment = &appsv1.Deployment{}
		r.moments[o.GetName()] = append(r.moments[o.GetName()], m)
		return runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, m.Deployment)
	case "ReplicaSet":
		m.ReplicaSet = &appsv1.ReplicaSet{}
		name := o.GetLabels()["app"]
		r.moments[name] = append(r.moments[name], m)
		return runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, m.ReplicaSet)
	case "Workflow":
		if _, ok := r.workflows[string(o.GetUID())]; !ok { // As it was created.
			r.workflows[string(o.GetUID())] = o
		}
	case "Release":
		r.records[o.GetName()] = Key{
			UID:      text(o, "spec", "subject", "uid"),
			Hash:     text(o, "spec", "template", "hash"),
			Revision: text(o, "spec", "revision"),
		}
	}
	return nil
}

// effects are the Workflows that were created for a Deployment.
func (r *recorder) effects(name string) []Effect {
	var out []Effect
	for _, w := range r.workflows {
		if parameter(w, "name") == name {
			out = append(out, Effect{Key: r.records[parameter(w, "release")], Images: parameter(w, "images"), Version: version(w)})
		}
	}
	return out
}

// history is what was recorded of a Deployment until now.
func (r *recorder) history(name string, since int64, led []Span) History {
	r.mu.Lock()
	defer r.mu.Unlock()
	return History{
		Moments: append([]Moment(nil), r.moments[name]...), Effects: r.effects(name),
		Since: since, Led: led, End: time.Now(),
	}
}

func version(o metav1.Object) int64 {
	n, _ := strconv.ParseInt(o.GetResourceVersion(), 10, 64) // etcd's revisions are numbers
	return n
}

func text(o *unstructured.Unstructured, path ...string) string {
	s, _, _ := unstructured.NestedString(o.Object, path...)
	return s
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
