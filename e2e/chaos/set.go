package chaos

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/rollcall-dev/rollcall/e2e/lab"
)

// props are the namespace, and a WorkflowTemplate whose run ends almost at once.
const props = `
apiVersion: v1
kind: Namespace
metadata: {name: %[1]s}
---
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: smoke, namespace: %[1]s}
spec:
  entrypoint: main
  templates: [{name: main, suspend: {duration: "1"}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: rollcall-rules, namespace: rollcall}
data:
  rules.yaml: |
    sinks:
      smoke: {argoWorkflow: {workflowTemplate: smoke}}
    rules:
      - name: ready
        on: {kind: Deployment, namespaces: [%[1]s]}
        send: [smoke]
`

// replicas is how many instances of rollcall there are.
const replicas = 2

// old is how many Deployments are there before rollcall is.
func (r *round) old() int { return r.Deployments * 3 / 4 }

// set makes everything that a round needs, and waits until it stands still: most
// Deployments are complete, and rollcall has written its baselines.
func (r *round) set(ctx context.Context) (err error) {
	if err := r.Lab.Apply(ctx, fmt.Appendf(nil, props, r.ns)); err != nil {
		return err
	}
	err = r.Lab.Client().CoordinationV1().Leases(lab.RollcallNamespace).Delete(ctx, "rollcall", metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete lease: %w", err)
	}
	if r.seen, err = record(ctx, r.Lab.Dynamic(), r.ns); err != nil {
		return err
	}
	r.work = &worker{kube: r.Lab.Client(), ns: r.ns, before: map[string]corev1.PodTemplateSpec{}}
	for i := range r.old() {
		if err := r.create(ctx, i); err != nil {
			return err
		}
	}
	if err := until(ctx, func() bool { return r.complete() == r.old() }); err != nil {
		return fmt.Errorf("wait for the Deployments: %w", err)
	}
	if r.proxy, err = NewProxy(r.Lab.Admin(), Rough(), r.Seed); err != nil {
		return err
	}
	for i := range replicas {
		if err := r.enlist(ctx, fmt.Sprintf("rollcall-%d", i)); err != nil {
			return err
		}
	}
	return r.adopt(ctx)
}

func (r *round) create(ctx context.Context, i int) error {
	_, err := r.Lab.Client().AppsV1().Deployments(r.ns).Create(ctx, first(r.ns, i), metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("create Deployment: %w", err)
	}
	return nil
}

// complete counts the Deployments that are.
func (r *round) complete() (n int) {
	for i := range r.old() {
		for _, release := range Releases(r.seen.history(nameOf(i), 0, nil).Moments, time.Now()) {
			if len(release.Complete) > 0 {
				n++
			}
		}
	}
	return n
}

// enlist starts one more instance, on a wire of its own.
func (r *round) enlist(ctx context.Context, name string) error {
	wire, err := NewWire(r.proxy.URL)
	if err != nil {
		return err
	}
	replica := &replica{lab: r.Lab, binary: r.Binary, name: name, wire: wire}
	if err := newReplica(ctx, replica, r.Account, r.proxy.CA,
		"--cluster=chaos", "--config-namespace="+lab.RollcallNamespace,
		"--leader-election-namespace="+lab.RollcallNamespace, "--leader-election-lease-duration=3s"); err != nil {
		return err
	}
	r.replicas = append(r.replicas, replica)
	return nil
}

// adopt waits for the baselines. From then on everything counts.
func (r *round) adopt(ctx context.Context) error {
	records := r.Lab.Dynamic().Resource(schema.GroupVersionResource{Group: "rollcall.dev", Version: "v1alpha1", Resource: "releases"}).Namespace(r.ns)
	err := until(ctx, func() bool {
		list, err := records.List(ctx, metav1.ListOptions{})
		if err != nil {
			return false
		}
		n := 0
		for i := range list.Items {
			if text(&list.Items[i], "status", "phase") == "Adopted" {
				n++
			}
		}
		return n == r.old()
	})
	if err != nil {
		return fmt.Errorf("wait for the baselines: %w", err)
	}
	list, err := r.Lab.Client().AppsV1().Deployments(r.ns).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list Deployments: %w", err)
	}
	if r.since, err = strconv.ParseInt(list.ResourceVersion, 10, 64); err != nil {
		return fmt.Errorf("read resource version: %w", err)
	}
	return nil
}

// until waits for what must come.
func until(ctx context.Context, ok func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			return errors.New("it takes too long")
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}
