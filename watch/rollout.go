package watch

import (
	"context"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch/lean"
	"github.com/rollcall-dev/rollcall/watch/workload"
)

// How Argo Rollouts marks a ReplicaSet: argo-rollouts utils/annotations and
// pkg/apis/rollouts/v1alpha1.
const (
	rolloutHash     = "rollouts-pod-template-hash"
	rolloutRevision = "rollout.argoproj.io/revision"
	rolloutHistory  = "rollout.argoproj.io/revision-history"
)

// rollouts is the kind Rollout of Argo Rollouts. Its token is the revision that
// its controller gives each template; a ReplicaSet carries it.
type rollouts struct{ w *Watcher }

var _ kind = rollouts{}

func (k rollouts) observe(o runtime.Object) observed {
	r, ok := o.(*lean.Rollout)
	if !ok {
		return observed{}
	}
	out := k.w.observation(r, "Rollout", lean.ArgoGroupVersion.String())
	out.State, out.token = workload.Rollout(r), r.Annotations[rolloutRevision]
	for _, c := range slices.Concat(r.Spec.Template.Spec.InitContainers, r.Spec.Template.Spec.Containers) {
		out.images = append(out.images, c.Image)
	}
	slices.Sort(out.images)
	out.images = slices.Compact(out.images)
	return out
}

func (k rollouts) read(ctx context.Context, s release.Subject) (*reading, error) {
	r, err := k.w.Lean.Rollouts(s.Namespace).Get(ctx, s.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // gone is neither a reading nor a fault
	}
	if err != nil {
		return nil, err
	}
	list, err := k.w.Kube.AppsV1().ReplicaSets(s.Namespace).List(ctx, metav1.ListOptions{LabelSelector: rolloutHash})
	if err != nil {
		return nil, fmt.Errorf("list ReplicaSets: %w", err)
	}
	out := &reading{observed: k.observe(r), writer: templateWriter(r), selector: rolloutHash}
	for i := range list.Items {
		rs := &list.Items[i]
		if !metav1.IsControlledBy(rs, r) {
			continue
		}
		v := rolloutVersion(rs)
		if k.carries(r, rs) {
			out.current = &v
			out.pods = podsOf{labels: map[string]string{rolloutHash: v.hash}, owner: v.uid}
			continue
		}
		out.others = append(out.others, v)
	}
	return out, nil
}

// carries reports whether a ReplicaSet carries the Rollout's template, as far as
// its controller has seen it.
func (k rollouts) carries(r *lean.Rollout, rs *appsv1.ReplicaSet) bool {
	return r.Status.ObservedGeneration == fmt.Sprint(r.Generation) && rs.DeletionTimestamp == nil &&
		rs.Labels[rolloutHash] == r.Status.CurrentPodHash && rs.Annotations[rolloutRevision] == r.Annotations[rolloutRevision]
}

func rolloutVersion(rs *appsv1.ReplicaSet) version {
	v := version{
		uid: string(rs.UID), hash: rs.Labels[rolloutHash], number: rs.Annotations[rolloutRevision], created: rs.CreationTimestamp.Time,
		template: func() (release.Template, error) { return describe(rs.Labels[rolloutHash], &rs.Spec.Template) },
	}
	if former := rs.Annotations[rolloutHistory]; former != "" {
		v.former = strings.Split(former, ",")
	}
	return v
}
