package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"

	"github.com/rollcall-dev/rollcall/e2e/lab"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

const (
	// settle is how long a sight waits for earlier ones from other watches.
	settle = 100 * time.Millisecond
	// checkup is the time between two looks at whether every part is alive.
	checkup = time.Second
)

var errEnded = errors.New("a part of the cluster, or rollcall, has ended")

// sight is the state of an object at a time.
type sight struct {
	at      time.Time
	version int // of etcd
	object  *unstructured.Unstructured
}

func releasesResource() schema.GroupVersionResource {
	return v1alpha1.GroupVersion.WithResource(v1alpha1.Plural)
}

// release commits a new image and tells what comes of it, until the verdict.
func (d *demo) release(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d.screen.title("Release " + newImage)
	sights, err := d.follow(ctx)
	if err != nil {
		return err
	}
	begun := time.Now()
	sha, err := d.commit(newImage)
	if err != nil {
		return err
	}
	t := newTeller(sha)
	d.screen.line(begun, line{at: time.Now(), who: "Git", what: fmt.Sprintf("commit %.7s: %s", sha, newImage)})
	if err := d.cluster.RefreshApplication(ctx, application); err != nil { // As the webhook of a Git server does.
		return err
	}
	err = d.tell(ctx, sights, func(s sight) bool {
		for _, l := range t.see(s) {
			d.screen.line(begun, l)
		}
		return t.over
	})
	if err != nil {
		return fmt.Errorf("wait for the verdict: %w%s", err, t.lastWord())
	}
	d.record = t.record
	return t.failure
}

// tell hands on sights in the order in which they happened, until see has seen enough.
func (d *demo) tell(ctx context.Context, sights <-chan sight, see func(sight) (enough bool)) error {
	var pending queue
	tick := time.NewTicker(settle / 4)
	defer tick.Stop()
	health := time.NewTicker(checkup)
	defer health.Stop()
	for {
		select {
		case s := <-sights:
			pending = append(pending, s)
		case <-tick.C:
			if slices.ContainsFunc(pending.due(time.Now().Add(-settle)), see) {
				return nil
			}
		case <-health.C:
			if d.cluster.Health() != nil {
				return errEnded
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// queue holds sights of several watches. No watch knows of the others; but all
// objects are in one etcd, so their versions tell what came before what.
type queue []sight

// due takes out, in order, what was seen by a time, and whatever happened before it.
func (q *queue) due(by time.Time) []sight {
	slices.SortFunc(*q, func(a, b sight) int { return cmp.Compare(a.version, b.version) })
	n := 0
	for i, s := range *q {
		if !s.at.After(by) {
			n = i + 1
		}
	}
	out := slices.Clone((*q)[:n])
	*q = slices.Delete(*q, 0, n)
	return out
}

// follow watches everything that the story is told from.
func (d *demo) follow(ctx context.Context) (<-chan sight, error) {
	sights := make(chan sight)
	for gvr, ns := range map[schema.GroupVersionResource]string{
		lab.ApplicationResource():                             lab.ArgoCDNamespace,
		appsv1.SchemeGroupVersion.WithResource("deployments"): namespace,
		releasesResource():                                    namespace,
		lab.WorkflowResource():                                namespace,
	} {
		if err := d.followOne(ctx, gvr, ns, sights); err != nil {
			return nil, fmt.Errorf("watch %s: %w", gvr.Resource, err)
		}
	}
	return sights, nil
}

func (d *demo) followOne(ctx context.Context, gvr schema.GroupVersionResource, ns string, to chan<- sight) error {
	client := d.cluster.Dynamic().Resource(gvr).Namespace(ns)
	list, err := client.List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	w, err := watchtools.NewRetryWatcherWithContext(ctx, list.GetResourceVersion(), &cache.ListWatch{
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) { return client.Watch(ctx, o) },
	})
	if err != nil {
		return err
	}
	go func() {
		for e := range w.ResultChan() {
			o, ok := e.Object.(*unstructured.Unstructured)
			if !ok || e.Type == watch.Deleted {
				continue
			}
			version, _ := strconv.Atoi(o.GetResourceVersion()) // etcd's versions are numbers
			select {
			case to <- sight{at: time.Now(), version: version, object: o}:
			case <-ctx.Done():
			}
		}
	}()
	return nil
}
