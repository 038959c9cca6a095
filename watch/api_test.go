package watch

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/rollcall-dev/rollcall/watch/lean"
)

// api is an API server in memory, of as much as this package asks one for: get,
// list and watch, by label and by name. It keeps every event, so that nothing
// that is written between a list and a watch gets lost, and counts requests.
type api struct {
	t       testing.TB
	server  *httptest.Server
	mu      sync.Mutex
	now     int // the resource version
	objects map[string]map[string]any
	events  []event
	changed chan struct{} // closed at the next event
	calls   []string
	fail    map[string]int    // status codes, by the beginning of a call
	during  func(call string) // hears of each call before it is answered
}

type event struct {
	version  int
	resource string
	kind     string
	object   map[string]any
}

// served are the resources that the server knows, by their plural. What is of a
// group of Kubernetes' own is always there; any other has to be installed.
var served = map[string]struct{ apiVersion, kind string }{
	"deployments":               {"apps/v1", "Deployment"},
	"statefulsets":              {"apps/v1", "StatefulSet"},
	"daemonsets":                {"apps/v1", "DaemonSet"},
	"replicasets":               {"apps/v1", "ReplicaSet"},
	"controllerrevisions":       {"apps/v1", "ControllerRevision"},
	"pods":                      {"v1", "Pod"},
	"customresourcedefinitions": {"apiextensions.k8s.io/v1", "CustomResourceDefinition"},
	"applications":              {"argoproj.io/v1alpha1", "Application"},
	"rollouts":                  {"argoproj.io/v1alpha1", "Rollout"},
	"workflows":                 {"argoproj.io/v1alpha1", "Workflow"},
	"kustomizations":            {"kustomize.toolkit.fluxcd.io/v1", "Kustomization"},
	"helmreleases":              {"helm.toolkit.fluxcd.io/v2", "HelmRelease"},
	"gitrepositories":           {"source.toolkit.fluxcd.io/v1", "GitRepository"},
	"ocirepositories":           {"source.toolkit.fluxcd.io/v1", "OCIRepository"},
	"buckets":                   {"source.toolkit.fluxcd.io/v1", "Bucket"},
	"widgets":                   {"example.com/v1", "Widget"},
}

// definition is the name of a resource's definition; empty if it needs none.
func definition(resource string) string {
	group, _, _ := strings.Cut(served[resource].apiVersion, "/")
	if group == "v1" || group == "apps" || group == "apiextensions.k8s.io" {
		return ""
	}
	return resource + "." + group
}

func newAPI(t testing.TB) *api {
	a := &api{t: t, objects: map[string]map[string]any{}, changed: make(chan struct{}), fail: map[string]int{}}
	a.server = httptest.NewServer(http.HandlerFunc(a.serve))
	t.Cleanup(func() {
		a.server.CloseClientConnections()
		a.server.Close()
	})
	return a
}

func (a *api) config() *rest.Config {
	return &rest.Config{Host: a.server.URL, QPS: -1, ContentConfig: rest.ContentConfig{ContentType: "application/json"}}
}

func (a *api) kube() kubernetes.Interface {
	c, err := kubernetes.NewForConfig(a.config())
	require.NoError(a.t, err)
	return c
}

func (a *api) lean() *lean.Client {
	c, err := lean.New(a.config(), http.DefaultClient)
	require.NoError(a.t, err)
	return c
}

func (a *api) meta() metadata.Interface {
	c, err := metadata.NewForConfig(a.config())
	require.NoError(a.t, err)
	return c
}

func (a *api) dynamic() dynamic.Interface {
	c, err := dynamic.NewForConfig(a.config())
	require.NoError(a.t, err)
	return c
}

// mapper knows the kinds that are served, whether they are installed or not.
func (a *api) mapper() meta.RESTMapper {
	out := meta.NewDefaultRESTMapper(nil)
	for plural, k := range served {
		gv, err := schema.ParseGroupVersion(k.apiVersion)
		require.NoError(a.t, err)
		out.AddSpecific(gv.WithKind(k.kind), gv.WithResource(plural), gv.WithResource(strings.ToLower(k.kind)), meta.RESTScopeNamespace)
	}
	return out
}

