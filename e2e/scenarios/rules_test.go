package scenarios

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/e2e/lab"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// ruled are rules with one sink, smoke; NS stands for the stage's namespace.
func (s *stage) ruled(rules string) {
	s.Helper()
	s.rules(strings.ReplaceAll("sinks:\n  smoke: {argoWorkflow: {workflowTemplate: smoke}}\nrules:\n"+rules, "NS", s.ns))
}

// recordOf is the newest record of a subject.
func (s *stage) recordOf(name string) v1alpha1.Release {
	s.Helper()
	var out v1alpha1.Release
	for _, r := range latest(s.TB, s.ns) {
		if r.Spec.Subject.Name == name {
			out = r
		}
	}
	return out
}

// The settling is written down, so that a crash in the midst of it neither forgets
// nor shortens it.
func TestARuleSettles(t *testing.T) {
	t.Parallel()
	s := newStage(t, "settle", time.Second)
	s.ruled("  - {name: settled, on: {kind: Deployment, namespaces: [NS]}, settle: 6s, send: [smoke]}\n")
	s.start()
	s.deploy(deployment{name: "web", image: "web:1", after: time.Second})
	s.eventually("web is ready", func() bool { return s.recordOf("web").Status.Timeline.Ready != nil })
	ready := s.recordOf("web").Status.Timeline.Ready.Time
	time.Sleep(2 * time.Second)
	require.Empty(t, s.seen.started(), "it settles")
	s.kill()
	s.start()
	s.fired("web", 1)
	w := s.seen.startedFor("web")[0]
	created := s.recordOf("web").Status.Deliveries[0].Created.Time
	require.GreaterOrEqual(t, created.Sub(ready), 6*time.Second)
	s.neverEarly(w)
	s.quiet()
	require.Len(t, s.seen.started(), 1)
}

func TestANewerReleaseCancelsTheRun(t *testing.T) {
	t.Parallel()
	s := newStage(t, "cancel", time.Minute)
	s.ruled(`  - {name: ready, on: {kind: Deployment, namespaces: [NS]}, supersede: cancel, send: [smoke]}
  - {name: tested, on: {kind: Deployment, namespaces: [NS]}, event: tested, when: "!outcome.passed", send: [smoke]}
`)
	s.start()
	web := deployment{name: "web", image: "web:1", after: time.Second}
	s.deploy(web)
	s.fired("web", 1)
	first := s.recordOf("web").Name
	web.image = "web:2"
	s.deploy(web)
	s.eventually("the run of the first is stopped", func() bool {
		for _, r := range latest(t, s.ns) {
			if r.Name == first && r.Status.Deliveries[0].Outcome != nil {
				return r.Status.Deliveries[0].Outcome.Result == "cancellation"
			}
		}
		return false
	})
	s.fired("web", 2)
	s.quiet()
	require.Len(t, s.seen.started(), 2, "what was cancelled is not told as tested")
}

func TestARuleWaitsForWhatItLooksUp(t *testing.T) {
	t.Parallel()
	s := newStage(t, "lookup", time.Second)
	s.apply(fmt.Sprintf(`
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: gate, namespace: %[1]s}
rules: [{apiGroups: [""], resources: [configmaps], resourceNames: [gate], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: gate, namespace: %[1]s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: gate}
subjects: [{kind: ServiceAccount, name: rollcall, namespace: %[2]s}]
`, s.ns, lab.RollcallNamespace))
	s.ruled(`  - name: gated
    on: {kind: Deployment, namespaces: [NS]}
    when: release.ready && object.spec.replicas == 3 && release.oldPodsGone && lookup('v1', 'ConfigMap', 'gate').?data.open.orValue('no') == 'yes'
    send: [smoke]
  - {name: forbidden, on: {kind: Deployment, namespaces: [NS]}, when: "lookup('v1', 'ServiceAccount', 'default').metadata.name == 'default'", send: [smoke]}
`)
	s.start()
	s.deploy(deployment{name: "web", image: "web:1"})
	s.eventually("both rules wait", func() bool {
		st := s.recordOf("web").Status
		return len(st.Rules) == 2 && st.Rules[0].State == "Waiting" && st.Rules[1].State == "Error"
	})
	require.Contains(t, s.recordOf("web").Status.Rules[1].Reason, "forbidden")
	s.quiet()
	require.Empty(t, s.seen.started())
	_, err := cluster.Client().CoreV1().ConfigMaps(s.ns).Create(t.Context(), &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "gate"}, Data: map[string]string{"open": "yes"},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	s.fired("web", 1)
	s.eventually("the author is told of the other", func() bool { return s.events("RuleFailed") > 0 })
}

