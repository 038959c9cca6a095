package release

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"
)

// ErrNotYet says that a subject is not settled: nothing went wrong, and it must
// be looked at again when something about it changes, or at the next tick.
var ErrNotYet = errors.New("release is not settled yet")

// NotBefore is [ErrNotYet] for a subject that nothing needs to be known of before a
// certain time, unless something about it changes.
type NotBefore struct{ Time time.Time }

// Error says until when.
func (e NotBefore) Error() string { return ErrNotYet.Error() + ", but will be at a known time" }

// Is makes it an [ErrNotYet].
func (e NotBefore) Is(target error) bool { return target == ErrNotYet }

// Again is what asks for a subject again at a time, or at the next tick if it is
// zero.
func Again(at time.Time) error {
	if at.IsZero() {
		return ErrNotYet
	}
	return NotBefore{at}
}

// Subject is what gets released over and over, in one cluster.
type Subject struct {
	// Cluster names the cluster the subject runs in. It is part of every
	// identity, so that events of several clusters can meet in one place.
	Cluster string
	// Kind is the Kubernetes kind, for example "Deployment". One that is not among
	// [Workloads] and [Apps] bears its group, as in "Certificate.cert-manager.io".
	Kind string
	// Namespace and Name are those of the object.
	Namespace string
	Name      string
}

// String gives the short form that logs and tables show: "Deployment shop/web".
func (s Subject) String() string { return s.Kind + " " + s.Namespace + "/" + s.Name }

// Hash is 16 hex digits that stand for the subject where a label must.
func (s Subject) Hash() string {
	return digest("subject", s.Cluster, s.Kind, s.Namespace, s.Name)[:16]
}

// ObjectKind is the kind of the subject's object, without a group.
func (s Subject) ObjectKind() string {
	kind, _, _ := strings.Cut(s.Kind, ".")
	return kind
}

// Path is what the subject is called in events and spans, in the way of kubectl:
// "deployments/shop/web", or "certificates.cert-manager.io/shop/web".
func (s Subject) Path() string {
	kind, group, _ := strings.Cut(s.Kind, ".")
	resource := strings.TrimSuffix(strings.ToLower(kind)+"s."+group, ".")
	return resource + "/" + s.Namespace + "/" + s.Name
}

// KindRef names a kind of objects as a rule does.
type KindRef struct {
	// APIVersion may be empty for a kind among [Workloads] and [Apps].
	APIVersion string
	Kind       string
}

// String is the kind, with its apiVersion if it has one.
func (k KindRef) String() string { return strings.TrimPrefix(k.APIVersion+" "+k.Kind, " ") }

// Subject is what [Subject.Kind] is for objects of that kind.
func (k KindRef) Subject() string {
	group, _, grouped := strings.Cut(k.APIVersion, "/")
	if own := Group(k.Kind); k.APIVersion == "" || grouped && own == group {
		return k.Kind
	}
	if !grouped {
		group = ""
	}
	return k.Kind + "." + group
}

// Group is the API group of a kind among [Workloads] and [Apps]; empty for others.
func Group(kind string) string {
	switch kind {
	case "Deployment", "StatefulSet", "DaemonSet":
		return "apps"
	case "Rollout", "Application":
		return "argoproj.io"
	case "Kustomization":
		return "kustomize.toolkit.fluxcd.io"
	case "HelmRelease":
		return "helm.toolkit.fluxcd.io"
	}
	return ""
}

// Workloads lists the kinds of subjects that run pods by themselves.
func Workloads() []string { return []string{"Deployment", "StatefulSet", "DaemonSet", "Rollout"} }

// Apps lists the kinds of subjects that stand for all workloads of an application.
func Apps() []string { return []string{"Application", "Kustomization", "HelmRelease"} }

// Kind says in what way a release differs from what ran before it.
type Kind string

const (
	// Initial is the first release of a subject that rollcall saw come up.
	Initial Kind = "initial"
	// Image is a release whose container images differ from the last completed one.
	Image Kind = "release"
	// Config is a release that changes anything else in the pod template.
	Config Kind = "config"
	// Rollback is a return to a template that had been completed before.
	Rollback Kind = "rollback"
	// Restart is a template that differs by kubectl's restartedAt annotation only.
	Restart Kind = "restart"
	// Recreate is the same template on an object that was deleted and created again.
	Recreate Kind = "recreate"
	// Reverted is a return to the last completed template before anything else
	// completed, or another object that took over its pods. It is never announced.
	Reverted Kind = "reverted"
)

// Kinds lists every kind, in the order the documentation gives them.
func Kinds() []Kind {
	return []Kind{Initial, Image, Config, Rollback, Restart, Recreate, Reverted}
}

// DefaultKinds lists the kinds that a rule fires for unless it names its own.
func DefaultKinds() []Kind { return []Kind{Initial, Image, Config, Rollback} }

