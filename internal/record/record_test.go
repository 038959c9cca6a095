package record_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/rollcall-dev/rollcall/internal/timeline"
)

// expected is what a recording expects, as its last lines have it.
func expected(t *testing.T, text string) []string {
	t.Helper()
	tl, mistakes := timeline.Read("recording", []byte(text))
	require.Empty(t, mistakes, text)
	run, err := tl.Run(t.Context(), timeline.Options{})
	require.NoError(t, err)
	require.Empty(t, tl.Differences(run))
	var out []string
	for _, e := range tl.Expect {
		out = append(out, fmt.Sprint(e.At, " ", e))
	}
	return out
}

const (
	one = `
  - Deployment/web 1/1 | 2 | 2/2/2 | rev 1 | NewReplicaSetAvailable | web:1, env A=hunter2`
	rolling = `
  - 10s: Deployment/web 2/1 | 2 | 2/2/2 | rev 1 | NewReplicaSetAvailable | web:2, env A=hunter2
  - 10.1s: Deployment/web 2/2 | 2 | 3/1/2 | rev 2 | ReplicaSetUpdated | web:2, env A=hunter2`
	rolled = `
  - 19s: Deployment/web 2/2 | 2 | 2/2/2 | rev 2 | NewReplicaSetAvailable | web:2, env A=hunter2`
	begin = `
steps:
  - 1s: touch Deployment/web`
)

var web = timeline.Ref{Kind: "Deployment", Namespace: "shop", Name: "web"}

