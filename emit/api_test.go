package emit

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"

	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

var releases = schema.GroupResource{Group: v1alpha1.GroupVersion.Group, Resource: v1alpha1.Plural}

// apiServer keeps records as an API server would: it numbers every write, refuses
// an update of what has changed since, and keeps the status apart from the rest.
type apiServer struct {
	client *Client

	mu      sync.Mutex
	version int
	records map[types.NamespacedName]*v1alpha1.Release
	history []change
	changed chan struct{} // closed at each change
	calls   map[string]int
	faults  map[string][]int
	late    int
	before  func(verb string) // called outside the lock, if set
}

// change is one event of a watch.
type change struct {
	version int
	kind    watch.EventType
	record  *v1alpha1.Release
}

func newAPIServer(t *testing.T) *apiServer {
	t.Helper()
	s := &apiServer{
		records: map[types.NamespacedName]*v1alpha1.Release{}, changed: make(chan struct{}),
		calls: map[string]int{}, faults: map[string][]int{},
	}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	client, err := NewClient(&rest.Config{Host: srv.URL, QPS: -1}, srv.Client())
	require.NoError(t, err)
	s.client = client
	return s
}

// fail makes the next calls of a verb answer with the statuses given.
func (s *apiServer) fail(verb string, statuses ...int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[verb] = append(s.faults[verb], statuses...)
}

// onCall has f called before each call is answered.
func (s *apiServer) onCall(f func(verb string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = f
}

// count returns how often a verb was called.
func (s *apiServer) count(verb string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[verb]
}

// conflicts returns how many updates were refused because they came too late.
func (s *apiServer) conflicts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.late
}

// total returns how many calls of any kind there were.
func (s *apiServer) total() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, c := range s.calls {
		n += c
	}
	return n
}

// all returns copies of the records, by their sequence.
func (s *apiServer) all() []*v1alpha1.Release {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*v1alpha1.Release
	for _, rec := range s.records {
		out = append(out, rec.DeepCopy())
	}
	slices.SortFunc(out, func(a, b *v1alpha1.Release) int { return int(a.Spec.Sequence - b.Spec.Sequence) })
	return out
}

// put stores a record whole, status and all, as if it had always been there.
func (s *apiServer) put(rec *v1alpha1.Release) *v1alpha1.Release {
	s.mu.Lock()
	defer s.mu.Unlock()
	rec = rec.DeepCopy()
	kind := watch.Modified
	if s.records[key(rec)] == nil {
		kind = watch.Added
	}
	if rec.UID == "" {
		rec.UID = types.UID("uid-of-" + rec.Name)
	}
	return s.store(kind, rec).DeepCopy()
}

func key(rec *v1alpha1.Release) types.NamespacedName {
	return types.NamespacedName{Namespace: rec.Namespace, Name: rec.Name}
}

func (s *apiServer) store(kind watch.EventType, rec *v1alpha1.Release) *v1alpha1.Release {
	s.version++
	rec.ResourceVersion = strconv.Itoa(s.version)
	rec.TypeMeta = metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: v1alpha1.Kind}
	if kind == watch.Deleted {
		delete(s.records, key(rec))
	} else {
		s.records[key(rec)] = rec
	}
	s.history = append(s.history, change{s.version, kind, rec.DeepCopy()})
	close(s.changed)
	s.changed = make(chan struct{})
	return rec
}

// ServeHTTP answers the calls that the client makes.
func (s *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	verb, at, status := route(r)
	s.mu.Lock()
	before := s.before
	s.mu.Unlock()
	if before != nil {
		before(verb)
	}
	s.mu.Lock()
	s.calls[verb]++
	if faults := s.faults[verb]; len(faults) > 0 {
		s.faults[verb] = faults[1:]
		s.mu.Unlock()
		refuse(w, injected(faults[0], at.Name))
		return
	}
	if verb == "watch" {
		s.mu.Unlock()
		s.watch(w, r)
		return
	}
	defer s.mu.Unlock()
	out, err := s.serve(verb, at, status, r)
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, http.StatusOK, out)
}

// route reads a path such as /apis/rollcall.dev/v1alpha1/namespaces/shop/releases/web/status.
func route(r *http.Request) (verb string, at types.NamespacedName, status bool) {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/apis/"+v1alpha1.GroupVersion.String()+"/"), "/")
	if len(parts) > 2 && parts[0] == "namespaces" {
		at.Namespace, parts = parts[1], parts[2:]
	}
	if parts[0] != v1alpha1.Plural {
		return "unknown", at, false
	}
	if len(parts) > 1 {
		at.Name = parts[1]
	}
	status = len(parts) > 2 && parts[2] == "status"
	switch {
	case r.Method == http.MethodGet && r.URL.Query().Get("watch") != "":
		verb = "watch"
	case r.Method == http.MethodGet && at.Name == "":
		verb = "list"
	default:
		verb = map[string]string{
			http.MethodGet: "get", http.MethodPost: "create", http.MethodPut: "update", http.MethodDelete: "delete",
		}[r.Method]
	}
	return verb, at, status
}

