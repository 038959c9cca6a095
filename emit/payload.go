package emit

import (
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/release"
)

// Payload is the data of a CloudEvent.
type Payload struct {
	Release     PayloadRelease     `json:"release"`
	Workload    PayloadWorkload    `json:"workload"`
	Images      []PayloadImage     `json:"images"`
	GitOps      PayloadGitOps      `json:"gitops"`
	Environment PayloadEnvironment `json:"environment"`
	Rule        PayloadRule        `json:"rule"`
	Timing      PayloadTiming      `json:"timing"`
	Trace       PayloadTrace       `json:"trace"`
	// Outcome is how the release's runs ended, if that is what is told.
	Outcome *PayloadOutcome `json:"outcome,omitempty"`
	// Parameters are the sink's and the rule's own.
	Parameters map[string]string `json:"parameters,omitempty"`
}

// PayloadOutcome says how runs ended.
type PayloadOutcome struct {
	// Result is success, failure or error: the worst of all.
	Result string `json:"result"`
	// Failed names the sinks whose runs did not pass, Message is the word of the first.
	Failed     []string  `json:"failed,omitempty"`
	Message    string    `json:"message,omitempty"`
	FinishedAt time.Time `json:"finishedAt"`
}

// PayloadRelease says what it happened to.
type PayloadRelease struct {
	// Name of the Release object, in the workload's namespace.
	Name string `json:"name"`
	Kind string `json:"kind"`
	// Revision is the workload's own, Previous the Release completed before.
	Revision string `json:"revision"`
	Previous string `json:"previous,omitempty"`
	Late     bool   `json:"late,omitempty"`
	// OutOfBand says that somebody else than the engine made the release,
	// GateTimeout that the engine did not vouch for it.
	OutOfBand   bool `json:"outOfBand,omitempty"`
	GateTimeout bool `json:"gateTimeout,omitempty"`
	// Superseded lists the revisions that came and went before they were ready.
	Superseded []string `json:"superseded,omitempty"`
}

// PayloadWorkload names the workload.
type PayloadWorkload struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace"`
	Name       string `json:"name"`
	UID        string `json:"uid"`
}

// PayloadImage is one image of the release.
type PayloadImage struct {
	// Name is the reference as the pod template has it.
	Name string `json:"name"`
	// Digest is empty unless the reference is pinned by one.
	Digest string `json:"digest,omitempty"`
}

// PayloadGitOps says who deployed it, and from where.
type PayloadGitOps struct {
	// Tool is "argocd", "flux" or "none".
	Tool string `json:"tool"`
	// Kind of the owner: Application, Kustomization or HelmRelease.
	Kind      string `json:"kind,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name,omitempty"`
	Project   string `json:"project,omitempty"`
	RepoURL   string `json:"repoURL,omitempty"`
	Revision  string `json:"revision,omitempty"`
	// Source is the commit that a hydrated revision, or an artifact, was made from.
	Source string `json:"source,omitempty"`
	// Partial says that only some of the resources were synced.
	Partial  bool       `json:"partial,omitempty"`
	SyncedAt *time.Time `json:"syncedAt,omitempty"`
}

// PayloadEnvironment says where it runs.
type PayloadEnvironment struct {
	Cluster string `json:"cluster"`
}

// PayloadRule says which rule announces it.
type PayloadRule struct {
	Name string `json:"name"`
	// Repeat counts the times that the release is told again, from 1.
	Repeat int64 `json:"repeat,omitempty"`
}

// PayloadTiming says when what happened.
type PayloadTiming struct {
	SyncStartedAt *time.Time `json:"syncStartedAt,omitempty"`
	// ReadyAt is there if the event is that the release became ready.
	ReadyAt *time.Time `json:"readyAt,omitempty"`
}

// PayloadTrace is the trace that the receiver may continue.
type PayloadTrace struct {
	Traceparent string `json:"traceparent,omitempty"`
	TraceID     string `json:"traceId,omitempty"`
}

func payload(e release.Event) Payload {
	s := e.Release.Subject
	p := Payload{
		Release: PayloadRelease{
			Name: e.Record.Name, Kind: string(e.Release.Kind),
			Revision: e.Release.Revision, Previous: e.Release.Previous, Late: e.Late,
			OutOfBand: e.OutOfBand, GateTimeout: e.GateTimeout, Superseded: e.Superseded,
		},
		Workload:    PayloadWorkload{APIVersion: e.Release.APIVersion, Kind: s.ObjectKind(), Namespace: s.Namespace, Name: s.Name, UID: e.Release.UID},
		Images:      []PayloadImage{},
		GitOps:      PayloadGitOps{Tool: "none"},
		Environment: PayloadEnvironment{Cluster: s.Cluster},
		Rule:        PayloadRule{Name: e.Rule, Repeat: e.Repeat},
		Timing:      PayloadTiming{SyncStartedAt: known(e.App.SyncStartedAt)},
		Trace:       PayloadTrace{Traceparent: e.Traceparent, TraceID: traceID(e.Traceparent)},
		Parameters:  e.Parameters,
	}
	if o := e.Outcome; o != nil {
		p.Outcome = &PayloadOutcome{Result: string(o.Result), Failed: o.Failed, Message: o.Message, FinishedAt: o.FinishedAt}
	}
	if e.Occasion == release.BecameReady {
		p.Timing.ReadyAt = known(e.At)
	}
	for _, image := range e.Release.Template.Images {
		_, digest, _ := strings.Cut(image, "@")
		p.Images = append(p.Images, PayloadImage{Name: image, Digest: digest})
	}
	if e.App.Engine != "" {
		p.GitOps = PayloadGitOps{
			Tool: e.App.Engine, Kind: e.App.Kind, Namespace: e.App.Namespace, Name: e.App.Name, Project: e.App.Project,
			RepoURL: e.App.RepoURL, Revision: e.App.Revision, Source: e.App.Source, Partial: e.App.Partial,
			SyncedAt: known(e.App.SyncFinishedAt),
		}
	}
	return p
}

func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
