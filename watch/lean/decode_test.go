package lean_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rollcall-dev/rollcall/watch/lean"
)

// object is what all types have in common.
type object interface {
	runtime.Object
	metav1.Object
}

// marked can say that it cannot be read.
type marked interface {
	object
	Unreadable() string
}

func decoded[T any](t testing.TB, raw string) *T {
	t.Helper()
	out := new(T)
	require.NoError(t, json.Unmarshal([]byte(raw), out), raw)
	return out
}

// badly is a list of three objects, of which that in the middle is bad.
func badly[L any](t *testing.T, bad string) *L {
	t.Helper()
	return decoded[L](t, `{"items": [{"metadata": {"name": "first"}}, {"metadata": {"name": "bad", "uid": "u"}, `+bad+`}, {"metadata": {"name": "last"}}]}`)
}

func TestAnObjectThatCannotBeReadIsMarkedAndHidesNoOther(t *testing.T) {
	for name, list := range map[string]struct {
		read func(t *testing.T, bad string) []marked
		bad  []string
	}{
		"applications": {
			func(t *testing.T, bad string) []marked {
				l := badly[lean.ApplicationList](t, bad)
				return []marked{&l.Items[0], &l.Items[1], &l.Items[2]}
			},
			[]string{
				`"spec": {"source": {"repoURL": 7}}`, `"spec": {"sources": {}}`, `"spec": {"destination": [1]}`, `"spec": {"project": {}}`,
				`"spec": {"source": {"helm": {"n": 1e999}}}`, `"spec": {"sourceHydrator": {"drySource": ""}}`,
				`"operation": {"sync": "now"}`, `"operation": true`,
				`"status": {"resources": [{"syncWave": 1e99}]}`, `"status": {"resources": [{"hook": "yes"}]}`, `"status": {"sync": {"revision": 12}}`,
				`"status": {"history": [{"id": "x"}]}`, `"status": {"history": [{"id": 92233720368547758080}]}`, `"status": {"reconciledAt": "soon"}`,
				`"status": {"operationState": {"operation": {"sync": {"dryRun": "no"}}, "phase": "Succeeded"}}`,
				`"status": {"operationState": {"finishedAt": 12}}`, `"status": {"health": "Healthy"}`, `"status": {"summary": {"images": "web:1"}}`,
			},
		},
		"rollouts": {
			func(t *testing.T, bad string) []marked {
				l := badly[lean.RolloutList](t, bad)
				return []marked{&l.Items[0], &l.Items[1], &l.Items[2]}
			},
			[]string{
				`"spec": {"replicas": -1}`, `"spec": {"replicas": "3"}`, `"spec": {"replicas": 1e40}`, `"spec": {"replicas": 2.5}`, `"spec": {"paused": "yes"}`,
				`"spec": {"template": []}`, `"spec": {"strategy": {"canary": []}}`, `"spec": {"strategy": {"blueGreen": true}}`, `"spec": {"minReadySeconds": -5}`,
				`"status": {"observedGeneration": 12}`, `"status": {"replicas": -3}`, `"status": {"availableReplicas": 99999999999999999999}`,
				`"status": {"updatedReplicas": "3"}`, `"status": {"readyReplicas": []}`, `"status": {"pauseConditions": {}}`, `"status": {"restartedAt": "x"}`,
				`"status": {"currentPodHash": 1, "stableRS": 1}`, `"status": "Healthy"`,
			},
		},
		"kustomizations": {
			func(t *testing.T, bad string) []marked {
				l := badly[lean.KustomizationList](t, bad)
				return []marked{&l.Items[0], &l.Items[1], &l.Items[2]}
			},
			[]string{
				`"spec": {"suspend": 0}`, `"spec": {"sourceRef": "shop"}`, `"spec": {"kubeConfig": "prod"}`,
				`"status": {"observedGeneration": "3"}`, `"status": {"observedGeneration": 1e30}`, `"status": {"conditions": [{"observedGeneration": 0.5}]}`,
				`"status": {"inventory": []}`, `"status": {"history": [{"lastReconciled": "yesterday"}]}`, `"status": {"history": [{"metadata": {"revision": 1}}]}`, `"status": []`,
			},
		},
		"helm releases": {
			func(t *testing.T, bad string) []marked {
				l := badly[lean.HelmReleaseList](t, bad)
				return []marked{&l.Items[0], &l.Items[1], &l.Items[2]}
			},
			[]string{
				`"spec": {"chart": "web"}`, `"spec": {"test": true}`, `"status": {"history": [{"version": -1}]}`, `"status": {"history": [{"version": "1"}]}`,
				`"status": {"history": {}}`, `"status": {"history": [{"testHooks": []}]}`, `"status": {"lastAttemptedGeneration": 1e30}`, `"status": {"history": [{"firstDeployed": 1}]}`,
			},
		},
		"sources": {
			func(t *testing.T, bad string) []marked {
				l := badly[lean.FluxSourceList](t, bad)
				return []marked{&l.Items[0], &l.Items[1], &l.Items[2]}
			},
			[]string{`"spec": {"url": 1}`, `"spec": 1`, `"status": {"artifact": "x"}`, `"status": {"artifact": {"metadata": {"a": 1}}}`},
		},
	} {
		for _, bad := range list.bad {
			t.Run(name+" "+bad, func(t *testing.T) {
				items := list.read(t, bad)
				require.Empty(t, items[0].Unreadable())
				require.Empty(t, items[2].Unreadable())
				require.Equal(t, "last", items[2].GetName())
				require.Contains(t, items[1].Unreadable(), "cannot be read")
				require.Equal(t, "u", string(items[1].GetUID()), "it is known which one it is")
			})
		}
	}
}