// put creates or replaces an object.
func (a *api) put(resource string, o any) {
	a.t.Helper()
	raw, err := json.Marshal(o)
	require.NoError(a.t, err)
	var m map[string]any
	require.NoError(a.t, json.Unmarshal(raw, &m))
	m["apiVersion"], m["kind"] = served[resource].apiVersion, served[resource].kind
	a.mu.Lock()
	defer a.mu.Unlock()
	kind := "ADDED"
	if _, ok := a.objects[key(resource, m)]; ok {
		kind = "MODIFIED"
	}
	a.emit(kind, resource, m)
	a.objects[key(resource, m)] = m
}

// remove deletes an object.
func (a *api) remove(resource, ns, name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	k := resource + " " + ns + "/" + name
	m, ok := a.objects[k]
	if !ok {
		return
	}
	delete(a.objects, k)
	a.emit("DELETED", resource, maps.Clone(m))
}

func (a *api) emit(kind, resource string, m map[string]any) {
	a.now++
	meta := maps.Clone(m["metadata"].(map[string]any))
	meta["resourceVersion"] = strconv.Itoa(a.now)
	m["metadata"] = meta
	a.events = append(a.events, event{a.now, resource, kind, m})
	close(a.changed)
	a.changed = make(chan struct{})
}

// install makes a custom resource known, or forgets it.
func (a *api) install(resource string) {
	a.put("customresourcedefinitions", &metav1.PartialObjectMetadata{
		ObjectMeta: metav1.ObjectMeta{Name: definition(resource)},
	})
}

func (a *api) uninstall(resource string) {
	a.remove("customresourcedefinitions", "", definition(resource))
}

// failing makes calls that begin so fail with a status code; none if it is 0.
func (a *api) failing(call string, code int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fail[call] = code
}

// requests returns the calls since the last time it was asked.
func (a *api) requests() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	calls := a.calls
	a.calls = nil
	return calls
}

func key(resource string, m map[string]any) string {
	ns, name := field(m, "namespace"), field(m, "name")
	return resource + " " + ns + "/" + name
}

func field(m map[string]any, name string) string {
	meta, _ := m["metadata"].(map[string]any)
	s, _ := meta[name].(string)
	return s
}

// wanted says which objects a request is about.
type wanted struct {
	resource, ns, name string
	labels             labels.Selector
	meta               bool
}

func (a *api) serve(w http.ResponseWriter, r *http.Request) {
	path := strings.Replace(r.URL.Path, "/api/", "/apis/core/", 1) // the core group has no name
	parts := strings.Split(strings.Trim(path, "/"), "/")[3:]       // apis, group, version
	q := r.URL.Query()
	var want wanted
	if parts[0] == "namespaces" {
		want.ns, parts = parts[1], parts[2:]
	}
	want.resource = parts[0]
	want.name = strings.TrimPrefix(q.Get("fieldSelector"), "metadata.name=")
	want.meta = strings.Contains(r.Header.Get("Accept"), "as=PartialObjectMetadata")
	var err error
	if want.labels, err = labels.Parse(q.Get("labelSelector")); err != nil {
		a.refuse(w, http.StatusBadRequest)
		return
	}
	verb := "list"
	switch {
	case len(parts) > 1:
		verb, want.name = "get", parts[1]
	case q.Get("watch") != "":
		verb = "watch"
	}
	a.mu.Lock()
	call := strings.TrimSpace(fmt.Sprintf("%s %s %s/%s", verb, want.resource, want.ns, want.name))
	a.calls = append(a.calls, call)
	code := 0
	for prefix, c := range a.fail {
		if strings.HasPrefix(call, prefix) {
			code = c
		}
	}
	during := a.during
	known := true
	if d := definition(want.resource); d != "" {
		_, known = a.objects["customresourcedefinitions /"+d]
	}
	a.mu.Unlock()
	if during != nil {
		during(call)
	}
	switch {
	case code != 0:
		a.refuse(w, code)
	case !known:
		a.refuse(w, http.StatusNotFound)
	case verb == "watch":
		a.watch(w, r, want)
	default:
		a.answer(w, verb, want)
	}
}

