package lab_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/rollcall-dev/rollcall/e2e/lab"
	"github.com/rollcall-dev/rollcall/e2e/parts"
)

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: %NAME%
spec:
  replicas: 3
  selector: {matchLabels: {app: %NAME%}}
  template:
    metadata:
      labels: {app: %NAME%}
      annotations: {e2e.rollcall.dev/ready-after: %AFTER%, e2e.rollcall.dev/gone-after: 0s}
    spec:
      containers: [{name: main, image: "registry.example.com/%NAME%:1"}]
`

const workflowTemplate = `
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: verify, namespace: shop}
spec:
  entrypoint: main
  arguments: {parameters: [{name: fail, value: "false"}]}
  podMetadata:
    annotations: {e2e.rollcall.dev/fail: "{{workflow.parameters.fail}}"}
  templates:
    - name: main
      steps:
        - - {name: pause, template: pause}
        - - {name: check, template: check}
    - name: pause
      suspend: {duration: "1"}
    - name: check
      container: {image: "none:1", command: ["true"]}
---
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: good, namespace: shop}
spec: {workflowTemplateRef: {name: verify}}
---
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: bad, namespace: shop}
spec:
  workflowTemplateRef: {name: verify}
  arguments: {parameters: [{name: fail, value: "true"}]}
