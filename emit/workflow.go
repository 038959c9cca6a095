package emit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/argoproj/argo-cd/v2/pkg/apis/application"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// traceAnnotation is where Argo Workflows looks for the parent of its own spans,
// and where most Kubernetes tools that read a trace context look.
const traceAnnotation = "opentelemetry.io/traceparent"

var workflows = schema.GroupVersionResource{Group: application.Group, Version: "v1alpha1", Resource: "workflows"}

// ArgoWorkflow creates a Workflow from a template for each event.
type ArgoWorkflow struct {
	Config ArgoWorkflowConfig
	Client dynamic.Interface
}

var _ Sink = ArgoWorkflow{}

// Send creates the Workflow. Its name is derived from the event, so that one that
// exists already is this event's own, and a success.
func (s ArgoWorkflow) Send(ctx context.Context, e release.Event) (release.Receipt, error) {
	want := s.workflow(e)
	c := s.Client.Resource(workflows).Namespace(want.GetNamespace())
	got, err := c.Create(ctx, want, metav1.CreateOptions{})
	status := "created"
	if apierrors.IsAlreadyExists(err) {
		status = "existed"
		got, err = c.Get(ctx, want.GetName(), metav1.GetOptions{})
	}
	if err != nil {
		return release.Receipt{}, retryable(fmt.Errorf("create Workflow %s/%s: %w", want.GetNamespace(), want.GetName(), err))
	}
	if got.GetLabels()[v1alpha1.LabelEvent] != e.ID || got.GetAnnotations()[v1alpha1.AnnotationSink] != e.Sink {
		return release.Receipt{}, fmt.Errorf("create Workflow %s/%s: one of that name exists that is not of event %s to sink %s",
			want.GetNamespace(), want.GetName(), e.ID, e.Sink)
	}
	return release.Receipt{Status: status, Object: release.Ref{
		APIVersion: got.GetAPIVersion(), Kind: got.GetKind(),
		Namespace: got.GetNamespace(), Name: got.GetName(), UID: string(got.GetUID()),
	}}, nil
}

var _ Stopper = ArgoWorkflow{}

// Stop asks Argo Workflows to stop a Workflow: its exit handlers still run. One that
// has ended does not mind.
func (s ArgoWorkflow) Stop(ctx context.Context, run release.Ref) error {
	patch := fmt.Appendf(nil, `{"metadata":{"uid":%q},"spec":{"shutdown":"Stop"}}`, run.UID)
	_, err := s.Client.Resource(workflows).Namespace(run.Namespace).Patch(ctx, run.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) { // it is gone, or another one
		return nil
	}
	if err != nil {
		return retryable(fmt.Errorf("stop Workflow %s/%s: %w", run.Namespace, run.Name, err))
	}
	return nil
}

// retryable keeps what the API server says about when to come back.
func retryable(err error) error {
	if after, ok := apierrors.SuggestsClientDelay(err); ok {
		return &RetryAfter{Err: err, After: seconds(after)}
	}
	return err
}

func (s ArgoWorkflow) workflow(e release.Event) *unstructured.Unstructured {
	labels := maps.Clone(s.Config.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	annotations := maps.Clone(s.Config.Annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	labels["app.kubernetes.io/managed-by"] = "rollcall"
	labels[v1alpha1.LabelEvent] = e.ID
	annotations[v1alpha1.AnnotationRelease] = e.Record.Namespace + "/" + e.Record.Name
	annotations[v1alpha1.AnnotationSink] = e.Sink
	spec := map[string]any{
		"workflowTemplateRef": s.template(),
		"arguments":           map[string]any{"parameters": parameters(e)},
	}
	if e.Traceparent != "" {
		labels[v1alpha1.LabelTrace] = traceID(e.Traceparent)
		annotations[traceAnnotation] = e.Traceparent
		spec["podMetadata"] = map[string]any{"annotations": map[string]any{traceAnnotation: e.Traceparent}}
	}
	w := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": workflows.GroupVersion().String(), "kind": "Workflow", "spec": spec,
	}}
	w.SetNamespace(s.namespace(e))
	w.SetName(runName(e))
	w.SetLabels(labels)
	w.SetAnnotations(annotations)
	return w
}

func (s ArgoWorkflow) namespace(e release.Event) string {
	if s.Config.Namespace != "" {
		return s.Config.Namespace
	}
	return e.Release.Subject.Namespace
}

func (s ArgoWorkflow) template() map[string]any {
	if s.Config.ClusterWorkflowTemplate != "" {
		return map[string]any{"name": s.Config.ClusterWorkflowTemplate, "clusterScope": true}
	}
	return map[string]any{"name": s.Config.WorkflowTemplate}
}

// runName names what an event creates through a sink. It is short enough to be a
// label value, as Argo Workflows needs it. The sinks of one rule share the event's
// id: a sink's name that has to be cut is told from others by a digest.
func runName(e release.Event) string {
	sink := e.Sink[strings.LastIndex(e.Sink, "/")+1:] // of a tenant's, its own name
	if len(sink) > 16 {
		sum := sha256.Sum256([]byte(sink))
		sink = cut(sink, 9) + "-" + hex.EncodeToString(sum[:3])
	}
	return cut(e.Release.Subject.Name, 24) + "-" + sink + "-" + e.ID[:min(len(e.ID), 12)]
}

func cut(s string, n int) string { return strings.TrimRight(s[:min(len(s), n)], "-.") }

// parameters are what every Workflow is told, and then the sink's own, which win.
func parameters(e release.Event) []any {
	all := Facts(e)
	maps.Copy(all, e.Parameters)
	out := make([]any, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out = append(out, map[string]any{"name": name, "value": all[name]})
	}
	return out
}

// Facts lists what every run is told about the release, by parameter name.
//
//	event        what happened: ready, stalled, superseded or tested
//	app          the Application's name, or the subject's if nobody owns it
//	cluster, namespace, name, workload   the subject
//	kind         how the release differs: initial, release, config, rollback …
//	images       all images, with commas
//	revision     the Git revision, or empty
//	release      the name of the record
//	event-id     the same for each attempt
//	repeat       how often it was told before, for a rule with every; else 0
//	result       how the release's runs ended, if event is tested; else empty
//	trace-id, traceparent                the trace that the run continues
func Facts(e release.Event) map[string]string {
	s := e.Release.Subject
	app := e.App.Name
	if app == "" {
		app = s.Name
	}
	return map[string]string{
		"event": string(e.Occasion), "app": app, "cluster": s.Cluster, "namespace": s.Namespace, "name": s.Name,
		"workload": s.ObjectKind() + "/" + s.Name, "kind": string(e.Release.Kind),
		"images": strings.Join(e.Release.Template.Images, ","), "revision": e.App.Revision,
		"release": e.Record.Name, "event-id": e.ID, "repeat": fmt.Sprint(e.Repeat), "result": result(e),
		"trace-id": traceID(e.Traceparent), "traceparent": e.Traceparent,
	}
}

// result is how the release's runs ended; empty if that is not what is told.
func result(e release.Event) string {
	if e.Outcome == nil {
		return ""
	}
	return string(e.Outcome.Result)
}

// traceID cuts the trace id out of a W3C traceparent; empty if there is none.
func traceID(traceparent string) string {
	parts := strings.Split(traceparent, "-")
	if len(parts) < 4 {
		return ""
	}
	return parts[1]
}