func TestARolloutIsRecorded(t *testing.T) {
	for name, tt := range map[string]struct {
		film  string
		about timeline.Ref
		want  []string // what is expected
		text  []string // what the file has
		lacks []string
		lines []string // what is told, in this order
	}{
		"a Deployment": {
			"objects:" + one + `
  - Deployment/other 1/1 | 1 | 1/1/1 | rev 1 | NewReplicaSetAvailable | other:1` + begin + rolling + rolled, web,
			[]string{"10s ready Deployment/web release rev 2"},
			[]string{"redacted-", "patch: Deployment/web", "kind: ReplicaSet", "kind: Pod", "# Deployment/web 2/2 | 2 | 2/2/2 | rev 2 | NewReplicaSetAvailable | web:2", "delete Pod/"},
			[]string{"hunter2", "other", "last-applied", "rules:"},
			[]string{"recording: waits for a new release", "Deployment/web 2/1 | 2 |", "waits: Deployment/web: Deployment generation is 2", "the release is complete", "nothing happened for 60ms"},
		},
		"under way": {
			"objects:\n  - Deployment/web 2/2 | 2 | 3/1/2 | rev 2 | ReplicaSetUpdated | web:2, env A=hunter2" + begin + rolled, web,
			nil,
			[]string{"expect: []"},
			nil,
			[]string{"a rollout is under way already", "the release is complete"},
		},
		"a StatefulSet": {
			`objects:
  - StatefulSet/db 1/1 | 1 | 1/1/1 | rev 1 | db:1
steps:
  - 1s: touch StatefulSet/db
  - 10s: StatefulSet/db 2/1 | 1 | 1/1/1 | rev 1 | db:2
  - 15s: StatefulSet/db 2/2 | 1 | 1/1/1 | rev 2 | db:2`,
			timeline.Ref{Kind: "StatefulSet", Namespace: "shop", Name: "db"},
			[]string{"6s ready StatefulSet/db release rev 2"},
			[]string{"kind: ControllerRevision"},
			nil, nil,
		},
		"Argo CD comes later": {
			"objects:" + one + `
  - Application/shop Synced@c1 | Succeeded@c1 | Healthy | reconciled | owns Deployment/web
  - Application/else Synced@c1 | Succeeded@c1 | Healthy | reconciled` + begin + `
  - 9s: Application/shop OutOfSync@c2 | Running@c2 | Healthy | reconciled` + rolling + `
  - 12s: Application/shop OutOfSync@c2 | Succeeded@c2 | Healthy` + rolled + `
  - 25s: Application/shop Synced@c2 | Succeeded@c2 | Healthy | reconciled`, web,
			[]string{"17s ready Deployment/web release rev 2 commit c2"},
			[]string{"patch: Application/shop"},
			[]string{"else"},
			[]string{"waits: the sync is Running", "waits: Deployment/web: ", "waits: the Application was not compared since the sync", "the release is complete"},
		},
		"a label that Helm uses as well": {
			`objects:
  - {apiVersion: apps/v1, kind: Deployment, metadata: {name: web, labels: {app.kubernetes.io/instance: shop}}}` + one + `
  - Application/shop OutOfSync@c1 | Failed@c1 | Degraded | reconciled` + begin + rolling + rolled, web,
			[]string{"10s ready Deployment/web release rev 2"},
			nil,
			[]string{"kind: Application"},
			nil,
		},
		"an Application": {
			"objects:" + one + `
  - Deployment/api 1/1 | 1 | 1/1/1 | rev 1 | NewReplicaSetAvailable | api:1
  - Application/shop Synced@c1 | Succeeded@c1 | Healthy | reconciled | owns Deployment/web, Deployment/api` + begin + `
  - 9s: Application/shop OutOfSync@c2 | Running@c2 | Healthy | reconciled` + rolling + `
  - 12s: Application/shop OutOfSync@c2 | Succeeded@c2 | Healthy` + rolled + `
  - 25s: Application/shop Synced@c2 | Succeeded@c2 | Healthy | reconciled`,
			timeline.Ref{Kind: "Application", Namespace: "shop", Name: "shop"},
			[]string{"17s ready Application/shop release rev", "17s ready Deployment/web release rev 2 commit c2"},
			[]string{"name: default-application", "name: api"},
			nil, nil,
		},
		"a Kustomization": {
			"objects:" + one + `
  - Kustomization/shop 1/1 | True | c1 | c1 | owns Deployment/web
  - {apiVersion: source.toolkit.fluxcd.io/v1, kind: GitRepository, metadata: {name: shop}, spec: {url: "https://user:hunter2@git.example.com/shop"}}
  - {apiVersion: source.toolkit.fluxcd.io/v1, kind: GitRepository, metadata: {name: else}, spec: {url: "https://git.example.com/else"}}
steps:
  - 1s:
      patch: Kustomization/shop
      with: {spec: {sourceRef: {kind: GitRepository, name: shop}}}` + rolling + rolled + `
  - 25s: Kustomization/shop 1/1 | True | c2 | c2`,
			timeline.Ref{Kind: "Kustomization", Namespace: "shop", Name: "shop"},
			nil,
			[]string{"name: default-kustomization", "kind: GitRepository", "@git.example.com/shop"},
			[]string{"hunter2", "else"},
			nil,
		},
		"a HelmRelease": {
			"objects:" + one + `
  - Deployment/other 1/1 | 1 | 1/1/1 | rev 1 | NewReplicaSetAvailable | other:1
  - HelmRelease/shop 1/1 | True/InstallSucceeded | v1 deployed 1.0.0 | Released=True/InstallSucceeded | owns Deployment/web` + begin + `
  - 9s: HelmRelease/shop 2/1 | Unknown/Progressing | v1 deployed 1.0.0 | Released=True/InstallSucceeded | Reconciling=True/Progressing` + rolling + rolled + `
  - 25s: HelmRelease/shop 2/2 | True/UpgradeSucceeded | v2 deployed 1.1.0 | Released=True/UpgradeSucceeded`,
			timeline.Ref{Kind: "HelmRelease", Namespace: "shop", Name: "shop"},
			[]string{"17s ready HelmRelease/shop release", "17s ready Deployment/web release rev 2 commit 1.1.0"},
			[]string{"name: default-helmrelease"},
			[]string{"other"},
			[]string{"HelmRelease/shop", "waits: the HelmRelease is being reconciled", "Deployment/web 2/1", "HelmRelease/shop", "the release is complete"},
		},
		"deleted meanwhile": {
			"objects:" + one + begin + rolling + `
  - 12s: delete Deployment/web`, web, nil,
			[]string{"delete Deployment/web"},
			nil,
			[]string{"delete Deployment/web", "the Deployment is gone", "nothing happened"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := shoot(t, tt.film).run(tt.about, 0)
			require.NoError(t, got.err, got.lines)
			all := expected(t, got.text)
			for i, want := range tt.want {
				require.Less(t, i, len(all), got.text+got.lines)
				assert.True(t, strings.HasPrefix(all[i], want), "%s is not %s", all[i], want)
			}
			for _, s := range tt.text {
				assert.Contains(t, got.text, s)
			}
			for _, s := range tt.lacks {
				assert.NotContains(t, got.text+got.lines, s)
			}
			rest := got.lines
			for _, s := range tt.lines {
				i := strings.Index(rest, s)
				if assert.GreaterOrEqual(t, i, 0, "%q is not told, or too early:\n%s", s, got.lines) {
					rest = rest[i+len(s):]
				}
			}
		})
	}
}

