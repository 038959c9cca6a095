package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/rollcall-dev/rollcall/release/v1alpha1"
	"github.com/rollcall-dev/rollcall/watch/lean"
)

// sync says how far Argo CD has brought the commit.
func (t *teller) sync(app *lean.Application) []line {
	var out []line
	say := func(format string, args ...any) {
		out = append(out, line{who: argoCD, what: fmt.Sprintf(format, args...)})
	}
	if app.Status.Sync.Revision == t.commit && app.Status.Sync.Status == "OutOfSync" {
		say("finds commit %.7s, which the cluster is not yet like", t.commit)
	}
	op := app.Status.OperationState
	if op == nil || op.Operation.Sync == nil || op.Operation.Sync.Revision != t.commit {
		return out
	}
	say("syncs revision %.7s", t.commit)
	switch op.Phase {
	case "Succeeded":
		say("sync succeeded")
	case "Failed", "Error":
		say("sync: %s", op.Phase)
		t.fail(fmt.Errorf("sync commit %.7s: Argo CD says %s", t.commit, op.Phase))
	}
	if op.Phase == "Succeeded" && app.Status.Sync.Revision == t.commit &&
		app.Status.Sync.Status == "Synced" && app.Status.Health.Status == "Healthy" {
		say("application is Synced and Healthy")
	}
	return out
}

// rollout says how far the Deployment has brought the image. Old pods are all
// ready for as long as they count, so what is ready beyond them is new.
func rollout(web *appsv1.Deployment) []line {
	if web.Spec.Template.Spec.Containers[0].Image != newImage {
		return nil
	}
	out := []line{{who: kubernetes, what: "Deployment web has image " + newImage}}
	status := web.Status
	if status.ObservedGeneration < web.Generation {
		return out // It still tells of what was before.
	}
	old := status.Replicas - status.UpdatedReplicas
	fresh := max(status.ReadyReplicas-old, 0)
	return append(out, line{who: kubernetes, what: fmt.Sprintf("pods %s  %d/%d new ready, %d old",
		strings.Repeat("■", int(fresh))+strings.Repeat("□", int(max(*web.Spec.Replicas-fresh, 0))), fresh, *web.Spec.Replicas, old)})
}

// release says how far rollcall has brought the release, and ends the story with
// its verdict.
func (t *teller) release(rec *v1alpha1.Release) []line {
	if rec.Spec.Baseline || !slices.Contains(rec.Spec.Template.Images, newImage) {
		return nil
	}
	t.record = *rec
	out := []line{{who: rollcall, what: fmt.Sprintf("records %s, kind %q", rec.Name, rec.Spec.Kind)}}
	if rec.Status.Timeline.Ready != nil {
		out = append(out, line{who: rollcall, what: "release ready, in " + rec.Status.ReadyIn, tone: strong})
	}
	for _, d := range rec.Status.Deliveries {
		out = append(out, t.delivery(d)...)
	}
	switch rec.Status.Phase {
	case "Passed":
		t.over = true
		out = append(out, line{who: rollcall, what: fmt.Sprintf("verdict: Passed (%s)", rec.Status.Tests), tone: good})
	case "Failed", "Superseded", "Reverted":
		out = append(out, line{who: rollcall, what: fmt.Sprintf("verdict: %s (%s)", rec.Status.Phase, rec.Status.Tests), tone: bad})
		t.fail(fmt.Errorf("release %s: it ended as %s, not as Passed", rec.Name, rec.Status.Phase))
	}
	return out
}

// delivery says what became of an event.
func (t *teller) delivery(d v1alpha1.Delivery) []line {
	switch {
	case d.State == "Dead":
		t.fail(fmt.Errorf("send event to %s: %s", d.Sink, d.LastError))
	case d.State == "Sent" && d.Object != nil:
		return []line{{who: rollcall, what: fmt.Sprintf("event of rule %s sent to sink %s: %s %s", d.Rule, d.Sink, d.Object.Kind, d.Object.Name)}}
	case d.State == "Pending":
		return []line{{who: rollcall, what: fmt.Sprintf("rule %s holds", d.Rule)}}
	}
	return nil
}

// steps says how far a Workflow has come.
func steps(run *lean.Workflow) []line {
	out := []line{{who: workflows, what: "Workflow " + run.Name + " is there"}}
	for _, n := range worked(run.Status.Nodes) {
		out = append(out, line{who: workflows, what: "step " + n.DisplayName + " started"})
		if n.FinishedAt != nil && !n.FinishedAt.IsZero() {
			out = append(out, line{who: workflows, what: "step " + n.DisplayName + " " + strings.ToLower(n.Phase), tone: toneOf(n.Phase)})
		}
	}
	switch run.Status.Phase {
	case "Succeeded", "Failed", "Error":
		out = append(out, line{who: workflows, what: "Workflow " + strings.ToLower(run.Status.Phase), tone: toneOf(run.Status.Phase)})
	}
	return out
}

// worked lists the steps that do work, and no groups of them, as they began.
func worked(nodes map[string]lean.Node) []lean.Node {
	var out []lean.Node
	for _, n := range nodes {
		if (n.Type == "Pod" || n.Type == "Suspend") && n.StartedAt != nil {
			out = append(out, n)
		}
	}
	slices.SortFunc(out, func(a, b lean.Node) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt.Time), cmp.Compare(a.DisplayName, b.DisplayName))
	})
	return out
}

// toneOf is how a phase of Argo Workflows sounds.
func toneOf(phase string) tone {
	if phase == "Succeeded" {
		return plain
	}
	return bad
}
