package watch

import (
	"strings"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/rollcall-dev/rollcall/watch/lean"
)

// How Argo CD marks what it manages: docs/user-guide/resource_tracking.
const (
	trackingAnnotation = "argocd.argoproj.io/tracking-id"
	instanceLabel      = "app.kubernetes.io/instance"
)

// owner is the Application that an object says it belongs to.
type owner struct {
	// Namespace is empty if the object does not say it: then the Application is
	// in Argo CD's own.
	Namespace string
	Name      string
	// Tracked says that the tracking annotation names this very object. Else the
	// name is from a label that Helm charts use for themselves, and only the
	// Application's own list of resources can confirm it.
	Tracked bool
}

// ownerOf reads the owner off a Deployment; its Name is empty if there is none.
func ownerOf(d *appsv1.Deployment) owner {
	app, rest, ok := strings.Cut(d.Annotations[trackingAnnotation], ":")
	if ok && rest == "apps/Deployment:"+d.Namespace+"/"+d.Name {
		return named(app)
	}
	o := named(d.Labels[instanceLabel])
	o.Tracked = false
	return o
}

// named reads an instance name: NAMESPACE_NAME for an Application outside of
// Argo CD's own namespace; names themselves cannot hold an underscore.
func named(app string) owner {
	if ns, name, ok := strings.Cut(app, "_"); ok {
		return owner{Namespace: ns, Name: name, Tracked: true}
	}
	return owner{Name: app, Tracked: true}
}

// pick chooses the owner among Applications of that name; nil if none is it.
func (o owner) pick(apps []*lean.Application, d *appsv1.Deployment) *lean.Application {
	var best *lean.Application
	rank := 0
	for _, a := range apps {
		if n := o.rank(a, d); n > rank {
			best, rank = a, n
		}
	}
	return best
}

// rank says how well an Application fits, from 1; 0 is not at all. It counts more
// that it lists the Deployment than that a bare name means one in Argo CD's own
// namespace.
func (o owner) rank(a *lean.Application, d *appsv1.Deployment) int {
	n := 0
	switch {
	case o.Namespace != "" && a.Namespace != o.Namespace:
		return 0
	case entry(a, d) != nil:
		n = 3
	case o.Tracked:
		n = 1
	default:
		return 0
	}
	if a.Namespace == a.Status.ControllerNamespace {
		n++
	}
	return n
}

// entry finds the Deployment among the Application's resources.
func entry(a *lean.Application, d *appsv1.Deployment) *lean.ResourceStatus {
	for i := range a.Status.Resources {
		r := &a.Status.Resources[i]
		if r.Group == "apps" && r.Kind == "Deployment" && r.Namespace == d.Namespace && r.Name == d.Name {
			return r
		}
	}
	return nil
}
