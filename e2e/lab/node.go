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

// nodeName is the one node, which has room for everything.
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

// startNode makes the node and waits until pods can be scheduled on it.
func (l *Lab) startNode(ctx context.Context) error {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: nodeName, Labels: map[string]string{
		corev1.LabelHostname:   nodeName,
		corev1.LabelOSStable:   "linux",
		corev1.LabelArchStable: "amd64",
	}}}
	nodes := l.client.CoreV1().Nodes()
	if _, err := nodes.Create(ctx, node, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("create node: %w", err)
	}
	err := poll(ctx, func(ctx context.Context) error {
		node, err := nodes.Get(ctx, nodeName, metav1.GetOptions{})
		if err != nil {
			return err
		}
		return schedulable(node)
	})
	if err != nil {
		return fmt.Errorf("wait for node: %w", err)
	}
	l.say("node ready")
	return nil
}

// schedulable says why no pods can be scheduled on the node, if they cannot.
func schedulable(node *corev1.Node) error {
	if len(node.Spec.Taints) > 0 {
		return fmt.Errorf("it has the taint %s", node.Spec.Taints[0].Key)
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
