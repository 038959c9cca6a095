package emit

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"
	"sigs.k8s.io/yaml"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

func fakeWorkflows(objects ...runtime.Object) *fake.FakeDynamicClient {
	return fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(),
		map[schema.GroupVersionResource]string{workflows: "WorkflowList"}, objects...)
}

func TestTheWorkflowCreated(t *testing.T) {
	for name, c := range map[string]struct {
		config ArgoWorkflowConfig
		event  release.Event
	}{
		"template": {ArgoWorkflowConfig{WorkflowTemplate: "smoke"}, event()},
		"cluster-template-elsewhere": {
			ArgoWorkflowConfig{ClusterWorkflowTemplate: "smoke", Namespace: "ci"}, event(),
		},
		"no-owner-no-trace": {
			ArgoWorkflowConfig{WorkflowTemplate: "smoke"},
			event(func(e *release.Event) { e.App, e.Traceparent, e.Parameters = release.App{Ready: true}, "", nil }),
		},
		"own-labels-and-parameters": {
			ArgoWorkflowConfig{
				WorkflowTemplate: "smoke",
				Labels: map[string]string{
					"team": "shop", v1alpha1.LabelEvent: "mine", v1alpha1.LabelTrace: "mine", "app.kubernetes.io/managed-by": "me",
				},
				Annotations: map[string]string{
					"note": "hello", v1alpha1.AnnotationRelease: "mine", v1alpha1.AnnotationSink: "mine", traceAnnotation: "mine",
				},
			},
			event(func(e *release.Event) { e.Parameters = map[string]string{"app": "mine", "zone": "b"} }),
		},
		"long-names": {
			ArgoWorkflowConfig{WorkflowTemplate: "smoke"},
			event(func(e *release.Event) {
				e.Release.Subject.Name = "a-deployment-with-quite-a-long.name"
				e.Sink = "integration-tests-europe"
			}),
		},
	} {
		t.Run(name, func(t *testing.T) {
			client := fakeWorkflows()
			config := fmt.Sprintf("%v", c.config)
			got, err := ArgoWorkflow{Config: c.config, Client: client}.Send(t.Context(), c.event)
			require.NoError(t, err)
			require.Equal(t, "created", got.Status)
			require.Equal(t, config, fmt.Sprintf("%v", c.config), "the configuration must not be changed")
			made, err := client.Resource(workflows).Namespace(got.Object.Namespace).Get(t.Context(), got.Object.Name, metav1.GetOptions{})
			require.NoError(t, err)
			out, err := yaml.Marshal(made.Object)
			require.NoError(t, err)
			golden(t, "workflow/"+name+".yaml", string(out))
		})
	}
}

// existing is a Workflow of the name that event() gives.
func existing(change func(*unstructured.Unstructured)) *unstructured.Unstructured {
	w := ArgoWorkflow{Config: ArgoWorkflowConfig{WorkflowTemplate: "smoke"}}.workflow(event())
	w.SetUID("uid-of-run")
	change(w)
	return w
}

func TestAWorkflowThatExistsAlready(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*unstructured.Unstructured)
		says   string
	}{
		"is a success if it is this event's own": {func(*unstructured.Unstructured) {}, ""},
		"is a success though somebody labelled it since": {func(w *unstructured.Unstructured) {
			w.SetLabels(map[string]string{v1alpha1.LabelEvent: event().ID, "x": "y"})
		}, ""},
		"is an error if it is a stranger's": {func(w *unstructured.Unstructured) { w.SetLabels(nil) }, "not of event"},
		"is an error if it is another event's": {
			func(w *unstructured.Unstructured) { w.SetLabels(map[string]string{v1alpha1.LabelEvent: "other"}) }, "not of event",
		},
		"is an error if it is another sink's": {
			func(w *unstructured.Unstructured) {
				w.SetAnnotations(map[string]string{v1alpha1.AnnotationSink: "other"})
			}, "not of event",
		},
	} {
		t.Run(name, func(t *testing.T) {
			client := fakeWorkflows(existing(c.change))
			got, err := ArgoWorkflow{Config: ArgoWorkflowConfig{WorkflowTemplate: "smoke"}, Client: client}.Send(t.Context(), event())
			if c.says != "" {
				require.ErrorContains(t, err, c.says)
				return
			}
			require.NoError(t, err)
			require.Equal(t, release.Receipt{Status: "existed", Object: release.Ref{
				APIVersion: "argoproj.io/v1alpha1", Kind: "Workflow", Namespace: "shop", Name: runName(event()), UID: "uid-of-run",
			}}, got)
		})
	}
}

func TestAnErrorOfTheAPIServer(t *testing.T) {
	gr := workflows.GroupResource()
	for name, c := range map[string]struct {
		err   error
		after time.Duration
	}{
		"that names a time keeps it":             {apierrors.NewServerTimeout(gr, "create", 7), 7 * time.Second},
		"that is too busy keeps it":              {apierrors.NewTooManyRequests("busy", 3), 3 * time.Second},
		"that forbids is tried again":            {apierrors.NewForbidden(gr, "x", errors.New("no")), 0},
		"that knows no such kind is tried again": {apierrors.NewNotFound(gr, "x"), 0},
		"that is none of its own is tried again": {errors.New("connection reset"), 0},
	} {
		t.Run(name, func(t *testing.T) {
			client := fakeWorkflows()
			fails := true
			client.PrependReactor("create", "workflows", func(clienttesting.Action) (bool, runtime.Object, error) { return fails, nil, c.err })
			sink := ArgoWorkflow{Config: ArgoWorkflowConfig{WorkflowTemplate: "smoke"}, Client: client}
			_, err := sink.Send(t.Context(), event())
			require.ErrorIs(t, err, c.err)
			require.ErrorContains(t, err, "create Workflow shop/web-tests-")
			var later *RetryAfter
			require.Equal(t, c.after > 0, errors.As(err, &later))
			if later != nil {
				require.Equal(t, c.after, later.After)
			}
			fails = false
			_, err = sink.Send(t.Context(), event())
			require.NoError(t, err)
		})
	}
}

