package emit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

func newTestLedger(t *testing.T) (*Ledger, *apiServer, *clocktesting.FakeClock) {
	t.Helper()
	api, clk := newAPIServer(t), clocktesting.NewFakeClock(noon)
	return startLedger(t, api, clk), api, clk
}

func TestRecordFollowsAReleaseFromTheClaimToReady(t *testing.T) {
	l, api, _ := newTestLedger(t)
	waiting := verdict("smoke", release.Waiting)

	require.ErrorIs(t, l.Record(t.Context(), announce(web(), waiting)), release.ErrNotYet)
	caughtUp(t, l, api)
	require.ErrorIs(t, l.Record(t.Context(), announce(web(isStalled), waiting)), release.ErrNotYet)
	caughtUp(t, l, api)
	require.ErrorIs(t, l.Record(t.Context(), announce(web(isReady), waiting)), release.ErrNotYet, "a rule waits")
	caughtUp(t, l, api)
	require.NoError(t, l.Record(t.Context(), announce(web(isReady), verdict("smoke", release.Holds, "tests"))))

	recs := api.all()
	require.Len(t, recs, 1)
	require.Equal(t, "Testing", recs[0].Status.Phase)
	require.Len(t, recs[0].Status.Deliveries, 1)
	require.Equal(t, 1, api.count("create"))
	require.Equal(t, 4, api.count("update"), "one for each thing that changed")

	t.Run("and the same again writes nothing", func(t *testing.T) {
		caughtUp(t, l, api)
		before := api.total()
		for range 3 {
			require.NoError(t, l.Record(t.Context(), announce(web(isReady), verdict("smoke", release.Holds, "tests"))))
		}
		require.Equal(t, before, api.total())
	})
}

func TestReadyAndItsDeliveriesAreWrittenInOneUpdate(t *testing.T) {
	l, api, _ := newTestLedger(t)
	require.NoError(t, l.Record(t.Context(), announce(web(isReady), verdict("smoke", release.Holds, "a", "b"))))
	api.mu.Lock()
	defer api.mu.Unlock()
	for _, c := range api.history {
		ready := c.record.Status.Timeline.Ready != nil
		require.Equal(t, ready, len(c.record.Status.Deliveries) == 2, "version %d", c.version)
	}
	require.Len(t, api.history, 2, "the claim, and the status")
}

func TestASnapshotThatWasNotReadLiveIsRefused(t *testing.T) {
	l, api, _ := newTestLedger(t)
	before := api.total()
	err := l.Record(t.Context(), announce(web(isReady, func(s *release.Snapshot) { s.Live = false })))
	require.ErrorContains(t, err, "not read live")
	require.Equal(t, before, api.total())
}

func TestOfTwoLedgersOneWinsAndTheOtherAgrees(t *testing.T) {
	for round := range 10 {
		t.Run(fmt.Sprintf("in round %d", round), func(t *testing.T) {
			api, clk := newAPIServer(t), clocktesting.NewFakeClock(noon)
			ledgers := []*Ledger{startLedger(t, api, clk), startLedger(t, api, clk)}
			a := announce(web(isReady), verdict("smoke", release.Holds, "tests", "bus"))
			errs := make([]error, len(ledgers))
			var wg sync.WaitGroup
			for i, l := range ledgers {
				wg.Go(func() { errs[i] = l.Record(t.Context(), a) })
			}
			wg.Wait()
			for i, err := range errs {
				if err != nil {
					require.True(t, apierrors.IsConflict(err), "ledger %d: %v", i, err)
				}
			}
			require.NotEqual(t, []bool{true, true}, []bool{errs[0] != nil, errs[1] != nil}, "both were refused")
			for _, l := range ledgers {
				caughtUp(t, l, api)
				require.NoError(t, l.Record(t.Context(), a))
			}
			recs := api.all()
			require.Len(t, recs, 1)
			require.Len(t, recs[0].Status.Deliveries, 2)
			require.Equal(t, 1, api.count("update")-api.conflicts(), "one status was written")
		})
	}
}

