package emit

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// TestAdvance plays the stories in testdata/advance. A story is a list of steps,
// and what the record says after each:
//
//	record [baseline] [kind=…]       a record with no status, as the claim leaves it
//	after 5s                         time passes
//	see [ready] [stalled] [late] [argo] [rule=name[@event]/hash/standing/sink,sink…]…
//	                                 an announcement; a sink with a star is followed
//	sent sink, dead sink             the dispatcher's doing
//	ended sink result                the outcome of a run
//	superseded                       a newer release came
func TestAdvance(t *testing.T) {
	stories, err := filepath.Glob("testdata/advance/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, stories)
	for _, path := range stories {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			require.NoError(t, err)
			got := play(t, string(archive.Files[0].Data))
			if *update {
				archive.Files = []txtar.File{archive.Files[0], {Name: "want", Data: []byte(got)}}
				require.NoError(t, os.WriteFile(path, txtar.Format(archive), 0o644))
			}
			require.Len(t, archive.Files, 2, "run with -update to write it")
			require.Equal(t, string(archive.Files[1].Data), got)
		})
	}
}

// story is a record whose life is told.
type story struct {
	t   *testing.T
	rec *v1alpha1.Release
	now time.Time
}

func play(t *testing.T, steps string) string {
	t.Helper()
	s := &story{t: t, now: noon, rec: newRecord(web())}
	var out strings.Builder
	for line := range strings.Lines(steps) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		s.step(words[0], words[1:])
		fmt.Fprintf(&out, "> %s\n%s", strings.Join(words, " "), s)
	}
	return out.String()
}

func (s *story) step(verb string, args []string) {
	switch verb {
	case "record":
		for _, a := range args {
			s.rec.Spec.Baseline = s.rec.Spec.Baseline || a == "baseline"
			if kind, ok := strings.CutPrefix(a, "kind="); ok {
				s.rec.Spec.Kind = kind
			}
		}
	case "after":
		d, err := time.ParseDuration(args[0])
		require.NoError(s.t, err)
		s.now = s.now.Add(d)
	case "see":
		s.see(args)
	case "sent":
		succeed(s.delivery(args[0]), release.Receipt{Object: release.Ref{Kind: "Workflow", Name: "run-" + args[0]}})
		sumUp(s.rec, s.now)
	case "dead":
		(&Dispatcher{chance: rand.N[time.Duration]}).fail(s.delivery(args[0]), fmt.Errorf("nobody there"), s.now.Add(GiveUpAfter))
		sumUp(s.rec, s.now)
	case "ended":
		s.delivery(args[0]).Outcome = &v1alpha1.Outcome{Result: args[1]}
		sumUp(s.rec, s.now)
	case "superseded":
		s.rec.Status.Phase = string(release.Superseded)
	default:
		s.t.Fatalf("unknown step %q", verb)
	}
}

func (s *story) see(args []string) {
	a := announce(web())
	a.Trace = nil
	for _, arg := range args {
		rule, is := strings.CutPrefix(arg, "rule=")
		switch {
		case is:
			a.Verdicts = append(a.Verdicts, parseVerdict(s.t, rule))
		case arg == "ready":
			a.Snapshot.Ready, a.Snapshot.WaitingFor, a.Snapshot.RolledOutAt = true, "", noon.Add(-20*time.Second)
		case arg == "stalled":
			a.Snapshot.Stalled = true
		case arg == "late":
			a.Snapshot.Late = true
		case arg == "argo":
			byArgo(&a.Snapshot)
		case arg == "unknown-start":
			a.Snapshot.StartedAt = time.Time{}
		default:
			s.t.Fatalf("unknown word %q", arg)
		}
	}
	before := a.Snapshot
	advance(s.rec, a, s.now)
	require.Equal(s.t, before, a.Snapshot, "advance must not change the announcement")
	once := s.rec.DeepCopy()
	advance(s.rec, a, s.now.Add(time.Minute))
	require.True(s.t, equality.Semantic.DeepEqual(once, s.rec), "the same announcement again must change nothing")
}

