package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	"sigs.k8s.io/yaml"
)

// configMap reads a manifest.
func configMap(t *testing.T, text string) *corev1.ConfigMap {
	t.Helper()
	cm := &corev1.ConfigMap{}
	require.NoError(t, yaml.Unmarshal([]byte(text), cm))
	return cm
}

// kindsOf are the kinds that a cluster knows.
func kindsOf(namespaced, clusterWide []schema.GroupVersionKind) meta.RESTMapper {
	m := meta.NewDefaultRESTMapper([]schema.GroupVersion{{Group: "apps", Version: "v1"}})
	for _, k := range namespaced {
		m.Add(k, meta.RESTScopeNamespace)
	}
	for _, k := range clusterWide {
		m.Add(k, meta.RESTScopeRoot)
	}
	return m
}

const various = `sinks:
  bus: {http: {url: "https://example.com"}}
  broken: {http: {}}
rules:
  - {name: fine, on: {kind: Deployment}, send: [bus]}
  - {name: wrong, on: {kind: Deployment}, when: release.redy}
  - {name: needs, on: {kind: Deployment}, send: [broken]}
  - {name: rollout, on: {kind: Rollout}}
  - {name: cert, on: {apiVersion: cert-manager.io/v1, kind: Certificate}, when: "lookup('db.example.com/v1', 'Claim', 'a').ready == true"}
  - {name: node, on: {kind: Deployment}, when: "lookup('v1', 'Node', 'a').ready == true && lookup('v1', 'ConfigMap', 'a').data.x == 'y'"}
`

