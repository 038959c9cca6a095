package gitops

import (
	"slices"
	"strings"

	"github.com/rollcall-dev/rollcall/watch/lean"
)

// How Argo CD marks what it manages: docs/user-guide/resource_tracking.
const (
	trackingAnnotation     = "argocd.argoproj.io/tracking-id"
	installationAnnotation = "argocd.argoproj.io/installation-id"
	instanceLabel          = "app.kubernetes.io/instance"
)

// claim is the Application that an object says it belongs to.
type claim struct {
	// Namespace is empty if the object does not say it: then the Application is
	// in Argo CD's own.
	Namespace string
	Name      string
	// Tracked says that the tracking annotation names this very object. Else the
	// name is from a label that Helm charts use for themselves, and only the
	// Application's own list of resources can confirm it.
	Tracked bool
}

// claimOf reads the owner off an object; its Name is empty if there is none.
func (s Settings) claimOf(o Object) claim {
	if s.InstallationID != "" && o.Annotations[installationAnnotation] != s.InstallationID {
		return claim{}
	}
	app, rest, ok := strings.Cut(o.Annotations[trackingAnnotation], ":")
	if ok && rest == o.Group+"/"+o.Kind+":"+o.Namespace+"/"+o.Name {
		return named(app)
	}
	key := s.InstanceLabel
	if key == "" {
		key = instanceLabel
	}
	c := named(o.Labels[key])
	c.Tracked = false
	return c
}

// named reads an instance name: NAMESPACE_NAME for an Application outside of
// Argo CD's own namespace; names themselves cannot hold an underscore.
func named(app string) claim {
	if ns, name, ok := strings.Cut(app, "_"); ok {
		return claim{Namespace: ns, Name: name, Tracked: true}
	}
	return claim{Name: app, Tracked: true}
}

// pick chooses the owner among Applications of that name; nil if none is it.
func (s Settings) pick(c claim, apps []*lean.Application, o Object) *lean.Application {
	var best *lean.Application
	rank := 0
	for _, a := range apps {
		if n := s.rank(c, a, o); n > rank {
			best, rank = a, n
		}
	}
	return best
}

// rank says how well an Application fits, from 1; 0 is not at all. What counts
// most is that it is for this cluster, then that it lists the object, then that a
// bare name means one in Argo CD's own namespace. An Application for a destination
// that is not known to be this cluster still counts if it is not from a hub: it
// may address the cluster in another way, and its gate is rather closed than absent.
func (s Settings) rank(c claim, a *lean.Application, o Object) int {
	n := 0
	switch {
	case c.Namespace != "" && a.Namespace != c.Namespace:
		return 0
	case s.Hub && !s.Here(a):
		return 0
	case entry(a, o) != nil:
		n = 3
	case c.Tracked:
		n = 1
	default:
		return 0
	}
	if a.Namespace == a.Status.ControllerNamespace {
		n++
	}
	if s.Here(a) {
		n += 5
	}
	return n
}

// Here reports whether an Application is for the cluster of the workloads.
func (s Settings) Here(a *lean.Application) bool {
	known := s.Destinations
	if len(known) == 0 {
		known = []string{"https://kubernetes.default.svc", "in-cluster"}
	}
	to := a.Spec.Destination
	return to.Server != "" && slices.Contains(known, to.Server) || to.Name != "" && slices.Contains(known, to.Name)
}

// entry finds an object among the Application's resources.
func entry(a *lean.Application, o Object) *lean.ResourceStatus {
	for i := range a.Status.Resources {
		r := &a.Status.Resources[i]
		if r.Group == o.Group && r.Kind == o.Kind && r.Namespace == o.Namespace && r.Name == o.Name {
			return r
		}
	}
	return nil
}

// managers begin the names of the field managers of engines. Argo CD writes as
// argocd-controller: argo-cd common.ArgoCDSSAManager.
var managers = []string{"argocd", "kustomize-controller", "helm-controller", "flux"}

// Manager reports whether a field manager is an engine's.
func Manager(name string) bool {
	return slices.ContainsFunc(managers, func(m string) bool { return strings.HasPrefix(name, m) })
}
