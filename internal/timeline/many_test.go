package timeline

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestALineWithARange(t *testing.T) {
	for line, want := range map[string][]string{
		"delete Deployment/web":            {"delete Deployment/web"},
		"touch Deployment/web-[08-10]":     {"touch Deployment/web-08", "touch Deployment/web-09", "touch Deployment/web-10"},
		"Deployment/w[1-2] 1/1 | x[1-2]:1": {"Deployment/w1 1/1 | x1:1", "Deployment/w2 1/1 | x2:1"},
		"Deployment/w[3-3]":                {"Deployment/w3"},
	} {
		got, err := spread(line)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, line := range []string{"w[2-1]", "w[1-1001]", "w[1-2] x[1-3]", "w[1-99999999999999999999]"} {
		_, err := spread(line)
		require.Error(t, err, line)
	}
}

func TestARangeStandsForManyObjectsAndEvents(t *testing.T) {
	tl, mistakes := Read("many.yaml", []byte(`
name: Many
why: Each of them is there.
source: derived
objects:
  - Deployment/web-[01-12] 1/1 | 1 | 1/1/1 | rev 1 | NewReplicaSetAvailable | web:1
steps:
  - 1s: Deployment/web-[01-12] 2/2 | 1 | 1/1/1 | rev 2 | NewReplicaSetAvailable | web:2
expect:
  - 1s: ready Deployment/web-[01-12] release rev 2
`))
	require.Empty(t, mistakes)
	require.Len(t, tl.Expect, 12)
	run, err := tl.Run(t.Context(), Options{})
	require.NoError(t, err)
	require.Empty(t, tl.Differences(run))
}