`

// TestLab starts a whole lab and shows that every part of it does its work.
func TestLab(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	l, err := lab.Start(t.Context(), lab.Options{Progress: t.Output()})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, l.Health())
		require.NoError(t, l.Stop())
		require.NoDirExists(t, l.Dir)
	})
	require.NoError(t, l.Apply(t.Context(), []byte("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}")))

	t.Run("pods become ready when they are told to", func(t *testing.T) { deploymentIsReady(t, l) })
	t.Run("pods are gone when they are told to", func(t *testing.T) { podsLinger(t, l) })
	t.Run("a job ends well", func(t *testing.T) { jobCompletes(t, l) })
	t.Run("Argo CD syncs a local repository", func(t *testing.T) { applicationSyncs(t, l) })
	t.Run("Flux applies a repository that is served", func(t *testing.T) { kustomizationApplies(t, l) })
	t.Run("Argo Workflows runs pods to their ends", func(t *testing.T) { workflowsEnd(t, l) })
	t.Run("Jaeger answers", func(t *testing.T) { jaegerAnswers(t, l) })
	t.Run("a service account may do what it is granted only", func(t *testing.T) { serviceAccount(t, l) })
	t.Run("a program under test is started and ended", func(t *testing.T) { programUnderTest(t, l) })
}

// TestStartSaysWhatFailed starts a lab of which one program is broken.
func TestStartSaysWhatFailed(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	_, err := parts.Build(t.Context(), "", t.Output(), parts.Kubernetes, parts.Etcd, parts.Kwok)
	require.NoError(t, err)
	cache, err := parts.CacheDir()
	require.NoError(t, err)
	built, err := filepath.Glob(filepath.Join(cache, "parts", "*"))
	require.NoError(t, err)
	broken := t.TempDir()
	for _, path := range built {
		require.NoError(t, os.Symlink(path, filepath.Join(broken, filepath.Base(path))))
	}
	scheduler := filepath.Join(broken, parts.BinaryScheduler)
	require.NoError(t, os.Remove(scheduler))
	require.NoError(t, os.WriteFile(scheduler, []byte("#!/bin/sh\necho this is broken\nexit 7\n"), 0o755))

	options := lab.Options{Cache: broken, NoArgoCD: true, NoFlux: true, NoArgoWorkflows: true, NoJaeger: true}
	_, err = lab.Start(t.Context(), options)
	require.EqualError(t, err, "start lab: start kube-scheduler: it ended (exit status 7); its log ends with:\nthis is broken")
}

func deploymentIsReady(t *testing.T, l *lab.Lab) {
	start := time.Now()
	require.NoError(t, l.Apply(t.Context(), []byte(fill(deployment, "quick", "0s"))))
	awaitDeployment(t, l, "default", "quick")
	t.Logf("without delay: %s", time.Since(start).Round(time.Millisecond))
	require.Less(t, time.Since(start), 3*time.Second)

	start = time.Now()
	require.NoError(t, l.Apply(t.Context(), []byte(fill(deployment, "slow", "3s"))))
	awaitDeployment(t, l, "default", "slow")
	t.Logf("with a delay of 3s: %s", time.Since(start).Round(time.Millisecond))
	require.GreaterOrEqual(t, time.Since(start), 3*time.Second)
	require.Less(t, time.Since(start), 6*time.Second)
}

func podsLinger(t *testing.T, l *lab.Lab) {
	lingering := strings.ReplaceAll(fill(deployment, "lingering", "0s"), "gone-after: 0s", "gone-after: 2s")
	require.NoError(t, l.Apply(t.Context(), []byte(lingering)))
	awaitDeployment(t, l, "default", "lingering")
	require.NoError(t, l.Client().AppsV1().Deployments("default").Delete(t.Context(), "lingering", metav1.DeleteOptions{}))
	start := time.Now()
	options := metav1.ListOptions{LabelSelector: "app=lingering"}
	require.Eventually(t, func() bool {
		left, err := l.Client().CoreV1().Pods("default").List(t.Context(), options)
		return err == nil && len(left.Items) == 0
	}, 10*time.Second, 20*time.Millisecond)
	t.Logf("pods gone after: %s", time.Since(start).Round(time.Millisecond))
	require.GreaterOrEqual(t, time.Since(start), 2*time.Second)
}

func jobCompletes(t *testing.T, l *lab.Lab) {
	require.NoError(t, l.Apply(t.Context(), []byte(`
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: main, image: "none:1"}]
`)))
	require.Eventually(t, func() bool {
		job, err := l.Client().BatchV1().Jobs("default").Get(t.Context(), "migrate", metav1.GetOptions{})
		return err == nil && job.Status.Succeeded == 1
	}, 10*time.Second, 50*time.Millisecond)
}

func applicationSyncs(t *testing.T, l *lab.Lab) {
	repo, err := lab.NewRepo(filepath.Join(t.TempDir(), "shop"))
	require.NoError(t, err)
	require.NoError(t, repo.Write("deploy/app.yaml", fill(deployment, "checkout", "0s")))
	first, err := repo.Commit("deploy checkout")
	require.NoError(t, err)

	start := time.Now()
	app := lab.Application{Name: "checkout", RepoURL: repo.URL(), Path: "deploy", Namespace: "checkout", Automated: true}
	require.NoError(t, l.CreateApplication(t.Context(), app))
	awaitApplication(t, l, "checkout", first)
	t.Logf("application created, synced and healthy: %s", time.Since(start).Round(time.Millisecond))

	require.NoError(t, repo.Write("deploy/app.yaml", fill(deployment, "checkout", "1s")))
	second, err := repo.Commit("take longer to be ready")
	require.NoError(t, err)
	start = time.Now()
	require.NoError(t, l.RefreshApplication(t.Context(), "checkout"))
	awaitApplication(t, l, "checkout", second)
	t.Logf("new commit, synced and healthy: %s", time.Since(start).Round(time.Millisecond))
}

func workflowsEnd(t *testing.T, l *lab.Lab) {
	start := time.Now()
	require.NoError(t, l.Apply(t.Context(), []byte(workflowTemplate)))
	for name, phase := range map[string]string{"good": "Succeeded", "bad": "Failed"} {
		var last *unstructured.Unstructured
		require.Eventually(t, func() bool {
			var err error
			last, err = l.Dynamic().Resource(lab.WorkflowResource()).Namespace("shop").Get(t.Context(), name, metav1.GetOptions{})
			return err == nil && text(last, "status", "phase") == phase
		}, 30*time.Second, 50*time.Millisecond, "%s: %v", name, last)
		t.Logf("workflow %s is %s: %s", name, phase, time.Since(start).Round(time.Millisecond))
	}
}

func jaegerAnswers(t *testing.T, l *lab.Lab) {
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, l.JaegerQuery+"/api/services", nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	var answer struct{ Errors []any }
	require.NoError(t, json.NewDecoder(response.Body).Decode(&answer))
	require.Empty(t, answer.Errors)
}

func serviceAccount(t *testing.T, l *lab.Lab) {
	require.NoError(t, l.Apply(t.Context(), []byte(`
{apiVersion: v1, kind: ServiceAccount, metadata: {name: reader, namespace: shop}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: reader, namespace: shop},
 rules: [{apiGroups: [""], resources: [pods], verbs: [list]}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: reader, namespace: shop},
 roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader},
 subjects: [{kind: ServiceAccount, name: reader, namespace: shop}]}