func (s *apiServer) serve(verb string, at types.NamespacedName, status bool, r *http.Request) (any, error) {
	rec := s.records[at]
	if rec == nil && (verb == "get" || verb == "update" || verb == "delete") {
		return nil, apierrors.NewNotFound(releases, at.Name)
	}
	switch verb {
	case "get":
		return rec, nil
	case "list":
		return s.list(at.Namespace, r)
	case "create":
		return s.create(r)
	case "update":
		return s.update(rec, status, r)
	case "delete":
		s.store(watch.Deleted, rec.DeepCopy())
		return &metav1.Status{Status: metav1.StatusSuccess}, nil
	}
	return nil, apierrors.NewNotFound(releases, r.URL.Path)
}

func (s *apiServer) list(namespace string, r *http.Request) (any, error) {
	selector, err := labels.Parse(r.URL.Query().Get("labelSelector"))
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	list := &v1alpha1.ReleaseList{Items: []v1alpha1.Release{}}
	list.APIVersion, list.Kind = v1alpha1.GroupVersion.String(), "ReleaseList"
	list.ResourceVersion = strconv.Itoa(s.version)
	for _, rec := range s.records {
		if (namespace == "" || rec.Namespace == namespace) && selector.Matches(labels.Set(rec.Labels)) {
			list.Items = append(list.Items, *rec.DeepCopy())
		}
	}
	return list, nil
}

func (s *apiServer) create(r *http.Request) (any, error) {
	rec := &v1alpha1.Release{}
	if err := json.NewDecoder(r.Body).Decode(rec); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	if s.records[key(rec)] != nil {
		return nil, apierrors.NewAlreadyExists(releases, rec.Name)
	}
	rec.Status = v1alpha1.ReleaseStatus{} // it has its own way in
	rec.UID = types.UID("uid-of-" + rec.Name)
	return s.store(watch.Added, rec), nil
}

func (s *apiServer) update(old *v1alpha1.Release, status bool, r *http.Request) (any, error) {
	rec := &v1alpha1.Release{}
	if err := json.NewDecoder(r.Body).Decode(rec); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	if rec.ResourceVersion != old.ResourceVersion {
		s.late++
		return nil, apierrors.NewConflict(releases, rec.Name, errors.New("the object has been modified"))
	}
	next := old.DeepCopy()
	if status {
		next.Status = rec.Status
	} else {
		next.Spec, next.Labels = rec.Spec, rec.Labels
	}
	return s.store(watch.Modified, next), nil
}

func (s *apiServer) watch(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("sendInitialEvents") != "" { // as a server that cannot stream a list says it
		refuse(w, apierrors.NewInvalid(schema.GroupKind{Kind: "ListOptions"}, "", nil))
		return
	}
	since, _ := strconv.Atoi(q.Get("resourceVersion"))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	for {
		s.mu.Lock()
		var news []change
		for _, c := range s.history {
			if c.version > since {
				news = append(news, c)
			}
		}
		changed := s.changed
		s.mu.Unlock()
		for _, c := range news {
			since = c.version
			_ = json.NewEncoder(w).Encode(map[string]any{"type": c.kind, "object": c.record})
		}
		_ = http.NewResponseController(w).Flush()
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}

func injected(status int, name string) error {
	switch status {
	case http.StatusConflict:
		return apierrors.NewConflict(releases, name, errors.New("injected"))
	case http.StatusTooManyRequests:
		return apierrors.NewTooManyRequestsError("injected")
	}
	return apierrors.NewInternalError(errors.New("injected"))
}

func refuse(w http.ResponseWriter, err error) {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		panic(err)
	}
	body := status.Status()
	body.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}
	answer(w, int(body.Code), body)
}

func answer(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}

func TestTheTestServerBehavesAsTheRealOne(t *testing.T) {
	api := newAPIServer(t)
	records := api.client.In("shop")
	made := newRecord(web())
	made.Status.Phase = "Ready"

	first, err := records.Create(t.Context(), made, metav1.CreateOptions{})
	require.NoError(t, err)
	require.Empty(t, first.Status.Phase, "a create drops the status")
	_, err = records.Create(t.Context(), made, metav1.CreateOptions{})
	require.True(t, apierrors.IsAlreadyExists(err), err)

	change := first.DeepCopy()
	change.Status.Phase, change.Spec.Revision = "Ready", "99"
	second, err := records.UpdateStatus(t.Context(), change, metav1.UpdateOptions{})
	require.NoError(t, err)
	require.Equal(t, "Ready", second.Status.Phase)
	require.Equal(t, "7", second.Spec.Revision, "an update of the status drops the spec")
	_, err = records.UpdateStatus(t.Context(), change, metav1.UpdateOptions{})
	require.True(t, apierrors.IsConflict(err), err)

	list, err := records.List(t.Context(), metav1.ListOptions{LabelSelector: v1alpha1.LabelSubject + "=other"})
	require.NoError(t, err)
	require.Empty(t, list.Items)
	list, err = api.client.In("").List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, list.Items, 1)

	require.NoError(t, records.Delete(t.Context(), made.Name, metav1.DeleteOptions{}))
	_, err = records.Get(t.Context(), made.Name, metav1.GetOptions{})
	require.True(t, apierrors.IsNotFound(err), err)

	for _, status := range []int{http.StatusConflict, http.StatusInternalServerError, http.StatusTooManyRequests} {
		api.fail("get", status)
		_, err = records.Get(t.Context(), made.Name, metav1.GetOptions{})
		var answered apierrors.APIStatus
		require.ErrorAs(t, err, &answered)
		require.EqualValues(t, status, answered.Status().Code)
	}
}
