package memory

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Call is one request of a client.
type Call struct {
	// Verb is get, list, create, update, patch or delete.
	Verb string
	// Resource is the plural, with "/status" behind it if that is what is written.
	Resource string
	// Namespace and Name are as far as the request gives them.
	Namespace string
	Name      string
}

// String gives the call as a log would.
func (c Call) String() string {
	return strings.TrimRight(fmt.Sprintf("%s %s %s/%s", c.Verb, c.Resource, c.Namespace, c.Name), " /")
}

// Fate is what becomes of a call; its zero value is that it is served.
type Fate struct {
	// Code is a status to refuse it with.
	Code int
	// Down refuses it with no answer at all.
	Down bool
	// Lost serves it, and then loses the answer.
	Lost bool
}

// errDown is what a client sees of a server that is not there.
var errDown = errors.New("connection refused")

// errOld is why an update of what was read before is refused.
var errOld = errors.New("the object has been modified; please apply your changes to the latest version and try again")

// View asks for the world as it was; see [As].
type View struct {
	// At is the time.
	At time.Time
	// Definition is set by the server to the resource that was asked for.
	Definition string
}

type viewKey struct{}

// As makes the calls of a context see the world as it was. They are not counted,
// and do not fail.
func As(ctx context.Context, v *View) context.Context { return context.WithValue(ctx, viewKey{}, v) }

// request is a call, taken apart.
type request struct {
	Call
	resource Resource
	labels   labels.Selector
	only     string // the name that a field selector asks for
	meta     bool
	status   bool
	body     []byte
}

var _ http.RoundTripper = (*Server)(nil)

// RoundTrip serves one request.
func (s *Server) RoundTrip(r *http.Request) (*http.Response, error) {
	return s.pass(r, func(string) bool { return true })
}

// pass serves one request through a door.
func (s *Server) pass(r *http.Request, serves func(definition string) bool) (*http.Response, error) {
	if out, ok := s.discover(r); ok {
		return answer(r, out)
	}
	q, err := s.read(r)
	if err != nil {
		return answer(r, failure(err))
	}
	v, viewed := r.Context().Value(viewKey{}).(*View)
	if viewed {
		v.Definition = q.resource.Definition()
	}
	if err := q.through(serves); err != nil {
		return answer(r, failure(err))
	}
	if viewed {
		return answer(r, s.look(q, s.world(v.At)))
	}
	var fate Fate
	if s.Hook != nil {
		fate = s.Hook(q.Call)
	}
	switch {
	case fate.Down:
		return nil, errDown
	case fate.Code != 0:
		return answer(r, failure(refused(fate.Code, q)))
	}
	out := s.serve(q)
	if fate.Lost {
		return nil, errDown
	}
	return answer(r, out)
}

// refused is the error of a status code.
func refused(code int, q request) error {
	return apierrors.NewGenericServerResponse(code, q.Verb, q.resource.named(), q.Name, "on purpose", 0, false)
}

// reply is a status code and a body.
type reply struct {
	code int
	body []byte
}

func failure(err error) reply {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		status = apierrors.NewInternalError(err)
	}
	st := status.Status()
	st.Kind, st.APIVersion = "Status", "v1"
	raw, err := json.Marshal(st)
	if err != nil {
		return reply{code: http.StatusInternalServerError}
	}
	return reply{int(st.Code), raw}
}

func answer(r *http.Request, out reply) (*http.Response, error) {
	return &http.Response{
		Status: http.StatusText(out.code), StatusCode: out.code, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(bytes.NewReader(out.body)), ContentLength: int64(len(out.body)),
	}, nil
}

var errPath = apierrors.NewGenericServerResponse(http.StatusNotFound, "", schema.GroupResource{}, "", "404 page not found", 0, true)

