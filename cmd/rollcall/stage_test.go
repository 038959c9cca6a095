package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rollcall-dev/rollcall/internal/timeline"
)

// stage is an API server of the namespace shop, on which a timeline is played.
type stage struct {
	mu      sync.Mutex
	moments []map[string]*unstructured.Unstructured // by path and name
	now     map[string]*unstructured.Unstructured
	version int
	watches map[string][]chan string // by path
	events  []event
	refuses map[string]int // the status of a path
}

// event is what those who watch a path are told.
type event struct {
	path, line string
	version    int
}

func pathOf(o *unstructured.Unstructured) string {
	if o.GetAPIVersion() == "v1" {
		return "/api/v1/namespaces/shop/" + strings.ToLower(o.GetKind()) + "s"
	}
	return "/apis/" + o.GetAPIVersion() + "/namespaces/shop/" + strings.ToLower(o.GetKind()) + "s"
}

// setStage starts the server with what is there after the first step of a timeline,
// and gives a kubeconfig for it.
func setStage(t *testing.T, text string) (*stage, string) {
	t.Helper()
	tl, mistakes := timeline.Read("stage", []byte("name: stage\nwhy: test\nsource: derived\nnamespace: shop\nexpect: []\n"+text))
	require.Empty(t, mistakes)
	s := &stage{now: map[string]*unstructured.Unstructured{}, watches: map[string][]chan string{}, refuses: map[string]int{}, version: 100}
	_, err := tl.Run(t.Context(), timeline.Options{After: func(m timeline.Moment) {
		all := map[string]*unstructured.Unstructured{}
		for _, kind := range []string{"Deployment", "ReplicaSet", "Pod"} {
			for _, o := range m.Objects.List(kind) {
				all[pathOf(o)+"/"+o.GetName()] = o
			}
		}
		s.moments = append(s.moments, all)
	}})
	require.NoError(t, err)
	s.advance()
	server := httptest.NewServer(s)
	t.Cleanup(server.CloseClientConnections)
	file := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, `
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: %q}}]
contexts: [{name: c, context: {cluster: c, namespace: shop}}]
current-context: c
`, server.URL), 0o600))
	return s, file
}

// advance goes on to the next moment. A controller writes what its object controls
// first.
func (s *stage) advance() {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.moments[0]
	s.moments = s.moments[1:]
	for k, o := range s.now {
		if next[k] == nil {
			s.tell("DELETED", o)
			delete(s.now, k)
		}
	}
	var changed []*unstructured.Unstructured
	for k, o := range next {
		if was := s.now[k]; was == nil || was.GetAnnotations()["seen"] != o.GetResourceVersion() {
			changed = append(changed, o)
		}
	}
	slices.SortFunc(changed, func(a, b *unstructured.Unstructured) int {
		return cmp.Or(cmp.Compare(b.GetKind(), a.GetKind()), cmp.Compare(a.GetName(), b.GetName()))
	})
	for _, o := range changed {
		k, o := pathOf(o)+"/"+o.GetName(), o.DeepCopy()
		seen := map[string]string{"seen": o.GetResourceVersion()}
		maps.Copy(seen, o.GetAnnotations())
		o.SetAnnotations(seen)
		what := "MODIFIED"
		if s.now[k] == nil {
			what = "ADDED"
		}
		s.now[k] = o
		s.tell(what, o)
	}
}

// tell gives an object its next version, and sends it to those who watch.
func (s *stage) tell(what string, o *unstructured.Unstructured) {
	s.version++
	o.SetResourceVersion(strconv.Itoa(s.version))
	raw, _ := json.Marshal(object(o))
	e := event{pathOf(o), fmt.Sprintf(`{"type":%q,"object":%s}`, what, raw), s.version}
	s.events = append(s.events, e)
	for _, w := range s.watches[e.path] {
		w <- e.line
	}
}

// interrupt ends all watches as the API server does if they are too old.
func (s *stage) interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, all := range s.watches {
		for _, w := range all {
			w <- `{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Expired","code":410,"message":"too old resource version"}}`
		}
	}
	s.watches = map[string][]chan string{}
}

// object is what is sent of an object: of a pod, the metadata that was asked for.
func object(o *unstructured.Unstructured) map[string]any {
	if o.GetKind() != "Pod" {
		return o.Object
	}
	return map[string]any{"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": o.Object["metadata"]}
}

func (s *stage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	s.mu.Lock()
	code := s.refuses[r.URL.Path]
	if r.URL.Path == "/version" {
		s.mu.Unlock()
		_, _ = fmt.Fprint(w, `{"gitVersion":"v1.37.0"}`)
		return
	}
	if r.URL.Query().Get("sendInitialEvents") != "" {
		code = http.StatusBadRequest
	}
	if !strings.Contains(r.URL.Path, "/namespaces/shop/") {
		code = http.StatusNotFound
	}
	if code != 0 {
		s.mu.Unlock()
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(metav1.Status{
			TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Code: int32(code), //nolint:gosec // a status
			Reason: map[int]metav1.StatusReason{403: metav1.StatusReasonForbidden, 404: metav1.StatusReasonNotFound}[code], Message: "refused on purpose",
		})
		return
	}
	if r.URL.Query().Get("watch") == "" {
		defer s.mu.Unlock()
		s.list(w, r)
		return
	}
	events := make(chan string, 1000)
	since, _ := strconv.Atoi(r.URL.Query().Get("resourceVersion"))
	for _, e := range s.events {
		if e.path == r.URL.Path && e.version > since {
			events <- e.line
		}
	}
	s.watches[r.URL.Path] = append(s.watches[r.URL.Path], events)
	s.mu.Unlock()
	w.(http.Flusher).Flush()
	for {
		select {
		case <-r.Context().Done():
			return
		case e := <-events:
			_, _ = fmt.Fprintln(w, e)
			w.(http.Flusher).Flush()
			if strings.Contains(e, `"ERROR"`) {
				return
			}
		}
	}
}

func (s *stage) list(w http.ResponseWriter, r *http.Request) {
	items := []any{}
	only := strings.TrimPrefix(r.URL.Query().Get("fieldSelector"), "metadata.name=")
	for k, o := range s.now {
		if strings.HasPrefix(k, r.URL.Path+"/") && (only == "" || only == o.GetName()) {
			items = append(items, object(o))
		}
	}
	kind, version := "List", "v1"
	if strings.HasSuffix(r.URL.Path, "/pods") {
		kind, version = "PartialObjectMetadataList", "meta.k8s.io/v1"
	}
	_ = json.NewEncoder(w).Encode(map[string]any{
		"apiVersion": version, "kind": kind, "metadata": map[string]any{"resourceVersion": strconv.Itoa(s.version)}, "items": items,
	})
}
