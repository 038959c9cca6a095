package conditions

import (
	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"github.com/rollcall-dev/rollcall/release"
)

// The names of the variables.
const (
	releaseName = "release"
	appName     = "app"
	outcomeName = "outcome"
	nowName     = "now"
	objectName  = "object"
)

// oldPodsGone is the field of release that pods have to be read for.
const oldPodsGone = "oldPodsGone"

// field is one thing that an expression reads of a variable: the one place where
// its name, its type, what it means and where it comes from are said.
type field[T any] struct {
	name string
	kind *cel.Type
	doc  string
	// size is how many there are at the most, or how long a text is: what an
	// expression may cost is estimated by it.
	size uint64
	get  func(T) ref.Val
}

// The sizes that costs are estimated by. Kubernetes limits names to 253 characters;
// what is found with object and lookup may be of any size, so what it costs is counted.
const (
	sizeOfName    = 253
	sizeOfList    = 64
	sizeOfUnknown = 64
)

func text[T any](name, doc string, get func(T) string) field[T] {
	return field[T]{name: name, kind: cel.StringType, doc: doc, size: sizeOfName, get: func(v T) ref.Val { return types.String(get(v)) }}
}

func boolean[T any](name, doc string, get func(T) bool) field[T] {
	return field[T]{name: name, kind: cel.BoolType, doc: doc, get: func(v T) ref.Val { return types.Bool(get(v)) }}
}

func texts[T any](name, doc string, get func(T) []string) field[T] {
	return field[T]{
		name: name, kind: cel.ListType(cel.StringType), doc: doc, size: sizeOfList,
		get: func(v T) ref.Val { return types.NewStringList(types.DefaultTypeAdapter, get(v)) },
	}
}

func named[T any](name, doc string, get func(T) map[string]string) field[T] {
	return field[T]{
		name: name, kind: cel.MapType(cel.StringType, cel.StringType), doc: doc, size: sizeOfList,
		get: func(v T) ref.Val { return types.NewStringStringMap(types.DefaultTypeAdapter, get(v)) },
	}
}

// ofRelease are the fields of release.
func ofRelease() []field[*look] {
	return []field[*look]{
		text("name", "the name of the workload or application", func(l *look) string { return l.snap.Release.Subject.Name }),
		text("namespace", "its namespace", func(l *look) string { return l.snap.Release.Subject.Namespace }),
		text("cluster", "the cluster, as rollcall was told to call it", func(l *look) string { return l.snap.Release.Subject.Cluster }),
		text("kind", "the kind of release: `initial`, `release`, `config`, `rollback`, `restart` or `recreate`", func(l *look) string { return string(l.snap.Release.Kind) }),
		text("revision", "the workload's own revision", func(l *look) string { return l.snap.Release.Revision }),
		texts("images", "the images of all containers and init containers, sorted", func(l *look) []string { return l.snap.Release.Template.Images }),
		named("labels", "its labels", func(l *look) map[string]string { return l.snap.Labels }),
		named("annotations", "its annotations", func(l *look) map[string]string { return l.snap.Annotations }),
		{
			name: "workloads", kind: cel.ListType(workloadType), size: sizeOfList,
			doc: "what the release consists of: the workload itself, or all those of an application",
			get: func(l *look) ref.Val { return viewWorkloads(l.snap.Workloads) },
		},
		text("previous", "the name of the record of the last complete release; empty for the first", func(l *look) string { return l.snap.Release.Previous }),
		boolean("late", "it was ready before rollcall could see it", func(l *look) bool { return l.snap.Late }),
		boolean("outOfBand", "an engine owns the workload, and somebody else wrote its template", func(l *look) bool { return l.snap.OutOfBand }),
		boolean("gateTimeout", "the engine was not waited for any longer, see [the gate's timeout](engines.md#the-gates-timeout)", func(l *look) bool { return l.snap.GateTimeout }),
		texts("superseded", "the revisions since the last complete one that were replaced before they were ready", func(l *look) []string { return l.snap.Superseded }),
		{
			name: "startedAt", kind: cel.TimestampType, doc: "when the rollout began",
			get: func(l *look) ref.Val { return types.Timestamp{Time: l.snap.StartedAt} },
		},
		boolean("ready", "every replica answers, and the engine that owns the workload, if one does, vouches for the release", func(l *look) bool { return l.snap.Ready }),
		text("waitingFor", "what is missing, in words", func(l *look) string { return l.snap.WaitingFor }),
		{
			name: oldPodsGone, kind: cel.BoolType,
			doc: "no pod of an earlier release is left, not even one that is being deleted; pods are listed only for rules that read this",
			get: (*look).oldPodsGone,
		},
	}
}

