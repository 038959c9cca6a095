package emit

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// about makes a verdict that of a rule about another event.
func about(event release.Occasion, v release.Verdict) release.Verdict {
	v.Event = event
	return v
}

// overtaking is the second release of a subject, and what a rule says of the first.
func overtaking(asked *[]release.Snapshot, rules ...release.Verdict) Announcement {
	a := announce(web(numbered(2), byArgo))
	a.Judge = func(_ context.Context, s release.Snapshot) []release.Verdict {
		*asked = append(*asked, s)
		return rules
	}
	return a
}

func TestASupersededReleaseIsTold(t *testing.T) {
	gone := about(release.WasSuperseded, verdict("gone", release.Holds, "bus"))
	l, api, _ := newTestLedger(t)
	var asked []release.Snapshot
	first, second := announce(web(numbered(1)), gone), overtaking(&asked, gone, verdict("smoke", release.Holds, "tests"))
	require.ErrorIs(t, l.Record(t.Context(), first), release.ErrNotYet)
	caughtUp(t, l, api)
	require.Empty(t, api.all()[0].Status.Deliveries, "not before it is")
	for range 3 {
		require.ErrorIs(t, l.Record(t.Context(), second), release.ErrNotYet)
		caughtUp(t, l, api)
	}
	old := api.all()[0]
	require.Equal(t, "Superseded", old.Status.Phase)
	require.Len(t, old.Status.Deliveries, 1, "once, and no rule about anything else")
	d := old.Status.Deliveries[0]
	require.Equal(t, "gone superseded Pending", d.Rule+" "+d.Event+" "+d.State)
	require.Equal(t, first.Snapshot.Release.EventID("gone"), d.EventID)
	require.Empty(t, old.Status.Tests)
	require.Empty(t, api.all()[1].Status.Deliveries, "nothing happened to the newer one")

	require.Len(t, asked, 1)
	require.Equal(t, first.Snapshot.Release, asked[0].Release)
	require.False(t, asked[0].Ready)
	require.Contains(t, asked[0].WaitingFor, "superseded by ")
	want := release.App{Engine: "argocd", Namespace: "argocd", Name: "shop", Project: "default", RepoURL: "https://git.example/acme/shop.git"}
	require.Equal(t, want, asked[0].App, "who owns it is known, and no revision")
	require.Equal(t, want, eventOf(old, &d).App)
}

func TestACrashBetweenTheClaimAndTheTidyingTellsOnce(t *testing.T) {
	for name, newer := range map[string]func(*release.Snapshot){
		"of a release that is on its way":       func(*release.Snapshot) {},
		"of a release that is ready now":        isReady,
		"of one that is already a detour's end": func(s *release.Snapshot) { s.Release.Kind = release.Reverted },
	} {
		t.Run(name, func(t *testing.T) {
			gone := about(release.WasSuperseded, verdict("gone", release.Holds, "bus"))
			api, clk := newAPIServer(t), clocktesting.NewFakeClock(noon)
			before := startLedger(t, api, clk)
			require.ErrorIs(t, before.Record(t.Context(), announce(web(numbered(1)))), release.ErrNotYet)
			caughtUp(t, before, api)
			n := 0
			api.onCall(func(verb string) {
				if verb == "update" {
					if n++; n == 2 { // the first is the newer one's own status
						api.fail("update", http.StatusInternalServerError)
					}
				}
			})
			var asked []release.Snapshot
			second := overtaking(&asked, gone)
			newer(&second.Snapshot)
			require.ErrorContains(t, before.Record(t.Context(), second), "tidy record")
			require.Equal(t, "Rolling", api.all()[0].Status.Phase)

			after := startLedger(t, api, clk)
			p, known := after.Recorded(webSubject)
			require.True(t, known)
			require.EqualValues(t, 2, p.Sequence)
			require.False(t, p.Settled, "the older one is still open")
			require.True(t, wants(after, second))
			for range 2 {
				if err := after.Record(t.Context(), second); err != nil {
					require.ErrorIs(t, err, release.ErrNotYet)
				}
				caughtUp(t, after, api)
			}
			require.Len(t, api.all()[0].Status.Deliveries, 1)
			p, _ = after.Recorded(webSubject)
			require.Equal(t, phase(api.all()[1]) != release.Rolling, p.Settled)
		})
	}
}

