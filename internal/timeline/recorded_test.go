package timeline_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/internal/timeline"
)

// What live controllers were seen to write ends as the situations say. The names are
// those of the situations that the recordings were made of.
func TestRecordings(t *testing.T) {
	files, err := filepath.Glob("testdata/recorded/*.yaml")
	require.NoError(t, err)
	require.Greater(t, len(files), 30)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			tl := load(t, file)
			require.Equal(t, "recorded", tl.Source)
			run, err := tl.Run(t.Context(), timeline.Options{})
			require.NoError(t, err)
			require.Empty(t, tl.Differences(run))
		})
	}
}
