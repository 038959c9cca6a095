package timeline

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// play runs a timeline of which the rest is not worth telling.
func play(t *testing.T, text string) *Run {
	t.Helper()
	tl, mistakes := Read("test.yaml", []byte("name: x\nwhy: x\nsource: derived\nexpect: []\n"+text))
	require.Empty(t, mistakes)
	run, err := tl.Run(t.Context(), Options{})
	require.NoError(t, err)
	return run
}

const released = `
objects:
  - Deployment/web 1/1 | 1 | 1/1/1 | rev 1 | NewReplicaSetAvailable | web:1
steps:
`

func TestASecondRollcallWorksBesideTheFirst(t *testing.T) {
	const change = "  - 2s: Deployment/web 2/2 | 1 | 1/1/1 | rev 2 | NewReplicaSetAvailable | web:2\n"
	one := play(t, released+"  - 1s: lag Release 1s\n"+change)
	two := play(t, released+"  - 1s: [lag Release 1s, second]\n"+change)
	require.Len(t, two.Events, 1)
	require.Zero(t, two.Events[0].Again)
	require.Equal(t, one.Records, two.Records)
	require.Greater(t, two.Calls, one.Calls, "both must have worked on it")

	late := play(t, released+"  - 1s: [second 10s]\n  - 1.5s: lag Deployment 20s\n"+change)
	require.Len(t, late.Events, 1)
	require.Equal(t, "22s", moment(late.Events[0].At), "the first is behind by 20s, the second by 30s")

	stopped := play(t, released+"  - 1s: second\n  - 1.5s: stop\n"+change)
	require.Empty(t, stopped.Events, "both were stopped")
}

func TestASecondRollcallNeedsAFirst(t *testing.T) {
	tl, mistakes := Read("test.yaml", []byte("name: x\nwhy: x\nsource: derived\nexpect: []\nsteps:\n  - 1s: stop\n  - 2s: second\n"))
	require.Empty(t, mistakes)
	_, err := tl.Run(t.Context(), Options{})
	require.ErrorContains(t, err, "test.yaml:7: there is no rollcall")
	_, mistakes = Read("test.yaml", []byte("name: x\nwhy: x\nsource: derived\nexpect: []\nsteps:\n  - 1s: second one\n"))
	require.Len(t, mistakes, 1)
}

func TestWipe(t *testing.T) {
	run := play(t, released+"  - 1s: [stop, wipe]\n")
	require.Empty(t, run.Records)
}

func TestApplicationsOfAHubAreReadThere(t *testing.T) {
	const story = `
objects:
  - Deployment/web 1/1 | 1 | 1/1/1 | rev 1 | NewReplicaSetAvailable | web:1
  - Application/shop OutOfSync@c2 | Running@c1 | Healthy | owns Deployment/web
steps:
  - 1s: Deployment/web 2/2 | 1 | 1/1/1 | rev 2 | NewReplicaSetAvailable | web:2
  - 9s: Application/shop Synced@c2 | Succeeded@c2 | Healthy | reconciled
`
	for _, flags := range []string{"", "flags: {argocd-kubeconfig: hub}\n"} {
		run := play(t, flags+story)
		require.Len(t, run.Events, 1)
		require.Equal(t, "9s", moment(run.Events[0].At))
	}
}
