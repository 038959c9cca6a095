package main

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// fast is how long pods take where nothing is said; slow ones never get ready.
const (
	fast = 4 * time.Second
	slow = time.Hour
)

// web is the manifest of a workload of that name. More is further fields of its spec.
func web(kind, image string, replicas int, after time.Duration, more string) string {
	wanted := fmt.Sprintf("replicas: %d", replicas)
	if kind == "DaemonSet" {
		wanted = "minReadySeconds: 0"
	}
	if kind == "StatefulSet" {
		wanted += ", serviceName: web"
	}
	if more != "" {
		wanted += ", " + more
	}
	return fmt.Sprintf(`
apiVersion: apps/v1
kind: %s
metadata: {name: web}
spec: {%s, selector: {matchLabels: {app: web}}, template: {
  metadata: {labels: {app: web}, annotations: {e2e.rollcall.dev/ready-after: %s}},
  spec: {containers: [{name: main, image: "%s"}]}}}
`, kind, wanted, after, image)
}

// deployed sets the scene: a Deployment that is all there.
func (t *take) deployed(more string) {
	t.apply(web("Deployment", "a:1", 3, fast, more))
	t.up("a:1")
}

// slowly gives the Deployment another image, whose pods take another time.
func (t *take) slowly(image string, after time.Duration) {
	t.patch("Deployment", "web", fmt.Sprintf(`{"spec":{"template":{"metadata":{"annotations":{"e2e.rollcall.dev/ready-after":%q}},
		"spec":{"containers":[{"name":"main","image":%q}]}}}}`, after.String(), image))
}

// late waits until the Deployment is past its deadline.
func (t *take) late() {
	t.until("the deadline has passed", func() bool {
		o := t.tape.last("Deployment", "web")
		return o != nil && condition(o, "Progressing") == "ProgressDeadlineExceeded"
	})
}

// begun waits until some pods of the new image are there.
func (t *take) begun(image string, updated, available int64) {
	t.until("the rollout has begun", func() bool {
		o := t.tape.last("Deployment", "web")
		return o != nil && first(o) == image && count(o, "status", "observedGeneration") >= o.GetGeneration() &&
			count(o, "status", "updatedReplicas") >= updated && count(o, "status", "availableReplicas") >= available
	})
}

// all replaces the pods of a Deployment at once.
const all = "strategy: {rollingUpdate: {maxUnavailable: 0, maxSurge: 100%}}"

// over is a situation of a Deployment that runs.
func over(name, more string, play func(t *take)) script {
	return script{name: name, play: func(t *take) {
		t.deployed(more)
		t.roll()
		play(t)
		t.wait(2 * time.Second)
	}}
}

// again rolls out an image to the end.
func again(image string) func(t *take) {
	return func(t *take) { t.image(image); t.wait(300 * time.Millisecond); t.up(image) }
}

// deployments are the situations of a Deployment that nobody but Kubernetes knows.
func deployments() []script { return slices.Concat(rollouts(), changes()) }

// rollouts are those of a new template, and how far it gets.
func rollouts() []script {
	return []script{
		over("001-new-image-rolling", "", again("b:1")),
		over("002-max-surge-100", all, again("b:1")),
		over("003-max-unavailable-100", "strategy: {rollingUpdate: {maxUnavailable: 100%, maxSurge: 0}}", again("b:1")),
		over("004-min-ready-seconds", "minReadySeconds: 6, strategy: {rollingUpdate: {maxUnavailable: 100%, maxSurge: 0}}", again("b:1")),
		{name: "005-created-while-watched", play: func(t *take) { t.roll(); t.deployed(""); t.wait(2 * time.Second) }},
		over("007-recreate", "strategy: {type: Recreate, rollingUpdate: null}", again("b:1")),
		over("008-image-never-pulls", "progressDeadlineSeconds: 6", func(t *take) { t.slowly("b:1", slow); t.late() }),
		over("009-late-success", "progressDeadlineSeconds: 6, "+all, func(t *take) { t.slowly("b:1", 10*time.Second); t.late(); t.up("b:1") }),
		over("010-fixed-after-deadline", "progressDeadlineSeconds: 6", func(t *take) {
			t.slowly("b:1", slow)
			t.late()
			t.slowly("c:1", fast)
			t.wait(300 * time.Millisecond)
			t.up("c:1")
		}),
		over("011-no-progress-deadline", "progressDeadlineSeconds: 2147483647", again("b:1")),
		over("012-superseded", "", func(t *take) { t.image("b:1"); t.begun("b:1", 2, 3); t.wait(time.Second); again("c:1")(t) }),
		over("013-reverted-at-once", "", func(t *take) { t.image("b:1"); t.begun("b:1", 1, 3); t.wait(time.Second); again("a:1")(t) }),
		over("014-reverted-half-way", "", func(t *take) { t.image("b:1"); t.begun("b:1", 2, 3); t.wait(time.Second); again("a:1")(t) }),
		over("015-old-pods-terminate-slowly", "template: {metadata: {annotations: {e2e.rollcall.dev/gone-after: 20s}}}", func(t *take) {
			again("b:1")(t)
			t.wait(25 * time.Second)
		}),
	}
}

