package emit

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// on gives a verdict terms.
func on(v release.Verdict, t release.Terms) release.Verdict {
	v.Terms = t
	return v
}

// seen brings a record on by one look, so long after noon.
func seen(rec *v1alpha1.Release, after time.Duration, s release.Snapshot, verdicts ...release.Verdict) {
	advance(rec, announce(s, verdicts...), noon.Add(after))
}

// told lists what a record has to send: event, repeat and state.
func told(rec *v1alpha1.Release) []string {
	out := []string{}
	for _, d := range rec.Status.Deliveries {
		out = append(out, fmt.Sprintf("%s %d %s", occasion(&d), d.Repeat, d.State))
	}
	return out
}

func TestSettle(t *testing.T) {
	holds := on(verdict("smoke", release.Holds, "tests"), release.Terms{Settle: 10 * time.Second})
	waits := on(verdict("smoke", release.Waiting), release.Terms{Settle: 10 * time.Second})
	rec := newRecord(web(isReady))
	seen(rec, 0, web(isReady), holds)
	require.Empty(t, told(rec))
	require.Equal(t, noon.Add(10*time.Second), due(rec, announce(web(isReady), holds)))
	require.Equal(t, "because; settles for 10s", rec.Status.Rules[0].Reason)
	require.False(t, settled(rec))

	seen(rec, 9*time.Second, web(isReady), waits)
	require.Nil(t, rec.Status.Rules[0].Since, "a break")
	seen(rec, 10*time.Second, web(isReady), holds)
	seen(rec, 19*time.Second, web(isReady), holds)
	require.Empty(t, told(rec), "it holds for nine seconds only")
	seen(rec, 20*time.Second, web(isReady), holds)
	require.Equal(t, []string{"ready 0 Pending"}, told(rec))
	seen(rec, 40*time.Second, web(isReady), holds)
	require.Len(t, told(rec), 1)
	require.True(t, settled(rec))
}

func TestDeadline(t *testing.T) {
	terms := release.Terms{Deadline: time.Minute}
	waits, holds := on(verdict("smoke", release.Waiting, "tests"), terms), on(verdict("smoke", release.Holds, "tests"), terms)
	rec := newRecord(web())
	seen(rec, 0, web(), waits)
	require.Equal(t, noon.Add(30*time.Second), due(rec, announce(web(), waits)), "from when the rollout began")
	seen(rec, 29*time.Second, web(), waits)
	require.Empty(t, told(rec))
	seen(rec, 30*time.Second, web(), waits)
	seen(rec, 40*time.Second, web(), waits)
	require.Equal(t, []string{"stalled 0 Pending"}, told(rec), "once")
	require.Zero(t, due(rec, announce(web(), waits)))
	seen(rec, 50*time.Second, web(isReady), holds)
	require.Equal(t, []string{"stalled 0 Pending", "ready 0 Pending"}, told(rec))
	require.NotEqual(t, rec.Status.Deliveries[0].EventID, rec.Status.Deliveries[1].EventID)
	require.Equal(t, Of(rec).EventID("smoke"), rec.Status.Deliveries[1].EventID, "the plain id is that of ready")
}

func TestDeadlineIsNotFor(t *testing.T) {
	terms := release.Terms{Deadline: time.Minute}
	late := 2 * time.Minute
	for name, c := range map[string]struct {
		record  *v1alpha1.Release
		snap    release.Snapshot
		verdict release.Verdict
	}{
		"a baseline":       {newRecord(web(isBaseline)), web(isBaseline), on(verdict("smoke", release.Waiting, "tests"), terms)},
		"a skipped kind":   {newRecord(web()), web(), on(verdict("smoke", release.Skipped), terms)},
		"another event":    {newRecord(web()), web(), about(release.WasSuperseded, on(verdict("smoke", release.Holds, "tests"), terms))},
		"what held in it":  {newRecord(web(isReady)), web(isReady), on(verdict("smoke", release.Holds), terms)},
		"no deadline":      {newRecord(web()), web(), verdict("smoke", release.Waiting, "tests")},
		"a rule that came": {func() *v1alpha1.Release { r := newRecord(web(isReady)); seen(r, 0, web(isReady)); return r }(), web(isReady), on(verdict("smoke", release.Waiting, "tests"), terms)},
	} {
		t.Run(name, func(t *testing.T) {
			seen(c.record, late, c.snap, c.verdict)
			require.Empty(t, told(c.record))
		})
	}
}

