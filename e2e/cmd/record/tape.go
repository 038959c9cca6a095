package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"

	"github.com/rollcall-dev/rollcall/e2e/lab"
	"github.com/rollcall-dev/rollcall/internal/timeline"
)

// state is one state of an object, or its end.
type state struct {
	*unstructured.Unstructured
	at   time.Time
	gone bool
}

// version is etcd's revision: states of different kinds are in its order as well.
func (s state) version() int {
	n, _ := strconv.Atoi(s.GetResourceVersion()) // etcd's revisions are numbers
	return n
}

// tape keeps every state of the objects that a story is about.
type tape struct {
	mu     sync.Mutex
	states []state
}

// workloads are the resources that stories are about, and what they control.
func workloads() []schema.GroupVersionResource {
	var out []schema.GroupVersionResource
	for _, name := range []string{"deployments", "statefulsets", "daemonsets", "replicasets", "controllerrevisions"} {
		out = append(out, appsv1.SchemeGroupVersion.WithResource(name))
	}
	return out
}

// follow keeps what happens to a resource from now on, until the context ends.
func (r *tape) follow(ctx context.Context, l *lab.Lab, gvr schema.GroupVersionResource, ns string, which func(*unstructured.Unstructured) bool) error {
	c := l.Dynamic().Resource(gvr).Namespace(ns)
	list, err := c.List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list %s: %w", gvr.Resource, err)
	}
	w, err := watchtools.NewRetryWatcherWithContext(ctx, list.GetResourceVersion(), &cache.ListWatch{
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) { return c.Watch(ctx, o) },
	})
	if err != nil {
		return fmt.Errorf("watch %s: %w", gvr.Resource, err)
	}
	go func() {
		for e := range w.ResultChan() {
			if o, ok := e.Object.(*unstructured.Unstructured); ok && which(o) {
				r.mu.Lock()
				r.states = append(r.states, state{o, time.Now(), e.Type == watch.Deleted})
				r.mu.Unlock()
			}
		}
	}()
	return nil
}

// last is the newest state of an object; nil if there is none.
func (r *tape) last(kind, name string) *unstructured.Unstructured {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range slices.Backward(r.states) {
		if s.GetKind() == kind && s.GetName() == name {
			if s.gone {
				return nil
			}
			return s.Unstructured
		}
	}
	return nil
}

// write gives the objects as they were at a moment, and what happened then.
func (r *tape) write(zero time.Time, commits []string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	slices.SortStableFunc(r.states, func(a, b state) int { return cmp.Compare(a.version(), b.version()) })
	w := &timeline.Writer{Commits: commits, Ignore: []string{"e2e.rollcall.dev/"}}
	related := map[string]*unstructured.Unstructured{}
	said := map[string]string{}
	steps := []string{"steps:"}
	began, at := false, time.Duration(0)
	var objects []string
	begin := func() {
		for _, k := range slices.Sorted(maps.Keys(said)) {
			objects = append(objects, "  - "+said[k])
		}
		began = true
	}
	for _, s := range r.states {
		key := s.GetKind() + "/" + s.GetName()
		if s.GetKind() == "ReplicaSet" || s.GetKind() == "ControllerRevision" {
			if related[key] = s.Unstructured; s.gone {
				delete(related, key)
			}
			continue
		}
		if !began && s.at.After(zero) {
			begin()
		}
		line, err := r.line(w, s, related)
		if err != nil {
			return "", err
		}
		if said[key] == line && !s.gone {
			continue // what the short form does not say
		}
		if said[key] = line; s.gone {
			delete(said, key)
		}
		if began {
			at = max(at, s.at.Sub(zero).Round(10*time.Millisecond))
			steps = append(steps, fmt.Sprintf("  - %gs: %s", at.Seconds(), line))
		}
	}
	return strings.Join(append(append([]string{"objects:"}, objects...), steps...), "\n") + "\n", nil
}

func (r *tape) line(w *timeline.Writer, s state, related map[string]*unstructured.Unstructured) (string, error) {
	o := s.DeepCopy()
	if o.GetKind() == "Application" {
		o.SetName(appName)
	}
	if s.gone {
		return fmt.Sprintf("delete %s/%s", o.GetKind(), o.GetName()), nil
	}
	var all []*unstructured.Unstructured
	for _, k := range slices.Sorted(maps.Keys(related)) {
		all = append(all, related[k])
	}
	return w.Line(o, all)
}