func TestAWorkflowThatIsGoneAgainIsAnError(t *testing.T) {
	client := fakeWorkflows(existing(func(*unstructured.Unstructured) {}))
	gone := apierrors.NewNotFound(workflows.GroupResource(), "x")
	client.PrependReactor("get", "workflows", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, gone })
	_, err := ArgoWorkflow{Config: ArgoWorkflowConfig{WorkflowTemplate: "smoke"}, Client: client}.Send(t.Context(), event())
	require.ErrorIs(t, err, gone)
}

// named makes a legal name of a length: letters and digits at both ends, and
// anything that is allowed in between.
func named(r *rand.Rand, n int, between string) string {
	const ends = "abcdefghijklmnopqrstuvwxyz0123456789"
	out := make([]byte, n)
	for i := range out {
		from := ends
		if i > 0 && i < n-1 && out[i-1] != '.' && out[i-1] != '-' {
			from = ends[:8] + between + between + between
		}
		out[i] = from[r.IntN(len(from))]
	}
	return string(out)
}

func TestARunsNameIsLegalForSubjectsAndSinksOfAnyLength(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		e := event(func(e *release.Event) {
			e.Release.Subject.Name = named(r, 1+r.IntN(253), "-.")
			e.Sink = named(r, 1+r.IntN(63), "-")
			e.ID = e.Release.EventID("smoke")
		})
		require.Empty(t, validation.IsDNS1123Subdomain(e.Release.Subject.Name), "the test is wrong")
		require.Empty(t, validation.IsDNS1123Label(e.Sink), "the test is wrong")
		name := runName(e)
		require.LessOrEqual(t, len(name), 63, name)
		require.Empty(t, validation.IsDNS1123Subdomain(name), "%q of %q and %q", name, e.Release.Subject.Name, e.Sink)
		require.Empty(t, validation.IsValidLabelValue(name))
		require.Equal(t, name, runName(e), "it is the same each time")
	}
}

func TestTwoSinksOfOneRuleNeverShareARun(t *testing.T) {
	for name, sinks := range map[string][2]string{
		"with short names":                     {"tests", "test"},
		"with long names that end differently": {"integration-tests-europe", "integration-tests-america"},
		"with one name cut short of the other": {"integration-tes", "integration-tes-t"},
	} {
		t.Run(name, func(t *testing.T) {
			client := fakeWorkflows()
			sink := ArgoWorkflow{Config: ArgoWorkflowConfig{WorkflowTemplate: "smoke"}, Client: client}
			for _, s := range sinks {
				got, err := sink.Send(t.Context(), event(func(e *release.Event) { e.Sink = s }))
				require.NoError(t, err)
				require.Equal(t, "created", got.Status)
			}
		})
	}
}

func TestFacts(t *testing.T) {
	require.Equal(t, map[string]string{
		"event": "ready", "app": "shop", "cluster": "prod", "namespace": "shop", "name": "web", "workload": "Deployment/web", "kind": "release",
		"images": "acme/web:7,acme/side@sha256:5eed", "revision": "3f9c2d1e5a6b7c8d9e0f", "repeat": "0", "result": "", "release": event().Record.Name,
		"event-id": event().ID, "trace-id": "8a1f0c4be5d24b7f9c0d1e2f3a4b5c6d", "traceparent": traceparent,
	}, Facts(event()))
	require.Equal(t, "web", Facts(event(func(e *release.Event) { e.App = release.App{} }))["app"], "nobody owns it")
}

func TestTraceIDOf(t *testing.T) {
	for text, want := range map[string]string{
		traceparent: "8a1f0c4be5d24b7f9c0d1e2f3a4b5c6d", "": "", "nonsense": "", "a-b-c": "", "00-x-y-01": "x",
	} {
		t.Run(strings.ToValidUTF8(text, "?"), func(t *testing.T) { require.Equal(t, want, traceID(text)) })
	}
}

func FuzzAnyEventHasANameAndFacts(f *testing.F) {
	f.Add("web", "tests", "0123456789abcdef0123456789abcdef", traceparent, "acme/web:7")
	f.Add("", "", "", "", "")
	f.Add("-.-.-.-.-.-.-.-.-.-.-.-.-.-.-", "................", "short", "00-00-00", "@")
	f.Add("é\xff", strings.Repeat("é", 40), "\x00", "----", "a@b@c")
	f.Fuzz(func(t *testing.T, name, sink, id, tp, image string) {
		e := event(func(e *release.Event) {
			e.Release.Subject.Name, e.Sink, e.ID, e.Traceparent = name, sink, id, tp
			e.Release.Template.Images = []string{image}
		})
		if n := len(runName(e)); n > 63 {
			t.Fatalf("a name of %d bytes", n)
		}
		if facts := Facts(e); facts["event-id"] != id || facts["name"] != name {
			t.Fatalf("facts %v", facts)
		}
		_, _ = CloudEvent(e) // may refuse, must not panic
		_ = ArgoWorkflow{}.workflow(e)
	})
}
