package config_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/config"
	"github.com/rollcall-dev/rollcall/release"
)

// noon is when the tests judge.
func noon() time.Time { return time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC) }

// ready is a release that is ready.
func ready() release.Snapshot {
	return release.Snapshot{
		Release: release.Release{
			Subject: release.Subject{Cluster: "prod", Kind: "Deployment", Namespace: "shop", Name: "web"},
			Kind:    release.Image,
		},
		Labels: map[string]string{"tier": "web"},
		Ready:  true,
	}
}

func TestDefault(t *testing.T) {
	cfg := config.Default()
	assert.Empty(t, cfg.Sinks)
	got := cfg.Judge(t.Context(), ready(), noon())
	require.Len(t, got, 1)
	assert.Equal(t, "default", got[0].Rule)
	assert.Equal(t, release.Holds, got[0].Standing)
	assert.Empty(t, got[0].Send)
}

func TestZeroConfigJudgesNothing(t *testing.T) {
	assert.Empty(t, config.Config{}.Judge(t.Context(), ready(), noon()))
}

func TestJudge(t *testing.T) {
	cfg, mistakes := config.Load("rules.yaml", []byte(`
sinks:
  smoke:
    argoWorkflow:
      workflowTemplate: smoke
      parameters:
        url: "'http://' + release.name + '.' + release.namespace + '.svc'"
  bus: {http: {url: "https://example.com"}}
rules:
  - name: web
    on: {kind: Deployment, namespaces: [shop], selector: tier=web}
    send: [smoke, bus]
  - name: elsewhere
    on: {kind: Deployment, namespaces: [bank]}
  - name: restarts
    on: {kind: Deployment}
    kinds: [restart]
`))
	require.Empty(t, mistakes)
	got := cfg.Judge(t.Context(), ready(), noon())
	require.Len(t, got, 2)
	assert.Equal(t, "web", got[0].Rule)
	assert.Equal(t, []release.Message{
		{Sink: "smoke", Follows: true, Parameters: map[string]string{"url": "http://web.shop.svc"}},
		{Sink: "bus"},
	}, got[0].Send)
	assert.Equal(t, "restarts", got[1].Rule)
	assert.Equal(t, release.Skipped, got[1].Standing)
}

func TestSinkFollows(t *testing.T) {
	cfg, mistakes := config.Load("rules.yaml", []byte(`
sinks:
  run: {argoWorkflow: {workflowTemplate: smoke}}
  bus: {http: {url: "https://example.com"}}
`))
	require.Empty(t, mistakes)
	assert.True(t, cfg.Sinks["run"].Follows())
	assert.False(t, cfg.Sinks["bus"].Follows())
	assert.Equal(t, "https://example.com", cfg.Sinks["bus"].HTTP.URL)
	assert.Equal(t, "smoke", cfg.Sinks["run"].ArgoWorkflow.WorkflowTemplate)
	assert.Equal(t, "run", cfg.Sinks["run"].Name)
}

func TestKindsAreThoseOfTheRules(t *testing.T) {
	cfg, mistakes := config.Load("rules.yaml", []byte(`
rules:
  - {name: a, on: {kind: Deployment}}
  - {name: b, on: {kind: Application}}
  - {name: c, on: {kind: Deployment, namespaces: [shop]}}
  - {name: d, on: {apiVersion: cert-manager.io/v1, kind: Certificate}, event: stalled}
`))
	require.Empty(t, mistakes)
	assert.Equal(t, []release.KindRef{
		{Kind: "Deployment"}, {Kind: "Application"}, {APIVersion: "cert-manager.io/v1", Kind: "Certificate"},
	}, cfg.Kinds())
	assert.Empty(t, (&config.Config{}).Kinds())
}

func TestJudgeOnAnyKindAndEvent(t *testing.T) {
	cfg, mistakes := config.Load("rules.yaml", []byte(`
sinks:
  bus: {http: {url: "https://example.com"}}
rules:
  - {name: a, on: {kind: Deployment}, send: [bus]}
  - {name: b, on: {apiVersion: cert-manager.io/v1, kind: Certificate}, event: stalled, send: [bus]}
`))
	require.Empty(t, mistakes)
	s := ready()
	s.Release.Subject.Kind, s.Ready = "Certificate.cert-manager.io", false
	got := cfg.Judge(t.Context(), s, noon())
	require.Len(t, got, 1)
	assert.Equal(t, "b", got[0].Rule)
	assert.Equal(t, release.DidStall, got[0].Event)
	assert.Equal(t, release.Holds, got[0].Standing)
}