func TestALoserWithAnEmptyCacheReadsWhatTheWinnerWrote(t *testing.T) {
	api, clk := newAPIServer(t), clocktesting.NewFakeClock(noon)
	winner, loser := startLedger(t, api, clk), NewLedger(LedgerConfig{Client: api.client, Clock: clk}) // not started: it sees nothing
	a := announce(web(isReady), verdict("smoke", release.Holds, "tests"))
	require.NoError(t, winner.Record(t.Context(), a))
	clk.Step(time.Minute)
	require.NoError(t, loser.Record(t.Context(), a))
	require.Equal(t, 1, api.count("update"))
	require.Equal(t, 1, api.count("get"))
}

func TestOurOwnWriteIsKnownHoweverOftenItIsAskedFor(t *testing.T) {
	api, clk := newAPIServer(t), clocktesting.NewFakeClock(noon)
	l := NewLedger(LedgerConfig{Client: api.client, Clock: clk}) // not started: it sees nothing but its own writes
	a := announce(web())
	require.ErrorIs(t, l.Record(t.Context(), a), release.ErrNotYet)
	for range 3 {
		require.False(t, wants(l, a), "nothing about the record would change")
	}
	a.Snapshot.Ready = true
	require.NoError(t, l.Record(t.Context(), a))
	require.Equal(t, 1, api.count("create"))
	require.Zero(t, api.count("get"))
}

func TestAnOldCacheIsRefusedNotBelieved(t *testing.T) {
	l, api, _ := newTestLedger(t)
	require.ErrorIs(t, l.Record(t.Context(), announce(web())), release.ErrNotYet)
	caughtUp(t, l, api)
	stale := NewLedger(LedgerConfig{Client: api.client, Clock: clocktesting.NewFakeClock(noon)})
	require.NoError(t, stale.informer.GetStore().Add(api.all()[0]))
	require.NoError(t, l.Record(t.Context(), announce(web(isReady), verdict("smoke", release.Holds, "tests"))))

	err := stale.Record(t.Context(), announce(web(isReady), verdict("smoke", release.Holds, "tests")))
	require.True(t, apierrors.IsConflict(err), err)
	require.Len(t, api.all()[0].Status.Deliveries, 1)
}

func TestACrashAfterTheClaimLeavesWhatTheClaimSays(t *testing.T) {
	for name, c := range map[string]struct {
		claimed release.Snapshot
		seen    release.Snapshot // after the restart
		phase   string
		sends   int
	}{
		"a baseline stays one, though it looks ready now": {web(isBaseline), web(isReady), "Adopted", 0},
		"a release is announced, though it looks like a baseline now": {
			web(), web(isBaseline), "Testing", 1,
		},
		"a release goes on rolling": {web(), web(), "Rolling", 0},
		"a reverted one stays reverted": {
			web(func(s *release.Snapshot) { s.Release.Kind = release.Reverted }), web(isReady), "Reverted", 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			api, clk := newAPIServer(t), clocktesting.NewFakeClock(noon)
			api.fail("update", http.StatusInternalServerError)
			before := startLedger(t, api, clk)
			require.ErrorContains(t, before.Record(t.Context(), announce(c.claimed)), "write record")
			require.Empty(t, api.all()[0].Status.Phase)

			after := startLedger(t, api, clk)
			past, known := after.Recorded(webSubject)
			require.True(t, known)
			require.False(t, past.Settled, "its status is still to be written")
			a := announce(c.seen, verdict("smoke", release.Holds, "tests"))
			require.True(t, wants(after, a))
			err := after.Record(t.Context(), a)
			if c.phase == "Rolling" {
				require.ErrorIs(t, err, release.ErrNotYet)
			} else {
				require.NoError(t, err)
			}
			rec := api.all()[0]
			require.Equal(t, c.phase, rec.Status.Phase)
			require.Len(t, rec.Status.Deliveries, c.sends)
		})
	}
}

