package main

import (
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rollcall-dev/rollcall/release/v1alpha1"
	"github.com/rollcall-dev/rollcall/watch/lean"
)

// Who acts in the story.
const (
	argoCD     = "Argo CD"
	kubernetes = "Kubernetes"
	rollcall   = "rollcall"
	workflows  = "Argo Workflows"
)

// line is one line of the story.
type line struct {
	at   time.Time
	who  string
	what string
	tone tone
}

// teller tells the story of the commit that releases newImage, from the states of
// objects. What is true of an object it derives from that object alone, and says it once.
type teller struct {
	commit string

	record  v1alpha1.Release // the newest state
	over    bool             // nothing more is to come
	failure error            // why it did not end well
	said    map[string]bool
	latest  time.Time
}

func newTeller(commit string) *teller {
	return &teller{commit: commit, said: map[string]bool{}}
}

// see tells what is new. No line is earlier than the one before it.
func (t *teller) see(s sight) []line {
	if s.at.After(t.latest) {
		t.latest = s.at
	}
	var out []line
	for _, l := range t.facts(s.object) {
		if key := l.who + " " + l.what; !t.said[key] {
			t.said[key] = true
			l.at = t.latest
			out = append(out, l)
		}
	}
	return out
}

// facts lists what is true of the object and belongs to the story.
func (t *teller) facts(o *unstructured.Unstructured) []line {
	switch o.GetKind() {
	case "Application":
		var app lean.Application
		return t.read(o, &app, func() []line { return t.sync(&app) })
	case "Deployment":
		var web appsv1.Deployment
		return t.read(o, &web, func() []line { return rollout(&web) })
	case v1alpha1.Kind:
		var rec v1alpha1.Release
		return t.read(o, &rec, func() []line { return t.release(&rec) })
	case "Workflow":
		var run lean.Workflow
		return t.read(o, &run, func() []line { return steps(&run) })
	}
	return nil
}

// read decodes the object and goes on with it.
func (t *teller) read(o *unstructured.Unstructured, into any, then func() []line) []line {
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, into); err != nil {
		t.fail(fmt.Errorf("read %s %s: %w", o.GetKind(), o.GetName(), err))
		return nil
	}
	return then()
}

// fail ends the story.
func (t *teller) fail(err error) { t.over, t.failure = true, errors.Join(t.failure, err) }

// lastWord says what rollcall was waiting for when it was last heard of.
func (t *teller) lastWord() string {
	switch waiting := t.record.Status.WaitingFor; {
	case waiting != "":
		return "; rollcall waits for: " + waiting
	case t.record.Name == "":
		return "; no release was recorded"
	}
	return "; the release is " + t.record.Status.Phase
}
