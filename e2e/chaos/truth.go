package chaos

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// revisionAnnotation is where the Deployment controller counts, on the Deployment
// and on the ReplicaSet that carries its template.
const revisionAnnotation = "deployment.kubernetes.io/revision"

// Key identifies a release among those of one name.
type Key struct{ UID, Hash, Revision string }

// String gives enough of a key to find it.
func (k Key) String() string {
	return fmt.Sprintf("revision %s of %s (%s)", k.Revision, k.UID[:min(len(k.UID), 8)], k.Hash)
}

// Moment is the state of a Deployment or of a ReplicaSet from a resource version
// on. Everything is in one etcd, so versions of different kinds can be compared.
type Moment struct {
	Version    int64
	At         time.Time
	Deployment *appsv1.Deployment // one of the two
	ReplicaSet *appsv1.ReplicaSet
	Gone       bool
}

// Complete is a stretch in which a release was complete without a break.
type Complete struct {
	Version int64 // at which it began
	Span
}

// Release is a release as the cluster's own objects tell it.
type Release struct {
	Key                           Key
	Images                        string
	Template, TemplateSansRestart string
	Begun                         int64 // the resource version at which it was first seen
	Complete                      []Complete
	Answered                      bool // as many pods as wanted were available at one time
	Reused                        bool // the ReplicaSet carried an earlier revision
	Recreate                      bool // the strategy ends old pods before new ones start
}

// Releases replays the states and finds every release, in the order in which they
// began.
func Releases(moments []Moment, end time.Time) []*Release {
	p := &replay{sets: map[string]*appsv1.ReplicaSet{}, found: map[Key]*Release{}}
	moments = slices.Clone(moments)
	slices.SortStableFunc(moments, func(a, b Moment) int { return cmp.Compare(a.Version, b.Version) })
	for _, m := range moments {
		p.apply(m)
		p.observe(m)
	}
	p.close(end)
	out := slices.Collect(maps.Values(p.found))
	slices.SortFunc(out, func(a, b *Release) int { return cmp.Compare(a.Begun, b.Begun) })
	return out
}

// replay is the cluster as it was at one resource version.
type replay struct {
	d     *appsv1.Deployment
	sets  map[string]*appsv1.ReplicaSet // by uid
	found map[Key]*Release
	open  *Release // that is complete right now
	since Complete
}

func (p *replay) apply(m Moment) {
	switch {
	case m.Deployment != nil && m.Gone:
		p.d = nil
	case m.Deployment != nil:
		p.d = m.Deployment
	case m.Gone:
		delete(p.sets, string(m.ReplicaSet.UID))
	default:
		p.sets[string(m.ReplicaSet.UID)] = m.ReplicaSet
	}
}

// observe looks at the cluster after one change.
func (p *replay) observe(m Moment) {
	r, rs := p.current(m.Version)
	if p.open != nil && (r != p.open || !completeNow(p.d, rs)) {
		p.close(m.At)
	}
	if r == nil {
		return
	}
	want := ptr.Deref(p.d.Spec.Replicas, 1)
	r.Answered = r.Answered || (want > 0 && rs.Status.AvailableReplicas >= want)
	r.Reused = r.Reused || rs.Annotations["deployment.kubernetes.io/revision-history"] != ""
	r.Recreate = r.Recreate || p.d.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType
	if p.open == nil && completeNow(p.d, rs) {
		p.open, p.since = r, Complete{Version: m.Version, Span: Span{From: m.At}}
	}
}

func (p *replay) close(at time.Time) {
	if p.open != nil {
		p.since.To = at
		p.open.Complete = append(p.open.Complete, p.since)
		p.open = nil
	}
}

// current finds the release that is being rolled out or runs: that of the
// ReplicaSet that carries the Deployment's template under the Deployment's
// revision. Between a change and the controllers' answer there is none.
func (p *replay) current(version int64) (*Release, *appsv1.ReplicaSet) {
	if p.d == nil || p.d.Annotations[revisionAnnotation] == "" {
		return nil, nil
	}
	var rs *appsv1.ReplicaSet
	for _, s := range p.sets {
		if metav1.IsControlledBy(s, p.d) && apiequality.Semantic.DeepEqual(bare(s.Spec.Template), bare(p.d.Spec.Template)) &&
			s.Annotations[revisionAnnotation] == p.d.Annotations[revisionAnnotation] {
			rs = s
		}
	}
	if rs == nil {
		return nil, nil
	}
	key := Key{UID: string(p.d.UID), Hash: rs.Labels[appsv1.DefaultDeploymentUniqueLabelKey], Revision: rs.Annotations[revisionAnnotation]}
	if p.found[key] == nil {
		t := bare(rs.Spec.Template)
		r := &Release{Key: key, Begun: version, Template: encoded(t), Images: images(t)}
		delete(t.Annotations, "kubectl.kubernetes.io/restartedAt")
		r.TemplateSansRestart = encoded(t)
		p.found[key] = r
	}
	return p.found[key], rs
}

// completeNow is the law: the Deployment's and the ReplicaSet's controllers have
// seen the latest change, and all pods there are of the release, and available.
func completeNow(d *appsv1.Deployment, rs *appsv1.ReplicaSet) bool {
	if d == nil || rs == nil || d.DeletionTimestamp != nil || rs.DeletionTimestamp != nil || d.Spec.Paused {
		return false
	}
	want := ptr.Deref(d.Spec.Replicas, 1)
	stalled := slices.ContainsFunc(d.Status.Conditions, func(c appsv1.DeploymentCondition) bool {
		return c.Type == appsv1.DeploymentProgressing && c.Reason == "ProgressDeadlineExceeded"
	})
	return want > 0 && !stalled && d.Status.ObservedGeneration >= d.Generation &&
		d.Status.UpdatedReplicas == want && d.Status.Replicas == want && d.Status.AvailableReplicas == want &&
		rs.Status.ObservedGeneration >= rs.Generation && rs.Status.AvailableReplicas == want
}

// bare is a copy of a template without the label that the controller adds.
func bare(t corev1.PodTemplateSpec) corev1.PodTemplateSpec {
	c := *t.DeepCopy()
	delete(c.Labels, appsv1.DefaultDeploymentUniqueLabelKey)
	return c
}

func encoded(t corev1.PodTemplateSpec) string {
	if len(t.Annotations) == 0 {
		t.Annotations = nil
	}
	raw, _ := json.Marshal(t) // A template has nothing that cannot be encoded.
	return string(raw)
}

func images(t corev1.PodTemplateSpec) string {
	var all []string
	for _, c := range t.Spec.Containers {
		all = append(all, c.Image)
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), ",")
}
