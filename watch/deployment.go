package watch

import (
	"context"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch/workload"
)

// Annotations that the Deployment controller writes.
const (
	revisionAnnotation = "deployment.kubernetes.io/revision"
	historyAnnotation  = "deployment.kubernetes.io/revision-history"
)

// deployments is the kind Deployment. Its token is the revision that its
// controller gives each template; a ReplicaSet carries it.
type deployments struct{ w *Watcher }

var _ kind = deployments{}

func (k deployments) observe(o runtime.Object) observed {
	d, ok := o.(*appsv1.Deployment)
	if !ok {
		return observed{}
	}
	out := k.w.observation(d, "Deployment", "apps/v1")
	out.State, out.token, out.images = workload.Deployment(d), d.Annotations[revisionAnnotation], images(d.Spec.Template.Spec)
	return out
}

func (k deployments) read(ctx context.Context, s release.Subject) (*reading, error) {
	d, err := k.w.Kube.AppsV1().Deployments(s.Namespace).Get(ctx, s.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // gone is neither a reading nor a fault
	}
	if err != nil {
		return nil, err
	}
	sets, err := k.w.replicaSets(ctx, d, d.Spec.Selector)
	if err != nil {
		return nil, err
	}
	out := &reading{observed: k.observe(d), writer: templateWriter(d), selector: metav1.FormatLabelSelector(d.Spec.Selector)}
	rs := current(d, sets)
	for i := range sets {
		if one := &sets[i]; one != rs && metav1.IsControlledBy(one, d) {
			out.others = append(out.others, versionOf(one))
		}
	}
	// Until the revision is copied to the Deployment, which follows at once, this
	// view is not whole.
	if rs != nil && rs.Annotations[revisionAnnotation] == d.Annotations[revisionAnnotation] {
		v := versionOf(rs)
		out.current, out.lacks = &v, carrying(d, rs)
		out.pods = podsOf{labels: map[string]string{appsv1.DefaultDeploymentUniqueLabelKey: v.hash}, owner: v.uid}
	}
	return out, nil
}

func versionOf(rs *appsv1.ReplicaSet) version {
	v := version{
		uid: string(rs.UID), hash: rs.Labels[appsv1.DefaultDeploymentUniqueLabelKey],
		number: rs.Annotations[revisionAnnotation], created: rs.CreationTimestamp.Time,
		template: func() (release.Template, error) {
			return describe(rs.Labels[appsv1.DefaultDeploymentUniqueLabelKey], &rs.Spec.Template)
		},
	}
	if former := rs.Annotations[historyAnnotation]; former != "" {
		v.former = strings.Split(former, ",")
	}
	return v
}

// replicaSets lists those that a selector selects.
func (w *Watcher) replicaSets(ctx context.Context, o metav1.Object, selector *metav1.LabelSelector) ([]appsv1.ReplicaSet, error) {
	sel, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return nil, fmt.Errorf("read the selector: %w", err)
	}
	list, err := w.Kube.AppsV1().ReplicaSets(o.GetNamespace()).List(ctx, metav1.ListOptions{LabelSelector: sel.String()})
	if err != nil {
		return nil, fmt.Errorf("list ReplicaSets: %w", err)
	}
	return list.Items, nil
}

// carrying says what the ReplicaSet that carries the release lacks.
func carrying(d *appsv1.Deployment, rs *appsv1.ReplicaSet) string {
	want := workload.Replicas(d.Spec.Replicas)
	switch {
	case rs.DeletionTimestamp != nil:
		return "the ReplicaSet is being deleted"
	case rs.Status.ObservedGeneration < rs.Generation:
		return "the ReplicaSet controller has not seen the latest change"
	case rs.Status.AvailableReplicas != want:
		return fmt.Sprintf("%d of %d replicas of the new ReplicaSet are available", rs.Status.AvailableReplicas, want)
	}
	return ""
}

// current finds the ReplicaSet that carries the Deployment's template: the oldest
// one that it controls and whose template is equal, as the Deployment controller's
// FindNewReplicaSet does.
func current(d *appsv1.Deployment, sets []appsv1.ReplicaSet) *appsv1.ReplicaSet {
	var found *appsv1.ReplicaSet
	for i := range sets {
		rs := &sets[i]
		if !metav1.IsControlledBy(rs, d) || !sameTemplate(&d.Spec.Template, &rs.Spec.Template) {
			continue
		}
		if found == nil || older(rs, found) {
			found = rs
		}
	}
	return found
}

func older(a, b *appsv1.ReplicaSet) bool {
	if a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.Name < b.Name
	}
	return a.CreationTimestamp.Before(&b.CreationTimestamp)
}
