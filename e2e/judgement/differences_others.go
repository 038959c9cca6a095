package judgement

import (
	"slices"
	"strconv"
)

func ofRollouts() []Difference {
	const kind, phase = "Rollout", "the phase is Healthy, and "
	who := []string{Rollouts}
	row := func(waits string, when func(Object) bool, states, why string) Difference {
		return Difference{kind, who, waits, when, states, why}
	}
	has := func(path ...string) func(Object) bool {
		return func(o Object) bool { return o.text(path...) != "" }
	}
	flag := func(group, name string) func(Object) bool {
		return func(o Object) bool { m, _ := o.Map.Object[group].(fields); on, _ := m[name].(bool); return on }
	}
	return []Difference{
		row("the Rollout is being deleted", deleted, deleting, whyDeleted),
		row("the Rollout controller has not seen the latest change", func(o Object) bool {
			at := o.text("status", "observedGeneration")
			return at != strconv.FormatInt(o.Map.GetGeneration(), 10) || has("spec", "workloadRef", "name")(o)
		}, "the observed generation is no number, is still to come, or the template is elsewhere and its generation is not the observed one",
			"What is no number is a hash, as versions before 0.10 wrote it, and tells nothing. Clients of Argo Rollouts do not compare the generation of a workload that the template is taken from."),
		row("the Rollout is paused", flag("spec", "paused"), phase+"the spec says to pause", "A phase that contradicts what is asked for is not believed."),
		row("the Rollout is paused: CanaryPauseStep", func(o Object) bool {
			m, _ := o.Map.Object["status"].(fields)
			return m["pauseConditions"] != nil
		}, phase+"a step or a person holds the rollout", "A phase that contradicts the status is not believed."),
		row("the rollout was aborted", flag("status", "abort"), phase+"the rollout was aborted", "The pods that serve are those of the release before."),
		row("the pods are being restarted", has("spec", "restartAt"), phase+"a restart is asked for and not done", "Pods are going to be replaced."),
		row("the Rollout has no phase yet", func(o Object) bool { return o.text("status", "phase") == "" }, "there is no phase", "The controller has said nothing yet, or is older than 1.0, which left it to clients to find the phase out."),
		row("the Rollout is scaled to zero", scaledToZero, zero, whyZero),
		row("n of n replicas are updated", unequal("updatedReplicas"), phase+"not as many pods are updated as wanted", whyMore),
		row("n pods still count where n are wanted", unequal("replicas"), phase+"fewer pods count than are wanted, or more where no requests are routed", whyMore),
		row("n of n replicas are available", unequal("availableReplicas"), phase+"fewer pods are available than are wanted, or more where no requests are routed", whyMore),
		row("the revision is not assigned yet", func(o Object) bool { return o.text("status", "currentPodHash") == "" }, phase+"the status names no ReplicaSet", "Which release the phase is about is not known."),
		row("the active Service does not select the new pods yet", func(o Object) bool {
			return o.text("status", "blueGreen", "activeSelector") != o.text("status", "currentPodHash")
		}, phase+"the active Service of blue and green selects other pods", "Users still meet the release before."),
		row("the new ReplicaSet is not promoted yet", func(o Object) bool {
			return o.text("status", "stableRS") != o.text("status", "currentPodHash")
		}, phase+"the stable ReplicaSet is another one", "There are steps left, or the analysis after the switch runs."),
	}
}

func ofOthers() []Difference {
	const kind, waits = "any other kind", "the status of the Queue says neither what generation it is about nor Ready"
	none := func(o Object) bool { return len(statusOf(o)) == 0 }
	silent := func(o Object) bool {
		return o.number(-1, "status", "observedGeneration") < 0 && o.condition("Ready") == ""
	}
	beside := func(name string, good string) func(Object) bool {
		return func(o Object) bool {
			return slices.ContainsFunc(conditions(o), func(c fields) bool { return c["type"] == name && c["status"] != good })
		}
	}
	return slices.Concat([]Difference{
		{kind, []string{Kstatus}, "the Queue has no status yet", none, "there is a generation, and no status", "Whoever is to write a status has not looked yet. Without a generation nobody is waited for: a ConfigMap is ready at once."},
		{kind, []string{Kstatus}, waits, silent, "the status says neither a generation nor Ready", "Nothing tells whether the status is about the latest change."},
		{kind, []string{Kstatus}, "the Queue controller has not seen the latest change", func(o Object) bool { return o.Map.GetGeneration() == 0 }, "the generation is zero, and that was observed", "No API server gives this out."},
		{kind, []string{Kstatus}, "the condition Ready is n", beside("Ready", "True"), "a condition Ready is neither True, False nor Unknown, or is there twice", "kstatus takes the first that it understands, and what it does not understand for nothing."},
		{kind, []string{Kstatus}, "the condition Ready is about generation n, not n", func(o Object) bool {
			return slices.ContainsFunc(conditions(o), func(c fields) bool { return c["observedGeneration"] != nil })
		}, "the condition Ready is about another generation", "kstatus reads the generation of the whole status alone."},
		{kind, []string{Kstatus}, "the condition Stalled is n", beside("Stalled", "False"), "the condition Stalled is Unknown", "What may be stalled is not ready."},
	}, ofJobs(), ofReplicaSets())
}

func ofJobs() []Difference {
	open := func(o Object) bool { return o.condition("Complete") != "True" }
	return []Difference{
		{"Job", []string{Kstatus, ArgoCD}, "the Job is not complete", open, "it has started and is not complete; for Argo CD only if its condition Complete is not true", "To kstatus a Job that runs is current. Here it has to end."},
		{"Job", []string{ArgoCD}, "Job not started", open, "it has not started, and its condition Complete is not true", "Argo CD asks whether the condition is there, not what it says."},
	}
}

func ofReplicaSets() []Difference {
	const kind = "ReplicaSet"
	return []Difference{
		{kind, []string{ArgoCD}, "Labelled: n/n", unequal("fullyLabeledReplicas"), "not all pods have the labels of the template", "kstatus counts them."},
		{kind, []string{ArgoCD}, "Pending termination: n", unequal("replicas"), "more pods count than are wanted", "kstatus counts them."},
		{kind, []string{ArgoCD}, "ReplicaSet generation is n, but latest observed generation is n", elsewhere, seen, whySeen},
		{kind, []string{Kstatus, ArgoCD}, "the ReplicaSet controller has not seen the latest change", elsewhere, "nothing was observed yet", whySeen},
		{kind, []string{Kstatus, ArgoCD}, "the ReplicaSet is scaled to zero", scaledToZero, zero, whyZero},
	}
}

func statusOf(o Object) fields {
	st, _ := o.Map.Object["status"].(fields)
	return st
}

func conditions(o Object) []fields {
	var out []fields
	list, _ := statusOf(o)["conditions"].([]any)
	for _, item := range list {
		if c, ok := item.(fields); ok {
			out = append(out, c)
		}
	}
	return out
}
