package watch

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch/workload"
)

// statefulSets is the kind StatefulSet. Its token is the name of the
// ControllerRevision that its controller rolls out, which comes again with the
// template: then the revision's number is a new one.
type statefulSets struct{ w *Watcher }

var _ kind = statefulSets{}

func (k statefulSets) observe(o runtime.Object) observed {
	s, ok := o.(*appsv1.StatefulSet)
	if !ok {
		return observed{}
	}
	out := k.w.observation(s, "StatefulSet", "apps/v1")
	out.State, out.token, out.images = workload.StatefulSet(s), s.Status.UpdateRevision, images(s.Spec.Template.Spec)
	out.returns = true
	return out
}

func (k statefulSets) read(ctx context.Context, s release.Subject) (*reading, error) {
	set, err := k.w.Kube.AppsV1().StatefulSets(s.Namespace).Get(ctx, s.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // gone is neither a reading nor a fault
	}
	if err != nil {
		return nil, err
	}
	all, err := k.w.controllerRevisions(ctx, set, set.Spec.Selector)
	if err != nil {
		return nil, err
	}
	out := &reading{observed: k.observe(set), writer: templateWriter(set), selector: metav1.FormatLabelSelector(set.Spec.Selector)}
	for i := range all {
		v := revisionVersion(&all[i], all[i].Name)
		v.tokens = []string{all[i].Name}
		// Until the controller has seen the latest change, what it names is of the
		// one before.
		if all[i].Name == set.Status.UpdateRevision && set.Status.ObservedGeneration >= set.Generation {
			out.current = &v
			out.pods = podsOf{labels: map[string]string{appsv1.ControllerRevisionHashLabelKey: v.hash}, owner: out.uid}
			continue
		}
		out.others = append(out.others, v)
	}
	return out, nil
}
