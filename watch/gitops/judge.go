package gitops

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch/lean"
)

// The engines, as [release.App] names them.
const (
	EngineArgoCD = "argocd"
	EngineFlux   = "flux"
)

// Object is the workload that an engine is asked about.
type Object struct {
	Group     string
	Kind      string
	Namespace string
	Name      string
	// Labels and Annotations are the object's own.
	Labels      map[string]string
	Annotations map[string]string
	// Images are those of its pod template.
	Images []string
}

// String gives the words that reasons use: "the Deployment".
func (o Object) String() string { return "the " + o.Kind }

// Ref names objects of an engine. An empty namespace stands for all.
type Ref struct {
	Kind      string
	Namespace string
	Name      string
}

// Finder finds the objects that a reference names: none if there is none, or if
// their kind is not installed.
type Finder interface {
	Find(ctx context.Context, r Ref) ([]runtime.Object, error)
}

// Judge says which application owns a workload, and whether it vouches for it.
func (s Settings) Judge(ctx context.Context, f Finder, o Object) (release.App, error) {
	for _, engine := range []func(context.Context, Finder, Object) (*release.App, error){s.argoCD, s.flux} {
		app, err := engine(ctx, f, o)
		if err != nil {
			return release.App{}, err
		}
		if app != nil {
			return *app, nil
		}
	}
	return Unowned(), nil
}

// Unowned is the application of a workload that nobody owns.
func Unowned() release.App { return release.App{Ready: true} }

// Settings say how the engines mark what they own.
type Settings struct {
	// InstanceLabel is Argo CD's application.instanceLabelKey; empty stands for
	// app.kubernetes.io/instance.
	InstanceLabel string
	// InstallationID is Argo CD's installationID. If it is set, objects that bear
	// another one, or none, are not owned by the Applications that are read.
	InstallationID string
	// Destinations are the servers and names by which Applications address the
	// cluster of the workloads; none stands for that of Argo CD itself.
	Destinations []string
	// Hub says that Applications are read from another cluster: one that is for
	// another destination then owns nothing here.
	Hub bool
}

// argoCD judges by the Application that owns the workload; nil if none does.
func (s Settings) argoCD(ctx context.Context, f Finder, o Object) (*release.App, error) {
	claim := s.claimOf(o)
	if claim.Name == "" {
		return nil, nil //nolint:nilnil // neither an owner nor a fault
	}
	apps, err := found[*lean.Application](ctx, f, Ref{Kind: "Application", Namespace: claim.Namespace, Name: claim.Name})
	if err != nil {
		return nil, err
	}
	a := s.pick(claim, apps, o)
	if a == nil {
		return nil, nil //nolint:nilnil // neither an owner nor a fault
	}
	app := ArgoCD(a, o)
	return &app, nil
}

// found lists the objects of one type that a reference names.
func found[T runtime.Object](ctx context.Context, f Finder, r Ref) ([]T, error) {
	all, err := f.Find(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("find %s %s: %w", r.Kind, r.Name, err)
	}
	out := make([]T, 0, len(all))
	for _, o := range all {
		if t, ok := o.(T); ok {
			out = append(out, t)
		}
	}
	return slices.Clip(out), nil
}

// Claims lists the references by which an object may be owned, for an index.
func (s Settings) Claims(o Object) []Ref {
	var out []Ref
	if c := s.claimOf(o); c.Name != "" {
		out = append(out, Ref{Kind: "Application", Name: c.Name})
	}
	return append(out, fluxClaims(o.Labels)...)
}
