package workload

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"

	"github.com/rollcall-dev/rollcall/watch/lean"
)

// Any judges an object of any kind by kstatus, as Flux does, and then asks for
// more. An object whose controller has not spoken yet is current to kstatus; here
// it waits: see spoken. Where kstatus calls what merely runs, or has failed,
// current, see finished. A kind with a function of its own is judged by that too.
func Any(u *unstructured.Unstructured) State {
	if why := readable(u); why != "" {
		return State{WaitingFor: why}
	}
	if groupKind(u) == lean.ArgoGroupVersion.Group+"/Rollout" {
		return rollout(u)
	}
	res, err := compute(u)
	if err != nil {
		return unreadable(u, err)
	}
	switch res.Status {
	case status.CurrentStatus:
		return current(u)
	case status.FailedStatus:
		return State{WaitingFor: words(u, res), Stalled: true}
	case status.TerminatingStatus:
		return State{WaitingFor: "the " + kind(u) + " is being deleted"}
	default:
		return State{WaitingFor: words(u, res)}
	}
}

// rollout judges a Rollout, of which kstatus can read nothing: it expects a number
// where Argo Rollouts has a string.
func rollout(u *unstructured.Unstructured) State {
	raw, err := u.MarshalJSON()
	if err != nil {
		return unreadable(u, err)
	}
	var r lean.Rollout
	if err := json.Unmarshal(raw, &r); err != nil {
		return unreadable(u, err)
	}
	return Rollout(&r)
}

// current judges what kstatus calls current.
func current(u *unstructured.Unstructured) State {
	o, err := typed(u)
	if err != nil {
		return unreadable(u, err)
	}
	if judge := judgeOf(o); judge != nil {
		return judge()
	}
	all, err := conditions(u)
	if err != nil {
		return unreadable(u, err)
	}
	return State{WaitingFor: cmp.Or(spoken(u, all), agreed(u, all), finished(u, all))}
}

func unreadable(u *unstructured.Unstructured, err error) State {
	return State{WaitingFor: fmt.Sprintf("the %s cannot be read: %s", kind(u), err)}
}

// words never is empty: what kstatus does not call current is not complete, even
// if it does not say why.
func words(u *unstructured.Unstructured, res *status.Result) string {
	if res.Message != "" {
		return res.Message
	}
	return fmt.Sprintf("the %s is %s", kind(u), res.Status)
}

func kind(u *unstructured.Unstructured) string {
	if k := u.GetKind(); k != "" {
		return k
	}
	return "object"
}

// compute asks kstatus, which panics on some fields of the wrong type.
func compute(u *unstructured.Unstructured) (res *status.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a field has the wrong type: %v", p)
		}
	}()
	return status.Compute(u)
}

// typed gives an object of one of Kubernetes' own kinds as its Go type, and nil
// for any other kind. What does not fit the type is an error: kstatus would take
// a default for it.
func typed(u *unstructured.Unstructured) (runtime.Object, error) {
	o, err := scheme.Scheme.New(u.GroupVersionKind())
	if runtime.IsNotRegisteredError(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return o, runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, o)
}

// readable says which of the fields that all kinds share is not what it should be.
func readable(u *unstructured.Unstructured) string {
	if u == nil || u.Object == nil {
		return "there is no object"
	}
	for _, path := range []string{"metadata", "status", "spec"} {
		if v, ok := u.Object[path]; ok && v != nil {
			if _, isMap := v.(map[string]any); !isMap {
				return fmt.Sprintf("the %s cannot be read: its %s is no object", kind(u), path)
			}
		}
	}
	return ""
}