func (a *api) refuse(w http.ResponseWriter, code int) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	reason := map[int]metav1.StatusReason{404: metav1.StatusReasonNotFound, 403: metav1.StatusReasonForbidden}[code]
	_ = json.NewEncoder(w).Encode(metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"},
		Status:   metav1.StatusFailure, Code: int32(code), Reason: reason, Message: http.StatusText(code),
	})
}

func (want wanted) match(resource string, m map[string]any) bool {
	set := labels.Set{}
	meta, _ := m["metadata"].(map[string]any)
	all, _ := meta["labels"].(map[string]any)
	for k, v := range all {
		set[k], _ = v.(string)
	}
	return resource == want.resource && (want.ns == "" || field(m, "namespace") == want.ns) &&
		(want.name == "" || field(m, "name") == want.name) && want.labels.Matches(set)
}

// shown is an object as it was asked for.
func (want wanted) shown(m map[string]any) map[string]any {
	if !want.meta {
		return m
	}
	apiVersion, kind := want.typed()
	return map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": m["metadata"]}
}

// typed is of what type an object is that is shown.
func (want wanted) typed() (apiVersion, kind string) {
	if want.meta {
		return "meta.k8s.io/v1", "PartialObjectMetadata"
	}
	return served[want.resource].apiVersion, served[want.resource].kind
}

func (a *api) matching(want wanted) []map[string]any {
	out := []map[string]any{}
	for _, k := range slices.Sorted(maps.Keys(a.objects)) {
		resource, _, _ := strings.Cut(k, " ")
		if m := a.objects[k]; want.match(resource, m) {
			out = append(out, want.shown(m))
		}
	}
	return out
}

func (a *api) answer(w http.ResponseWriter, verb string, want wanted) {
	a.mu.Lock()
	found, now := a.matching(want), a.now
	a.mu.Unlock()
	var body any
	switch {
	case verb == "get" && len(found) == 0:
		a.refuse(w, http.StatusNotFound)
		return
	case verb == "get":
		body = found[0]
	default:
		list := map[string]any{"metadata": map[string]any{"resourceVersion": strconv.Itoa(now)}, "items": found}
		list["apiVersion"], list["kind"] = want.typed()
		list["kind"] = list["kind"].(string) + "List"
		body = list
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}

func (a *api) watch(w http.ResponseWriter, r *http.Request, want wanted) {
	w.Header().Set("Content-Type", "application/json")
	out := json.NewEncoder(w)
	send := func(kind string, m any) { _ = out.Encode(map[string]any{"type": kind, "object": m}) }
	since, _ := strconv.Atoi(r.URL.Query().Get("resourceVersion"))
	if r.URL.Query().Get("sendInitialEvents") == "true" {
		a.mu.Lock()
		found := a.matching(want)
		since = a.now
		a.mu.Unlock()
		for _, m := range found {
			send("ADDED", m)
		}
		mark := map[string]any{"metadata": map[string]any{
			"resourceVersion": strconv.Itoa(since), "annotations": map[string]any{metav1.InitialEventsAnnotationKey: "true"},
		}}
		mark["apiVersion"], mark["kind"] = want.typed()
		send("BOOKMARK", mark)
	}
	for {
		a.mu.Lock()
		var news []event
		for _, e := range a.events {
			if e.version > since && want.match(e.resource, e.object) {
				news = append(news, e)
			}
		}
		since = a.now
		changed := a.changed
		a.mu.Unlock()
		for _, e := range news {
			send(e.kind, want.shown(e.object))
		}
		w.(http.Flusher).Flush()
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}
