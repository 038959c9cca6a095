package chaos

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/e2e/lab"
)

// TestChaos plays rounds on a cluster of its own: one short one, unless the
// environment says otherwise. CHAOS_SEED is that of the first round, and each
// further one has the next; CHAOS_RELEASES, CHAOS_DEPLOYMENTS and CHAOS_OVER make a
// round, CHAOS_GRACE is what rollcall is allowed; CHAOS_ROUNDS and CHAOS_SECONDS bound how many there are, whichever ends
// first. With CHAOS_KEEP the logs are left.
func TestChaos(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	binary, err := lab.BuildRollcall(t.Context())
	require.NoError(t, err)
	cluster, err := lab.Start(t.Context(), lab.Options{
		NoArgoCD: true, NoFlux: true, NoJaeger: true, Progress: t.Output(), Keep: os.Getenv("CHAOS_KEEP") != "",
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cluster.Stop()) })
	account, err := cluster.InstallRollcall(t.Context())
	require.NoError(t, err)

	seed := uint64(number(t, "CHAOS_SEED", int(time.Now().UnixNano()%1e9)))
	rounds := number(t, "CHAOS_ROUNDS", 1)
	begun, enough := time.Now(), time.Duration(number(t, "CHAOS_SECONDS", 1<<30))*time.Second
	for i := 0; i < rounds && time.Since(begun) < enough; i++ {
		o := Options{
			Seed: seed + uint64(i), Releases: number(t, "CHAOS_RELEASES", 60), Deployments: number(t, "CHAOS_DEPLOYMENTS", 20),
			Over: time.Duration(number(t, "CHAOS_OVER", 20)) * time.Second, Grace: time.Duration(number(t, "CHAOS_GRACE", 12)) * time.Second,
		}
		t.Logf("round %d: CHAOS_SEED=%d", i+1, o.Seed)
		report, err := Stage{Lab: cluster, Binary: binary, Account: account}.Play(t.Context(), o)
		require.NoError(t, err)
		t.Log(report)
		for _, wrong := range report.Wrong {
			t.Error(wrong)
		}
		require.NoError(t, cluster.Health())
		require.Greater(t, report.Announced, o.Releases/4, "a round in which hardly anything happens shows nothing")
	}
}

func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	require.NoError(t, err, name)
	return n
}
