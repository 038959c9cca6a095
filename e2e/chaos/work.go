package chaos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"
	"k8s.io/utils/ptr"

	"github.com/rollcall-dev/rollcall/e2e/lab"
)

// worker does what a plan says, past all proxies.
type worker struct {
	kube kubernetes.Interface
	ns   string
	// before holds the template of each Deployment before its last change.
	before map[string]corev1.PodTemplateSpec
}

// first is a Deployment as it is at the beginning; the number decides about its
// strategy, its size and how long its pods take.
func first(ns string, i int) *appsv1.Deployment {
	name := nameOf(i)
	strategy := appsv1.DeploymentStrategy{}
	if i%5 == 4 {
		strategy.Type = appsv1.RecreateDeploymentStrategyType
	}
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(1 + i%3)), Strategy: strategy,
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{
					Labels:      map[string]string{"app": name},
					Annotations: map[string]string{lab.ReadyAfter: usual(name)},
				},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: name + ":0"}}},
			},
		},
	}
	if i%3 == 2 {
		d.Spec.ProgressDeadlineSeconds = new(int32(4))
	}
	return d
}

// usual is how long the pods of a Deployment take to become ready.
func usual(name string) string {
	n, _ := strconv.Atoi(name[len("app-"):])
	return (time.Duration(n%4) * 400 * time.Millisecond).String()
}

// do carries out one step.
func (w *worker) do(ctx context.Context, s Step) error {
	var err error
	switch s.Act {
	case Undo:
		err = w.undo(ctx, s.Name)
	case Recreate, Replace:
		err = w.again(ctx, s)
	default:
		err = w.change(ctx, s.Name, func(d *appsv1.Deployment) { w.edit(d, s) })
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", s.Act, s.Name, err)
	}
	return nil
}

// edit changes a Deployment in place.
func (w *worker) edit(d *appsv1.Deployment, s Step) {
	was := *d.Spec.Template.DeepCopy()
	t := &d.Spec.Template
	switch s.Act {
	case Image:
		t.Spec.Containers[0].Image = fmt.Sprintf("%s:%d", s.Name, s.N+1)
		t.Annotations[lab.ReadyAfter] = usual(s.Name)
	case Bad:
		t.Spec.Containers[0].Image = fmt.Sprintf("bad:%d", s.N+1)
		t.Annotations[lab.ReadyAfter] = "24h"
	case Back:
		if before, ok := w.before[s.Name]; ok {
			d.Spec.Template = before
		}
	case Restart:
		t.Annotations["kubectl.kubernetes.io/restartedAt"] = fmt.Sprintf("2026-01-01T00:00:%02dZ", s.N%60)
	case Scale:
		d.Spec.Replicas = new(1 + (*d.Spec.Replicas+int32(s.N))%4)
		return
	case Note:
		if d.Annotations == nil {
			d.Annotations = map[string]string{}
		}
		d.Annotations["note"] = strconv.Itoa(s.N)
		return
	}
	w.before[s.Name] = was
}

func (w *worker) change(ctx context.Context, name string, f func(*appsv1.Deployment)) error {
	// With many Deployments at once, their controller writes often.
	often := wait.Backoff{Steps: 40, Duration: 10 * time.Millisecond, Factor: 1.3, Jitter: 0.2, Cap: 500 * time.Millisecond}
	return retry.RetryOnConflict(often, func() error {
		d, err := w.kube.AppsV1().Deployments(w.ns).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		f(d)
		_, err = w.kube.AppsV1().Deployments(w.ns).Update(ctx, d, metav1.UpdateOptions{})
		return err
	})
}

// undo does what kubectl rollout undo does: it puts back the template of the
// revision before the current one. Without one there is nothing to do.
func (w *worker) undo(ctx context.Context, name string) error {
	sets, err := w.kube.AppsV1().ReplicaSets(w.ns).List(ctx, metav1.ListOptions{LabelSelector: "app=" + name})
	if err != nil {
		return err
	}
	return w.change(ctx, name, func(d *appsv1.Deployment) {
		own := slices.DeleteFunc(slices.Clone(sets.Items), func(rs appsv1.ReplicaSet) bool { return !metav1.IsControlledBy(&rs, d) })
		slices.SortFunc(own, func(a, b appsv1.ReplicaSet) int { return revision(&b) - revision(&a) })
		if len(own) > 1 {
			w.before[name] = *d.Spec.Template.DeepCopy()
			d.Spec.Template = bare(own[1].Spec.Template)
		}
	})
}

func revision(rs *appsv1.ReplicaSet) int {
	n, _ := strconv.Atoi(rs.Annotations[revisionAnnotation])
	return n
}

// again deletes a Deployment and creates it anew, perhaps with another image.
func (w *worker) again(ctx context.Context, s Step) error {
	all := w.kube.AppsV1().Deployments(w.ns)
	was, err := all.Get(ctx, s.Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if err := all.Delete(ctx, s.Name, metav1.DeleteOptions{PropagationPolicy: ptr.To(metav1.DeletePropagationBackground)}); err != nil {
		return err
	}
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, Name: s.Name}, Spec: was.Spec}
	if s.Act == Replace {
		w.edit(d, Step{Name: s.Name, Act: Image, N: s.N})
	}
	for range 50 {
		if _, err = all.Create(ctx, d, metav1.CreateOptions{}); !apierrors.IsAlreadyExists(err) {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
	return errors.Join(errors.New("it does not go"), err)
}