// changes are those of a Deployment that something else is done to, perhaps meanwhile.
func changes() []script {
	return []script{
		over("018-scaled", "", func(t *take) { t.scale(5); t.wait(300 * time.Millisecond); t.up("a:1") }),
		over("020-autoscaled-while-rolling", "", func(t *take) {
			t.image("b:1")
			t.begun("b:1", 2, 3)
			t.scale(6)
			t.wait(300 * time.Millisecond)
			t.up("b:1")
		}),
		over("021-scaled-and-new-image", "", func(t *take) {
			t.patch("Deployment", "web", `{"spec":{"replicas":5,"template":{"spec":{"containers":[{"name":"main","image":"b:1"}]}}}}`)
			t.wait(300 * time.Millisecond)
			t.up("b:1")
		}),
		over("022-node-drained", "", func(t *take) {
			t.evict(1)
			t.wait(2 * time.Second)
			t.up("a:1")
			t.evict(1)
			t.wait(2 * time.Second)
			t.up("a:1")
		}),
		over("023-crash-loop-and-recovery", "", func(t *take) {
			t.readiness("False")
			t.wait(4 * time.Second)
			t.readiness("True")
			t.wait(time.Second)
			t.up("a:1")
		}),
		over("024-pods-deleted-by-hand", "", func(t *take) { t.evict(3); t.wait(2 * time.Second); t.up("a:1") }),
		over("025-annotations-only", "", func(t *take) {
			t.patch("Deployment", "web", `{"metadata":{"annotations":{"kubernetes.io/change-cause":"nothing"}}}`)
			t.wait(2 * time.Second)
		}),
		over("027-strategy-and-patience", "", func(t *take) {
			t.patch("Deployment", "web", `{"spec":{"minReadySeconds":30}}`)
			t.wait(2 * time.Second)
			t.patch("Deployment", "web", `{"spec":{"minReadySeconds":5,"revisionHistoryLimit":3,"progressDeadlineSeconds":300}}`)
			t.wait(8 * time.Second)
			t.up("a:1")
		}),
		over("028-paused-and-resumed", "", func(t *take) { t.pause(true); t.wait(2 * time.Second); t.pause(false) }),
		over("029-new-image-while-paused", "", func(t *take) {
			t.pause(true)
			t.wait(time.Second)
			t.image("b:1")
			t.wait(4 * time.Second)
			t.pause(false)
			t.wait(time.Second)
			t.up("b:1")
		}),
		over("030-paused-half-way", "", func(t *take) {
			t.image("b:1")
			t.begun("b:1", 2, 3)
			t.pause(true)
			t.wait(10 * time.Second)
			t.pause(false)
			t.wait(time.Second)
			t.up("b:1")
		}),
		over("034-deleted-while-rolling", "", func(t *take) {
			t.image("b:1")
			t.begun("b:1", 2, 3)
			t.remove("Deployment", "web", metav1.DeletePropagationForeground)
			t.wait(8 * time.Second)
		}),
	}
}

func (t *take) pause(yes bool) {
	t.patch("Deployment", "web", fmt.Sprintf(`{"spec":{"paused":%t}}`, yes))
}