func TestCheckLive(t *testing.T) {
	l := live{
		kube: fake.NewClientset(
			configMap(t, manifest("rollcall", "rollcall-rules", "", various)),
			configMap(t, manifest("rollcall", "other", label, bad)),
			configMap(t, manifest("shop", "team", label, astray+strings.TrimPrefix(good, "rules:\n"))),
			configMap(t, manifest("shop", "none", "", bad)),
			configMap(t, "{metadata: {namespace: bank, name: no-key, labels: {"+label+"}}}"),
			configMap(t, manifest("bank", "broken", label, "rules: [")),
		),
		operator: types.NamespacedName{Namespace: "rollcall", Name: "rollcall-rules"},
		mapper: kindsOf([]schema.GroupVersionKind{
			{Group: "apps", Version: "v1", Kind: "Deployment"}, {Version: "v1", Kind: "ConfigMap"},
		}, []schema.GroupVersionKind{{Version: "v1", Kind: "Node"}}),
	}
	reports, err := l.check(t.Context(), true)
	require.NoError(t, err)
	var out bytes.Buffer
	require.Equal(t, exitError(1), (&checking{}).tell(&out, reports))
	var lines []string
	for line := range strings.Lines(out.String()) {
		if !strings.Contains(line, " | ") && strings.TrimSpace(line) != "^" {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	assert.Equal(t, []string{
		"rollcall/rollcall-rules:3:18: http has no url",
		"rollcall/rollcall-rules:3:18: rule needs needs sink broken, which has never been right",
		"rollcall/rollcall-rules:6:57: undefined field 'redy', did you mean \"ready\"?",
		"rollcall/rollcall-rules:8:32: warning: the cluster knows no kind Rollout: the rule waits until it does",
		"rollcall/rollcall-rules:9:61: warning: the cluster knows no kind cert-manager.io/v1 Certificate: the rule waits until it does",
		"rollcall/rollcall-rules:9:81: warning: the cluster knows no kind db.example.com/v1 Claim, which is looked up: the expression fails until it does",
		"rollcall/rollcall-rules:10:48: warning: a v1 Node is in no namespace: it cannot be looked up, and the expression fails",
		"rollcall/rollcall-rules: 3 mistakes, 4 warnings (4 rules, 1 sink)",
		"  in force: rules fine, rollout, cert, node; sinks bus",
		"  not in force, but at the last good version if there was one: rules needs, wrong; sinks broken",
		"bank/broken:1:1: text is not YAML: did not find expected node content",
		"bank/broken: 1 mistake (0 rules, 0 sinks)",
		"  nothing of it is in force: what was there before goes on",
		"bank/no-key:1:1: ConfigMap has no key rules.yaml",
		"bank/no-key: 1 mistake (0 rules, 0 sinks)",
		"  nothing of it is in force: what was there before goes on",
		"shop/team:3:41: rules in namespace shop reach no further than it, and not \"bank\"",
		"shop/team: 1 mistake (1 rule, 0 sinks)",
		"  in force: rules web",
		"  not in force, but at the last good version if there was one: rules far",
	}, lines)
	t.Run("for programs", func(t *testing.T) {
		raw, err := json.Marshal(reports[0])
		require.NoError(t, err)
		assert.Contains(t, string(raw), `"inForce":{"rules":["fine","rollout","cert","node"],"sinks":["bus"]},"notInForce":{"rules":["needs","wrong"],"sinks":["broken"]}`)
	})
	t.Run("the operator's alone", func(t *testing.T) {
		reports, err := l.check(t.Context(), false)
		require.NoError(t, err)
		require.Len(t, reports, 1)
	})
}

func TestCheckLiveWithoutAConfigMap(t *testing.T) {
	l := live{kube: fake.NewClientset(), mapper: kindsOf(nil, nil), operator: types.NamespacedName{Namespace: "a", Name: "b"}}
	reports, err := l.check(t.Context(), true)
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, (&checking{}).tell(&out, reports))
	assert.Equal(t, "a/b: ok (1 rule, 0 sinks)\n  there is no such ConfigMap: the built-in rule is in force\n", out.String())
}

// The whole command, on an API server that speaks JSON.
func TestCheckLiveAsACommand(t *testing.T) {
	mux := http.NewServeMux()
	answer := func(path string, with any) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			assert.NoError(t, json.NewEncoder(w).Encode(with))
		})
	}
	cm := configMap(t, manifest("ops", "mine", "", "rules:\n- {name: a, on: {kind: Deployment}}\n- {name: b, on: {kind: Rollout}}\n"))
	answer("/api/v1/namespaces/ops/configmaps/mine", cm)
	answer("/api", metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"}})
	answer("/api/v1", metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList"}, GroupVersion: "v1"})
	apps := metav1.GroupVersionForDiscovery{GroupVersion: "apps/v1", Version: "v1"}
	answer("/apis", metav1.APIGroupList{
		TypeMeta: metav1.TypeMeta{Kind: "APIGroupList"},
		Groups:   []metav1.APIGroup{{Name: "apps", Versions: []metav1.GroupVersionForDiscovery{apps}, PreferredVersion: apps}},
	})
	answer("/apis/apps/v1", metav1.APIResourceList{
		TypeMeta: metav1.TypeMeta{Kind: "APIResourceList"}, GroupVersion: "apps/v1",
		APIResources: []metav1.APIResource{{Name: "deployments", Kind: "Deployment", Namespaced: true}},
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	path := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, os.WriteFile(path, fmt.Appendf(nil, "{clusters: [{name: c, cluster: {server: %q}}], contexts: [{name: c, context: {cluster: c}}]}", s.URL), 0o600))
	got := rollcall(t, "", "check", "--live", "--kubeconfig", path, "--context", "c", "--config-namespace", "ops", "--config-name", "mine")
	assert.Equal(t, 0, got.code)
	assert.Empty(t, got.errs)
	assert.Contains(t, got.out, "ops/mine:3:24: warning: the cluster knows no kind Rollout: the rule waits until it does\n")
	assert.Contains(t, got.out, "ops/mine: ok, 1 warning (2 rules, 0 sinks)\n  in force: rules a, b\n")
	assert.NotContains(t, got.out, "Deployment: the rule waits")
	got = rollcall(t, "", "check", "--live", "--kubeconfig", path, "--context", "c", "--config-name", "mine", "--tenant-rules")
	assert.Equal(t, 1, got.code)
	assert.Contains(t, got.errs, "error: read rules of tenants: ")
}