func TestAnErrorOfTheServerIsToldNotSwallowed(t *testing.T) {
	for verb, want := range map[string]string{"create": "claim release", "update": "write record", "list": "list records"} {
		for _, status := range []int{http.StatusInternalServerError, http.StatusTooManyRequests} {
			t.Run(fmt.Sprintf("%s answered with %d", verb, status), func(t *testing.T) {
				l, api, _ := newTestLedger(t)
				api.fail(verb, status)
				var err error
				if verb == "list" {
					_, err = l.Past(t.Context(), webSubject)
				} else {
					err = l.Record(t.Context(), announce(web()))
				}
				require.ErrorContains(t, err, want)
				require.NotErrorIs(t, err, release.ErrNotYet)
				var answered apierrors.APIStatus
				require.ErrorAs(t, err, &answered)
			})
		}
	}
}

func TestANewReleaseClosesTheOlderOnes(t *testing.T) {
	for name, c := range map[string]struct {
		old    []Announcement
		phase  string
		says   string
		states []string
		sends  int
	}{
		"one that rolled is superseded": {
			[]Announcement{announce(web(numbered(1)))}, "Superseded", "superseded by ", nil, 0,
		},
		"one that stalled is superseded": {
			[]Announcement{announce(web(numbered(1), isStalled))}, "Superseded", "superseded by ", nil, 0,
		},
		"one with rules that wait is closed, and what was to be sent is still sent": {
			[]Announcement{announce(web(numbered(1), isReady),
				verdict("a", release.Waiting), verdict("b", release.Broken), verdict("c", release.Holds, "tests"))},
			"Testing", "",
			[]string{"Skipped", "Skipped", "Holds"},
			1,
		},
		"one that is settled is left alone": {
			[]Announcement{announce(web(numbered(1), isReady), verdict("a", release.Holds, "bus"))},
			"Testing", "",
			[]string{"Holds"},
			1,
		},
		"a baseline is left alone": {[]Announcement{announce(web(numbered(1), isBaseline))}, "Adopted", "", nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			l, api, _ := newTestLedger(t)
			for _, a := range c.old {
				_ = l.Record(t.Context(), a)
			}
			caughtUp(t, l, api)
			require.ErrorIs(t, l.Record(t.Context(), announce(web(numbered(2)))), release.ErrNotYet)
			old := api.all()[0]
			require.Equal(t, c.phase, old.Status.Phase)
			require.Contains(t, old.Status.WaitingFor, c.says)
			var states []string
			for _, r := range old.Status.Rules {
				states = append(states, r.State)
			}
			require.Equal(t, c.states, states)
			require.Len(t, old.Status.Deliveries, c.sends)
			caughtUp(t, l, api)
			past, err := l.Past(t.Context(), webSubject)
			require.NoError(t, err)
			require.True(t, past[1].Settled)
		})
	}
}

func TestARecordWithoutAStatusIsClosedAsItsSpecSays(t *testing.T) {
	for phase, snapshot := range map[string]release.Snapshot{
		"Adopted": web(numbered(1), isBaseline), "Superseded": web(numbered(1)),
		"Reverted": web(numbered(1), func(s *release.Snapshot) { s.Release.Kind = release.Reverted }),
	} {
		t.Run("as "+phase, func(t *testing.T) {
			api := newAPIServer(t)
			api.put(newRecord(snapshot))
			l := startLedger(t, api, clocktesting.NewFakeClock(noon))
			require.ErrorIs(t, l.Record(t.Context(), announce(web(numbered(2)))), release.ErrNotYet)
			require.Equal(t, phase, api.all()[0].Status.Phase)
		})
	}
}

func TestAnOldReleaseDoesNotCloseANewerOne(t *testing.T) {
	api := newAPIServer(t)
	api.put(newRecord(web(numbered(1))))
	api.put(newRecord(web(numbered(2))))
	l := startLedger(t, api, clocktesting.NewFakeClock(noon))
	_ = l.Record(t.Context(), announce(web(numbered(1))))
	require.Empty(t, api.all()[1].Status.Phase)
}