// TestWhatIsMarkedTellsNothingElse looks that no field of what was bad is left to
// come to a verdict with.
func TestWhatIsMarkedTellsNothingElse(t *testing.T) {
	a := decoded[lean.Application](t, `{"spec": {"project": "default", "destination": 7}, "operation": {"initiatedBy": {"username": "eve"}, "sync": 7}, "status": {
		"sync": {"status": "Synced"}, "health": {"status": "Healthy"}, "operationState": {"phase": "Succeeded", "operation": {"sync": 7}}}}`)
	require.Equal(t, lean.ApplicationSpec{Unreadable: a.Spec.Unreadable}, a.Spec)
	require.Equal(t, lean.ApplicationStatus{Unreadable: a.Status.Unreadable}, a.Status)
	require.Equal(t, lean.Operation{Unreadable: a.Operation.Unreadable}, *a.Operation)
	for _, why := range []string{a.Spec.Unreadable, a.Status.Unreadable, a.Operation.Unreadable} {
		require.Contains(t, why, "cannot be read")
	}
	a.Spec.Unreadable = ""
	require.Equal(t, a.Status.Unreadable, a.Unreadable())
	a.Status.Unreadable = ""
	require.Equal(t, a.Operation.Unreadable, a.Unreadable())
	r := decoded[lean.Rollout](t, `{"status": {"currentPodHash": "a", "stableRS": "a", "phase": "Healthy", "replicas": -1}}`)
	require.Equal(t, lean.RolloutStatus{Unreadable: r.Status.Unreadable}, r.Status)
}

func TestAMarkIsShort(t *testing.T) {
	r := decoded[lean.Rollout](t, `{"status": {"restartedAt": "`+strings.Repeat("é", 5000)+`"}}`)
	require.Less(t, len(r.Unreadable()), 310)
	require.True(t, strings.HasSuffix(r.Unreadable(), "…"))
	require.Equal(t, strings.ToValidUTF8(r.Unreadable(), "?"), r.Unreadable())
}

// TestAnObjectThatIsReadAgainForgetsTheOneBefore is about decoding into a value
// that is there already, as a client does.
func TestAnObjectThatIsReadAgainForgetsTheOneBefore(t *testing.T) {
	r := decoded[lean.Rollout](t, `{"status": {"replicas": -1}}`)
	require.NotEmpty(t, r.Unreadable())
	require.NoError(t, json.Unmarshal([]byte(`{"status": {"phase": "Healthy", "replicas": 2}}`), r))
	require.Equal(t, lean.RolloutStatus{Phase: "Healthy", Replicas: 2}, r.Status)
	require.NoError(t, json.Unmarshal([]byte(`{"status": {"updatedReplicas": 2}}`), r))
	require.Equal(t, lean.RolloutStatus{UpdatedReplicas: 2}, r.Status)
}

func TestMembersThatAreMissingOrNull(t *testing.T) {
	for _, raw := range []string{`{}`, `{"spec": null, "status": null, "operation": null}`, `{"spec": {}, "status": {}}`} {
		require.Empty(t, decoded[lean.Application](t, raw).Unreadable(), raw)
		require.Nil(t, decoded[lean.Application](t, raw).Operation)
		require.Equal(t, lean.Rollout{}, *decoded[lean.Rollout](t, raw))
		require.Equal(t, lean.Kustomization{}, *decoded[lean.Kustomization](t, raw))
		require.Equal(t, lean.HelmRelease{}, *decoded[lean.HelmRelease](t, raw))
		require.Equal(t, lean.FluxSource{}, *decoded[lean.FluxSource](t, raw))
	}
	r := decoded[lean.Rollout](t, `{"spec": {"replicas": null, "workloadRef": null}, "status": {"replicas": null, "conditions": null}}`)
	require.Equal(t, lean.Rollout{}, *r)
}

func TestNamesAreTakenToTheLetter(t *testing.T) {
	r := decoded[lean.Rollout](t, `{"status": {"Phase": "Healthy", "hpaReplicas": 1, "PHASE": 7}}`)
	require.Equal(t, lean.Rollout{}, *r)
}

