package chaos

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// grace is what the tables allow rollcall; one tick of their clock is a second.
const grace = 5 * time.Second

// life writes the history of one Deployment, one state a second.
type life struct {
	uid      string
	revision int
	version  int64
	moments  []Moment
	effects  []Effect
	used     map[string]int // the revision that a template was last carried under, by hash
	nobody   []Span         // when nobody led
	since    int64
	recreate bool // the strategy ends old pods before new ones start
}

func newLife() *life { return &life{uid: "uid-1", used: map[string]int{}} }

func (l *life) now() time.Time { return time.Unix(l.version, 0) }

// show adds a state in which so many of two pods are updated and available.
func (l *life) show(template string, updated, total, available int32) {
	hash, restarted := template, ""
	if len(template) > 1 {
		restarted = template[1:] // "a+1" is a restart of "a"
	}
	l.version++
	t := corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: template[:1]}}}}
	if restarted != "" {
		t.Annotations = map[string]string{"kubectl.kubernetes.io/restartedAt": restarted}
	}
	meta := metav1.ObjectMeta{
		Name: "web", UID: types.UID(l.uid), Generation: l.version,
		Annotations: map[string]string{revisionAnnotation: fmt.Sprint(l.revision)},
	}
	d := &appsv1.Deployment{
		ObjectMeta: meta,
		Spec:       appsv1.DeploymentSpec{Replicas: new(int32(2)), Template: t},
		Status: appsv1.DeploymentStatus{
			ObservedGeneration: l.version, UpdatedReplicas: updated, Replicas: total, AvailableReplicas: available,
		},
	}
	if l.recreate {
		d.Spec.Strategy.Type = appsv1.RecreateDeploymentStrategyType
	}
	t.Labels = map[string]string{appsv1.DefaultDeploymentUniqueLabelKey: hash}
	rs := &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			UID: types.UID(l.uid + hash), Labels: t.Labels, Annotations: map[string]string{revisionAnnotation: fmt.Sprint(l.revision)},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(d, appsv1.SchemeGroupVersion.WithKind("Deployment"))},
		},
		Spec:   appsv1.ReplicaSetSpec{Template: t},
		Status: appsv1.ReplicaSetStatus{AvailableReplicas: min(updated, available)},
	}
	if was := l.used[l.uid+hash]; was != 0 && was != l.revision {
		rs.Annotations["deployment.kubernetes.io/revision-history"] = fmt.Sprint(was)
	}
	l.used[l.uid+hash] = l.revision
	l.moments = append(l.moments, Moment{Version: l.version, At: l.now(), ReplicaSet: rs}, Moment{Version: l.version, At: l.now(), Deployment: d})
}

// The verbs that a table's story is told in.
func (l *life) rolls(template string) { l.revision++; l.show(template, 1, 3, 2) }
func (l *life) turns(template string) { l.show(template, 2, 2, 2) }
func (l *life) release(template string, seconds int) {
	l.rolls(template)
	l.turns(template)
	l.version += int64(seconds)
}

func (l *life) fires(template string) {
	l.version++
	key := Key{UID: l.uid, Hash: template, Revision: fmt.Sprint(l.revision)}
	l.effects = append(l.effects, Effect{Key: key, Images: template[:1], Version: l.version})
}

func (l *life) dies() {
	l.version++
	l.moments = append(l.moments, Moment{Version: l.version, At: l.now(), Deployment: &appsv1.Deployment{}, Gone: true})
	l.uid, l.revision = l.uid+"x", 0
}

func (l *life) baseline(template string) { l.release(template, 1); l.version++; l.since = l.version }

func (l *life) away(f func()) {
	from := l.now()
	f()
	l.nobody = append(l.nobody, Span{From: from, To: l.now()})
}

// history is the life as the oracle gets it.
func (l *life) history() History {
	end := l.now().Add(time.Second)
	h := History{Moments: l.moments, Effects: l.effects, Since: l.since, End: end}
	from := time.Unix(0, 0)
	for _, s := range l.nobody {
		h.Led = append(h.Led, Span{From: from, To: s.From})
		from = s.To
	}
	h.Led = append(h.Led, Span{From: from, To: end})
	return h
}