func TestWhatTheCacheHoldsIsNotChangedByAnUpdateThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		seen    Announcement
		refused int // how many updates go through before one is refused
	}{
		"of the record itself": {announce(web(numbered(1), isReady), verdict("smoke", release.Holds, "tests")), 0},
		"of an older one":      {announce(web(numbered(2))), 1},
	} {
		t.Run(name, func(t *testing.T) {
			l, api, _ := newTestLedger(t)
			require.ErrorIs(t, l.Record(t.Context(), announce(web(numbered(1)))), release.ErrNotYet)
			caughtUp(t, l, api)
			n := 0
			api.onCall(func(verb string) {
				if verb == "update" {
					if n++; n > c.refused {
						api.fail("update", http.StatusInternalServerError)
					}
				}
			})
			require.ErrorContains(t, l.Record(t.Context(), c.seen), "injected")
			require.Equal(t, "Rolling", l.recordOf(web(numbered(1)).Release).Status.Phase)
		})
	}
}

func TestTidyingThatFailsIsMadeUpFor(t *testing.T) {
	l, api, _ := newTestLedger(t)
	_ = l.Record(t.Context(), announce(web(numbered(1))))
	caughtUp(t, l, api)
	_ = l.Record(t.Context(), announce(web(numbered(2))))
	// The two are there; now the third comes, and closing the second is refused.
	caughtUp(t, l, api)
	hits := 0
	api.onCall(func(verb string) {
		if verb == "update" {
			if hits++; hits == 2 {
				api.fail("update", http.StatusConflict)
			}
		}
	})
	err := l.Record(t.Context(), announce(web(numbered(3), isReady)))
	require.True(t, apierrors.IsConflict(err), err)
	require.ErrorContains(t, err, "tidy record")
	caughtUp(t, l, api)
	require.NoError(t, l.Record(t.Context(), announce(web(numbered(3), isReady))))
	recs := api.all()
	require.Equal(t, []string{"Superseded", "Superseded", "Ready"},
		[]string{recs[0].Status.Phase, recs[1].Status.Phase, recs[2].Status.Phase})
}

func TestKeepTenRecords(t *testing.T) {
	settledAs := func(phase string) func(*v1alpha1.Release) {
		return func(rec *v1alpha1.Release) { rec.Status.Phase = phase }
	}
	owing := func(rec *v1alpha1.Release) {
		rec.Status.Phase = "Ready"
		rec.Status.Deliveries = []v1alpha1.Delivery{{Rule: "a", Sink: "bus", State: pending, Created: metav1.NewMicroTime(noon)}}
	}
	for name, c := range map[string]struct {
		old  int                               // records that are there
		each func(*v1alpha1.Release)           // what they are
		but  map[int64]func(*v1alpha1.Release) // but these, by sequence
		left []int64                           // the oldest that are left, after one more came
		n    int
	}{
		"nine and a new one are all kept": {9, settledAs("Passed"), nil, []int64{1, 2}, 10},
		"the oldest go":                   {14, settledAs("Passed"), nil, []int64{6, 7}, 10},
		"what is still to be sent stays": {
			14, settledAs("Passed"), map[int64]func(*v1alpha1.Release){2: owing}, []int64{2, 6}, 11,
		},
		"the last that was completed stays": {
			14, settledAs("Superseded"), map[int64]func(*v1alpha1.Release){1: settledAs("Adopted")}, []int64{1, 6}, 11,
		},
		"one that was completed before that one does not": {
			14, settledAs("Superseded"),
			map[int64]func(*v1alpha1.Release){1: settledAs("Adopted"), 2: settledAs("Failed")},
			[]int64{2, 6},
			11,
		},
	} {
		t.Run(name, func(t *testing.T) {
			api := newAPIServer(t)
			for i := range int64(c.old) {
				rec := newRecord(web(numbered(i + 1)))
				c.each(rec)
				if but := c.but[i+1]; but != nil {
					but(rec)
				}
				api.put(rec)
			}
			other := newRecord(web(numbered(1), func(s *release.Snapshot) { s.Release.Subject.Name = "other" }))
			other.Status.Phase = "Passed"
			api.put(other)
			l := startLedger(t, api, clocktesting.NewFakeClock(noon))
			latest := announce(web(numbered(int64(c.old) + 1)))
			require.ErrorIs(t, l.Record(t.Context(), latest), release.ErrNotYet)
			caughtUp(t, l, api)
			require.ErrorIs(t, l.Record(t.Context(), latest), release.ErrNotYet)
			var left []int64
			for _, rec := range api.all() {
				if rec.Spec.Subject.Name == "web" {
					left = append(left, rec.Spec.Sequence)
				}
			}
			require.Len(t, left, c.n, left)
			require.Equal(t, c.left, left[:2])
			require.Len(t, api.all(), c.n+1, "another subject's record is not counted")
		})
	}
}

