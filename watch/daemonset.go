package watch

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch/workload"
)

// daemonSets is the kind DaemonSet. Its status names no revision; its token is the
// number that the API server raises with each change of the template. What carries
// the release is the ControllerRevision with that template.
type daemonSets struct{ w *Watcher }

var _ kind = daemonSets{}

func (k daemonSets) observe(o runtime.Object) observed {
	d, ok := o.(*appsv1.DaemonSet)
	if !ok {
		return observed{}
	}
	out := k.w.observation(d, "DaemonSet", "apps/v1")
	out.State, out.token, out.images = workload.DaemonSet(d), d.Annotations[appsv1.DeprecatedTemplateGeneration], images(d.Spec.Template.Spec)
	if d.Status.ObservedGeneration == 0 {
		out.token = ""
	}
	return out
}

func (k daemonSets) read(ctx context.Context, s release.Subject) (*reading, error) {
	d, err := k.w.Kube.AppsV1().DaemonSets(s.Namespace).Get(ctx, s.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // gone is neither a reading nor a fault
	}
	if err != nil {
		return nil, err
	}
	all, err := k.w.controllerRevisions(ctx, d, d.Spec.Selector)
	if err != nil {
		return nil, err
	}
	// Several revisions can hold one template after an upgrade of Kubernetes; the
	// controller goes by the one with the highest number.
	slices.SortFunc(all, func(a, b appsv1.ControllerRevision) int { return cmp.Compare(b.Revision, a.Revision) })
	out := &reading{observed: k.observe(d), writer: templateWriter(d), selector: metav1.FormatLabelSelector(d.Spec.Selector)}
	var unreadable error // matters only if it may be the one that is looked for
	for i := range all {
		v := revisionVersion(&all[i], all[i].Labels[appsv1.ControllerRevisionHashLabelKey])
		t, err := templateOf(&all[i])
		unreadable = cmp.Or(unreadable, err)
		if out.current == nil && err == nil && d.Status.ObservedGeneration >= d.Generation && sameTemplate(&d.Spec.Template, t) {
			out.current = &v
			out.pods = podsOf{labels: map[string]string{appsv1.ControllerRevisionHashLabelKey: v.hash}, owner: out.uid}
			continue
		}
		if len(out.others) == 0 { // the one before: its token was the one before, if no change was missed
			v.tokens = previousNumber(out.token)
		}
		out.others = append(out.others, v)
	}
	if out.current == nil && unreadable != nil {
		return nil, unreadable
	}
	return out, nil
}

func previousNumber(token string) []string {
	n, err := strconv.ParseInt(token, 10, 64)
	if err != nil {
		return nil
	}
	return []string{strconv.FormatInt(n-1, 10)}
}