func TestDeadlineOfARuleAboutStalling(t *testing.T) {
	v := about(release.DidStall, on(verdict("alarm", release.Holds, "bus"), release.Terms{Deadline: time.Minute}))
	rec := newRecord(web())
	seen(rec, 0, web(), v)
	require.Empty(t, told(rec))
	seen(rec, 30*time.Second, web(), v)
	require.Equal(t, []string{"stalled 0 Pending"}, told(rec))
	seen(rec, time.Minute, web(isStalled), v)
	require.Len(t, told(rec), 1, "that it stalls as well is no news")

	rec = newRecord(web())
	seen(rec, 0, web(isStalled), v)
	seen(rec, time.Minute, web(isStalled), v)
	require.Equal(t, []string{"stalled 0 Pending"}, told(rec), "it stalled first")
}

func TestEvery(t *testing.T) {
	terms := release.Terms{Every: time.Hour}
	holds, waits := on(verdict("scan", release.Holds, "scan"), terms), on(verdict("scan", release.Waiting), terms)
	rec := newRecord(web(isReady))
	seen(rec, 0, web(isReady), holds)
	require.Equal(t, noon.Add(time.Hour), next(rec))
	seen(rec, 59*time.Minute, web(isReady), holds)
	require.Len(t, told(rec), 1)
	seen(rec, time.Hour+7*time.Second, web(isReady), holds)
	require.Equal(t, []string{"ready 0 Pending", "ready 1 Pending"}, told(rec))
	require.Equal(t, noon.Add(2*time.Hour), next(rec), "a turn that is late shifts nothing")
	seen(rec, 2*time.Hour, web(), waits)
	require.Len(t, told(rec), 2, "not while it is not ready")
	seen(rec, 2*time.Hour+time.Minute, web(isReady), holds)
	require.Equal(t, noon.Add(3*time.Hour), next(rec))
	seen(rec, 6*time.Hour+time.Minute, web(isReady), holds)
	require.Equal(t, []string{"ready 0 Pending", "ready 1 Pending", "ready 2 Pending", "ready 6 Pending"}, told(rec), "what was missed is made up for once")
	require.Equal(t, noon.Add(7*time.Hour), next(rec))
	ids := map[string]bool{}
	for _, d := range rec.Status.Deliveries {
		ids[d.EventID] = true
	}
	require.Len(t, ids, 4)
	require.True(t, settled(rec), "nothing is left to judge")
	require.Equal(t, noon.Add(7*time.Hour), pastOf(rec).Due)

	seen(rec, 8*time.Hour, web(isReady))
	require.Zero(t, next(rec), "the rule is gone")
}

func TestEveryOfWhatRanBefore(t *testing.T) {
	v := on(verdict("scan", release.Holds, "scan"), release.Terms{Every: time.Hour})
	first := map[time.Time]bool{}
	for i := range 40 {
		s := web(isBaseline, func(s *release.Snapshot) { s.Release.Subject.Name = fmt.Sprintf("web-%d", i) })
		rec := newRecord(s)
		advance(rec, announce(s, v), noon)
		require.Empty(t, told(rec), "not at once")
		at := next(rec)
		require.True(t, at.After(noon) && !at.After(noon.Add(time.Hour)), "within one turn: %s", at)
		first[at] = true
		advance(rec, announce(s, v), at)
		require.Equal(t, []string{"ready 1 Pending"}, told(rec))
		require.Equal(t, at.Add(time.Hour), next(rec))
	}
	require.Greater(t, len(first), 35, "they are spread")
}

func TestEveryOfAnEditedRule(t *testing.T) {
	v := on(verdict("scan", release.Holds, "scan"), release.Terms{Every: time.Hour})
	rec := newRecord(web(isReady))
	seen(rec, 0, web(isReady), v)
	v.Hash, v.Terms.Every = "h2", 10*time.Hour
	seen(rec, 5*time.Hour, web(isReady), v)
	require.Len(t, told(rec), 1, "an edit tells nothing")
	at := next(rec)
	require.True(t, at.After(noon.Add(5*time.Hour)) && !at.After(noon.Add(15*time.Hour)))
}