func TestARecordThatIsGoneAlreadyIsNoError(t *testing.T) {
	api := newAPIServer(t)
	l := startLedger(t, api, clocktesting.NewFakeClock(noon))
	ghost := newRecord(web(numbered(1)))
	ghost.ResourceVersion = "1"
	require.NoError(t, l.informer.GetStore().Add(ghost))
	require.ErrorIs(t, l.Record(t.Context(), announce(web(numbered(2)))), release.ErrNotYet)
}

func TestPast(t *testing.T) {
	api := newAPIServer(t)
	for _, n := range []int64{2, 10, 1, 9} {
		rec := newRecord(web(numbered(n)))
		rec.Status.Phase = "Passed"
		api.put(rec)
	}
	collision := newRecord(web(numbered(11), func(s *release.Snapshot) { s.Release.Subject.Name = "web2" }))
	collision.Labels[v1alpha1.LabelSubject] = webSubject.Hash()
	api.put(collision)
	elsewhere := newRecord(web(numbered(12), func(s *release.Snapshot) { s.Release.Subject.Cluster = "staging" }))
	elsewhere.Labels[v1alpha1.LabelSubject] = webSubject.Hash()
	api.put(elsewhere)
	l := NewLedger(LedgerConfig{Client: api.client, Clock: clocktesting.NewFakeClock(noon)})

	past, err := l.Past(t.Context(), webSubject)
	require.NoError(t, err)
	var got []int64
	for _, p := range past {
		require.Equal(t, webSubject, p.Subject)
		require.Equal(t, release.Passed, p.Phase)
		require.True(t, p.Settled)
		got = append(got, p.Sequence)
	}
	require.Equal(t, []int64{10, 9, 2, 1}, got, "newest first, and of this subject only")

	t.Run("is read live each time", func(t *testing.T) {
		before := api.count("list")
		_, err := l.Past(t.Context(), webSubject)
		require.NoError(t, err)
		require.Equal(t, before+1, api.count("list"))
	})
	t.Run("is empty for a subject that nobody recorded", func(t *testing.T) {
		past, err := l.Past(t.Context(), release.Subject{Cluster: "prod", Kind: "Deployment", Namespace: "shop", Name: "new"})
		require.NoError(t, err)
		require.Empty(t, past)
	})
}

func TestRecordedIsTheNewestThatTheCacheHolds(t *testing.T) {
	api := newAPIServer(t)
	for _, n := range []int64{1, 3, 2} {
		api.put(newRecord(web(numbered(n))))
	}
	l := startLedger(t, api, clocktesting.NewFakeClock(noon))
	before := api.total()
	past, known := l.Recorded(webSubject)
	require.True(t, known)
	require.EqualValues(t, 3, past.Sequence)
	_, known = l.Recorded(release.Subject{Name: "nobody"})
	require.False(t, known)
	require.Equal(t, before, api.total(), "no call was made")
}

func TestPhasesCountsWhatTheCacheHolds(t *testing.T) {
	api := newAPIServer(t)
	for n, phase := range []string{"", "Passed", "Passed", "Failed"} {
		rec := newRecord(web(numbered(int64(n + 1))))
		rec.Status.Phase = phase
		api.put(rec)
	}
	l := startLedger(t, api, clocktesting.NewFakeClock(noon))
	before := api.total()
	require.Equal(t, map[string]int{"Rolling": 1, "Passed": 2, "Failed": 1}, l.Phases())
	require.Equal(t, before, api.total(), "no call was made")
}

