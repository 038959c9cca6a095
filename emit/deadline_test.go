package emit

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// limit is a rule that waits, with a deadline.
func limit(rule string, d time.Duration) release.Verdict {
	return on(verdict(rule, release.Waiting, "bus"), release.Terms{Deadline: d})
}

func TestARuleThatComesAfterItsDeadlineHasNothingToTell(t *testing.T) {
	rec := newRecord(web())
	seen(rec, 0, web(), limit("first", time.Hour))
	seen(rec, 5*time.Minute, web(), limit("first", time.Hour), limit("late", time.Minute), limit("early", 10*time.Minute))
	require.Empty(t, told(rec))
	late := stateOf(&rec.Status, "late")
	require.True(t, late.Overdue)
	require.Equal(t, "Waiting: the rule came after its deadline", late.State+": "+late.Reason)
	seen(rec, 10*time.Minute, web(), limit("first", time.Hour), limit("late", time.Minute), limit("early", 10*time.Minute))
	require.Equal(t, []string{"stalled 0 Pending"}, told(rec))
	require.Equal(t, "early", rec.Status.Deliveries[0].Rule)

	fresh := newRecord(web())
	seen(fresh, 5*time.Minute, web(), limit("first", time.Minute))
	require.Equal(t, []string{"stalled 0 Pending"}, told(fresh), "rollcall was away")
}

func TestADeadlineThatIsEdited(t *testing.T) {
	edited := func(d time.Duration) release.Verdict {
		v := limit("web", d)
		v.Hash = d.String()
		return v
	}
	for name, tt := range map[string]struct {
		to   time.Duration
		want []string
	}{
		"to a later one":          {20 * time.Minute, []string{"stalled 0 Pending"}},
		"to one that has passed":  {time.Minute, []string{}},
		"to one that is to come":  {6 * time.Minute, []string{"stalled 0 Pending"}},
		"to one that never comes": {10 * time.Hour, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			rec := newRecord(web())
			seen(rec, 0, web(), edited(10*time.Minute))
			require.True(t, unheard(rec, edited(tt.to)), "that is worth a live look")
			seen(rec, 5*time.Minute, web(), edited(tt.to))
			require.False(t, unheard(rec, edited(tt.to)))
			require.Empty(t, told(rec))
			seen(rec, time.Hour, web(), edited(tt.to))
			require.Equal(t, tt.want, told(rec))
		})
	}
}

// What waited for a deadline does not wait for ever.
func TestNoRuleWaitsForADeadlineOnceTheReleaseIsReady(t *testing.T) {
	alarm := about(release.DidStall, limit("alarm", time.Hour))
	rec := newRecord(web())
	seen(rec, 0, web(), alarm, limit("gone", time.Hour))
	require.Len(t, rec.Status.Rules, 2)
	seen(rec, time.Minute, web(isReady), alarm)
	require.Empty(t, rec.Status.Rules)
	require.True(t, settled(rec))
	require.Empty(t, told(rec))
}

func TestADeadlineIsCountedFromTheRolloutThoughCachesDoNotTellIt(t *testing.T) {
	v := limit("web", time.Hour)
	rec := newRecord(web())
	seen(rec, 10*time.Minute, web(), v)
	lean := web()
	lean.StartedAt = time.Time{}
	require.Equal(t, web().StartedAt.Add(time.Hour), due(rec, announce(lean, v)))
}

func TestTestedIsAskedAgainWhenThereIsMoreToTell(t *testing.T) {
	good, bad := about(release.WasTested, verdict("good", release.Holds, "bus")), about(release.WasTested, verdict("bad", release.Waiting, "bus"))
	rec := withRun(func(d *v1alpha1.Delivery) { d.Outcome = &v1alpha1.Outcome{Result: "success"} })
	l, _, _ := newTestLedger(t)
	say := func(all ...release.Verdict) {
		l.tested = func(_ context.Context, _ *v1alpha1.Release, s release.Snapshot) Announcement {
			return announce(s, all...)
		}
		l.conclude(t.Context(), rec)
	}
	say(good, bad)
	require.Equal(t, []string{"ready 0 Sent", "tested 0 Pending"}, told(rec))
	rec.Status.Deliveries = append(rec.Status.Deliveries, v1alpha1.Delivery{
		Rule: "slow", Sink: "more", State: sent, Follows: true, Outcome: &v1alpha1.Outcome{Result: "failure"},
	})
	bad.Standing = release.Holds
	say(good, bad)
	say(good, bad)
	require.Equal(t, []string{"ready 0 Sent", "tested 0 Pending", "ready 0 Sent", "tested 0 Pending"}, told(rec))
	require.Equal(t, "bad failure", rec.Status.Deliveries[3].Rule+" "+rec.Status.Deliveries[3].Tested.Result)
}