func TestWhatMayNotBeRead(t *testing.T) {
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "things"}, "", nil)
	missing := apierrors.NewGenericServerResponse(404, "list", schema.GroupResource{}, "", "page not found", 0, true)
	for name, tt := range map[string]struct {
		kind  string
		err   error
		fails string
		told  string
	}{
		"pods":               {"Pod", forbidden, "", "recording without pods in shop: things is forbidden"},
		"engine":             {"Application", forbidden, "", "recording without applications in argocd: "},
		"engine not there":   {"Application", missing, "", ""},
		"subject":            {"Deployment", forbidden, "read deployments in shop: things is forbidden", ""},
		"versions":           {"ReplicaSet", forbidden, "read replicasets in shop: things is forbidden", ""},
		"kind not installed": {"Deployment", missing, "the kind deployments.apps is not installed", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := shoot(t, "objects:"+one+`
  - Application/shop Synced@c1 | Succeeded@c1 | Healthy | reconciled | owns Deployment/web`+begin+rolling+rolled+`
  - 25s: Application/shop Synced@c2 | Succeeded@c2 | Healthy | reconciled`)
			f.refuses = map[string]error{tt.kind: tt.err}
			got := f.run(web, 0)
			if tt.fails != "" {
				require.ErrorContains(t, got.err, tt.fails)
				return
			}
			require.NoError(t, got.err)
			assert.NotContains(t, got.lines, "20s are over")
			assert.Contains(t, got.lines, tt.told)
			assert.Contains(t, got.text, "rev 2")
			if tt.told == "" {
				assert.NotContains(t, got.lines, "without")
			}
		})
	}
}

// A Deployment that is scaled and complete again is not the release that is waited for.
func TestTheReleaseIsWaitedFor(t *testing.T) {
	f := shoot(t, "objects:"+one+begin+`
  - 2s: Deployment/web 2/2 | 3 | 3/3/2 | rev 1 | NewReplicaSetAvailable | web:1, env A=hunter2
  - 3s: Deployment/web 2/2 | 3 | 3/3/3 | rev 1 | NewReplicaSetAvailable | web:1, env A=hunter2
  - 10s: Deployment/web 3/3 | 3 | 4/1/3 | rev 2 | ReplicaSetUpdated | web:2, env A=hunter2
  - 12s: Deployment/web 3/3 | 3 | 3/3/3 | rev 2 | NewReplicaSetAvailable | web:2, env A=hunter2`)
	f.pace = 150 * time.Millisecond
	got := f.run(web, 0)
	require.NoError(t, got.err)
	assert.Contains(t, got.text, "ready Deployment/web release rev 2", got.lines)
}

func TestNothingIsLostWhenItIsStopped(t *testing.T) {
	got := shoot(t, "objects:"+one+begin+rolling+rolled).run(web, 10100*time.Millisecond)
	require.NoError(t, got.err)
	assert.True(t, strings.HasSuffix(got.lines, "\nstopped"), got.lines)
	assert.Contains(t, got.text, "# Deployment/web 2/2 | 2 | 3/1/2 | rev 2 | ReplicaSetUpdated | web:2")
	assert.Empty(t, expected(t, got.text))
}

func TestThereMustBeASubject(t *testing.T) {
	got := shoot(t, "objects:"+one+begin).run(timeline.Ref{Kind: "Deployment", Namespace: "shop", Name: "nosuch"}, 0)
	assert.EqualError(t, got.err, "there is no Deployment/nosuch in the namespace shop")
}
