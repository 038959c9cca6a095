package timeline_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rollcall-dev/rollcall/internal/memory"
	"github.com/rollcall-dev/rollcall/internal/timeline"
	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch/lean"
	"github.com/rollcall-dev/rollcall/watch/workload"
)

// What a workload's own object says is read with several guards, behind which there
// are more: the ReplicaSets, the engines, the live look. So that each guard is held
// to the timelines by itself, the object alone must never look complete before its
// release was.
func TestNoObjectLooksCompleteTooEarly(t *testing.T) {
	files, err := filepath.Glob(folder + "/*.yaml")
	require.NoError(t, err)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			if why := misled[filepath.Base(file)]; why != "" {
				t.Skip(why)
			}
			_, err := load(t, file).Run(t.Context(), timeline.Options{After: func(m timeline.Moment) {
				if !m.Calm {
					return
				}
				for _, kind := range release.Workloads() {
					for _, o := range m.Objects.List(kind) {
						if !owned(o) && complete(t, o) {
							assert.True(t, recorded(m.Objects, o), "%s: at %s %s/%s looks complete", file, m.At, kind, o.GetName())
						}
					}
				}
			}})
			require.NoError(t, err)
		})
	}
}

// misled are the timelines in which the object alone does mislead: other guards are
// what they are about.
var misled = map[string]string{
	"033-two-replicasets-alike.yaml": "the API fills in a field, and the template is another one than was recorded",
	"100-records-are-lost.yaml":      "nothing is recorded for as long as the records are gone",
	"103-replicasets-unknown.yaml":   "the ReplicaSet says what the Deployment does not",
}

// owned reports whether an engine has a say on a workload.
func owned(o *unstructured.Unstructured) bool {
	marked := o.GetAnnotations()["argocd.argoproj.io/tracking-id"] != ""
	for label := range o.GetLabels() {
		marked = marked || strings.Contains(label, "toolkit.fluxcd.io/") || label == "app.kubernetes.io/instance"
	}
	return marked
}

// complete reports whether a workload's object looks so.
func complete(t *testing.T, o *unstructured.Unstructured) bool {
	t.Helper()
	into := func(v any) {
		require.NoError(t, runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, v))
	}
	switch o.GetKind() {
	case "Deployment":
		d := &appsv1.Deployment{}
		into(d)
		return workload.Deployment(d).WaitingFor == ""
	case "StatefulSet":
		s := &appsv1.StatefulSet{}
		into(s)
		return workload.StatefulSet(s).WaitingFor == ""
	case "DaemonSet":
		d := &appsv1.DaemonSet{}
		into(d)
		return workload.DaemonSet(d).WaitingFor == ""
	}
	r := &lean.Rollout{}
	into(r)
	return workload.Rollout(r).WaitingFor == ""
}

// recorded reports whether rollcall has written down that the template of a workload
// is, or was, completely rolled out.
func recorded(s *memory.Server, o *unstructured.Unstructured) bool {
	for _, rec := range s.List("Release") {
		subject, _, _ := unstructured.NestedStringMap(rec.Object, "spec", "subject")
		hash, _, _ := unstructured.NestedString(rec.Object, "spec", "template", "hash")
		phase, _, _ := unstructured.NestedString(rec.Object, "status", "phase")
		if subject["uid"] == string(o.GetUID()) && strings.HasSuffix(hash, timeline.TemplateHash(o)) && release.Phase(phase).Completed() {
			return true
		}
	}
	return false
}