func TestJudge(t *testing.T) {
	for name, c := range map[string]struct {
		story func(l *life)
		wrong []string // what each complaint begins with
	}{
		"a first release, announced":              {func(l *life) { l.rolls("a"); l.turns("a"); l.fires("a"); l.version += 9 }, nil},
		"a first release, forgotten":              {func(l *life) { l.release("a", 9) }, []string{"missing: revision 1"}},
		"a first release, not yet":                {func(l *life) { l.release("a", 2) }, nil},
		"announced while it rolls":                {func(l *life) { l.rolls("a"); l.fires("a"); l.turns("a"); l.version += 9 }, []string{"early: revision 1"}},
		"announced and never complete":            {func(l *life) { l.rolls("a"); l.fires("a") }, []string{"early: revision 1"}},
		"announced twice":                         {func(l *life) { l.release("a", 1); l.fires("a"); l.fires("a") }, []string{"twice: revision 1"}},
		"a baseline":                              {func(l *life) { l.baseline("a"); l.version += 9 }, nil},
		"a baseline, announced":                   {func(l *life) { l.baseline("a"); l.fires("a") }, []string{"uncalled for: revision 1"}},
		"a release that never completes":          {func(l *life) { l.baseline("a"); l.rolls("b"); l.version += 9 }, nil},
		"a release after one that never did":      {func(l *life) { l.baseline("a"); l.rolls("b"); l.release("c", 9) }, []string{"missing: revision 3"}},
		"a release, overtaken at once":            {func(l *life) { l.baseline("a"); l.release("b", 1); l.release("c", 1); l.fires("c") }, nil},
		"a release, overtaken and still told":     {func(l *life) { l.baseline("a"); l.release("b", 1); l.fires("b"); l.release("c", 1); l.fires("c") }, nil},
		"a release, overtaken late and forgotten": {func(l *life) { l.baseline("a"); l.release("b", 9); l.release("c", 1); l.fires("c") }, []string{"missing: revision 2"}},
		"complete while nobody led": {
			func(l *life) { l.baseline("a"); l.away(func() { l.release("b", 9) }); l.release("c", 1); l.fires("c") }, nil,
		},
		"complete while nobody led, and after": {
			func(l *life) { l.baseline("a"); l.away(func() { l.release("b", 9) }); l.version += 9 }, []string{"missing: revision 2"},
		},
		"broken lead is no lead": {
			func(l *life) {
				l.baseline("a")
				l.release("b", 3)
				l.away(func() { l.version++ })
				l.version += 3
			}, nil,
		},
		"reverted before anything answered": {func(l *life) { l.baseline("a"); l.rolls("b"); l.release("a", 9) }, nil},
		"reverted before anything answered, and announced": {
			func(l *life) { l.baseline("a"); l.rolls("b"); l.release("a", 9); l.fires("a") }, []string{"uncalled for: revision 3"},
		},
		"reverted before anything answered, by new pods, and announced": {
			func(l *life) { l.recreate = true; l.baseline("a"); l.revision++; l.release("a", 9); l.fires("a") }, nil,
		},
		"reverted before anything answered, by new pods, quietly": {
			func(l *life) { l.recreate = true; l.baseline("a"); l.revision++; l.release("a", 9) }, nil,
		},
		"back after an announced release": {
			func(l *life) { l.baseline("a"); l.release("b", 1); l.fires("b"); l.release("a", 9) }, []string{"missing: revision 3"},
		},
		"back after one that was superseded, quietly": {func(l *life) { l.baseline("a"); l.release("b", 1); l.release("a", 9) }, nil},
		"back after one that was superseded, told":    {func(l *life) { l.baseline("a"); l.release("b", 1); l.release("a", 1); l.fires("a") }, nil},
		"a restart":            {func(l *life) { l.baseline("a"); l.release("a+1", 9) }, nil},
		"a restart, announced": {func(l *life) { l.baseline("a"); l.release("a+1", 1); l.fires("a+1") }, []string{"uncalled for: revision 2"}},
		"back from a restart":  {func(l *life) { l.baseline("a"); l.release("a+1", 9); l.release("a", 9) }, []string{"missing: revision 3"}},
		"back from a restart that may not have been seen, told":    {func(l *life) { l.baseline("a"); l.release("a+1", 1); l.release("a", 9); l.fires("a") }, nil},
		"back from a restart that may not have been seen, quietly": {func(l *life) { l.baseline("a"); l.release("a+1", 1); l.release("a", 9) }, nil},
		"the same again on a new object":                           {func(l *life) { l.baseline("a"); l.dies(); l.release("a", 9) }, nil},
		"the same again on a new object, announced": {
			func(l *life) { l.baseline("a"); l.dies(); l.release("a", 1); l.fires("a") }, []string{"uncalled for: revision 1"},
		},
		"another on a new object":                   {func(l *life) { l.baseline("a"); l.dies(); l.release("b", 9) }, []string{"missing: revision 1"}},
		"what was superseded, again on a new one":   {func(l *life) { l.baseline("a"); l.release("b", 1); l.dies(); l.release("b", 1); l.fires("b") }, nil},
		"what was superseded, nothing on a new one": {func(l *life) { l.baseline("a"); l.release("b", 1); l.dies(); l.release("b", 1) }, nil},
		"delivered after it was deleted": {func(l *life) {
			l.baseline("a")
			l.release("b", 1)
			l.dies()
			l.uid, l.revision = "uid-1", 2
			l.fires("b")
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLife()
			c.story(l)
			got := Judge(l.history(), grace)
			require.Len(t, got, len(c.wrong), "%q", got)
			for i := range got {
				require.Contains(t, got[i], c.wrong[i])
			}
		})
	}
}