func TestEveryOfWhatWasRevertedTo(t *testing.T) {
	v := on(verdict("scan", release.Holds, "scan"), release.Terms{Every: time.Hour})
	s := web(isReady, func(s *release.Snapshot) { s.Release.Kind = release.Reverted })
	rec := newRecord(s)
	advance(rec, announce(s, v), noon)
	require.Equal(t, "Reverted", rec.Status.Phase)
	require.Empty(t, told(rec))
	advance(rec, announce(s, v), next(rec))
	require.Equal(t, []string{"ready 1 Pending"}, told(rec))
}

func TestRepeatsAreForgotten(t *testing.T) {
	v := on(verdict("scan", release.Holds, "scan"), release.Terms{Every: time.Hour})
	rec := newRecord(web(isReady))
	seen(rec, 0, web(isReady), v)
	for i := 1; i <= 20; i++ {
		seen(rec, time.Duration(i)*time.Hour, web(isReady), v)
		if i != 3 { // one that is never sent
			last := &rec.Status.Deliveries[len(rec.Status.Deliveries)-1]
			last.State, last.Follows = sent, false
		}
	}
	var kept []int64
	for _, d := range rec.Status.Deliveries {
		kept = append(kept, d.Repeat)
	}
	require.Equal(t, []int64{0, 3, 16, 17, 18, 19, 20}, kept, "the first, what is still to be sent, and the last five")
}

func TestShadow(t *testing.T) {
	rec := newRecord(web(isReady))
	seen(rec, 0, web(isReady), on(verdict("smoke", release.Holds, "tests"), release.Terms{Shadow: true}))
	require.Equal(t, []string{"ready 0 Shadow"}, told(rec))
	require.Equal(t, "Ready", rec.Status.Phase, "nothing is tested")
	require.Empty(t, undone(rec))
	require.True(t, readyDrawable(rec), "and nothing is waited for")
}

func TestOvertake(t *testing.T) {
	object := &v1alpha1.ObjectRef{Name: "run"}
	for name, c := range map[string]struct {
		policy release.Supersede
		state  string
		object *v1alpha1.ObjectRef
		want   string
		stop   bool
	}{
		"deliver what is pending":     {release.Deliver, pending, nil, pending, false},
		"nor stop what runs":          {release.Deliver, sent, object, sent, false},
		"skip what is pending":        {release.Skip, pending, nil, skipped, false},
		"but not stop what runs":      {release.Skip, sent, object, sent, false},
		"cancel what is pending":      {release.Cancel, pending, nil, skipped, true},
		"and what runs":               {release.Cancel, sent, object, sent, true},
		"what is dead stays dead":     {release.Cancel, dead, nil, dead, false},
		"what is in shadow stays so":  {release.Cancel, shadow, nil, shadow, false},
		"the default is to go on":     {"", pending, nil, pending, false},
		"what was sent was sent":      {release.Skip, sent, nil, sent, false},
		"what ran has run, whichever": {release.Deliver, sent, nil, sent, false},
	} {
		t.Run(name, func(t *testing.T) {
			rec := newRecord(web(isReady))
			seen(rec, 0, web(isReady), on(verdict("smoke", release.Holds, "tests"), release.Terms{Supersede: c.policy, Every: time.Hour}))
			d := &rec.Status.Deliveries[0]
			d.State, d.Object = c.state, c.object
			require.True(t, overtakable(rec), "it repeats at least")
			overtake(&rec.Status)
			require.Equal(t, c.want, d.State)
			require.Equal(t, c.stop, d.Stop)
			require.Zero(t, next(rec))
			require.False(t, overtakable(rec), "nothing is left to do")
		})
	}
}

func TestAnAlarmIsSentWhateverComes(t *testing.T) {
	rec := newRecord(web())
	v := about(release.DidStall, on(verdict("alarm", release.Holds, "bus"), release.Terms{Supersede: release.Skip}))
	seen(rec, 0, web(isStalled), v)
	overtake(&rec.Status)
	require.Equal(t, []string{"stalled 0 Pending"}, told(rec))
}

// stopper is a sink that remembers which runs it was asked to stop.
type stopper struct {
	recorder
	stopped []string
	err     error
}

func (s *stopper) Stop(_ context.Context, run release.Ref) error {
	s.stopped = append(s.stopped, run.Name)
	return s.err
}

