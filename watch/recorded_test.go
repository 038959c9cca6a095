package watch

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch/workload"
)

// TestRecordedRolloutsAreToldOnceEach plays the recorded states one by one, as
// the cache and the API server show them, with ReplicaSets that claim to be
// fully available all the while.
func TestRecordedRolloutsAreToldOnceEach(t *testing.T) {
	for file, want := range map[string][]string{
		"testdata/rolling.txt":    {"1 initial", "2 release", "3 rollback", "5 reverted", "6 release"},
		"testdata/strategies.txt": {"1 initial", "2 release", "3 release", "4 release", "5 restart", "7 release"},
	} {
		t.Run(file, func(t *testing.T) {
			w := newWorld(t)
			revisions, last := map[string]string{}, ""
			histories := map[string][]string{}
			var told []string
			for i, l := range readLines(t, file) {
				image, revision := l.d.Spec.Template.Spec.Containers[0].Image, l.d.Annotations[revisionAnnotation]
				if bare, restarted := strings.CutSuffix(image, "+"); restarted {
					l.d.Spec.Template.Spec.Containers[0].Image = bare
					l.d.Spec.Template.Annotations = map[string]string{restartedAt: "2026-11-22T10:00:00Z"}
				}
				if revision != last {
					if before := revisions[image]; before != "" {
						histories[image] = append(histories[image], before)
					}
					revisions[image], last = revision, revision
				}
				if revisions[image] != "" {
					rs := replicaSet(l.d, strings.NewReplacer(":", "", "+", "r").Replace(image))
					rs.Annotations[revisionAnnotation] = revisions[image]
					rs.Annotations[historyAnnotation] = strings.Join(histories[image], ",")
					w.api.put("replicasets", rs)
				}
				w.api.put("deployments", l.d)
				small, err := slim(l.d)
				require.NoError(t, err)
				require.NoError(t, w.store("Deployment").Add(small))
				w.remember(deployments{w.Watcher}.observe(l.d), i == 0)

				before := len(w.ledger.snapshots())
				if err := w.look(t.Context(), subject("web")); err != nil {
					require.ErrorIs(t, err, release.ErrNotYet)
				}
				announced := 0
				for _, s := range w.ledger.snapshots()[before:] {
					if s.Ready {
						announced++
						told = append(told, s.Release.Revision+" "+string(s.Release.Kind))
					}
				}
				require.Equal(t, l.verdict == "new", announced == 1, "%s:%d: %s: %d", file, l.number, l.text, announced)
			}
			require.Equal(t, want, told)
		})
	}
}

// line is one state of a recorded sequence.
type line struct {
	number  int
	text    string
	d       *appsv1.Deployment
	verdict string
}

func readLines(t *testing.T, file string) []line {
	t.Helper()
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	var out []line
	for i, text := range strings.Split(string(raw), "\n") {
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		col := strings.Split(text, " | ")
		require.Len(t, col, 7, "%s:%d", file, i+1)
		d := deployment("web", "", "")
		scan := func(s, format string, to ...any) {
			t.Helper()
			_, err := fmt.Sscanf(s, format, to...)
			require.NoError(t, err, "%s:%d", file, i+1)
		}
		var revision string
		st := &d.Status
		scan(col[0], "%d/%d", &d.Generation, &st.ObservedGeneration)
		scan(col[1], "%d", d.Spec.Replicas)
		scan(col[2], "%d/%d/%d", &st.Replicas, &st.UpdatedReplicas, &st.AvailableReplicas)
		scan(col[3], "rev %s", &revision)
		d.Annotations[revisionAnnotation] = revision
		if st.Conditions[0].Reason = col[4]; col[4] == "-" {
			st.Conditions = nil
		}
		image, paused := strings.CutSuffix(col[5], " paused")
		d.Spec.Template, d.Spec.Paused = template(image), paused
		out = append(out, line{i + 1, text, d, col[6]})
	}
	return out
}

func TestReadyIsReachedExactlyAtTheRightLinesOfRecordedRollouts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.Len(t, files, 3)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			var announced []string
			for _, l := range readLines(t, file) {
				got, why := "ready", workload.Deployment(l.d).WaitingFor
				revision := l.d.Annotations[revisionAnnotation]
				switch {
				case why != "":
					got = "not"
				case !slices.Contains(announced, revision):
					got, announced = "new", append(announced, revision)
				}
				require.Equal(t, l.verdict, got, "%s:%d: %s (%s)", file, l.number, l.text, why)
			}
		})
	}
}