func parseVerdict(t *testing.T, text string) release.Verdict {
	t.Helper()
	parts := strings.Split(text, "/")
	require.GreaterOrEqual(t, len(parts), 3, text)
	name, event, _ := strings.Cut(parts[0], "@")
	v := release.Verdict{Rule: name, Hash: parts[1], Event: release.Occasion(event), Standing: release.Standing(parts[2]), Reason: "as told"}
	if event == "" {
		v.Event = release.BecameReady
	}
	if len(parts) > 3 {
		for sink := range strings.SplitSeq(parts[3], ",") {
			name, follows := strings.CutSuffix(sink, "*")
			v.Send = append(v.Send, release.Message{Sink: name, Follows: follows})
		}
	}
	return v
}

func (s *story) delivery(sink string) *v1alpha1.Delivery {
	for i := range s.rec.Status.Deliveries {
		if d := &s.rec.Status.Deliveries[i]; d.Sink == sink {
			return d
		}
	}
	s.t.Fatalf("no delivery to %q", sink)
	return nil
}

// String shows what of the status may change.
func (s *story) String() string {
	var b strings.Builder
	st := s.rec.Status
	fmt.Fprintf(&b, "  %s", phase(s.rec))
	for _, word := range [][2]string{
		{"subject", st.Subject}, {"revision", st.Revision}, {"waiting", st.WaitingFor}, {"in", st.ReadyIn}, {"tests", st.Tests},
	} {
		if word[1] != "" {
			fmt.Fprintf(&b, ", %s %q", word[0], word[1])
		}
	}
	if st.Late {
		b.WriteString(", late")
	}
	if at := st.Timeline.Stalled; at != nil {
		fmt.Fprintf(&b, ", stalled at %s", at.UTC().Format("15:04:05"))
	}
	if st.GitOps != nil {
		fmt.Fprintf(&b, ", by %s %s", st.GitOps.Engine, st.GitOps.Name)
	}
	fmt.Fprintf(&b, ", settled %t\n", settled(s.rec))
	for _, r := range st.Rules {
		fmt.Fprintf(&b, "  rule %s %s: %s\n", r.Name, r.State, r.Reason)
	}
	for _, d := range st.Deliveries {
		fmt.Fprintf(&b, "  delivery %s to %s: %s, created %s\n", strings.TrimSuffix(d.Rule+"@"+d.Event, "@"), d.Sink, d.State, d.Created.Format("15:04:05"))
	}
	for _, c := range st.Conditions {
		fmt.Fprintf(&b, "  condition %s=%s %s (%s) since %s\n", c.Type, c.Status, c.Reason, c.Message, c.LastTransitionTime.UTC().Format("15:04:05"))
	}
	return b.String()
}

func TestTheTimelineSaysWhatTheObjectsSay(t *testing.T) {
	rec := newRecord(web())
	advance(rec, announce(web()), noon.Add(-10*time.Second))
	advance(rec, announce(web(isReady, byArgo)), noon)
	tl := rec.Status.Timeline
	for name, c := range map[string]struct {
		got  *metav1.MicroTime
		want time.Time
	}{
		"the sync started":    {tl.SyncStarted, noon.Add(-40 * time.Second)},
		"the sync ended":      {tl.SyncFinished, noon.Add(-35 * time.Second)},
		"the rollout started": {tl.RolloutStarted, noon.Add(-30 * time.Second)},
		"the rollout ended":   {tl.RolloutFinished, noon.Add(-2 * time.Second)},
		"it was first seen":   {tl.Seen, noon.Add(-10 * time.Second)},
		"it was found ready":  {tl.Ready, noon},
	} {
		t.Run(name, func(t *testing.T) {
			require.NotNil(t, c.got)
			require.Equal(t, c.want, c.got.Time)
		})
	}
}

func TestReadyInIsCountedFrom(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*release.Snapshot)
		want   string
	}{
		"the start of the rollout until now": {func(*release.Snapshot) {}, "30s"},
		"the first look, if the start is unknown": {
			func(s *release.Snapshot) { s.StartedAt = time.Time{} }, "10s",
		},
		"the start until the rollout ended, if nobody looked": {
			func(s *release.Snapshot) { s.Late = true }, "28s",
		},
		"the start until the sync ended, if that was later": {
			func(s *release.Snapshot) { s.Late, s.App.SyncFinishedAt = true, noon.Add(-time.Second) }, "29s",
		},
		"the start until now, if nobody looked and no object knows": {
			func(s *release.Snapshot) { s.Late, s.RolledOutAt = true, time.Time{} }, "30s",
		},
		"nothing, if the clocks disagree": {
			func(s *release.Snapshot) { s.StartedAt = noon.Add(time.Hour) }, "0s",
		},
	} {
		t.Run(name, func(t *testing.T) {
			rec := newRecord(web())
			advance(rec, announce(web()), noon.Add(-10*time.Second))
			advance(rec, announce(web(isReady, c.change)), noon)
			require.Equal(t, c.want, rec.Status.ReadyIn)
		})
	}
}

