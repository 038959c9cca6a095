package judgement

// Reasons that several kinds share.
const (
	whyDeleted = "Its pods go next."
	whySeen    = "The counters are about another spec: one before the first look, or one that a backup brought along. kstatus skips the check if nothing was observed."
	whyZero    = "Nothing runs that could be tested."
	whyMore    = "Counters that do not add up are of two moments, or of pods that are to go; the next look tells."
	whyUnknown = "What the strategy leads to is not known here."

	seen     = "nothing was observed yet, or a generation that is still to come"
	zero     = "no replicas are wanted"
	deleting = "it is being deleted"
)

func ofDeployments() []Difference {
	const kind = "Deployment"
	paused := func(o Object) bool { p, _ := o.Map.Object["spec"].(fields)["paused"].(bool); return p }
	return []Difference{
		{kind, []string{Kubectl, Controller}, "the Deployment is being deleted", deleted, deleting, whyDeleted},
		{kind, []string{Kubectl, Controller, Kstatus}, "the Deployment is paused", paused, "it is paused", "While it is paused, a new template is not rolled out, and the counters are those of the old one."},
		{kind, []string{Kubectl, Controller, Kstatus, ArgoCD}, "the Deployment controller has not seen the latest change", elsewhere, seen, whySeen},
		{kind, []string{Kubectl, Controller, Kstatus, ArgoCD}, "the Deployment is scaled to zero", scaledToZero, zero, whyZero},
		{
			kind,
			[]string{Controller},
			"the rollout exceeded its progress deadline", func(o Object) bool { return o.condition("Progressing") == "False" },
			"Progressing says that the deadline is exceeded, though the counters are complete", "The controller takes this back at its next look, if the counters hold.",
		},
		{
			kind,
			[]string{Kubectl, Kstatus, ArgoCD},
			"n of n replicas are updated", more("updatedReplicas"),
			"more pods are updated than wanted, or no number is asked for", "After a scaling down the pods that are to go still count. Where no number is asked for, the API's default is one, and kubectl and Argo CD take any.",
		},
		{kind, []string{Kubectl, ArgoCD}, "n pods still count where n are wanted", unequal("replicas"), "fewer pods count than are updated", whyMore},
		{kind, []string{Kubectl, Kstatus, ArgoCD}, "n of n replicas are available", more("availableReplicas"), "more pods are available than wanted", whyMore},
		{
			kind,
			[]string{Kubectl, Controller, ArgoCD},
			"the condition Available is n", func(o Object) bool { return o.condition("Available") != "True" },
			"the counters are complete, and the condition Available is not true", "A status that contradicts itself is not believed; kstatus waits as well.",
		},
		{
			kind,
			[]string{Kubectl, Controller, Kstatus, ArgoCD},
			"the condition Progressing is n because of n", func(o Object) bool { return o.condition("Progressing") != "" },
			"the counters are complete, and the controller has not called the rollout complete; for kstatus only without a deadline", "After a pause or a scaling the condition comes with the controller's next look. Without a deadline that removes it.",
		},
		{
			kind,
			[]string{Kubectl, Controller, ArgoCD},
			"the Deployment controller has not said yet how the rollout goes", func(o Object) bool { return o.condition("Progressing") == "" },
			"there is a deadline, and no condition Progressing", "With a deadline the controller always says how the rollout goes; kstatus waits as well.",
		},
	}
}