// read takes a request apart.
func (s *Server) read(r *http.Request) (request, error) {
	q := request{}
	path := strings.Split(strings.Trim(strings.Replace(r.URL.Path, "/api/", "/apis//", 1), "/"), "/")
	if len(path) < 4 {
		return q, errPath
	}
	group, version, rest := path[1], path[2], path[3:]
	if rest[0] == "namespaces" && len(rest) > 2 {
		q.Namespace, rest = rest[1], rest[2:]
	}
	for _, known := range s.resources {
		if known.Group == group && known.Version == version && known.Plural == rest[0] {
			q.resource = known
		}
	}
	if q.resource.Plural == "" {
		return q, errPath
	}
	q.Resource = rest[0]
	if len(rest) > 1 {
		q.Name = rest[1]
	}
	if q.status = len(rest) > 2 && rest[2] == "status"; q.status {
		q.Resource += "/status"
	}
	return q, q.ask(r)
}

// ask reads what a request wants.
func (q *request) ask(r *http.Request) error {
	q.Verb = map[string]string{
		http.MethodGet: "get", http.MethodPost: "create", http.MethodPut: "update", http.MethodPatch: "patch", http.MethodDelete: "delete",
	}[r.Method]
	if q.Verb == "get" && q.Name == "" {
		q.Verb = "list"
	}
	params := r.URL.Query()
	q.only = strings.TrimPrefix(params.Get("fieldSelector"), "metadata.name=")
	q.meta = strings.Contains(r.Header.Get("Accept"), "as=PartialObjectMetadata")
	var err error
	if q.labels, err = labels.Parse(params.Get("labelSelector")); err != nil {
		return apierrors.NewBadRequest(err.Error())
	}
	if params.Get("watch") != "" {
		return apierrors.NewMethodNotSupported(q.resource.named(), "watch")
	}
	if r.Body == nil {
		return nil
	}
	defer r.Body.Close() //nolint:errcheck // it is in memory
	if q.body, err = io.ReadAll(r.Body); err != nil {
		return fmt.Errorf("read request: %w", err)
	}
	return nil
}

// look answers a get or a list from a world.
func (s *Server) look(q request, in map[key]*stored) reply {
	if !s.installed(q.resource, in) {
		return failure(errPath)
	}
	if q.Verb == "get" {
		o, ok := in[key{q.resource.Definition(), q.Namespace, q.Name}]
		if !ok {
			return failure(apierrors.NewNotFound(q.resource.named(), q.Name))
		}
		return reply{http.StatusOK, q.shown(o.raw)}
	}
	var b bytes.Buffer
	apiVersion, kind := q.resource.APIVersion(), q.resource.Kind+"List"
	if q.meta {
		apiVersion, kind = "meta.k8s.io/v1", "PartialObjectMetadataList"
	}
	fmt.Fprintf(&b, `{"apiVersion":%q,"kind":%q,"metadata":{"resourceVersion":%q},"items":[`, apiVersion, kind, strconv.FormatInt(s.version, 10))
	found := 0
	for _, k := range q.matching(in) {
		if found++; found > 1 {
			b.WriteByte(',')
		}
		b.Write(q.shown(in[k].raw))
	}
	b.WriteString("]}")
	return reply{http.StatusOK, b.Bytes()}
}

// matching lists the keys of what a list asks for, in order.
func (q request) matching(in map[key]*stored) []key {
	hits := map[key]*stored{}
	for k, o := range in {
		if k.definition == q.resource.Definition() && (q.Namespace == "" || k.namespace == q.Namespace) &&
			(q.only == "" || k.name == q.only) && q.labels.Matches(labels.Set(o.labels)) {
			hits[k] = o
		}
	}
	return sorted(hits)
}

// shown is an object as it was asked for.
func (q request) shown(raw []byte) []byte {
	if !q.meta {
		return raw
	}
	var o metav1.PartialObjectMetadata
	if err := json.Unmarshal(raw, &o); err != nil {
		return raw
	}
	o.APIVersion, o.Kind = "meta.k8s.io/v1", "PartialObjectMetadata"
	out, err := json.Marshal(o)
	if err != nil {
		return raw
	}
	return out
}
