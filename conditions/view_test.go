package conditions

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/release"
)

// full is a snapshot in which no two strings are the same.
func full() release.Snapshot {
	return release.Snapshot{
		Release: release.Release{
			Subject:  release.Subject{Cluster: "prod", Kind: "Deployment", Namespace: "shop", Name: "web"},
			Revision: "7",
			Template: release.Template{Hash: "6f4c1b9e", Images: []string{"one:1", "two:2"}},
			Kind:     release.Rollback,
			Previous: "web-0123456789",
		},
		Labels:      map[string]string{"tier": "web"},
		Annotations: map[string]string{"owner": "team"},
		App: release.App{
			Engine: "argocd", Kind: "Application", Partial: true, Source: "d4e5f60", Namespace: "gitops", Name: "store", Project: "sales",
			RepoURL: "https://git.example.com/store.git", Revision: "3f9c2d1", Revisions: []string{"3f9c2d1", "8a1f0c2"},
			Synced: true, Operation: "Succeeded",
		},
		WaitingFor: "one pod",
		Workloads: []release.Workload{{
			Kind: "Deployment", Namespace: "shop", Name: "web", Revision: "7", Images: []string{"one:1"}, WaitingFor: "one pod",
		}},
		Found: map[release.Query]release.Found{release.OldPods(): {}},
		Outcome: &release.Tested{
			Result: release.Failure, Failed: []string{"smoke"}, Message: "child failed",
			FinishedAt: time.Date(2026, 7, 1, 12, 1, 0, 0, time.UTC),
		},
		Late:        true,
		OutOfBand:   true,
		GateTimeout: true,
		Superseded:  []string{"5", "6"},
		StartedAt:   time.Date(2026, 7, 1, 11, 59, 0, 0, time.UTC),
	}
}

// fields gives, for every field that a condition can name, a condition that is
// true of full, and of nothing else.
func fields() map[string]string {
	return map[string]string{
		"release.name":        "release.name == 'web'",
		"release.namespace":   "release.namespace == 'shop'",
		"release.cluster":     "release.cluster == 'prod'",
		"release.kind":        "release.kind == 'rollback'",
		"release.revision":    "release.revision == '7'",
		"release.images":      "release.images == ['one:1', 'two:2']",
		"release.labels":      "release.labels == {'tier': 'web'}",
		"release.annotations": "release.annotations.owner == 'team'",
		"release.previous":    "release.previous == 'web-0123456789'",
		"release.late":        "release.late",
		"release.outOfBand":   "release.outOfBand",
		"release.gateTimeout": "release.gateTimeout",
		"release.superseded":  "release.superseded == ['5', '6']",
		"release.startedAt":   "release.startedAt == timestamp('2026-07-01T11:59:00Z')",
		"release.ready":       "!release.ready",
		"release.waitingFor":  "release.waitingFor == 'one pod'",
		"release.workloads":   "release.workloads.map(w, w.kind + w.namespace + w.name + w.revision + w.images[0] + w.waitingFor) == ['Deploymentshopweb7one:1one pod'] && !release.workloads[0].ready",
		"release.oldPodsGone": "release.oldPodsGone",
		"outcome.passed":      "!outcome.passed",
		"outcome.result":      "outcome.result == 'failure'",
		"outcome.failed":      "outcome.failed == ['smoke']",
		"outcome.message":     "outcome.message == 'child failed'",
		"outcome.finishedAt":  "outcome.finishedAt == timestamp('2026-07-01T12:01:00Z')",
		"app.engine":          "app.engine == 'argocd'",
		"app.kind":            "app.kind == 'Application'",
		"app.partial":         "app.partial",
		"app.source":          "app.source == 'd4e5f60'",
		"app.name":            "app.name == 'store'",
		"app.namespace":       "app.namespace == 'gitops'",
		"app.project":         "app.project == 'sales'",
		"app.synced":          "app.synced",
		"app.healthy":         "!app.healthy",
		"app.ready":           "!app.ready",
		"app.revision":        "app.revision == '3f9c2d1'",
		"app.revisions":       "app.revisions == ['3f9c2d1', '8a1f0c2']",
		"app.repoURL":         "app.repoURL == 'https://git.example.com/store.git'",
		"app.operation":       "app.operation == 'Succeeded'",
	}
}

func TestEveryFieldShowsWhatItSays(t *testing.T) {
	l, err := NewLanguage()
	require.NoError(t, err)
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	for name, expr := range fields() {
		t.Run(name, func(t *testing.T) {
			c, err := l.Condition(expr)
			require.NoError(t, err)
			holds, err := c.holds(t.Context(), newLook(full(), now))
			require.NoError(t, err)
			assert.True(t, holds, expr)
		})
	}
}

func TestEveryFieldIsTested(t *testing.T) {
	tested := fields()
	for _, f := range Fields() {
		if strings.Contains(f.Name, ".") && !strings.ContainsAny(f.Name, "[(") {
			assert.Contains(t, tested, f.Name)
		}
	}
}

func TestNow(t *testing.T) {
	l, err := NewLanguage()
	require.NoError(t, err)
	c, err := l.Condition("now == timestamp('2026-07-01T12:00:00Z')")
	require.NoError(t, err)
	for minute, want := range map[int]bool{0: true, 1: false} {
		now := time.Date(2026, 7, 1, 12, minute, 0, 0, time.UTC)
		holds, err := c.holds(t.Context(), newLook(full(), now))
		require.NoError(t, err)
		assert.Equal(t, want, holds)
	}
}

func TestAfterDot(t *testing.T) {
	for _, tt := range []struct {
		expr         string
		line, column int
		want         int
	}{
		{"a.b", 1, 2, 3},
		{"a.b", 1, 1, 1},
		{"a.b", 1, 9, 9},
		{"a.", 1, 2, 2},
		{"x\nü.b", 2, 2, 3},
		{"a.b", 7, 2, 2},
		{"", 1, 1, 1},
	} {
		assert.Equal(t, tt.want, afterDot(tt.expr, tt.line, tt.column), tt)
	}
}

func TestPlain(t *testing.T) {
	for message, want := range map[string]string{
		"undefined field 'redy'":                                                             "undefined field 'redy'",
		"undeclared reference to 'x' (in container '')":                                      "undeclared reference to 'x'",
		"type '(rollcall.App, rollcall.Release)'":                                            "type '(app, release)'",
		"found no matching overload for '_==_' applied to '(string, int)'":                   "== cannot be applied to string and int",
		"found no matching overload for 'startsWith' applied to 'string.(int)'":              "startsWith cannot be applied to string.(int)",
		"found no matching overload for '!_' applied to '(string)'":                          "! cannot be applied to string",
		"found no matching overload for '_?_:_' applied to '(bool, string, int)'":            "?: cannot be applied to bool, string and int",
		"found no matching overload for '_[_]' applied to '(map(string, string), int)'":      "[] cannot be applied to map(string, string) and int",
		"found no matching overload for '_==_' applied to '(int, map(string, string))'":      "== cannot be applied to int and map(string, string)",
		"found no matching overload for '@in' applied to '(string, string)'":                 "in cannot be applied to string and string",
		"found no matching overload for '-_' applied to '(string)'":                          "- cannot be applied to string",
		"found no matching overload for '@lookup' applied to '(rollcall.look, string, int)'": "lookup cannot be applied to (string, int)",
	} {
		assert.Equal(t, want, plain(message))
	}
}