func ofStatefulSets() []Difference {
	const kind = "StatefulSet"
	all := []string{Kubectl, Kstatus, ArgoCD}
	onDelete := func(o Object) bool { return o.is("OnDelete") }
	return []Difference{
		{kind, []string{Kubectl}, "the StatefulSet is being deleted", deleted, deleting, whyDeleted},
		{kind, all, "the StatefulSet controller has not seen the latest change", elsewhere, seen, whySeen},
		{kind, all, "the StatefulSet is scaled to zero", scaledToZero, zero, whyZero},
		{kind, all, "the partition holds the pods below ordinal n back", func(o Object) bool {
			return o.number(0, "spec", "updateStrategy", "rollingUpdate", "partition") > 0
		}, "a partition is set, and the pods above it are updated", "A canary: the pods below the partition stay old."},
		{kind, []string{Kstatus, ArgoCD}, "the update strategy n is not known", func(o Object) bool { return o.is("Sideways") }, "the strategy is none of RollingUpdate, OnDelete and Recreate", whyUnknown},
		{kind, []string{Kstatus, ArgoCD}, "the pods are being recreated", func(o Object) bool {
			return o.is("Recreate") && o.condition("Progressing") != "False"
		}, "the strategy is Recreate, and its condition Progressing is not false", "The controller says that it is not done."},
		{kind, all, "the revision is not assigned yet", func(o Object) bool { return o.text("status", "updateRevision") == "" }, "the controller names no revision", "Which release the counters are about is not known."},
		{kind, []string{Kstatus, ArgoCD}, "n of n replicas are updated", onDelete, "the strategy is OnDelete, and old pods are left", "The rollout is complete when somebody has deleted every old pod."},
		{
			kind, all, "n of n replicas are updated", unequal("updatedReplicas"), "not as many pods are updated as wanted, where the judge does not count them",
			"kubectl and Argo CD count updated pods only with a partition, and kstatus compares only the revisions.",
		},
		{kind, all, "n pods still count where n are wanted", unequal("replicas"), "not as many pods count as wanted", "kubectl and Argo CD do not count them, so that pods which are to go pass; with OnDelete kstatus does not either."},
		{kind, all, "n of n replicas are available", unequal("availableReplicas"), "not as many pods are available as wanted", "The others count ready pods. A pod is available when it was ready for `minReadySeconds`."},
		{kind, all, "the current revision is n and not yet n", func(o Object) bool {
			return o.text("status", "currentRevision") != o.text("status", "updateRevision")
		}, "the controller has not made the new revision the current one", "It does so when it finds the rollout complete. With `rollingUpdate` set, the others do not compare the two."},
	}
}

func ofDaemonSets() []Difference {
	const kind = "DaemonSet"
	all := []string{Kubectl, Kstatus, ArgoCD}
	not := func(counter string) func(Object) bool {
		return func(o Object) bool { return o.counter(counter) != o.counter("desiredNumberScheduled") }
	}
	onDelete := func(o Object) bool { return o.is("OnDelete") }
	return []Difference{
		{kind, []string{Kubectl}, "the DaemonSet is being deleted", deleted, deleting, whyDeleted},
		{kind, []string{Kubectl, ArgoCD}, "the DaemonSet controller has not seen the latest change", elsewhere, seen, whySeen},
		{kind, all, "no node fits the DaemonSet", func(o Object) bool { return o.counter("desiredNumberScheduled") == 0 }, "no node is to have a pod", whyZero},
		{kind, []string{Kstatus, ArgoCD}, "the update strategy n is not known", func(o Object) bool { return o.is("Sideways") }, "the strategy is neither RollingUpdate nor OnDelete", whyUnknown},
		{kind, []string{ArgoCD}, "n of n pods are updated", onDelete, "the strategy is OnDelete, and old pods are left", "The rollout is complete when somebody has deleted every old pod."},
		{kind, all, "n of n pods are updated", not("updatedNumberScheduled"), "more pods are updated than nodes are to have one", whyMore},
		{kind, []string{ArgoCD}, "n of n nodes are served", onDelete, "the strategy is OnDelete, and not all nodes have their pod", "Argo CD counts nothing with OnDelete."},
		{kind, all, "n of n nodes are served", not("currentNumberScheduled"), "not as many nodes have a pod as are to have one", "A node has joined or left. kubectl and Argo CD do not count the nodes; for kstatus only more of them pass."},
		{kind, []string{ArgoCD}, "n of n pods are available", onDelete, "the strategy is OnDelete, and not all pods are available", "Argo CD counts nothing with OnDelete."},
		{kind, all, "n of n pods are available", not("numberAvailable"), "more pods are available than nodes are to have one", whyMore},
	}
}
