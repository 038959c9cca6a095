package watch

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch/lean"
)

// raw is an object with whatever somebody wrote into it.
func raw(t *testing.T, name, generation, rest string) map[string]any {
	t.Helper()
	var o map[string]any
	text := fmt.Sprintf(`{"metadata":{"namespace":"shop","name":%q,"uid":"uid-%.20s","generation":%s,"annotations":{%q:"7"}},%s}`, name, name, generation, rolloutRevision, rest)
	require.NoError(t, json.Unmarshal([]byte(strings.Replace(text, "},}", "}}", 1)), &o), text)
	return o
}

// rubbish is what may stand where an object's spec and status should.
var rubbish = []string{
	``, `"spec":null,"status":null`, `"spec":{},"status":{}`, `"spec":[],"status":7`, `"spec":"x","status":"y"`,
	`"spec":{"replicas":-3},"status":{"replicas":-3,"updatedReplicas":-3,"availableReplicas":-3,"observedGeneration":-1}`,
	`"spec":{"replicas":"three"},"status":{"observedGeneration":{},"conditions":"none"}`,
	`"spec":{"replicas":9223372036854775807},"status":{"replicas":9223372036854775807,"observedGeneration":"9223372036854775807"}`,
	`"spec":{"replicas":1e400,"template":[]},"status":{"conditions":[[],7,null,{"type":3}]}`,
	`"spec":{"sourceRef":7,"source":"x"},"status":{"resources":{},"inventory":{"entries":["x",null]},"history":[{"version":-1}],"operationState":7}`,
}

func TestRubbishHurtsNobodyElse(t *testing.T) {
	w := withFlux(t, "Application", "Kustomization", "HelmRelease")
	for _, r := range []string{"applications", "rollouts", "widgets"} {
		w.api.install(r)
	}
	w.Follow([]release.KindRef{widgets})
	for i, text := range rubbish {
		if strings.Contains(text, "1e400") {
			continue // the encoder of this test cannot write it, either
		}
		for _, resource := range []string{"applications", "rollouts", "widgets", "kustomizations", "helmreleases"} {
			for j, generation := range []string{"0", "1", "4503599627370496", "-5"} {
				w.api.put(resource, raw(t, fmt.Sprintf("bad-%d-%d", i, j), generation, text))
			}
		}
	}
	w.carry(rollout("good", "web:1", "1", "a", 1), "", 0)
	w.api.put("widgets", widget("gear", "small", 1))
	w.roll(labelled("kustomize", "fine", deployment("web", "web:1", "1")), "a")
	w.api.put("kustomizations", kustomization("fine", "shop_web_apps_Deployment"))
	w.start(2)
	has := func(want string) func() bool {
		return func() bool { return slices.Contains(w.ledger.told(), want) }
	}
	for _, want := range []string{"good 1 initial 0", "gear 1 initial 0", "web 1 initial 0"} {
		require.True(t, eventually(has(want)), "%s: %v", want, w.ledger.told())
	}
	require.True(t, eventually(func() bool { return slices.Contains(w.only("Kustomization"), "fine initial 0") }))
	for _, s := range w.ledger.snapshots() {
		if strings.HasPrefix(s.Release.Subject.Name, "bad") {
			require.False(t, s.Ready, "%s: %v", s.Release.Subject, s.Release)
		}
	}
}

func TestAnApplicationThatCannotBeReadKeepsItsGateShut(t *testing.T) {
	w := newWorld(t)
	w.api.install("applications")
	w.ledger.record(settled(deployment("web", "web:1", "1"), "a"))
	a := raw(t, "web", "1", `"spec":{"project":"default"},"status":{"health":{"status":7}}`)
	w.api.put("applications", a)
	w.roll(owned(changed("web", "web:2", "2", 2)), "b")
	w.start(1)
	w.told("web 2 release .")
	require.Contains(t, w.ledger.snapshots()[0].WaitingFor, "of the Application, it cannot be read")
}

