package watch

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/release"
)

// controllerRevisions lists the versions of a template that an object controls.
func (w *Watcher) controllerRevisions(ctx context.Context, o metav1.Object, selector *metav1.LabelSelector) ([]appsv1.ControllerRevision, error) {
	sel, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return nil, fmt.Errorf("read the selector: %w", err)
	}
	list, err := w.Kube.AppsV1().ControllerRevisions(o.GetNamespace()).List(ctx, metav1.ListOptions{LabelSelector: sel.String()})
	if err != nil {
		return nil, fmt.Errorf("list ControllerRevisions: %w", err)
	}
	var out []appsv1.ControllerRevision
	for _, r := range list.Items {
		if metav1.IsControlledBy(&r, o) {
			out = append(out, r)
		}
	}
	return out, nil
}

// revisionVersion is the version that a ControllerRevision carries. One that is
// used again keeps its name and its age, and gets a higher number.
func revisionVersion(r *appsv1.ControllerRevision, hash string) version {
	return version{
		uid: string(r.UID), hash: hash, number: strconv.FormatInt(r.Revision, 10), created: r.CreationTimestamp.Time,
		template: func() (release.Template, error) {
			t, err := templateOf(r)
			if err != nil {
				return release.Template{}, err
			}
			return describe(hash, t)
		},
	}
}

// templateOf reads the pod template out of a ControllerRevision, which holds it as
// a patch of the object's spec.
func templateOf(r *appsv1.ControllerRevision) (*corev1.PodTemplateSpec, error) {
	var patch struct {
		Spec struct {
			Template corev1.PodTemplateSpec `json:"template"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(r.Data.Raw, &patch); err != nil {
		return nil, fmt.Errorf("read ControllerRevision %s/%s: %w", r.Namespace, r.Name, err)
	}
	return &patch.Spec.Template, nil
}