// ofWorkload are the fields of each of release.workloads.
func ofWorkload() []field[release.Workload] {
	return []field[release.Workload]{
		text("kind", "the kind of workload, for example `Deployment`", func(w release.Workload) string { return w.Kind }),
		text("namespace", "its namespace", func(w release.Workload) string { return w.Namespace }),
		text("name", "its name", func(w release.Workload) string { return w.Name }),
		text("revision", "its own revision", func(w release.Workload) string { return w.Revision }),
		texts("images", "its images, sorted", func(w release.Workload) []string { return w.Images }),
		boolean("ready", "it is ready by itself, whatever an engine says", func(w release.Workload) bool { return w.Ready }),
		text("waitingFor", "what it lacks, in words", func(w release.Workload) string { return w.WaitingFor }),
	}
}

// ofApp are the fields of app.
func ofApp() []field[*look] {
	app := func(get func(release.App) string) func(*look) string {
		return func(l *look) string { return get(l.snap.App) }
	}
	return []field[*look]{
		text("engine", "`argocd` or `flux`, or empty if nobody owns the workload", app(func(a release.App) string { return a.Engine })),
		text("name", "the owner's name", app(func(a release.App) string { return a.Name })),
		text("namespace", "its namespace", app(func(a release.App) string { return a.Namespace })),
		text("project", "the project of an Application", app(func(a release.App) string { return a.Project })),
		boolean("synced", "the engine's own word: Argo CD calls it Synced, Flux has applied what it attempted", func(l *look) bool { return l.snap.App.Synced }),
		boolean("healthy", "the engine's own word: Healthy, or Ready", func(l *look) bool { return l.snap.App.Healthy }),
		boolean("ready", "what it says is good, and certainly about this release; true if nobody owns the workload", func(l *look) bool { return l.snap.App.Ready || l.snap.App.Engine == "" }),
		text("revision", "the revision that was synced: a commit, the version of a chart, or a digest", app(func(a release.App) string { return a.Revision })),
		texts("revisions", "one for each source, if there are several", func(l *look) []string { return l.snap.App.Revisions }),
		text("repoURL", "the repository of the first source", app(func(a release.App) string { return a.RepoURL })),
		text("operation", "how the last sync went, in the engine's word", app(func(a release.App) string { return a.Operation })),
		text("kind", "`Application`, `Kustomization` or `HelmRelease`", app(func(a release.App) string { return a.Kind })),
		boolean("partial", "the last sync was limited to some resources", func(l *look) bool { return l.snap.App.Partial }),
		text("source", "the commit that a hydrated revision, or an artifact, was made from; else empty", app(func(a release.App) string { return a.Source })),
	}
}

// ofOutcome are the fields of outcome.
func ofOutcome() []field[*look] {
	return []field[*look]{
		boolean("passed", "every run that the release started has succeeded", func(l *look) bool { return l.outcome().Passed }),
		text("result", "the worst of them: `success`, `failure`, `error` or `cancellation`", func(l *look) string { return string(l.outcome().Result) }),
		texts("failed", "the sinks whose runs did not succeed", func(l *look) []string { return l.outcome().Failed }),
		text("message", "the word of the first of those on how it ended", func(l *look) string { return l.outcome().Message }),
		{
			name: "finishedAt", kind: cel.TimestampType, doc: "when the last run ended",
			get: func(l *look) ref.Val { return types.Timestamp{Time: l.outcome().FinishedAt} },
		},
	}
}

// ofImage are the fields of what image() gives.
func ofImage() []field[image] {
	return []field[image]{
		text("registry", "the host, with its port: `ghcr.io`; `docker.io` if the reference names none", func(i image) string { return i.registry }),
		text("repository", "the rest of the name: `acme/web`", func(i image) string { return i.repository }),
		text("tag", "the tag; `latest` if the reference has neither tag nor digest", func(i image) string { return i.tag }),
		text("digest", "the digest, as `sha256:…`; empty if the reference has none", func(i image) string { return i.digest }),
	}
}