func TestTheGenerationThatTheAPIServerFillsIn(t *testing.T) {
	k := decoded[lean.Kustomization](t, `{"status": {"observedGeneration": -1}}`)
	require.Empty(t, k.Unreadable())
	require.EqualValues(t, -1, k.Status.ObservedGeneration)
	h := decoded[lean.HelmRelease](t, `{"status": {"observedGeneration": -1}}`)
	require.Empty(t, h.Unreadable())
	require.EqualValues(t, -1, h.Status.ObservedGeneration)
}

func TestSlimDropsWhatNoVerdictReads(t *testing.T) {
	for i, o := range []object{&lean.Application{}, &lean.Rollout{}, &lean.Workflow{}, &lean.Kustomization{}, &lean.HelmRelease{}, &lean.FluxSource{}} {
		t.Run(fmt.Sprintf("%T", o), func(t *testing.T) {
			o.SetName(fmt.Sprint(i))
			o.SetManagedFields([]metav1.ManagedFieldsEntry{{Manager: "kubectl"}})
			o.SetAnnotations(map[string]string{"kubectl.kubernetes.io/last-applied-configuration": "{}", "a": "b"})
			got, err := lean.Slim(o)
			require.NoError(t, err)
			require.Same(t, o, got)
			require.Nil(t, o.GetManagedFields())
			require.Equal(t, map[string]string{"a": "b"}, o.GetAnnotations())
			require.Equal(t, fmt.Sprint(i), o.GetName())
		})
	}
	w := read[lean.Workflow](t, "workflow.json")
	_, err := lean.Slim(&w)
	require.NoError(t, err)
	require.Empty(t, w.Status.Nodes)
	require.Equal(t, "Failed", w.Status.Phase)
	for _, o := range []any{nil, "x"} {
		same, err := lean.Slim(o)
		require.NoError(t, err)
		require.Equal(t, o, same)
	}
}

func FuzzApplication(f *testing.F) {
	fuzzDecode[lean.Application](f, "application.json", "sources.json")
}

func FuzzWorkflow(f *testing.F) { fuzzDecode[lean.Workflow](f, "workflow.json") }

func FuzzRollout(f *testing.F) { fuzzDecode[lean.Rollout](f, "rollout.json", "bluegreen.json") }

func FuzzKustomization(f *testing.F) { fuzzDecode[lean.Kustomization](f, "kustomization.json") }

func FuzzHelmRelease(f *testing.F) { fuzzDecode[lean.HelmRelease](f, "helmrelease.json") }

func FuzzFluxSource(f *testing.F) { fuzzDecode[lean.FluxSource](f, "fluxsources.json") }

// fuzzDecode decodes anything in the places of spec, status and operation: that
// never panics and never is an error, it comes out with a mark or as a value, and
// that can be copied and is the same however often it is read.
func fuzzDecode[T any, P interface {
	*T
	object
}](f *testing.F, files ...string) {
	f.Helper()
	for _, file := range files {
		raw, err := os.ReadFile("testdata/" + file)
		require.NoError(f, err)
		var parts map[string]json.RawMessage
		require.NoError(f, json.Unmarshal(raw, &parts))
		f.Add([]byte(parts["spec"]), []byte(parts["status"]))
	}
	f.Add([]byte(`{}`), []byte(`null`))
	f.Add([]byte(`{"source":null,"sources":[null,{}],"destination":[],"replicas":-1}`), []byte(`{"nodes":{"a":null},"compressedNodes":"H4sI","history":[null]}`))
	f.Fuzz(func(t *testing.T, spec, status []byte) {
		nested := bytes.Count(spec, []byte("{")) + bytes.Count(spec, []byte("[")) + bytes.Count(status, []byte("{")) + bytes.Count(status, []byte("["))
		if nested > 9_000 || !json.Valid(spec) || !json.Valid(status) {
			return // JSON of 10,000 levels is refused before it comes to us
		}
		raw := fmt.Appendf(nil, `{"metadata":{"name":"x"},"spec":%s,"operation":%s,"status":%s}`, spec, spec, status)
		once, twice := P(new(T)), P(new(T))
		require.NoError(t, json.Unmarshal(raw, once))
		require.NoError(t, json.Unmarshal(raw, twice))
		require.Equal(t, "x", once.GetName())
		require.Equal(t, once, twice)
		require.Equal(t, runtime.Object(once), once.DeepCopyObject())
		whole(t, reflect.ValueOf(once))
	})
}

// whole looks that what is marked says nothing else, and that no count is below
// zero.
func whole(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			whole(t, v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			whole(t, v.Index(i))
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			whole(t, v.MapIndex(k))
		}
	case reflect.Struct:
		if mark := v.FieldByName("Unreadable"); mark.IsValid() && mark.String() != "" {
			only := reflect.New(v.Type()).Elem()
			only.FieldByName("Unreadable").Set(mark)
			require.Equal(t, only.Interface(), v.Interface())
		}
		for _, field := range v.Fields() {
			whole(t, field)
		}
	default:
		if v.Type() == reflect.TypeFor[lean.Count]() {
			require.GreaterOrEqual(t, v.Int(), int64(0))
		}
	}
}
