package watch

import (
	"context"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/release"
)

// detour tells a return to the last completed template that nothing else came in
// between of from one that replaced the pods: of what was rolled out while nobody
// watched, no record says whether it completed. The pods do: if none is older than
// the ReplicaSet of the detour, all have been replaced.
func (w *Watcher) detour(ctx context.Context, rs *appsv1.ReplicaSet, sets []appsv1.ReplicaSet, past []release.Past) (release.Kind, error) {
	decided := func(p release.Past) bool {
		return p.Template.Hash == hashOf(rs) && p.Revision == rs.Annotations[revisionAnnotation]
	}
	if slices.ContainsFunc(past, decided) {
		return release.Reverted, nil
	}
	away := unrecorded(rs, sets, past)
	if away.IsZero() {
		return release.Reverted, nil
	}
	pods, err := w.Kube.CoreV1().Pods(rs.Namespace).List(ctx, metav1.ListOptions{
		LabelSelector: appsv1.DefaultDeploymentUniqueLabelKey + "=" + hashOf(rs),
	})
	if err != nil {
		return "", fmt.Errorf("list pods of ReplicaSet %s/%s: %w", rs.Namespace, rs.Name, err)
	}
	stayed := func(p corev1.Pod) bool { return metav1.IsControlledBy(&p, rs) && !p.CreationTimestamp.After(away) }
	if slices.ContainsFunc(pods.Items, stayed) {
		return release.Reverted, nil
	}
	return release.Rollback, nil
}

// unrecorded is when the youngest ReplicaSet was created, among the Deployment's
// others, that is newer than the newest record and has none itself; zero if there
// is none such.
func unrecorded(rs *appsv1.ReplicaSet, sets []appsv1.ReplicaSet, past []release.Past) time.Time {
	owner := metav1.GetControllerOf(rs)
	var newest time.Time
	for i := range sets {
		other := &sets[i]
		ref := metav1.GetControllerOf(other)
		if owner == nil || ref == nil || ref.UID != owner.UID || other.UID == rs.UID {
			continue
		}
		known := slices.ContainsFunc(past, func(p release.Past) bool { return p.Template.Hash == hashOf(other) })
		if !known && other.CreationTimestamp.After(newest) && other.CreationTimestamp.After(rs.CreationTimestamp.Time) {
			newest = other.CreationTimestamp.Time
		}
	}
	return newest
}

func hashOf(rs *appsv1.ReplicaSet) string { return rs.Labels[appsv1.DefaultDeploymentUniqueLabelKey] }
