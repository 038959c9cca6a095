package watch

import (
	"context"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch/gitops"
	"github.com/rollcall-dev/rollcall/watch/workload"
)

// kind is one kind of subject: how to see it in a cache, and how to read it.
type kind interface {
	// observe sums up an object, cached or live. Without a token its controller
	// has not seen it yet, or it is nothing that is released.
	observe(o runtime.Object) observed
	// read reads a subject live; nil if it is gone.
	read(ctx context.Context, s release.Subject) (*reading, error)
}

// observed is what a subject's own object says. Labels and annotations are still
// those of the object, and must not be changed; a snapshot gets its own.
type observed struct {
	workload.State
	subject     release.Subject
	apiVersion  string
	uid         string
	generation  int64
	created     time.Time
	labels      map[string]string
	annotations map[string]string
	// token tells one release from the next; see [release.Release.Token].
	token string
	// returns says that the token is the same once the template is.
	returns bool
	images  []string
}

// reading is what a live read of a subject found: its object, and the versions of
// its template that are kept.
type reading struct {
	observed
	// current is the version that carries the template; nil if it is not made yet.
	current *version
	// others are the other versions, in no order.
	others []version
	// lacks says what the current version lacks, beside what the object says.
	lacks string
	// pods selects those of the current version, by their labels and owner; it
	// selects none if it has no labels.
	pods podsOf
	// selector selects all of its pods, those of other versions too; empty selects none.
	selector string
	// members are those of an application.
	members []member
	// app is the verdict of an engine that reading the subject gave along the way;
	// nil asks for it.
	app *release.App
	// writer is who wrote the template last.
	writer writer
}

type podsOf struct {
	labels map[string]string
	owner  string // its uid
}

// version is one version of a subject's template: what a ReplicaSet, or a
// ControllerRevision, carries.
type version struct {
	uid     string
	hash    string
	number  string   // the revision that it carries
	former  []string // revisions that it carried before
	tokens  []string // the tokens of the subject under which it was current, if they are not its numbers
	created time.Time
	soft    bool // its number is only that of the object when it was first seen
	// template is described for the versions that it is needed of.
	template func() (release.Template, error)
}

// carried reports whether a version is, or once was, what a token stands for.
func (v version) carried(token string) bool {
	return v.number == token || slices.Contains(v.former, token) || slices.Contains(v.tokens, token)
}

// carrier finds the version that an earlier token stood for: another one, or the
// current one, if it has come back since.
func (r *reading) carrier(token string) *version {
	if slices.Contains(r.current.former, token) {
		return r.current
	}
	for i := range r.others {
		if r.others[i].carried(token) {
			return &r.others[i]
		}
	}
	return nil
}

// numberOf is the number that a version had under a token that it carried.
func (v version) numberOf(token string) string {
	if slices.Contains(v.former, token) {
		return token
	}
	return v.number
}

// object is what an engine is asked about.
func (o observed) object() gitops.Object {
	group, _ := splitAPIVersion(o.apiVersion)
	return gitops.Object{
		Group: group, Kind: o.subject.ObjectKind(), Namespace: o.subject.Namespace, Name: o.subject.Name,
		Labels: o.labels, Annotations: o.annotations, Images: o.images,
	}
}

// observation fills in what every object says.
func (w *Watcher) observation(o metav1.Object, kind, apiVersion string) observed {
	return observed{
		subject:    release.Subject{Cluster: w.Cluster, Kind: kind, Namespace: o.GetNamespace(), Name: o.GetName()},
		apiVersion: apiVersion, uid: string(o.GetUID()), generation: o.GetGeneration(), created: o.GetCreationTimestamp().Time,
		labels: o.GetLabels(), annotations: o.GetAnnotations(),
	}
}