func TestADeliverySaysAllThatTheSinkNeeds(t *testing.T) {
	rec := newRecord(web())
	a := announce(web(isReady, byArgo), verdict("smoke", release.Holds, "tests"))
	advance(rec, a, noon)
	require.Equal(t, []v1alpha1.Delivery{{
		Rule: "smoke", Sink: "tests", EventID: a.Snapshot.Release.EventID("smoke"), State: "Pending",
		Created: metav1.NewMicroTime(noon), Traceparent: traceparent,
		Parameters: map[string]string{"suite": "smoke"}, Follows: true,
	}}, rec.Status.Deliveries)
	require.Equal(t, a.Trace, rec.Status.Trace)

	t.Run("and no trace if there is none", func(t *testing.T) {
		rec := newRecord(web())
		a.Trace, a.Traceparent = nil, nil
		advance(rec, a, noon)
		require.Empty(t, rec.Status.Deliveries[0].Traceparent)
		require.Nil(t, rec.Status.Trace)
	})
}

func TestAnEventSaysTheSameAsTheSnapshotDid(t *testing.T) {
	s := web(isReady, byArgo)
	rec := newRecord(s)
	rec.UID = "uid-of-record"
	advance(rec, announce(s, verdict("smoke", release.Holds, "tests")), noon)
	e := eventOf(rec, &rec.Status.Deliveries[0])
	want := event(func(e *release.Event) { e.RecordedAt = noon })
	require.Equal(t, want, e)

	t.Run("with no owner", func(t *testing.T) {
		rec.Status.GitOps = nil
		require.Equal(t, release.App{Ready: true}, eventOf(rec, &rec.Status.Deliveries[0]).App)
	})
}

func TestTheRecordOfARelease(t *testing.T) {
	s := web(isBaseline)
	s.Labels = map[string]string{"app.kubernetes.io/instance": "shop"}
	s.Annotations = map[string]string{"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web"}
	rec := newRecord(s)

	t.Run("can be read back", func(t *testing.T) { require.Equal(t, s.Release, Of(rec)) })
	t.Run("bears nothing of the subject's own labels and annotations", func(t *testing.T) {
		require.Equal(t, map[string]string{v1alpha1.LabelSubject: webSubject.Hash()}, rec.Labels)
		require.Empty(t, rec.Annotations)
	})
	t.Run("belongs to nobody, so that it outlives the subject", func(t *testing.T) { require.Empty(t, rec.OwnerReferences) })
	t.Run("says that it is a baseline", func(t *testing.T) { require.True(t, rec.Spec.Baseline) })
}

func TestBackoff(t *testing.T) {
	for attempts, want := range map[int32]time.Duration{
		1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second, 9: 256 * time.Second, 10: 5 * time.Minute, 16: 5 * time.Minute,
		17: 5 * time.Minute, 1 << 30: 5 * time.Minute,
	} {
		t.Run(fmt.Sprintf("after attempt %d is %s less a fifth at most", attempts, want), func(t *testing.T) {
			seen := map[time.Duration]bool{}
			for range 200 {
				got := backoff(attempts, rand.N[time.Duration])
				require.LessOrEqual(t, got, want)
				require.Greater(t, got, want-want/5)
				seen[got] = true
			}
			require.Greater(t, len(seen), 1, "what failed together would come back together")
		})
	}
}

func TestConditionsCanBeWaitedFor(t *testing.T) {
	rec := newRecord(web())
	advance(rec, announce(web()), noon)
	require.False(t, meta.IsStatusConditionTrue(rec.Status.Conditions, v1alpha1.ConditionReady))
	advance(rec, announce(web(isReady), verdict("smoke", release.Holds, "tests")), noon)
	require.True(t, meta.IsStatusConditionTrue(rec.Status.Conditions, v1alpha1.ConditionReady))
	require.True(t, meta.IsStatusConditionPresentAndEqual(rec.Status.Conditions, v1alpha1.ConditionPassed, metav1.ConditionUnknown))
}