// spoken says that the controller has not said anything that is about the latest
// change. A kind without a generation has no controller to wait for.
func spoken(u *unstructured.Unstructured, all []anyCondition) string {
	generation, has, err := unstructured.NestedInt64(u.Object, "metadata", "generation")
	if err != nil || !has || known(u) && !counting(u) {
		return "" // kstatus has read it
	}
	at, has, err := unstructured.NestedInt64(u.Object, "status", "observedGeneration")
	ready := slices.ContainsFunc(all, func(c anyCondition) bool { return c.Type == "Ready" })
	switch {
	case err != nil, has && !observed(at, generation), !has && counting(u):
		return unseen(kind(u))
	case has || ready:
		return ""
	case emptyStatus(u):
		return "the " + kind(u) + " has no status yet"
	}
	return "the status of the " + kind(u) + " says neither what generation it is about nor Ready"
}

// known reports whether kstatus has rules for the kind, and does not go by the
// conditions that all kinds may have.
func known(u *unstructured.Unstructured) bool { return status.GetLegacyConditionsFn(u) != nil }

// counting reports whether kstatus has rules for the kind that hold only if its
// controller always says what generation it is about.
func counting(u *unstructured.Unstructured) bool {
	return groupKind(u) == "apps/ReplicaSet" || groupKind(u) == "policy/PodDisruptionBudget"
}

func groupKind(u *unstructured.Unstructured) string {
	gk := u.GroupVersionKind().GroupKind()
	return gk.Group + "/" + gk.Kind
}

func emptyStatus(u *unstructured.Unstructured) bool {
	st, _ := u.Object["status"].(map[string]any)
	return len(st) == 0
}

// anyCondition is one statement, and the generation that it is about, if it says so.
type anyCondition struct {
	Type               string                 `json:"type"`
	Status             corev1.ConditionStatus `json:"status"`
	ObservedGeneration *int64                 `json:"observedGeneration"`
}

func conditions(u *unstructured.Unstructured) ([]anyCondition, error) {
	var all struct {
		Status struct {
			Conditions []anyCondition `json:"conditions"`
		} `json:"status"`
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &all); err != nil {
		return nil, fmt.Errorf("read conditions: %w", err)
	}
	return all.Status.Conditions, nil
}

// agreed says which condition is not clearly good. To kstatus, Ready is one of
// True, False and Unknown, or as good as absent.
func agreed(u *unstructured.Unstructured, all []anyCondition) string {
	if known(u) {
		return ""
	}
	generation, has, _ := unstructured.NestedInt64(u.Object, "metadata", "generation") // kstatus has read it
	good := map[string]corev1.ConditionStatus{
		"Ready":                             corev1.ConditionTrue,
		string(status.ConditionReconciling): corev1.ConditionFalse,
		string(status.ConditionStalled):     corev1.ConditionFalse,
	}
	for _, c := range all {
		want, matters := good[c.Type]
		switch {
		case !matters:
		case c.Status != want:
			return fmt.Sprintf("the condition %s is %q", c.Type, c.Status)
		case has && c.ObservedGeneration != nil && *c.ObservedGeneration != generation:
			return fmt.Sprintf("the condition %s is about generation %d, not %d", c.Type, *c.ObservedGeneration, generation)
		}
	}
	return ""
}

// finished says that what should end has not ended well, or that nothing is
// wanted. A Job that merely runs, a Pod that has failed and a ReplicaSet without
// replicas are current to kstatus.
func finished(u *unstructured.Unstructured, all []anyCondition) string {
	switch groupKind(u) {
	case "batch/Job":
		if !slices.ContainsFunc(all, func(c anyCondition) bool { return c.Type == "Complete" && c.Status == corev1.ConditionTrue }) {
			return "the Job is not complete"
		}
	case "/Pod":
		if phase, _, _ := unstructured.NestedString(u.Object, "status", "phase"); phase == string(corev1.PodFailed) {
			return "the Pod has failed"
		}
	case "apps/ReplicaSet":
		if n, has, _ := unstructured.NestedInt64(u.Object, "spec", "replicas"); has && n <= 0 {
			return "the ReplicaSet is scaled to zero"
		}
	}
	return ""
}
