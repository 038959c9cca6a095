package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// lines is what a command tells, while it tells it.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *lines) await(t *testing.T, what string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(l.String(), what) }, 20*time.Second, 5*time.Millisecond, "%s: %v", what, l)
}

const play = `
objects:
  - Deployment/web 1/1 | 2 | 2/2/2 | rev 1 | NewReplicaSetAvailable | web:1, env A=hunter2
steps:
  - 1s: touch Deployment/web
  - 2s: Deployment/web 2/2 | 2 | 3/1/2 | rev 2 | ReplicaSetUpdated | web:2, env A=hunter2
  - 3s: Deployment/web 2/2 | 2 | 3/2/2 | rev 2 | ReplicaSetUpdated | web:2, env A=hunter2
  - 4s: Deployment/web 2/2 | 2 | 2/2/2 | rev 2 | NewReplicaSetAvailable | web:2, env A=hunter2
`

// begun is a recording that goes on.
type begun struct {
	out, errs lines
	code      chan int
}

func start(t *testing.T, args ...string) *begun {
	t.Helper()
	b := &begun{code: make(chan int, 1)}
	go func() {
		b.code <- run(t.Context(), append([]string{"rollcall", "record"}, args...), nil, &b.out, &b.errs)
	}()
	return b
}

// A recording goes through a watch that is too old, and is a test that passes.
func TestRecord(t *testing.T) {
	s, kubeconfig := setStage(t, play)
	file := filepath.Join(t.TempDir(), "web.yaml")
	b := start(t, "deployment/web", "--kubeconfig", kubeconfig, "--quiet", "300ms", "--for", "1m", "-o", file)
	b.errs.await(t, "recording: waits for a new release")
	s.advance()
	b.errs.await(t, "2/2 | 2 | 3/1/2 | rev 2 | ReplicaSetUpdated | web:2, env A=redacted-")
	s.interrupt()
	s.advance()
	b.errs.await(t, "2/2 | 2 | 3/2/2 | rev 2")
	s.advance()
	require.Equal(t, 0, <-b.code, b.errs.String())
	assert.Contains(t, b.errs.String(), "the release is complete")
	assert.Contains(t, b.errs.String(), "rollcall says:")
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	for _, want := range []string{"note: Kubernetes v1.37.0, recorded on 20", "namespace: shop", "ready Deployment/web release rev 2", "kind: Pod", "kind: ReplicaSet"} {
		assert.Contains(t, string(raw), want)
	}
	assert.NotContains(t, string(raw), "hunter2")
	assert.Equal(t, ran{0, "ok   " + file + "  Deployment/web is rolled out\n1 passed, 0 failed\n", ""}, rollcall(t, "", "test", file))
	again := rollcall(t, "", "record", "Deployment/web", "--kubeconfig", kubeconfig, "-o", file)
	assert.Equal(t, ran{1, "", "error: write " + file + ": it is there already; --force overwrites it\n"}, again)
}

func TestRecordOfWhatIsNotThere(t *testing.T) {
	s, kubeconfig := setStage(t, play)
	for args, want := range map[string]string{
		"Deployment/nosuch": "there is no Deployment/nosuch in the namespace shop",
		"Application/shop":  "the kind applications.argoproj.io is not installed",
	} {
		if strings.HasPrefix(args, "Application") {
			s.refuses["/apis/argoproj.io/v1alpha1/namespaces/shop/applications"] = http.StatusNotFound
		}
		got := rollcall(t, "", "record", args, "--kubeconfig", kubeconfig)
		assert.Equal(t, 1, got.code)
		assert.Contains(t, got.errs, want)
		assert.Empty(t, got.out)
	}
}

// What may not be read is told, and what was recorded until --for is written.
func TestRecordIsWrittenHoweverItEnds(t *testing.T) {
	s, kubeconfig := setStage(t, play)
	s.refuses["/api/v1/namespaces/shop/pods"] = http.StatusForbidden
	b := start(t, "Deployment/web", "--kubeconfig", kubeconfig, "--for", "2s")
	b.errs.await(t, "recording: waits for a new release")
	s.advance()
	require.Equal(t, 0, <-b.code, b.errs.String())
	assert.Contains(t, b.errs.String(), "recording without pods in shop: list pods: refused on purpose")
	assert.Contains(t, b.errs.String(), "2s are over")
	assert.Contains(t, b.out.String(), "# Deployment/web 2/2 | 2 | 3/1/2 | rev 2 | ReplicaSetUpdated")
	assert.Contains(t, b.out.String(), "expect: []\n")
}

func TestCompletionOfRecord(t *testing.T) {
	_, kubeconfig := setStage(t, play)
	got := rollcall(t, "", "__complete", "record", "")
	assert.Contains(t, got.out, "Deployment/\nStatefulSet/\n")
	got = rollcall(t, "", "__complete", "record", "--kubeconfig", kubeconfig, "Deployment/w")
	assert.Contains(t, got.out, "Deployment/web\n")
}
