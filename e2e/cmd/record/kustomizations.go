package main

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rollcall-dev/rollcall/e2e/lab"
)

// fluxed sets the scene: a Kustomization whose Deployment is all there.
func (t *take) fluxed(wait bool, interval time.Duration) {
	t.write("a:1", 2*time.Second)
	t.commit("first")
	t.do(func() error {
		url, err := t.lab.GitURL(t.repo)
		if err != nil {
			return err
		}
		return t.lab.CreateKustomization(t.ctx, lab.Kustomization{
			Namespace: t.ns, Name: appName, URL: url, Path: "./deploy", Wait: wait, Interval: interval,
		})
	})
	t.up("a:1")
	t.applied()
	t.wait(2 * time.Second)
}

// applied waits until the Kustomization vouches for what was committed last.
func (t *take) applied() {
	t.until("Flux has applied", func() bool {
		o := t.tape.last("Kustomization", appName)
		return o != nil && vouches(o) && text(o, "status", "lastAppliedRevision") == "main@sha1:"+t.commits[len(t.commits)-1]
	})
}

// adjust merges something into the Kustomization.
func (t *take) adjust(with string) {
	t.do(func() error {
		_, err := t.in(lab.KustomizationResource(), t.ns).Patch(t.ctx, appName, types.MergePatchType, []byte(with), metav1.PatchOptions{})
		if err != nil {
			return fmt.Errorf("patch Kustomization: %w", err)
		}
		return nil
	})
}

// kustomizations are situations of Flux.
func kustomizations() []script {
	over := func(name string, wait bool, interval time.Duration, play func(t *take)) script {
		return script{name: name, engine: flux, play: func(t *take) {
			t.fluxed(wait, interval)
			t.roll()
			play(t)
			t.applied()
			t.wait(3 * time.Second)
		}}
	}
	release := func(after time.Duration) func(t *take) {
		return func(t *take) {
			t.write("b:1", after)
			t.commit("release b:1")
			t.up("b:1")
		}
	}
	return []script{
		over("081-interval", true, 4*time.Second, func(t *take) { t.wait(10 * time.Second) }),
		over("082-applied-and-no-more", false, time.Hour, release(3*time.Second)),
		over("083-health-checks-come-later", true, time.Hour, release(3*time.Second)),
		over("084-health-checks-time-out", true, time.Hour, func(t *take) {
			t.adjust(`{"spec":{"timeout":"8s"}}`)
			t.wait(6 * time.Second)
			release(14 * time.Second)(t)
		}),
		over("086-unrelated-commit", true, time.Hour, func(t *take) { t.file("README.md", "nothing\n"); t.commit("say something") }),
		over("087-drift-that-flux-corrects", false, 8*time.Second, func(t *take) { t.image("b:1"); t.wait(12 * time.Second); t.up("a:1") }),
		over("090-suspended-and-edited", false, time.Hour, func(t *take) {
			t.adjust(`{"spec":{"suspend":true}}`)
			t.wait(time.Second)
			t.image("b:1")
			t.wait(time.Second)
			t.up("b:1")
			t.wait(3 * time.Second)
		}),
	}
}
