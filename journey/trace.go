package journey

import (
	"slices"
	"strings"

	"go.opentelemetry.io/otel/trace"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// Source says where a trace id comes from.
type Source string

const (
	// FromAnnotation is a traceparent found on the subject or its application.
	FromAnnotation Source = "annotation"
	// FromCommit is derived from repository and commit.
	FromCommit Source = "commit"
	// FromDigest is derived from the digest of the only image.
	FromDigest Source = "digest"
	// FromRelease is derived from the identity of the release.
	FromRelease Source = "release"
)

// The annotations by which an image, or who deploys it, names its source.
const (
	imageSource   = "org.opencontainers.image.source"
	imageRevision = "org.opencontainers.image.revision"
)

// DefaultAnnotations lists the annotations that may hold a traceparent, the one
// that counts most first. No standard names one yet; these are in use.
func DefaultAnnotations() []string {
	return []string{"opentelemetry.io/traceparent", "tracing.k8s.io/traceparent", "traceparent"}
}

// Trace is the trace that a release belongs to.
type Trace struct {
	// ID is the trace id.
	ID trace.TraceID
	// Parent is the span found with the trace id; zero if it was derived.
	Parent trace.SpanID
	// Source says where the id comes from.
	Source Source
}

// V1alpha1 gives the trace as a record keeps it.
func (t Trace) V1alpha1() *v1alpha1.Trace {
	out := &v1alpha1.Trace{ID: t.ID.String(), Source: string(t.Source)}
	if t.Parent.IsValid() {
		out.Parent = t.Parent.String()
	}
	return out
}

// FromRecorded reads a trace as a record keeps it; false if there is none.
func FromRecorded(t *v1alpha1.Trace) (Trace, bool) {
	if t == nil {
		return Trace{}, false
	}
	out := Trace{Source: Source(t.Source)}
	decode(out.ID[:], t.ID)
	decode(out.Parent[:], t.Parent)
	return out, out.ID.IsValid()
}

// Find says which trace a release belongs to: that of a traceparent on the
// subject or its application, else that of the commit, else of the only image,
// else one of its own. The annotations say where to look for a traceparent; none
// means [DefaultAnnotations].
//
// What returns to an older template brings that template's annotations, commit
// and image back with it, and must not continue its trace. A rollback through
// Git is a new commit and has its trace; any other rollback, a restart and a
// recreated subject each have one of their own.
func Find(s release.Snapshot, annotations []string) Trace {
	if len(annotations) == 0 {
		annotations = DefaultAnnotations()
	}
	for _, look := range looks(s.Release.Kind) {
		if t, ok := look(s, annotations); ok {
			return t
		}
	}
	return ofRelease(s.Release)
}

// looks lists where to look for the trace of a release of a kind, in order.
func looks(k release.Kind) []func(release.Snapshot, []string) (Trace, bool) {
	switch k {
	case release.Restart, release.Recreate:
		return nil
	case release.Rollback:
		return []func(release.Snapshot, []string) (Trace, bool){synced}
	case release.Config:
		return []func(release.Snapshot, []string) (Trace, bool){annotated, coded, synced}
	default:
		return []func(release.Snapshot, []string) (Trace, bool){annotated, coded, synced, pinned}
	}
}

// annotated finds an explicit traceparent.
func annotated(s release.Snapshot, keys []string) (Trace, bool) {
	for _, on := range []map[string]string{s.Annotations, s.App.Annotations} {
		for _, key := range keys {
			if id, parent, ok := ParseTraceparent(on[key]); ok {
				return Trace{ID: id, Parent: parent, Source: FromAnnotation}, true
			}
		}
	}
	return Trace{}, false
}

// coded finds the commit of the code, where the subject names it.
func coded(s release.Snapshot, _ []string) (Trace, bool) {
	return ofCommit(s.Annotations[imageSource], s.Annotations[imageRevision])
}

// synced finds the commit that the application was synced to: the one that people
// wrote, if what was synced was made from it.
func synced(s release.Snapshot, _ []string) (Trace, bool) {
	if s.App.Engine == "" {
		return Trace{}, false
	}
	return ofCommit(s.App.RepoURL, commitOf(s.App.Source, s.App.Revision))
}

// commitOf is the first that is a commit; empty if none is.
func commitOf(revisions ...string) string {
	for _, r := range revisions {
		if fullSHA(strings.ToLower(r)) {
			return strings.ToLower(r)
		}
	}
	return ""
}

// pinned finds the digest of the image. With several images none is certain to
// be the one that was released: a sidecar's digest would put all releases into
// one trace.
func pinned(s release.Snapshot, _ []string) (Trace, bool) {
	images := slices.Compact(slices.Sorted(slices.Values(s.Release.Template.Images)))
	if len(images) != 1 {
		return Trace{}, false
	}
	_, digest, _ := strings.Cut(images[0], "@")
	sum, ok := strings.CutPrefix(digest, "sha256:")
	if !ok || len(sum) != 64 || !lowerHex(sum) {
		return Trace{}, false
	}
	return Trace{ID: traceID(digest), Source: FromDigest}, true
}

func ofCommit(repo, sha string) (Trace, bool) {
	id, err := TraceIDForCommit(repo, sha)
	return Trace{ID: id, Source: FromCommit}, err == nil
}

func ofRelease(r release.Release) Trace {
	return Trace{ID: traceID(r.Key()), Source: FromRelease}
}