`)))
	path, err := l.ServiceAccountKubeconfig(t.Context(), "shop", "reader", t.TempDir())
	require.NoError(t, err)
	config, err := clientcmd.BuildConfigFromFlags("", path)
	require.NoError(t, err)
	client, err := kubernetes.NewForConfig(config)
	require.NoError(t, err)
	require.Eventually(t, func() bool { // The API server learns of the role a moment after it is made.
		_, err := client.CoreV1().Pods("shop").List(t.Context(), metav1.ListOptions{})
		return err == nil
	}, 5*time.Second, 50*time.Millisecond)
	_, err = client.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{})
	require.ErrorContains(t, err, `User "system:serviceaccount:shop:reader" cannot list`)
}

func programUnderTest(t *testing.T, l *lab.Lab) {
	script := filepath.Join(t.TempDir(), "program")
	require.NoError(t, os.WriteFile(script, []byte("#!/bin/sh\necho \"$GREETING $1\"\ntrap 'exit 3' TERM\nwhile :; do sleep 0.05; done\n"), 0o755))
	options := lab.RollcallOptions{Binary: script, Args: []string{"world"}, Env: []string{"GREETING=hello"}}
	r, err := l.StartRollcall(options)
	require.NoError(t, err)
	require.Eventually(t, func() bool { log, err := r.Log(); return err == nil && log == "hello world\n" }, 5*time.Second, 10*time.Millisecond)
	code, err := r.Stop(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3, code)

	r, err = l.StartRollcall(options)
	require.NoError(t, err)
	require.NoError(t, r.Kill())
	code, err = r.Wait(t.Context())
	require.NoError(t, err)
	require.Equal(t, -1, code)
}

// awaitDeployment waits until all pods of the deployment are updated and ready.
func awaitDeployment(t *testing.T, l *lab.Lab, namespace, name string) {
	t.Helper()
	require.Eventually(t, func() bool {
		d, err := l.Client().AppsV1().Deployments(namespace).Get(t.Context(), name, metav1.GetOptions{})
		return err == nil && d.Status.ObservedGeneration == d.Generation &&
			d.Status.UpdatedReplicas == 3 && d.Status.ReadyReplicas == 3 && d.Status.Replicas == 3
	}, 20*time.Second, 20*time.Millisecond, "%s: %v", name, pods(t.Context(), l, namespace))
}

// awaitApplication waits until the application is synced to the commit and healthy.
func awaitApplication(t *testing.T, l *lab.Lab, name, sha string) {
	t.Helper()
	var last *unstructured.Unstructured
	require.Eventually(t, func() bool {
		var err error
		last, err = l.Dynamic().Resource(lab.ApplicationResource()).Namespace(lab.ArgoCDNamespace).Get(t.Context(), name, metav1.GetOptions{})
		return err == nil && text(last, "status", "sync", "status") == "Synced" &&
			text(last, "status", "sync", "revision") == sha &&
			text(last, "status", "health", "status") == "Healthy"
	}, 30*time.Second, 20*time.Millisecond, "%s", name)
}

func pods(ctx context.Context, l *lab.Lab, namespace string) []corev1.Pod {
	list, err := l.Client().CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil
	}
	return list.Items
}

// fill writes a deployment's name and how long its pods take into the manifest.
func fill(manifest, name, after string) string {
	return strings.NewReplacer("%NAME%", name, "%AFTER%", after).Replace(manifest)
}

func text(object *unstructured.Unstructured, path ...string) string {
	s, _, _ := unstructured.NestedString(object.Object, path...)
	return s
}