func TestWants(t *testing.T) {
	holds, waits := verdict("a", release.Holds, "bus"), verdict("a", release.Waiting)
	edited := verdict("a", release.Waiting)
	edited.Hash = "h2"
	ready := announce(web(isReady), waits)
	for name, c := range map[string]struct {
		recorded []Announcement
		seen     Announcement
		want     bool
	}{
		"a release that nobody recorded":          {nil, announce(web()), true},
		"nothing while a release goes on rolling": {[]Announcement{announce(web())}, announce(web()), false},
		"a release that became ready":             {[]Announcement{announce(web())}, announce(web(isReady)), true},
		"a release that stalled":                  {[]Announcement{announce(web())}, announce(web(isStalled)), true},
		"nothing while a release is stalled":      {[]Announcement{announce(web(isStalled))}, announce(web(isStalled)), false},
		"a stalled release that became ready":     {[]Announcement{announce(web(isStalled))}, announce(web(isReady)), true},
		"nothing while a rule waits":              {[]Announcement{ready}, ready, false},
		"a rule that waited and holds":            {[]Announcement{ready}, announce(web(isReady), holds), true},
		"a rule that waited and was edited":       {[]Announcement{ready}, announce(web(isReady), edited), true},
		"nothing for a rule that held":            {[]Announcement{announce(web(isReady), holds)}, announce(web(isReady), holds), false},
		"nothing for a rule that came later":      {[]Announcement{ready}, announce(web(isReady), verdict("new", release.Holds, "bus")), false},
		"nothing for a baseline":                  {[]Announcement{announce(web(isBaseline))}, announce(web(isReady), holds), false},
	} {
		t.Run(name, func(t *testing.T) {
			l, api, _ := newTestLedger(t)
			for _, a := range c.recorded {
				if err := l.Record(t.Context(), a); err != nil {
					require.ErrorIs(t, err, release.ErrNotYet)
				}
			}
			caughtUp(t, l, api)
			before := api.total()
			require.Equal(t, c.want, wants(l, c.seen))
			require.Equal(t, before, api.total(), "no call was made")
		})
	}
}

func TestWhatARecordSaysIsMissingIsBroughtUpToDateInTime(t *testing.T) {
	l, api, clk := newTestLedger(t)
	missing := func(what string) Announcement {
		a := announce(web())
		a.Snapshot.WaitingFor = what
		return a
	}
	require.ErrorIs(t, l.Record(t.Context(), missing("pods")), release.ErrNotYet)
	caughtUp(t, l, api)
	clk.Step(time.Second)
	require.False(t, wants(l, missing("Argo CD")), "a rollout changes what it waits for all the time")
	clk.Step(staleAfter)
	require.False(t, wants(l, missing("pods")))
	require.True(t, wants(l, missing("Argo CD")))

	require.ErrorIs(t, l.Record(t.Context(), missing("Argo CD")), release.ErrNotYet)
	caughtUp(t, l, api)
	require.False(t, wants(l, missing("pods")), "and not again at once")
	st := api.all()[0].Status
	require.Equal(t, "Argo CD", st.WaitingFor)
	require.True(t, clk.Now().Equal(st.WaitingSince.Time))
}

func TestStartEndsWithItsContext(t *testing.T) {
	api := newAPIServer(t)
	api.mu.Lock()
	for range 100 {
		api.faults["list"] = append(api.faults["list"], http.StatusInternalServerError)
	}
	api.mu.Unlock()
	why := errors.New("asked to end")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(50*time.Millisecond, func() { cancel(why) })
	require.ErrorIs(t, NewLedger(LedgerConfig{Client: api.client, Clock: clocktesting.NewFakeClock(noon)}).Start(ctx), why)
}

func TestAClientOfNowhereIsRefused(t *testing.T) {
	_, err := NewClient(&rest.Config{Host: "http://[::1"}, http.DefaultClient)
	require.ErrorContains(t, err, "rollcall.dev/v1alpha1")
}

// wants reports whether a lean snapshot is worth a live look.
func wants(l *Ledger, a Announcement) bool {
	live, _ := l.Wants(a)
	return live
}
