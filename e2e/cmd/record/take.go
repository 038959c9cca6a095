package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rollcall-dev/rollcall/e2e/lab"
)

const (
	// patience bounds a script.
	patience = 6 * time.Minute
	// appName is what the engine's object is called in the timeline.
	appName = "shop"
)

// engine is what a script needs beside Kubernetes.
type engine int

const (
	none engine = iota
	argoCD
	flux
)

// script is a situation. What it does before it calls roll sets the scene.
type script struct {
	name   string
	engine engine
	play   func(t *take)
}

// take plays one script, in a namespace of its own. After the first mistake nothing
// more is done.
type take struct {
	ctx     context.Context //nolint:containedctx // a take is one call
	lab     *lab.Lab
	ns      string
	engine  engine
	tape    tape
	zero    time.Time
	err     error
	repo    *lab.Repo
	dir     string
	commits []string
}

func (t *take) do(f func() error) {
	if t.err == nil {
		t.err = f()
	}
}

// begin makes the namespace, and follows what happens in it.
func (t *take) begin() {
	t.apply(fmt.Sprintf("{apiVersion: v1, kind: Namespace, metadata: {name: %s}}", t.ns))
	any := func(*unstructured.Unstructured) bool { return true }
	for _, gvr := range workloads() {
		t.do(func() error { return t.tape.follow(t.ctx, t.lab, gvr, t.ns, any) })
	}
	switch t.engine {
	case argoCD:
		mine := func(o *unstructured.Unstructured) bool { return o.GetName() == t.ns }
		t.do(func() error { return t.tape.follow(t.ctx, t.lab, lab.ApplicationResource(), lab.ArgoCDNamespace, mine) })
	case flux:
		t.do(func() error { return t.tape.follow(t.ctx, t.lab, lab.KustomizationResource(), t.ns, any) })
	}
	if t.engine == none {
		return
	}
	t.do(func() (err error) {
		if t.dir, err = os.MkdirTemp("", "rollcall-record-"); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
		t.repo, err = lab.NewRepo(t.dir)
		return err
	})
}

// strike removes what the script left.
func (t *take) strike() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), time.Minute)
	defer cancel()
	var failed []error
	switch t.engine {
	case argoCD:
		failed = append(failed, t.in(lab.ApplicationResource(), lab.ArgoCDNamespace).Delete(ctx, t.ns, metav1.DeleteOptions{}))
	case flux:
		failed = append(failed, t.in(lab.KustomizationResource(), t.ns).Delete(ctx, appName, metav1.DeleteOptions{}))
	}
	failed = append(failed, t.lab.Client().CoreV1().Namespaces().Delete(ctx, t.ns, metav1.DeleteOptions{}), os.RemoveAll(t.dir))
	if t.err == nil {
		t.err = errors.Join(failed...)
	}
}

// roll says that the story begins.
func (t *take) roll() {
	t.wait(1200 * time.Millisecond)
	t.zero = time.Now()
	t.wait(500 * time.Millisecond)
}

func (t *take) wait(d time.Duration) {
	t.do(func() error {
		select {
		case <-t.ctx.Done():
			return t.ctx.Err()
		case <-time.After(d):
			return nil
		}
	})
}

func (t *take) apply(manifests string) {
	t.do(func() error { return t.lab.ApplyTo(t.ctx, t.ns, []byte(manifests)) })
}

// resource is one of Kubernetes' own, by the kind of its objects.
func resource(kind string) schema.GroupVersionResource {
	plural := strings.ToLower(kind) + "s"
	if kind == "Pod" {
		return corev1.SchemeGroupVersion.WithResource(plural)
	}
	return schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: plural}
}

// patch merges something into an object of the namespace, as kubectl would.
func (t *take) patch(kind, name, with string) {
	t.do(func() error {
		_, err := t.in(resource(kind), t.ns).Patch(t.ctx, name, types.MergePatchType, []byte(with), metav1.PatchOptions{FieldManager: "kubectl-set"})
		if err != nil {
			return fmt.Errorf("patch %s %s: %w", kind, name, err)
		}
		return nil
	})
}

// image gives the Deployment web another image.
func (t *take) image(image string) {
	t.patch("Deployment", "web", fmt.Sprintf(`{"spec":{"template":{"spec":{"containers":[{"name":"main","image":%q}]}}}}`, image))
}

func (t *take) scale(n int) {
	t.patch("Deployment", "web", fmt.Sprintf(`{"spec":{"replicas":%d}}`, n))
}

func (t *take) remove(kind, name string, how metav1.DeletionPropagation) {
	t.do(func() error {
		if err := t.in(resource(kind), t.ns).Delete(t.ctx, name, metav1.DeleteOptions{PropagationPolicy: &how}); err != nil {
			return fmt.Errorf("delete %s %s: %w", kind, name, err)
		}
		return nil
	})
}

// until waits for what must come.
func (t *take) until(what string, ok func() bool) {
	t.do(func() error {
		for !ok() {
			select {
			case <-t.ctx.Done():
				return fmt.Errorf("wait until %s: %w", what, t.ctx.Err())
			case <-time.After(50 * time.Millisecond):
			}
		}
		return nil
	})
}

// ready waits until a workload is all of one image, and available.
func (t *take) ready(kind, name, image string) {
	t.until(name+" is ready with "+image, func() bool {
		o := t.tape.last(kind, name)
		return o != nil && complete(o) && first(o) == image
	})
}

func (t *take) up(image string) { t.ready("Deployment", "web", image) }

// names lists what there is of a kind, with a label.
func (t *take) names(kind, label string) []string {
	var out []string
	t.do(func() error {
		list, err := t.in(resource(kind), t.ns).List(t.ctx, metav1.ListOptions{LabelSelector: label})
		if err != nil {
			return fmt.Errorf("list %s: %w", kind, err)
		}
		for _, o := range list.Items {
			out = append(out, o.GetName())
		}
		return nil
	})
	return out
}
