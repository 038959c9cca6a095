package main

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

func condition(o *unstructured.Unstructured, kind string) string {
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions") // what is absent is empty
	for _, c := range conditions {
		if m, ok := c.(map[string]any); ok && m["type"] == kind {
			reason, _ := m["reason"].(string)
			return reason
		}
	}
	return ""
}

// evict deletes pods.
func (t *take) evict(n int) {
	for i, name := range t.names("Pod", "app=web") {
		if i < n {
			t.remove("Pod", name, metav1.DeletePropagationBackground)
		}
	}
}

// readiness says of all pods whether they are ready, as a kubelet would.
func (t *take) readiness(status string) {
	for _, name := range t.names("Pod", "app=web") {
		t.do(func() error {
			patch := fmt.Appendf(nil, `{"status":{"conditions":[{"type":"Ready","status":%q,"lastTransitionTime":%q}]}}`,
				status, time.Now().UTC().Format(time.RFC3339))
			_, err := t.lab.Client().CoreV1().Pods(t.ns).Patch(t.ctx, name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
			if err != nil {
				return fmt.Errorf("patch pod: %w", err)
			}
			return nil
		})
		t.wait(200 * time.Millisecond)
	}
}

// set gives the name of the ReplicaSet of an image.
func (t *take) set(image string) string {
	t.tape.mu.Lock()
	defer t.tape.mu.Unlock()
	name := ""
	for _, s := range t.tape.states {
		if s.GetKind() == "ReplicaSet" && first(s.Unstructured) == image {
			name = s.GetName()
		}
	}
	return name
}

// identities are situations that are about what a release is.
func identities() []script {
	over := func(name, more string, play func(t *take)) script {
		return script{name: name, play: func(t *take) {
			t.deployed(more)
			t.roll()
			play(t)
			t.wait(2 * time.Second)
		}}
	}
	to := func(t *take, image string) { t.image(image); t.wait(300 * time.Millisecond); t.up(image) }
	return []script{
		over("031-old-replicaset-deleted", "", func(t *take) {
			to(t, "b:1")
			t.wait(2 * time.Second)
			t.remove("ReplicaSet", t.set("a:1"), metav1.DeletePropagationBackground)
			t.wait(2 * time.Second)
		}),
		over("032-current-replicaset-deleted", "", func(t *take) {
			t.remove("ReplicaSet", t.set("a:1"), metav1.DeletePropagationBackground)
			t.wait(2 * time.Second)
			t.up("a:1")
		}),
		over("037-restarted", "", func(t *take) {
			t.patch("Deployment", "web", `{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"2026-11-22T10:00:00Z"}}}}}`)
			t.wait(time.Second)
			t.up("a:1")
		}),
		over("038-configuration-in-the-template", "", func(t *take) {
			t.patch("Deployment", "web", `{"spec":{"template":{"metadata":{"annotations":{"checksum/config":"2"}}}}}`)
			t.wait(time.Second)
			t.up("a:1")
		}),
		over("040-undone", "", func(t *take) { to(t, "b:1"); t.wait(2 * time.Second); to(t, "a:1") }),
		over("042-back-without-its-replicaset", "revisionHistoryLimit: 0", func(t *take) { to(t, "b:1"); t.wait(3 * time.Second); to(t, "a:1"); t.wait(time.Second) }),
		over("046-init-container", "", func(t *take) {
			t.patch("Deployment", "web", `{"spec":{"template":{"spec":{"initContainers":[{"name":"init","image":"migrate:2"}]}}}}`)
			t.wait(time.Second)
			t.up("a:1")
		}),
		over("047-no-replicas", "", func(t *take) {
			t.patch("Deployment", "web", `{"spec":{"replicas":0,"template":{"spec":{"containers":[{"name":"main","image":"b:1"}]}}}}`)
			t.wait(4 * time.Second)
		}),
		over("048-scaled-from-zero-after-a-new-image", "", func(t *take) {
			t.patch("Deployment", "web", `{"spec":{"replicas":0,"template":{"spec":{"containers":[{"name":"main","image":"b:1"}]}}}}`)
			t.wait(4 * time.Second)
			t.scale(2)
			t.wait(time.Second)
			t.up("b:1")
		}),
		over("049-scaled-to-zero-at-night", "", func(t *take) {
			t.scale(0)
			t.wait(3 * time.Second)
			t.scale(3)
			t.wait(time.Second)
			t.up("a:1")
		}),
		over("050-deleted-and-made-again", "", func(t *take) {
			t.remove("Deployment", "web", metav1.DeletePropagationBackground)
			t.wait(2 * time.Second)
			t.deployed("")
		}),
		over("051-orphaned-and-adopted", "", func(t *take) {
			t.remove("Deployment", "web", metav1.DeletePropagationOrphan)
			t.until("it is gone", func() bool { return t.tape.last("Deployment", "web") == nil })
			t.wait(time.Second)
			t.deployed("")
		}),
	}
}

// others are situations of StatefulSets and DaemonSets.
func others() []script {
	of := func(kind, name, more string, images ...string) script {
		return script{name: name, play: func(t *take) {
			t.apply(web(kind, "a:1", 3, 2*time.Second, more))
			t.ready(kind, "web", "a:1")
			t.roll()
			for _, image := range images {
				t.patch(kind, "web", fmt.Sprintf(`{"spec":{"template":{"spec":{"containers":[{"name":"main","image":%q}]}}}}`, image))
				t.wait(time.Second)
				t.ready(kind, "web", image)
				t.wait(2 * time.Second)
			}
		}}
	}
	nodes := func(s script) script {
		play := s.play
		s.play = func(t *take) {
			for _, n := range []string{"b", "c"} {
				name := t.ns + "-" + n
				t.do(func() error { return t.lab.AddNode(t.ctx, name, "") })
				defer func() { _ = t.lab.RemoveNode(context.WithoutCancel(t.ctx), name) }()
			}
			play(t)
		}
		return s
	}
	return []script{
		of("StatefulSet", "001-statefulset", "", "b:1"),
		of("StatefulSet", "040-statefulset", "", "b:1", "a:1"),
		{name: "030-statefulset-partition", play: func(t *take) {
			t.apply(web("StatefulSet", "a:1", 3, 2*time.Second, ""))
			t.ready("StatefulSet", "web", "a:1")
			t.roll()
			t.patch("StatefulSet", "web", `{"spec":{"updateStrategy":{"rollingUpdate":{"partition":2}},"template":{"spec":{"containers":[{"name":"main","image":"b:1"}]}}}}`)
			t.wait(6 * time.Second)
			t.patch("StatefulSet", "web", `{"spec":{"updateStrategy":{"rollingUpdate":{"partition":0}}}}`)
			t.wait(time.Second)
			t.ready("StatefulSet", "web", "b:1")
			t.wait(2 * time.Second)
		}},
		nodes(of("DaemonSet", "001-daemonset", "", "b:1")),
		nodes(of("DaemonSet", "040-daemonset", "", "b:1", "a:1")),
	}
}