func TestJudgeWantsTheImagesThatRun(t *testing.T) {
	l := newLife()
	l.release("a", 1)
	l.fires("a")
	l.effects[0].Images = "b"
	require.Contains(t, Judge(l.history(), grace)[0], "mixed up: revision 1")
}

// Each of these is a state in which some counter says that the release is there,
// and it is not.
func TestWhatIsNotComplete(t *testing.T) {
	whole := func() (*appsv1.Deployment, *appsv1.ReplicaSet) {
		l := newLife()
		l.release("a", 0)
		n := len(l.moments)
		return l.moments[n-1].Deployment, l.moments[n-2].ReplicaSet
	}
	require.True(t, completeNow(whole()))
	for name, change := range map[string]func(d *appsv1.Deployment, rs *appsv1.ReplicaSet){
		"not observed":  func(d *appsv1.Deployment, _ *appsv1.ReplicaSet) { d.Generation++ },
		"paused":        func(d *appsv1.Deployment, _ *appsv1.ReplicaSet) { d.Spec.Paused = true },
		"being deleted": func(d *appsv1.Deployment, _ *appsv1.ReplicaSet) { d.DeletionTimestamp = &metav1.Time{} },
		"nothing wanted": func(d *appsv1.Deployment, _ *appsv1.ReplicaSet) {
			d.Spec.Replicas, d.Status = new(int32(0)), appsv1.DeploymentStatus{}
		},
		"old pods":                func(d *appsv1.Deployment, _ *appsv1.ReplicaSet) { d.Status.Replicas++ },
		"not all updated":         func(d *appsv1.Deployment, _ *appsv1.ReplicaSet) { d.Status.UpdatedReplicas-- },
		"not all available":       func(d *appsv1.Deployment, _ *appsv1.ReplicaSet) { d.Status.AvailableReplicas-- },
		"ReplicaSet not observed": func(_ *appsv1.Deployment, rs *appsv1.ReplicaSet) { rs.Generation++ },
		"others are available":    func(_ *appsv1.Deployment, rs *appsv1.ReplicaSet) { rs.Status.AvailableReplicas-- },
		"too late": func(d *appsv1.Deployment, _ *appsv1.ReplicaSet) {
			d.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentProgressing, Reason: "ProgressDeadlineExceeded"}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, rs := whole()
			change(d, rs)
			require.False(t, completeNow(d, rs))
		})
	}
}

// A revision that is not assigned yet makes no release: neither the old number
// with the new template, nor the new number on the old ReplicaSet.
func TestAReleaseNeedsItsRevision(t *testing.T) {
	l := newLife()
	l.release("a", 1)
	l.revision++
	l.show("b", 2, 2, 2)
	d := l.moments[len(l.moments)-1].Deployment
	d.Annotations[revisionAnnotation] = "1"
	require.Len(t, Releases(l.moments, l.now()), 1)
	d.Annotations[revisionAnnotation] = "2"
	require.Len(t, Releases(l.moments, l.now()), 2)
}