func TestRevisionsThatCannotBeReadAreToldAndHurtNobodyElse(t *testing.T) {
	var said safeBuffer
	w := newWorld(t, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&said, nil)) })
	w.revise(daemonSet("log", "log:1", "1", 1), "a", 1, 0)
	w.revise(statefulSet("db", "db:1", "a", 1), "a", 1, 0)
	spoil := func(o metav1.Object, kind, letter string, number int64, data string) {
		r := controllerRevision(o, kind, letter, number, 0, template("x"))
		r.Data.Raw = []byte(data)
		w.api.put("controllerrevisions", r)
	}
	bad := daemonSet("bad", "bad:1", "1", 1)
	w.api.put("daemonsets", bad)
	spoil(bad, "DaemonSet", "a", 1, `{"spec":{"template":7}}`)
	worse := statefulSet("worse", "worse:1", "a", 1)
	w.api.put("statefulsets", worse)
	spoil(worse, "StatefulSet", "a", 1, `[]`)
	spoil(daemonSet("log", "log:1", "1", 1), "DaemonSet", "old", 0, `"x"`) // an old one of a good DaemonSet
	w.start(1)
	require.True(t, eventually(func() bool { return len(w.ledger.told()) == 2 }), "%v", w.ledger.told())
	require.ElementsMatch(t, []string{"log 1 initial 0", "db 1 initial 0"}, w.ledger.told())
	require.True(t, eventually(func() bool {
		return strings.Contains(said.String(), "read ControllerRevision shop/bad-a: ") && strings.Contains(said.String(), "read ControllerRevision shop/worse-a: ")
	}), said.String())
	require.Contains(t, said.String(), `msg="subject will be looked at again" subject="DaemonSet shop/bad"`)
}

func TestOfTwoApplicationsThatClaimADeploymentTheOneItNamesOwnsIt(t *testing.T) {
	w := newWorld(t)
	w.api.install("applications")
	w.ledger.record(settled(deployment("web", "web:1", "1"), "a"))
	other := application("other", "web:2")
	other.Status.Resources = []lean.ResourceStatus{listed("Deployment", "web")}
	other.Status.OperationState.SyncResult.Revision = "theirs"
	w.api.put("applications", other)
	w.api.put("applications", application("web", "web:2"))
	d := owned(changed("web", "web:2", "2", 2))
	d.Labels["app.kubernetes.io/instance"] = "other"
	w.roll(d, "b")
	w.start(1)
	w.told("web 2 release +")
	require.Equal(t, "c1", w.ledger.snapshots()[0].App.Revision)
	other.Status.Health.Status = "Degraded"
	w.api.put("applications", other)
	w.caughtUp()
	w.told("web 2 release +")
}

func TestNamesMayBeAsLongAsTheyGet(t *testing.T) {
	w := withFlux(t, "Application", "Kustomization")
	w.api.install("applications")
	w.api.install("widgets")
	w.Follow([]release.KindRef{widgets})
	long := strings.Repeat("a", 253)
	w.api.put("widgets", widget(long, "small", 1))
	d := ownedBy(long, "Deployment", deployment(long, "web:1", "1"))
	w.roll(d, "a")
	a := application(long, "web:1")
	w.api.put("applications", a)
	w.api.put("kustomizations", kustomization(long, "shop_"+long+"_apps_Deployment"))
	w.start(1)
	require.True(t, eventually(func() bool { return len(w.ledger.told()) == 4 }), "%v", w.ledger.told())
	for _, s := range w.ledger.snapshots() {
		require.LessOrEqual(t, len(s.Release.Name()), 253)
		require.True(t, s.Baseline)
	}
}

func TestADeploymentWithNothingInItIsNoRelease(t *testing.T) {
	w := newWorld(t)
	w.api.put("deployments", &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}})
	w.api.put("statefulsets", &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}})
	w.api.put("daemonsets", &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}})
	bare := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "bare", Annotations: map[string]string{revisionAnnotation: "x"}}}
	w.api.put("deployments", bare)
	w.start(0)
	w.caughtUp()
	for _, kind := range []string{"Deployment", "StatefulSet", "DaemonSet"} {
		require.NoError(t, w.look(t.Context(), of(kind, "web")))
	}
	require.ErrorIs(t, w.look(t.Context(), subject("bare")), release.ErrNotYet)
	require.Empty(t, w.ledger.told())
}
