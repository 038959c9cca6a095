package timeline

import "strings"

// deployment is the state of a Deployment.
type deployment struct {
	common
	counts
	replicas    int64
	revision    string
	progressing condition
	template    template
	paused      bool
}

func readDeployment(f *fields) shape {
	d := deployment{paused: f.flag("paused"), common: f.common(), replicas: f.replicas()}
	d.counts = f.counts("ready", "term", "new")
	d.revision = f.revision()
	d.progressing = readCondition("Progressing", f.next("reason of Progressing"))
	d.template = f.template()
	return d
}

// statefulSet is the state of a StatefulSet.
type statefulSet struct {
	common
	counts
	replicas        int64
	current, update string
	template        template
	partition       int64
	onDelete        bool
}

func readStatefulSet(f *fields) shape {
	s := statefulSet{onDelete: f.flag("OnDelete"), common: f.common(), replicas: f.replicas()}
	if n, ok := f.after("partition="); ok {
		s.partition = f.number(n, "partition")
	}
	s.counts = f.counts("ready", "current")
	rev := f.revision()
	var both bool
	if s.current, s.update, both = strings.Cut(rev, "/"); !both {
		s.update = s.current
	}
	s.template = f.template()
	return s
}

// daemonSet is the state of a DaemonSet; total is how many nodes want a pod.
type daemonSet struct {
	common
	counts
	revision string
	template template
	onDelete bool
}

func readDaemonSet(f *fields) shape {
	d := daemonSet{onDelete: f.flag("OnDelete"), common: f.common()}
	d.counts = f.counts("ready", "current", "misscheduled")
	d.revision = f.revision()
	d.template = f.template()
	return d
}

// rollout is the state of an Argo Rollout.
type rollout struct {
	common
	counts
	replicas         int64
	revision, stable string
	phase            string
	template         template
	paused, aborted  bool
}

func readRollout(f *fields) shape {
	r := rollout{paused: f.flag("paused"), aborted: f.flag("aborted"), common: f.common(), replicas: f.replicas()}
	r.counts = f.counts("ready", "new")
	r.revision = f.revision()
	r.phase = f.next("phase")
	r.template = f.template()
	r.stable, _ = f.after("stable ")
	return r
}

// application is the state of an Argo CD Application.
type application struct {
	sync, syncRevision               string
	phase, opRevision                string
	health                           string
	reconciled, requested, automated bool
	noResult, deleting               bool
	owns, outOfSync, partial         []Ref
	images                           []string
	condition                        string
}

func readApplication(f *fields) shape {
	a := application{
		reconciled: f.flag("reconciled"), requested: f.flag("requested"), automated: f.flag("automated"),
		noResult: f.flag("noResult"), deleting: f.flag("deleting"),
		owns: f.refs("owns"), outOfSync: f.refs("OutOfSync"), partial: f.refs("partial"),
	}
	a.condition, _ = f.after("condition ")
	if list, ok := f.after("images "); ok {
		for i := range strings.SplitSeq(list, ",") {
			a.images = append(a.images, strings.TrimSpace(i))
		}
	}
	a.sync, a.syncRevision, _ = strings.Cut(f.next("status of the sync"), "@")
	a.phase, a.opRevision, _ = strings.Cut(f.next("phase of the operation"), "@")
	a.health = f.next("health")
	return a
}

// kustomization is the state of a Flux Kustomization.
type kustomization struct {
	common
	ready              condition
	applied, attempted string
	digest             string
	conditions         []condition
	owns               []Ref
	suspended          bool
}

func readKustomization(f *fields) shape {
	k := kustomization{suspended: f.flag("suspended"), owns: f.refs("owns"), common: f.common()}
	k.digest, _ = f.after("digest ")
	k.ready = readCondition("Ready", f.next("status of Ready"))
	k.applied, k.attempted = f.next("revision that was applied"), f.next("revision that was attempted")
	k.conditions = f.conditions()
	return k
}

// helmRelease is the state of a Flux HelmRelease.
type helmRelease struct {
	common
	ready      condition
	version    int64
	status     string
	chart      string
	conditions []condition
	owns       []Ref
	suspended  bool
}

func readHelmRelease(f *fields) shape {
	h := helmRelease{suspended: f.flag("suspended"), owns: f.refs("owns"), common: f.common()}
	h.ready = readCondition("Ready", f.next("status of Ready"))
	words := strings.Fields(f.next("history"))
	if len(words) == 3 && strings.HasPrefix(words[0], "v") {
		h.version, h.status, h.chart = f.number(words[0][1:], "version"), words[1], words[2]
	} else if len(words) != 1 || words[0] != "-" {
		f.wrong("history must be written as in v2 deployed 1.2.3")
	}
	h.conditions = f.conditions()
	return h
}

// conditions takes the fields of the form TYPE=STATUS[/REASON].
func (f *fields) conditions() []condition {
	var out []condition
	var rest []string
	for _, s := range f.all {
		if kind, what, ok := strings.Cut(s, "="); ok && !strings.Contains(kind, " ") {
			out = append(out, readCondition(kind, what))
		} else {
			rest = append(rest, s)
		}
	}
	f.all = rest
	return out
}