// cancelling is a rig whose release runs, and was overtaken.
func cancelling(t *testing.T, sink Sink) *rig {
	r := newRig(t, nil, "tests")
	r.board.set("tests", sink)
	rec := r.record()
	rec.Status.Deliveries[0].State, rec.Status.Deliveries[0].Object = sent, &runOf
	rec.Status.Deliveries[0].Supersede = string(release.Cancel)
	overtake(&rec.Status)
	r.api.put(rec)
	return r
}

func TestARunIsStoppedOnce(t *testing.T) {
	sink := &stopper{}
	r := cancelling(t, sink)
	r.mustLook()
	r.mustLook()
	require.Equal(t, []string{"run"}, sink.stopped)
	require.NotNil(t, r.delivery(0).Stopped)
	require.NoError(t, r.ledger.Finish(t.Context(), outcome(func(o *release.Outcome) { o.Result = release.Failure })))
	require.Equal(t, "cancellation", r.delivery(0).Outcome.Result)
}

func TestARunThatPassedAllTheSameHasPassed(t *testing.T) {
	r := cancelling(t, &stopper{})
	r.mustLook()
	require.NoError(t, r.ledger.Finish(t.Context(), outcome()))
	require.Equal(t, "success", r.delivery(0).Outcome.Result)
}

func TestStoppingIsTriedAgain(t *testing.T) {
	sink := &stopper{err: errors.New("away")}
	r := cancelling(t, sink)
	_, err := r.look()
	require.ErrorContains(t, err, "stop Workflow run: away")
	require.Nil(t, r.delivery(0).Stopped)
	sink.err = nil
	r.mustLook()
	require.Len(t, sink.stopped, 2)
	require.NotNil(t, r.delivery(0).Stopped)
}

func TestARunThatCannotBeStoppedHoldsUpNothingElse(t *testing.T) {
	tracer := &artist{}
	r := newRig(t, tracer, "stuck", "tests", "nightly")
	stuck, tests := &stopper{err: errors.New("forbidden")}, &stopper{}
	r.board.set("stuck", stuck)
	r.board.set("tests", tests)
	rec := r.record()
	for i := range rec.Status.Deliveries {
		d := &rec.Status.Deliveries[i]
		d.State, d.Object, d.Stop = sent, &runOf, i < 2
	}
	rec.Status.Deliveries[2].Repeat, rec.Status.Deliveries[2].Outcome = 1, &v1alpha1.Outcome{Result: "success"}
	r.api.put(rec)
	_, err := r.look()
	require.EqualError(t, err, "stop Workflow run: forbidden")
	require.Len(t, tests.stopped, 1)
	require.NotNil(t, r.delivery(1).Stopped)
	require.Equal(t, []string{"run nightly"}, tracer.got())
	_, err = r.look()
	require.Error(t, err)
	require.Len(t, tests.stopped, 1, "it is not asked again")
	stuck.err = nil
	r.mustLook()
	require.NotNil(t, r.delivery(0).Stopped)
}

func TestASinkThatCannotStop(t *testing.T) {
	r := cancelling(t, &recorder{})
	r.mustLook()
	require.NotNil(t, r.delivery(0).Stopped, "it is not asked again")
	require.Equal(t, "the sink cannot stop what it started", r.delivery(0).LastError)
}

func TestStopPatchesTheWorkflow(t *testing.T) {
	client := fakeWorkflows()
	w := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "spec": map[string]any{"entrypoint": "x"}}}
	w.SetNamespace("ci")
	w.SetName("run")
	_, err := client.Resource(workflows).Namespace("ci").Create(t.Context(), w, metav1.CreateOptions{})
	require.NoError(t, err)
	sink := ArgoWorkflow{Client: client}
	require.NoError(t, sink.Stop(t.Context(), release.Ref{Namespace: "ci", Name: "run", UID: "u"}))
	got, err := client.Resource(workflows).Namespace("ci").Get(t.Context(), "run", metav1.GetOptions{})
	require.NoError(t, err)
	shutdown, _, _ := unstructured.NestedString(got.Object, "spec", "shutdown")
	require.Equal(t, "Stop", shutdown)
	require.NoError(t, sink.Stop(t.Context(), release.Ref{Namespace: "ci", Name: "gone"}), "one that is gone needs no stopping")
}

