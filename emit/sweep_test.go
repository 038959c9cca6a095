package emit

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

func swept(t *testing.T, l *Ledger, api *apiServer, exists bool) {
	t.Helper()
	require.NoError(t, l.Sweep(t.Context(), func(release.Subject) bool { return exists }, time.Hour))
	caughtUp(t, l, api)
}

func TestRecordsOfASubjectThatIsGoneAreSweptInTime(t *testing.T) {
	l, api, clk := newTestLedger(t)
	require.NoError(t, l.Record(t.Context(), announce(web(isBaseline))))
	caughtUp(t, l, api)

	swept(t, l, api, true)
	require.Empty(t, api.all()[0].Status.Conditions, "nothing is written about what is there")
	swept(t, l, api, false)
	require.True(t, meta.IsStatusConditionTrue(api.all()[0].Status.Conditions, v1alpha1.ConditionGone))
	clk.Step(59 * time.Minute)
	swept(t, l, api, false)
	require.Len(t, api.all(), 1)

	swept(t, l, api, true) // it is back
	require.True(t, meta.IsStatusConditionFalse(api.all()[0].Status.Conditions, v1alpha1.ConditionGone))
	swept(t, l, api, false) // and gone again: the time begins anew
	clk.Step(59 * time.Minute)
	swept(t, l, api, false)
	require.Len(t, api.all(), 1)

	clk.Step(time.Minute)
	l = startLedger(t, api, clk) // a restart forgets nothing
	swept(t, l, api, false)
	require.Empty(t, api.all())
	swept(t, l, api, false)
}

func TestASweepLeavesWhatIsNotFinished(t *testing.T) {
	api, clk := newAPIServer(t), clocktesting.NewFakeClock(noon)
	l := startLedger(t, api, clk)
	require.NoError(t, l.Record(t.Context(), announce(web(isReady), verdict("smoke", release.Holds, "tests"))))
	caughtUp(t, l, api)
	swept(t, l, api, false)
	clk.Step(2 * time.Hour)
	swept(t, l, api, false)
	require.Len(t, api.all(), 1, "its event was not sent yet")
}