func TestEveryAttemptToTellOfAStallSaysTheSame(t *testing.T) {
	rec := newRecord(web())
	advance(rec, announce(web()), noon.Add(-time.Hour))
	advance(rec, announce(web(isStalled, byArgo), about(release.DidStall, verdict("alarm", release.Holds, "pager"))), noon)
	first := eventOf(rec, &rec.Status.Deliveries[0])
	require.Equal(t, release.DidStall, first.Occasion)
	require.Equal(t, noon, first.At)
	require.Equal(t, "shop", first.App.Name)
	require.Empty(t, first.App.Revision)

	later := announce(web(isReady, byArgo, func(s *release.Snapshot) {
		s.Late, s.OutOfBand, s.GateTimeout, s.App.Revision, s.App.Partial = true, true, true, "another", true
	}))
	advance(rec, later, noon.Add(time.Hour))
	require.Equal(t, "another", rec.Status.GitOps.Revision)
	require.Equal(t, first, eventOf(rec, &rec.Status.Deliveries[0]), "though it became ready meanwhile")
}

func TestOrder(t *testing.T) {
	of := func(uid string, generation, sequence int64) release.Release {
		return release.Release{UID: uid, Generation: generation, Sequence: sequence}
	}
	for name, c := range map[string]struct{ older, newer release.Release }{
		"by sequence":                                      {of("a", 1, 1), of("a", 2, 2)},
		"by generation first":                              {of("a", 3, 2), of("a", 4, 2)},
		"even against the sequence":                        {of("a", 3, 9), of("a", 4, 2)},
		"by sequence within a generation":                  {of("a", 3, 1), of("a", 3, 2)},
		"by sequence if it is another object":              {of("a", 9, 1), of("b", 1, 2)},
		"by sequence if a generation is not known":         {of("a", 0, 1), of("a", 5, 2)},
		"by sequence if the other generation is not known": {of("a", 5, 1), of("a", 0, 2)},
	} {
		t.Run(name, func(t *testing.T) {
			require.Negative(t, order(c.older, c.newer))
			require.Positive(t, order(c.newer, c.older))
			require.Zero(t, order(c.newer, c.newer))
		})
	}
}

// Of two leaders that did not know of each other, both counted to two: the one that
// saw the later generation wins.
func TestOfTwoWithTheSameSequenceTheLaterGenerationIsTheNewest(t *testing.T) {
	api := newAPIServer(t)
	generation := func(n int64) func(*release.Snapshot) {
		return func(s *release.Snapshot) { s.Release.Sequence, s.Release.Generation = 2, n }
	}
	early, late := web(numbered(2), generation(5)), web(numbered(3), generation(6))
	api.put(newRecord(early))
	l := startLedger(t, api, clocktesting.NewFakeClock(noon))
	require.ErrorIs(t, l.Record(t.Context(), announce(late)), release.ErrNotYet)
	caughtUp(t, l, api)
	p, _ := l.Recorded(webSubject)
	require.EqualValues(t, 6, p.Generation)
	all, err := l.Past(t.Context(), webSubject)
	require.NoError(t, err)
	require.EqualValues(t, []int64{6, 5}, []int64{all[0].Generation, all[1].Generation})
	require.Equal(t, release.Superseded, all[1].Phase)
}

func TestWhenTheRolloutFinished(t *testing.T) {
	complete := func(s *release.Snapshot) { s.RolledOut, s.WaitingFor = true, "Argo CD" }
	tells := func(at time.Time) func(*release.Snapshot) { return func(s *release.Snapshot) { s.RolledOutAt = at } }
	rec := newRecord(web())
	see := func(at time.Duration, changes ...func(*release.Snapshot)) time.Time {
		advance(rec, announce(web(changes...)), noon.Add(at))
		return when(rec.Status.Timeline.RolloutFinished)
	}
	require.Zero(t, see(0))
	require.Equal(t, noon.Add(time.Minute), see(time.Minute, complete), "it is first seen to be")
	require.Equal(t, noon.Add(time.Minute), see(2*time.Minute, complete))
	require.Zero(t, see(3*time.Minute), "a pod is gone again")
	require.Equal(t, noon.Add(4*time.Minute), see(4*time.Minute, complete))
	require.Equal(t, noon.Add(4*time.Minute), pastOf(rec).RolledOutAt)

	require.Equal(t, noon.Add(4*time.Minute), see(5*time.Minute, func(s *release.Snapshot) { s.Ready, s.RolledOut = true, true }), "it stays at ready")
	t.Run("as its object says", func(t *testing.T) {
		rec = newRecord(web())
		require.Equal(t, noon.Add(-time.Second), see(0, complete, tells(noon.Add(-time.Second))))
		require.Equal(t, noon, see(time.Minute, isReady, tells(noon)))
	})
}