// crowded is a rig whose release tells an owner whose receivers keep all workers busy
// that it may have, and has been started; its second sink is somebody else's.
func crowded(t *testing.T, tracer Tracer, change func(d *v1alpha1.Delivery)) (*rig, *recorder) {
	t.Helper()
	r, hangs := newRig(t, tracer, "hangs", "tests"), &recorder{}
	r.board.set("hangs", hangs)
	rec := r.record()
	change(&rec.Status.Deliveries[1])
	r.api.put(rec)
	require.NoError(t, r.ledger.Start(t.Context()))
	r.shares.most = 1
	require.True(t, r.shares.take("hangs"))
	return r, hangs
}

func TestWhatIsForCrowdedOwnersAloneIsNotRead(t *testing.T) {
	r, hangs := crowded(t, nil, func(d *v1alpha1.Delivery) { d.State = sent })
	require.Equal(t, drawAgain, r.mustLook())
	require.Zero(t, r.api.count("get"))
	r.shares.give("hangs")
	r.mustLook()
	require.Len(t, hangs.got(), 1)
}

func TestACrowdedOwnerHoldsUpNobodyElse(t *testing.T) {
	for name, c := range map[string]struct {
		change func(d *v1alpha1.Delivery)
		done   func(sink *stopper, drawn []string) bool
	}{
		"what is sent": {
			func(*v1alpha1.Delivery) {},
			func(sink *stopper, _ []string) bool { return len(sink.got()) == 1 },
		},
		"what is stopped": {
			func(d *v1alpha1.Delivery) { d.State, d.Object, d.Stop = sent, &runOf, true },
			func(sink *stopper, _ []string) bool { return len(sink.stopped) == 1 },
		},
		"what is drawn": {
			func(d *v1alpha1.Delivery) {
				d.State, d.Object, d.Repeat, d.Outcome = sent, &runOf, 1, &v1alpha1.Outcome{Result: "success"}
			},
			func(_ *stopper, drawn []string) bool { return len(drawn) == 1 },
		},
	} {
		t.Run(name, func(t *testing.T) {
			tracer, sink := &artist{}, &stopper{}
			r, hangs := crowded(t, tracer, c.change)
			r.board.set("tests", sink)
			require.Equal(t, drawAgain, r.mustLook())
			require.True(t, c.done(sink, tracer.got()))
			require.Empty(t, hangs.got())
			require.Equal(t, pending, r.delivery(0).State)
		})
	}
}

func TestSharesAreFair(t *testing.T) {
	s := shares{most: 2}
	require.True(t, s.take("a"))
	require.True(t, s.take("a"))
	require.False(t, s.take("a"))
	require.True(t, s.full("a"))
	require.True(t, s.take("b"), "others do not notice")
	s.give("a")
	require.True(t, s.take("a"))
	require.Equal(t, "shop/", ownerOf("shop/rules/bus"))
	require.Equal(t, "shop/", ownerOf("shop/more/bus"), "all of a namespace is one")
	require.Equal(t, "bus", ownerOf("bus"))
	require.True(t, (&shares{}).take("x"), "the zero value bounds nothing")
}

// One owner's receivers hang; what is for others is sent all the same.
func TestAHangingReceiverHoldsUpNobodyElse(t *testing.T) {
	r := newRig(t, nil, "shop/rules/a", "shop/rules/b", "shop/rules/c", "bus")
	hang := make(chan struct{})
	hanging := SinkFunc(func(ctx context.Context, _ release.Event) (release.Receipt, error) {
		select {
		case <-hang:
		case <-ctx.Done():
		}
		return release.Receipt{}, nil
	})
	for _, s := range []string{"shop/rules/a", "shop/rules/b", "shop/rules/c"} {
		r.board.set(s, hanging)
	}
	bus := &recorder{}
	r.board.set("bus", bus)
	other := newRecord(web(isReady, numbered(8), func(s *release.Snapshot) { s.Release.Subject.Name = "api" }))
	advance(other, announce(web(isReady, numbered(8), func(s *release.Snapshot) { s.Release.Subject.Name = "api" }), verdict("smoke", release.Holds, "bus")), noon)
	r.api.put(other)
	end := r.work(2) // one share each
	require.Eventually(t, func() bool { return len(bus.got()) >= 1 }, 10*time.Second, time.Millisecond)
	close(hang)
	end()
}

// SinkFunc is a sink that is a function.
type SinkFunc func(context.Context, release.Event) (release.Receipt, error)

func (f SinkFunc) Send(ctx context.Context, e release.Event) (release.Receipt, error) {
	return f(ctx, e)
}
