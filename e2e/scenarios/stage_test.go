package scenarios

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/e2e/lab"
)

// patience is how long a scenario waits for what must come.
const patience = 90 * time.Second

// stage is where one scenario plays: a namespace of its own, rules, and rollcall.
// Its rollcall sees that namespace only, and has rules and lease there, so that
// others can play at the same time.
type stage struct {
	testing.TB
	ns      string
	account string // the kubeconfig that rollcall runs with
	program *lab.Rollcall
	seen    *recorder
}

// newStage makes the namespace, and a WorkflowTemplate in it whose run takes about
// as long as given. rollcall is not started yet, and has never run.
func newStage(t testing.TB, ns string, runFor time.Duration) *stage {
	t.Helper()
	s := &stage{TB: t, ns: ns}
	s.apply(fmt.Sprintf("apiVersion: v1\nkind: Namespace\nmetadata: {name: %s}\n", ns))
	s.apply(template(ns, runFor))
	require.NoError(t, cluster.GrantRollcall(t.Context(), ns))
	s.confine()
	s.seen = record(t, ns)
	t.Cleanup(s.strike)
	return s
}

// confine lets the stage's rollcall see its namespace only. A benchmark is alone, and
// measures nobody else's work.
func (s *stage) confine() {
	s.account = kubeconfig
	if _, alone := s.TB.(*testing.B); alone {
		return
	}
	account, end, err := cluster.Confine(kubeconfig, s.ns)
	require.NoError(s, err)
	s.Cleanup(end)
	s.account = account
}

// strike ends rollcall and removes what the scenario left, so that the next one
// has the machine to itself.
func (s *stage) strike() {
	if s.program != nil {
		if s.Failed() {
			s.program.Dump(os.Stderr)
		}
		_ = s.program.Kill()
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := cluster.Client().CoreV1().Namespaces().Delete(ctx, s.ns, metav1.DeleteOptions{}); err != nil {
		s.Errorf("remove namespace: %v", err)
	}
	require.Eventually(s, func() bool {
		pods, err := cluster.Client().CoreV1().Pods(s.ns).List(ctx, metav1.ListOptions{})
		return err == nil && len(pods.Items) == 0
	}, patience, 200*time.Millisecond, "the pods of %s do not go", s.ns)
}

// afterwards has something done when the scenario is over, before the stage is
// struck. The scenario's own context has ended then.
func (s *stage) afterwards(f func(ctx context.Context)) {
	s.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		f(ctx)
	})
}

// apply applies manifests; those that name no namespace go to the stage's.
func (s *stage) apply(manifests string) {
	s.Helper()
	require.NoError(s, cluster.Apply(s.Context(), []byte(manifests)))
}

// start starts rollcall and waits until it is ready.
func (s *stage) start(env ...string) {
	s.Helper()
	s.launch(env...)
	require.NoError(s, s.program.WaitReady(s.Context()))
}

// launch starts rollcall under the name of its pod, which a restart keeps.
func (s *stage) launch(env ...string) {
	s.Helper()
	address, err := cluster.FreeAddress()
	require.NoError(s, err)
	s.program, err = cluster.StartRollcall(lab.RollcallOptions{
		Binary: binary, Listen: address, Env: env,
		Args: s.arguments("rollcall-0"), Name: s.ns,
	})
	require.NoError(s, err)
}

// arguments are those that a replica is run with.
func (s *stage) arguments(identity string) []string {
	return []string{
		"run", "--kubeconfig=" + s.account, "--cluster=lab", "--config-namespace=" + s.ns,
		"--leader-election-namespace=" + s.ns, "--leader-election-lease-duration=3s",
		"--identity=" + identity, "--log-level=debug",
	}
}

// stop ends rollcall as Kubernetes does.
func (s *stage) stop() {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	code, err := s.program.Stop(ctx)
	require.NoError(s, err)
	require.Zero(s, code, "rollcall must end by itself and well")
	s.program = nil
}

// kill ends rollcall as a crash does.
func (s *stage) kill() {
	s.Helper()
	require.NoError(s, s.program.Kill())
	s.program = nil
}

// rules writes the ConfigMap.
func (s *stage) rules(text string) {
	s.Helper()
	maps := cluster.Client().CoreV1().ConfigMaps(s.ns)
	cm := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: "rollcall-rules"},
		Data:       map[string]string{"rules.yaml": text},
	}
	if _, err := maps.Create(s.Context(), cm, metav1.CreateOptions{}); apierrors.IsAlreadyExists(err) {
		_, err = maps.Update(s.Context(), cm, metav1.UpdateOptions{})
		require.NoError(s, err)
	} else {
		require.NoError(s, err)
	}
}

// smokeRules are rules that start the stage's WorkflowTemplate for every release
// in its namespace.
func (s *stage) smokeRules() string { return s.smokeRulesFor("Deployment") }

// smokeRulesFor are the same for releases of another kind of subject.
func (s *stage) smokeRulesFor(kind string) string {
	return strings.NewReplacer("NS", s.ns, "KIND", kind).Replace(`
sinks:
  smoke: {argoWorkflow: {workflowTemplate: smoke}}
rules:
  - name: ready
    on: {kind: KIND, namespaces: [NS]}
    send: [smoke]
`)
}

// template is a WorkflowTemplate with a pause and then a pod.
func template(ns string, pause time.Duration) string {
	return fmt.Sprintf(`
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: smoke, namespace: %s}
spec:
  entrypoint: main
  templates:
    - name: main
      steps:
        - - {name: warm-up, template: pause}
        - - {name: checks, template: checks}
    - name: pause
      suspend: {duration: "%d"}
    - name: checks
      container: {image: "none:1", command: ["true"]}
`, ns, int(pause.Seconds()))
}

// deployment is a Deployment whose pods take as long as given to become ready.
type deployment struct {
	name, image string
	replicas    int
	after       time.Duration
	strategy    string // YAML, in one line
}

func (d deployment) yaml(ns string) string {
	if d.replicas == 0 {
		d.replicas = 3
	}
	if d.strategy == "" {
		d.strategy = "{}"
	}
	return fmt.Sprintf(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s, namespace: %[6]s}
spec:
  replicas: %[3]d
  strategy: %[5]s
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata:
      labels: {app: %[1]s}
      annotations: {e2e.rollcall.dev/ready-after: %[4]s}
    spec:
      containers: [{name: main, image: "%[2]s"}]
---
`, d.name, d.image, d.replicas, d.after, d.strategy, ns)
}

// deploy applies Deployments.
func (s *stage) deploy(all ...deployment) {
	s.Helper()
	var b strings.Builder
	for _, d := range all {
		b.WriteString(d.yaml(s.ns))
	}
	s.apply(b.String())
}

// eventually waits for what must come.
func (s *stage) eventually(what string, ok func() bool) {
	s.Helper()
	require.Eventually(s, ok, patience, 50*time.Millisecond, what)
}

// quiet gives what must not come the time to come.
func (s *stage) quiet() { time.Sleep(3 * time.Second) }