func TestWhatARecordRemembersIsReadBack(t *testing.T) {
	for name, change := range map[string]func(*release.Release){
		"a token":            func(r *release.Release) { r.Token = "db-5d4f" },
		"completed releases": func(r *release.Release) { r.Completed = []string{"a", "b"} },
		"a StatefulSet":      func(r *release.Release) { r.Subject.Kind = "StatefulSet" },
		"an application":     func(r *release.Release) { r.Subject.Kind, r.APIVersion = "Application", "argoproj.io/v1alpha1" },
		"any other kind": func(r *release.Release) {
			r.Subject.Kind, r.APIVersion = "Certificate.cert-manager.io", "cert-manager.io/v1"
		},
		"a kind of no group": func(r *release.Release) { r.Subject.Kind, r.APIVersion = "ReplicationController.", "v1" },
	} {
		t.Run(name, func(t *testing.T) {
			s := web(func(s *release.Snapshot) { s.Superseded = []string{"5", "6"} })
			change(&s.Release)
			rec := newRecord(s)
			require.Equal(t, s.Release, Of(rec))
			require.Equal(t, s.Release.Key(), Of(rec).Key())
			require.Equal(t, s.Superseded, pastOf(rec).Superseded)
			require.NotContains(t, rec.Spec.Subject.Kind, ".", "people know it by its kind and apiVersion")
			require.Equal(t, s.Release.Subject.Hash(), rec.Labels[v1alpha1.LabelSubject])
			advance(rec, announce(s), noon)
			require.Equal(t, rec.Spec.Subject.Kind+"/web", rec.Status.Subject)
		})
	}
	t.Run("a token that is the revision is not written twice", func(t *testing.T) {
		s := web(func(s *release.Snapshot) { s.Release.Token = "7" })
		require.Empty(t, newRecord(s).Spec.Token)
	})
	t.Run("no more is written than fits", func(t *testing.T) {
		s := web(func(s *release.Snapshot) { s.Superseded = slices.Repeat([]string{"x"}, release.Memory+1) })
		require.Len(t, newRecord(s).Spec.Superseded, release.Memory)
	})
}

func TestSubjectsOfOtherKindsHaveRecordsOfTheirOwn(t *testing.T) {
	l, api, clk := newTestLedger(t)
	subjects := []release.Subject{webSubject, webSubject, webSubject}
	subjects[1].Kind, subjects[2].Kind = "StatefulSet", "Deployment.example.com"
	for i, apiVersion := range []string{"apps/v1", "apps/v1", "example.com/v1"} {
		a := announce(web(isBaseline, func(s *release.Snapshot) {
			s.Release.Subject, s.Release.APIVersion = subjects[i], apiVersion
		}))
		require.NoError(t, l.Record(t.Context(), a))
	}
	caughtUp(t, l, api)
	require.Len(t, api.all(), 3)
	for _, s := range subjects {
		p, known := l.Recorded(s)
		require.True(t, known)
		require.Equal(t, s, p.Subject)
	}

	// The last one's kind is not followed any more: nobody knows whether it is there.
	var asked []release.Subject
	exists := func(s release.Subject) bool {
		asked = append(asked, s)
		return s.Kind == "Deployment.example.com"
	}
	for range 2 {
		require.NoError(t, l.Sweep(t.Context(), exists, time.Hour))
		caughtUp(t, l, api)
		clk.Step(2 * time.Hour)
	}
	require.Subset(t, asked, subjects)
	require.Len(t, api.all(), 1)
	require.Equal(t, subjects[2], Of(api.all()[0]).Subject)
}

func TestARunThatAStallStartedIsFollowedToItsEnd(t *testing.T) {
	undo := func(rec *v1alpha1.Release) *v1alpha1.Delivery { return &rec.Status.Deliveries[0] }
	rec := withRun(func(d *v1alpha1.Delivery) { d.Event = "stalled" })
	rec.Status.Phase, rec.Status.Tests = "Superseded", ""
	l, api, _ := newTestLedger(t)
	api.put(rec)
	caughtUp(t, l, api)
	require.True(t, busy(rec), "it is not swept meanwhile")
	got := l.Awaited()
	require.Len(t, got, 1)
	require.NoError(t, l.Finish(t.Context(), got[0]))
	after := api.all()[0]
	require.NotNil(t, undo(after).Outcome)
	require.Equal(t, "Superseded", after.Status.Phase, "it says nothing of the release")
	require.Empty(t, after.Status.Tests)
	require.False(t, busy(after))
}