// Template describes the pod template of a release.
type Template struct {
	// Hash names the template among those of its subject: the pod-template-hash of
	// a ReplicaSet, or the name of a ControllerRevision. It is read, never computed:
	// the hash function changes with the version of Kubernetes.
	Hash string
	// Digest is the SHA-256 of the template as rollcall reads it.
	Digest string
	// DigestSansRestart is Digest without kubectl's restartedAt annotation.
	DigestSansRestart string
	// Images are those of all containers and init containers, sorted, each once.
	Images []string
}

// Release is one template of a subject that is being, or was, rolled out.
type Release struct {
	Subject Subject
	// UID is that of the subject's object: a subject deleted and created again
	// is another object.
	UID string
	// APIVersion is that of the subject's object.
	APIVersion string
	// Revision is the subject's own number for what it runs: a Deployment's
	// deployment.kubernetes.io/revision, or that of a ControllerRevision. It is
	// compared for equality only; it may start again at 1.
	Revision string
	// Token is what the subject's object alone tells a release by; it changes with
	// the template, and with little else. Empty stands for Revision.
	Token string
	// Template is what the revision runs.
	Template Template
	// Kind says how it differs from what ran before.
	Kind Kind
	// Generation is the subject's metadata.generation when the release was first
	// seen. It only grows for one UID.
	Generation int64
	// Sequence counts the recorded releases of a subject, from 1.
	Sequence int64
	// Previous is the name of the record of the last completed release; empty
	// for the first.
	Previous string
	// Completed lists the hashes of templates that had been fully ready before,
	// newest first, each once; at most [Memory].
	Completed []string
}

// Memory is how many completed templates a release remembers.
const Memory = 50

// Remembered is what is remembered of the past once a release follows past, which
// is newest first.
func Remembered(past []Past) []string {
	var out []string
	add := func(hash string) {
		if len(out) < Memory && hash != "" && !slices.Contains(out, hash) {
			out = append(out, hash)
		}
	}
	for _, p := range past {
		if p.Phase.Completed() {
			add(p.Template.Hash)
		}
	}
	if len(past) > 0 {
		for _, hash := range past[0].Completed {
			add(hash)
		}
	}
	return out
}

// Sign is the token, or what stands for it.
func (r Release) Sign() string {
	if r.Token == "" {
		return r.Revision
	}
	return r.Token
}

// Key identifies the release among all releases of all clusters.
func (r Release) Key() string {
	s := r.Subject
	return strings.Join([]string{s.Cluster, s.Kind, s.Namespace, s.Name, r.UID, r.Template.Hash, r.Revision}, "\x00")
}

// Name is the name of the object that records the release: the subject's name,
// cut to leave room, and ten hex digits of the key.
func (r Release) Name() string {
	return cut(r.Subject.Name, 200) + "-" + digest("record", r.Key())[:10]
}

// Same reports whether both describe the same release of the same subject.
func (r Release) Same(o Release) bool { return r.Key() == o.Key() }

// EventID is the id under which a rule announces the release: 32 hex digits,
// the same at every attempt, on every replica, after every restart. What else a
// rule tells of the same release, as that it stalled or that it still runs, is told
// apart by further words.
func (r Release) EventID(rule string, further ...string) string {
	return digest(append([]string{"event", r.Key(), rule}, further...)...)[:32]
}

// Phase is how far a recorded release has come.
type Phase string

const (
	// Adopted is a release that ran before rollcall looked; it is never announced.
	Adopted Phase = "Adopted"
	// Rolling is a release that is not ready yet.
	Rolling Phase = "Rolling"
	// Stalled is a release that passed its progress deadline. It may recover.
	Stalled Phase = "Stalled"
	// Ready is a release that became ready; nothing that is followed was started.
	Ready Phase = "Ready"
	// Testing is a release with a started run that has not ended.
	Testing Phase = "Testing"
	// Passed is a release whose runs all passed.
	Passed Phase = "Passed"
	// Failed is a release of whose runs at least one did not pass.
	Failed Phase = "Failed"
	// Superseded is a release that a newer one replaced before it became ready.
	Superseded Phase = "Superseded"
	// Withdrawn is a return to the template that had never stopped being the
	// last completed one.
	Withdrawn Phase = "Reverted"
)

// Completed reports whether a release in this phase had been fully ready.
func (p Phase) Completed() bool {
	return slices.Contains([]Phase{Adopted, Ready, Testing, Passed, Failed, Withdrawn}, p)
}

// Past is a recorded release and how far it came.
type Past struct {
	Release
	Phase Phase
	// Settled says that nothing about the release is left to judge.
	Settled bool
	// Due is when a rule tells of the release again; zero is never.
	Due time.Time
	// RecordedAt is when the record was made, to the second.
	RecordedAt time.Time
	// RolledOutAt is when the subject was first seen to lack nothing.
	RolledOutAt time.Time
	// Superseded is [Snapshot.Superseded] of when the release was first seen.
	Superseded []string
}

func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.TrimRight(s[:n], "-.")
}
