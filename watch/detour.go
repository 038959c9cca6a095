package watch

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/rollcall-dev/rollcall/release"
)

// detour tells a return to the last completed template that nothing else came in
// between of from one that replaced the pods: of what was rolled out while nobody
// watched, no record says whether it completed. The pods do: if none is older than
// the version of the detour, all have been replaced.
func (w *Watcher) detour(ctx context.Context, r *reading, past []release.Past) (release.Kind, error) {
	decided := func(p release.Past) bool { return p.Template.Hash == r.current.hash && p.Revision == r.current.number }
	if slices.ContainsFunc(past, decided) || len(r.pods.labels) == 0 {
		return release.Reverted, nil
	}
	away := unrecorded(r, past)
	if away.IsZero() {
		return release.Reverted, nil
	}
	pods, err := w.Kube.CoreV1().Pods(r.subject.Namespace).List(ctx, metav1.ListOptions{
		LabelSelector: labels.Set(r.pods.labels).String(),
	})
	if err != nil {
		return "", fmt.Errorf("list pods: %w", err)
	}
	stayed := func(p corev1.Pod) bool {
		owner := metav1.GetControllerOf(&p)
		return owner != nil && string(owner.UID) == r.pods.owner && !p.CreationTimestamp.After(away)
	}
	if slices.ContainsFunc(pods.Items, stayed) {
		return release.Reverted, nil
	}
	return release.Rollback, nil
}

// unrecorded is when the youngest version was made, among the others, that is
// newer than the current one and has no record; zero if there is none such.
func unrecorded(r *reading, past []release.Past) time.Time {
	var newest time.Time
	for _, v := range missing(r, past) {
		if v.created.After(newest) && v.created.After(r.current.created) {
			newest = v.created
		}
	}
	return newest
}

// missing lists the versions other than the current one that have no record, and
// may have come after the last completed release. Those that were there before
// rollcall was may have no record, either.
func missing(r *reading, past []release.Past) []version {
	var out []version
	last := slices.IndexFunc(past, func(p release.Past) bool { return p.Phase.Completed() })
	for _, v := range r.others {
		recorded := slices.ContainsFunc(past, func(p release.Past) bool { return p.Template.Hash == v.hash })
		if !recorded && (last < 0 || v.follows(past[last], r.uid)) {
			out = append(out, v)
		}
	}
	return out
}

// follows reports whether a version of an object may have come after a release. The
// number of the current version was above all others when it got it. What bears no
// number, or is of another object, tells nothing.
func (v version) follows(p release.Past, uid string) bool {
	n, err := strconv.ParseInt(v.number, 10, 64)
	m, errPast := strconv.ParseInt(p.Revision, 10, 64)
	return err != nil || errPast != nil || p.UID != uid || n > m
}

// superseded lists the revisions since the last completed one that came and went
// before they were ready: those that are recorded so, and those that came after it
// and have no record at all.
func superseded(r *reading, past []release.Past) []string {
	var out []string
	last := slices.IndexFunc(past, func(p release.Past) bool { return p.Phase.Completed() })
	if last < 0 {
		return nil
	}
	for _, p := range past[:last] {
		if p.UID == r.uid && p.Revision != r.current.number {
			out = append(out, p.Revision)
		}
	}
	base := slices.IndexFunc(r.others, func(v version) bool { return v.hash == past[last].Template.Hash })
	for _, v := range missing(r, past) {
		if base >= 0 && v.created.After(r.others[base].created) && v.number != r.current.number {
			out = append(out, v.number)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
