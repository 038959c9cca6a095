package record

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rollcall-dev/rollcall/internal/timeline"
	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch/gitops"
	"github.com/rollcall-dev/rollcall/watch/lean"
	"github.com/rollcall-dev/rollcall/watch/workload"
)

// scene is what is there at one moment.
type scene []*unstructured.Unstructured

var _ gitops.Finder = scene{}

// Find finds objects of an engine.
func (s scene) Find(_ context.Context, r gitops.Ref) ([]runtime.Object, error) {
	var out []runtime.Object
	for _, o := range s {
		if o.GetKind() != r.Kind || o.GetName() != r.Name || r.Namespace != "" && o.GetNamespace() != r.Namespace {
			continue
		}
		typed, err := engines(o)
		if err != nil {
			return nil, err
		}
		out = append(out, typed)
	}
	return out, nil
}

// engines reads an object of an engine as its lean type.
func engines(o *unstructured.Unstructured) (runtime.Object, error) {
	switch o.GetKind() {
	case lean.Applications.Name:
		return as[lean.Application](o)
	case lean.Kustomizations.Name:
		return as[lean.Kustomization](o)
	case lean.HelmReleases.Name:
		return as[lean.HelmRelease](o)
	}
	return as[lean.FluxSource](o)
}

func (s scene) find(r timeline.Ref) *unstructured.Unstructured {
	i := slices.IndexFunc(s, func(o *unstructured.Unstructured) bool {
		return o.GetKind() == r.Kind && o.GetNamespace() == r.Namespace && o.GetName() == r.Name
	})
	if i < 0 {
		return nil
	}
	return s[i]
}

func (s scene) workloads() []*unstructured.Unstructured {
	var out []*unstructured.Unstructured
	for _, o := range s {
		if slices.Contains(release.Workloads(), o.GetKind()) {
			out = append(out, o)
		}
	}
	return out
}

// lacks says what the workloads lack by themselves; empty if they are complete.
func (s scene) lacks() string {
	for _, m := range s.workloads() {
		if why := workload.Any(m).WaitingFor; why != "" {
			return m.GetKind() + "/" + m.GetName() + ": " + why
		}
		if m.GetKind() == "Deployment" && !s.carried(m) {
			return m.GetKind() + "/" + m.GetName() + ": the new ReplicaSet is not seen to be complete"
		}
	}
	return ""
}

// carried reports whether the ReplicaSet of a Deployment's revision says as much of
// its pods as the Deployment: the watch of one may be behind that of the other.
func (s scene) carried(d *unstructured.Unstructured) bool {
	const revision = "deployment.kubernetes.io/revision"
	want, _, _ := unstructured.NestedInt64(d.Object, "status", "availableReplicas") // absent is none
	return slices.ContainsFunc(s, func(o *unstructured.Unstructured) bool {
		has, _, _ := unstructured.NestedInt64(o.Object, "status", "availableReplicas") // absent is none
		return o.GetKind() == "ReplicaSet" && metav1.IsControlledBy(o, d) && has == want &&
			o.GetAnnotations()[revision] == d.GetAnnotations()[revision]
	})
}

// waits says what the release of a subject still lacks, to itself and to its engine;
// empty if it is complete.
func (s scene) waits(ctx context.Context, about timeline.Ref, settings gitops.Settings) (string, error) {
	o, members := s.find(about), s.workloads()
	if o == nil || len(members) == 0 {
		return "it has no workloads", nil
	}
	if why := s.lacks(); why != "" {
		return why, nil
	}
	var objects []gitops.Object
	for _, m := range members {
		objects = append(objects, object(m))
	}
	app, err := s.vouches(ctx, o, objects, settings)
	if err != nil {
		return "", fmt.Errorf("judge %s: %w", about, err)
	}
	return app.WaitingFor, nil
}

// vouches asks the engine.
func (s scene) vouches(ctx context.Context, o *unstructured.Unstructured, members []gitops.Object, settings gitops.Settings) (release.App, error) {
	switch o.GetKind() {
	case lean.Applications.Name:
		a, err := as[lean.Application](o)
		if err != nil {
			return release.App{}, err
		}
		return gitops.Application(a, members), nil
	case lean.Kustomizations.Name, lean.HelmReleases.Name:
		app, err := gitops.Flux(ctx, s, gitops.Ref{Kind: o.GetKind(), Namespace: o.GetNamespace(), Name: o.GetName()})
		if app == nil {
			return gitops.Unowned(), err
		}
		return *app, err
	}
	return settings.Judge(ctx, s, object(o))
}

// release stands for what is rolled out: it differs if a template does.
func (s scene) release() string {
	var all []any
	for _, o := range s.workloads() {
		template, _, _ := unstructured.NestedMap(o.Object, "spec", "template") // what is no template is of another object
		all = append(all, o.GetUID(), template, o.GetAnnotations()["rollout.argoproj.io/revision"])
	}
	raw, err := json.Marshal(all)
	if err != nil {
		return err.Error() // what was decoded can be encoded
	}
	return string(raw)
}

// object is a workload as engines are asked about it.
func object(o *unstructured.Unstructured) gitops.Object {
	out := gitops.Object{
		Group: o.GroupVersionKind().Group, Kind: o.GetKind(), Namespace: o.GetNamespace(), Name: o.GetName(),
		Labels: o.GetLabels(), Annotations: o.GetAnnotations(),
	}
	var spec struct {
		Spec struct {
			Template corev1.PodTemplateSpec `json:"template"`
		} `json:"spec"`
	}
	if runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &spec) != nil {
		return out // of an engine's own objects, nothing is asked for
	}
	for _, c := range slices.Concat(spec.Spec.Template.Spec.InitContainers, spec.Spec.Template.Spec.Containers) {
		out.Images = append(out.Images, c.Image)
	}
	slices.Sort(out.Images)
	out.Images = slices.Compact(out.Images)
	return out
}