// events counts the Events of a reason in the stage's namespace.
func (s *stage) events(reason string) int {
	s.Helper()
	list, err := cluster.Client().EventsV1().Events(s.ns).List(s.Context(), metav1.ListOptions{})
	require.NoError(s, err)
	n := 0
	for _, e := range list.Items {
		if e.Reason == reason {
			n++
		}
	}
	return n
}

func TestATenantsRulesAreItsOwn(t *testing.T) {
	t.Parallel()
	s := newStage(t, "tenant", time.Second)
	overlay, err := os.ReadFile("../../manifests/tenants/rbac.yaml")
	require.NoError(t, err)
	s.apply(string(overlay))
	book := func(text string) *corev1.ConfigMap {
		return &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: "team", Namespace: s.ns, Labels: map[string]string{"rollcall.dev/rules": "true"}},
			Data:       map[string]string{"rules.yaml": text},
		}
	}
	const rules = `sinks: {smoke: {argoWorkflow: {workflowTemplate: smoke}}, far: {argoWorkflow: {workflowTemplate: smoke, namespace: default}}}
rules:
  - {name: ready, on: {kind: Deployment}, send: [smoke]}
  - {name: far, on: {kind: Deployment}, send: [far]}
  - {name: others, on: {kind: Deployment, namespaces: [default]}, send: [smoke]}
`
	maps := cluster.Client().CoreV1().ConfigMaps(s.ns)
	_, err = maps.Create(t.Context(), book(rules), metav1.CreateOptions{})
	require.NoError(t, err)
	address, err := cluster.FreeAddress()
	require.NoError(t, err)
	args := append(s.arguments("rollcall-0"), "--config-namespace=nowhere", "--tenant-rules", "--config-name=none")
	s.program, err = cluster.StartRollcall(lab.RollcallOptions{Binary: binary, Listen: address, Args: args, Name: s.ns})
	require.NoError(t, err)
	require.NoError(t, s.program.WaitReady(t.Context()))

	web := deployment{name: "web", image: "web:1", after: time.Second}
	s.deploy(web)
	s.fired("web", 1)
	w := s.seen.startedFor("web")[0]
	require.Equal(t, s.ns, w.GetNamespace())
	rec := s.recordOf("web")
	require.Len(t, rec.Status.Deliveries, 1)
	require.Equal(t, s.ns+"/team/ready", rec.Status.Deliveries[0].Rule)
	require.Equal(t, s.ns+"/team/smoke", rec.Status.Deliveries[0].Sink)
	s.eventually("its mistakes are told where it looks", func() bool { return s.events("RuleInvalid") >= 2 })
	metrics, err := s.program.Metrics(t.Context())
	require.NoError(t, err)
	require.Contains(t, metrics, fmt.Sprintf(`rollcall_config_mistakes{configmap="%s/team"} 3`, s.ns))

	_, err = maps.Update(t.Context(), book("rules: ["), metav1.UpdateOptions{})
	require.NoError(t, err)
	s.eventually("it is read", func() bool { return strings.Contains(s.log(), "text is not YAML") })
	web.image = "web:2"
	s.deploy(web)
	s.fired("web", 2)
}

func (s *stage) log() string {
	s.Helper()
	text, err := s.program.Log()
	require.NoError(s, err)
	return text
}

// What runs is told again a minute later, under another id, and not once more when
// rollcall is away and comes back.
func TestARuleTellsAgain(t *testing.T) {
	t.Parallel()
	s := newStage(t, "every", time.Second)
	s.ruled("  - {name: scan, on: {kind: Deployment, namespaces: [NS]}, every: 1m, send: [smoke]}\n")
	s.start()
	s.deploy(deployment{name: "web", image: "web:1", replicas: 1})
	s.fired("web", 1)
	first := s.seen.startedFor("web")[0]
	s.stop()
	s.start()
	s.eventually("it is told again", func() bool { return len(s.seen.startedFor("web")) == 2 })
	again := s.seen.startedFor("web")[1]
	require.Equal(t, "1", parameter(again, "repeat"))
	require.NotEqual(t, parameter(first, "event-id"), parameter(again, "event-id"))
	require.NotEqual(t, parameter(first, "trace-id"), parameter(again, "trace-id"))
	rec := s.recordOf("web").Status
	require.GreaterOrEqual(t, rec.Deliveries[1].Created.Sub(rec.Deliveries[0].Created.Time), time.Minute)
}

