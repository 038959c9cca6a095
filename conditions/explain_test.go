package conditions_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/conditions"
	"github.com/rollcall-dev/rollcall/release"
)

var update = flag.Bool("update", false, "write what is expected anew")

// explained is a snapshot in which some things were read, and some were not.
func explained() release.Snapshot {
	return ready(func(s *release.Snapshot) {
		s.Workloads = []release.Workload{{Kind: "Deployment", Name: "web", Ready: true}, {Kind: "Deployment", Name: "api", WaitingFor: "a pod"}}
		s.Found = map[release.Query]release.Found{
			{APIVersion: "v1", Kind: "ConfigMap", Name: "gate"}:      {Object: map[string]any{"data": map[string]any{"open": "no"}}},
			{APIVersion: "v1", Kind: "ConfigMap", Name: "absent"}:    {},
			{APIVersion: "v1", Kind: "ConfigMap", Name: "forbidden"}: {Err: "configmaps is forbidden"},
		}
	})
}

// TestTrees compares the tree of each expression with what is pinned for it.
func TestTrees(t *testing.T) {
	path := filepath.Join("testdata", "trees.txtar")
	archive, err := txtar.ParseFile(path)
	require.NoError(t, err)
	for i, f := range archive.Files {
		expr, want, _ := strings.Cut(string(f.Data), "\n\n")
		rule := conditions.Rule{Name: "r", On: onDeployments(), When: when(t, strings.TrimSpace(expr))}
		got := conditions.NewSet([]conditions.Rule{rule}, nil).Explain(t.Context(), explained(), noon())
		require.Len(t, got, 1)
		if *update {
			archive.Files[i].Data = []byte(strings.TrimSpace(expr) + "\n\n" + got[0].String())
			continue
		}
		t.Run(f.Name, func(t *testing.T) { assert.Equal(t, want, got[0].String()) })
	}
	if *update {
		require.NoError(t, os.WriteFile(path, txtar.Format(archive), 0o644))
	}
}

func TestExplainAgreesWithJudge(t *testing.T) {
	archive, err := txtar.ParseFile(filepath.Join("testdata", "trees.txtar"))
	require.NoError(t, err)
	for _, f := range archive.Files {
		expr, _, _ := strings.Cut(string(f.Data), "\n\n")
		set := conditions.NewSet([]conditions.Rule{{Name: "r", On: onDeployments(), When: when(t, strings.TrimSpace(expr))}}, nil)
		e := set.Explain(t.Context(), explained(), noon())[0]
		assert.Equal(t, set.Judge(t.Context(), explained(), noon())[0], e.Verdict, f.Name)
		assert.Equal(t, e.Standing == release.Holds, e.Tree.Result == conditions.True, f.Name)
		assert.Equal(t, e.Standing == release.Broken, e.Tree.Result == conditions.Failed, f.Name)
		assert.Equal(t, len(e.Needs) > 0, e.Tree.Result == conditions.Unread, f.Name)
		_, err := json.Marshal(e.Tree)
		assert.NoError(t, err)
	}
}

func TestExplainOfDefaults(t *testing.T) {
	for name, tt := range map[string]struct {
		event release.Occasion
		snap  release.Snapshot
		want  string
	}{
		"ready":     {"", ready(), "rule r: holds: when is true: release.ready\n  ✓ release.ready is true\n"},
		"not ready": {"", ready(notReady), "rule r: waiting: 2 of 3 pods are ready\n  ✗ release.ready is false\n"},
		"stalled":   {release.DidStall, ready(notReady), "rule r: holds: when is true: true\n  ✓ true is true\n"},
		"skipped":   {"", ready(ofKind(release.Restart)), "rule r: skipped: rule is not for releases of kind restart\n"},
	} {
		t.Run(name, func(t *testing.T) {
			set := conditions.NewSet([]conditions.Rule{{Name: "r", On: onDeployments(), Event: tt.event}}, nil)
			assert.Equal(t, tt.want, set.Explain(t.Context(), tt.snap, noon())[0].String())
		})
	}
}
