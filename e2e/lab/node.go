package lab

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/e2e/parts"
)

// Annotations that pods of the lab may carry to say how they fare. Times are
// durations as Go writes them, such as "3s".
const (
	// ReadyAfter is how long the pod takes to become ready once it is scheduled.
	ReadyAfter = "e2e.rollcall.dev/ready-after"
	// GoneAfter is how long the pod takes to be gone once it is deleted.
	GoneAfter = "e2e.rollcall.dev/gone-after"
	// RunsFor is how long a pod of a Workflow or a Job runs.
	RunsFor = "e2e.rollcall.dev/runs-for"
	// Fail set to "true" makes a pod of a Workflow or a Job fail in the end.
	Fail = "e2e.rollcall.dev/fail"
)

// nodeName is the node that has room for everything.
const nodeName = "node-0"

// stages tell kwok what becomes of nodes and pods.
//
//go:embed stages/*.yaml
var stages embed.FS

// startKwok starts kwok with the stages.
func (l *Lab) startKwok(ctx context.Context) error {
	config, err := l.writeStages()
	if err != nil {
		return err
	}
	p, err := l.spawn(command{name: parts.BinaryKwok, path: l.binaries.Path(parts.BinaryKwok), args: []string{
		"--kubeconfig=" + l.Kubeconfig,
		"--config=" + config,
		"--manage-all-nodes",
		"--node-ip=127.0.0.1",
		"--node-lease-duration-seconds=40",
		"--cidr=10.64.0.1/12",
		"--server-address=" + l.at.kwok,
	}})
	if err != nil {
		return err
	}
	return p.ready(ctx, answers("http://"+l.at.kwok+"/healthz"))
}

// writeStages writes all stages into one file.
func (l *Lab) writeStages() (string, error) {
	entries, err := stages.ReadDir("stages")
	if err != nil {
		return "", fmt.Errorf("read stages: %w", err)
	}
	var all strings.Builder
	for _, entry := range entries {
		content, err := stages.ReadFile("stages/" + entry.Name())
		if err != nil {
			return "", fmt.Errorf("read stages: %w", err)
		}
		fmt.Fprintf(&all, "---\n%s", content)
	}
	path := filepath.Join(l.Dir, "stages.yaml")
	if err := os.WriteFile(path, []byte(all.String()), 0o644); err != nil {
		return "", fmt.Errorf("write stages: %w", err)
	}
	return path, nil
}

// PoolLabel is the label, and the key of the taint, of a node that AddNode makes.
const PoolLabel = "e2e.rollcall.dev/pool"

// startNode makes the node and waits until pods can be scheduled on it.
func (l *Lab) startNode(ctx context.Context) error {
	if err := l.addNode(ctx, nodeName, ""); err != nil {
		return err
	}
	l.say("node ready")
	return nil
}

// AddNode makes one more node, which is of a pool: it bears the pool's name as a
// label, and only pods that tolerate the taint of it come there. It waits until
// they can.
func (l *Lab) AddNode(ctx context.Context, name, pool string) error {
	return l.addNode(ctx, name, pool)
}

// RemoveNode removes a node.
func (l *Lab) RemoveNode(ctx context.Context, name string) error {
	if err := l.client.CoreV1().Nodes().Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
		return fmt.Errorf("remove node: %w", err)
	}
	return nil
}

func (l *Lab) addNode(ctx context.Context, name, pool string) error {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
		corev1.LabelHostname:   name,
		corev1.LabelOSStable:   "linux",
		corev1.LabelArchStable: "amd64",
	}}}
	if pool != "" {
		node.Labels[PoolLabel] = pool
		node.Spec.Taints = []corev1.Taint{{Key: PoolLabel, Value: pool, Effect: corev1.TaintEffectNoSchedule}}
	}
	nodes := l.client.CoreV1().Nodes()
	if _, err := nodes.Create(ctx, node, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("create node: %w", err)
	}
	err := poll(ctx, func(ctx context.Context) error {
		node, err := nodes.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		return schedulable(node)
	})
	if err != nil {
		return fmt.Errorf("wait for node: %w", err)
	}
	return nil
}

// schedulable says why no pods can be scheduled on the node, if they cannot.
func schedulable(node *corev1.Node) error {
	for _, taint := range node.Spec.Taints {
		if taint.Key != PoolLabel {
			return fmt.Errorf("it has the taint %s", taint.Key)
		}
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
			return nil
		}
	}
	return errors.New("it is not ready")
}

// poll looks until check is content or startTimeout is over.
func poll(ctx context.Context, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(pollEvery):
		}
	}
}