// command runs another command of the program.
func (s *stage) command(in string, args ...string) (code int, out, errs string) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(in), &stdout, &stderr
	err := cmd.Run()
	if _, failed := err.(*exec.ExitError); err != nil && !failed { //nolint:errorlint // it is not wrapped
		require.NoError(s, err)
	}
	return cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
}

func TestExplainTellsWhatIsThere(t *testing.T) {
	t.Parallel()
	s := newStage(t, "explain", time.Second)
	s.ruled("  - {name: ready, on: {kind: Deployment, namespaces: [NS]}, send: [smoke]}\n  - {name: never, on: {kind: Deployment, namespaces: [NS]}, when: \"release.ready && object.spec.replicas > 5\"}\n")
	s.start()
	explain := func(more ...string) (int, string) {
		code, out, errs := s.command("", append([]string{"explain", "deploy/web", "-n", s.ns, "--kubeconfig=" + cluster.Kubeconfig, "--config-namespace=" + s.ns}, more...)...)
		require.Empty(t, errs)
		return code, out
	}
	s.deploy(deployment{name: "web", image: "web:1", after: 6 * time.Second})
	s.eventually("web rolls out", func() bool { return s.recordOf("web").Status.Phase == "Rolling" })
	code, out := explain()
	require.Equal(t, 1, code, out)
	require.Contains(t, out, "Deployment "+s.ns+"/web is not ready, and waits: ")
	s.fired("web", 1)
	s.eventually("the run ends", func() bool { return s.recordOf("web").Status.Phase == "Passed" })
	code, out = explain("-o", "json")
	require.Zero(t, code, out)
	var told struct {
		Release struct {
			Ready bool
			Name  string
		}
		Rules []struct {
			Name, Verdict string
			Deliveries    []struct{ Outcome string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(out), &told))
	require.True(t, told.Release.Ready)
	require.Equal(t, s.recordOf("web").Name, told.Release.Name)
	require.Len(t, told.Rules, 2)
	require.Equal(t, "fired", told.Rules[0].Verdict)
	require.Equal(t, "success", told.Rules[0].Deliveries[0].Outcome)
	require.Equal(t, "waiting", told.Rules[1].Verdict)
	_, out = explain()
	require.Contains(t, out, "object.spec.replicas = 3")

	// The same from the objects, as kubectl writes them.
	d, err := cluster.Client().AppsV1().Deployments(s.ns).Get(t.Context(), "web", metav1.GetOptions{})
	require.NoError(t, err)
	d.APIVersion, d.Kind = "apps/v1", "Deployment"
	raw, err := json.Marshal(d)
	require.NoError(t, err)
	code, out, errs := s.command(string(raw), "explain", "-f", "-")
	require.Zero(t, code, out+errs)
	require.Contains(t, out, "Deployment "+s.ns+"/web is ready\n")
	code, out, errs = s.command("", "eval", "object.spec.replicas", "deploy/web", "-n", s.ns, "--kubeconfig="+cluster.Kubeconfig)
	require.Zero(t, code, errs)
	require.Equal(t, "3\n", out)
}

// What is recorded of a live rollout is a timeline that ends as the rollout did.
func TestARecordingIsATimeline(t *testing.T) {
	t.Parallel()
	s := newStage(t, "recording", time.Second)
	web := deployment{name: "web", image: "web:1", after: time.Second}
	s.deploy(web)
	s.ready("web", "web:1")
	file := filepath.Join(t.TempDir(), "web.yaml")
	done := make(chan string, 1)
	go func() {
		code, out, errs := s.command("", "record", "Deployment/web", "-n", s.ns, "--kubeconfig="+cluster.Kubeconfig, "--quiet=2s", "--for=60s", "-o", file)
		done <- fmt.Sprint(code, out, errs)
	}()
	time.Sleep(3 * time.Second)
	web.image = "web:2"
	s.deploy(web)
	said := <-done
	text, err := os.ReadFile(file)
	require.NoError(t, err, said)
	require.Contains(t, string(text), "ready Deployment/web release rev 2", said)
	code, out, errs := s.command("", "test", file)
	require.Zero(t, code, out+errs+string(text))
}
