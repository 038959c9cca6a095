package memory

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
)

// Server is an API server in memory. It is for one goroutine.
type Server struct {
	// Hook decides on each call of a client, and sees it; nil lets all pass.
	Hook func(Call) Fate

	now       func() time.Time
	resources []Resource
	objects   map[key]*stored
	writes    []write
	version   int64
	latest    map[string]int64 // the version of the last write, by definition
	made      map[string]int   // how often a name was created, for its uid
}

// key names an object: its resource's definition, namespace and name.
type key struct{ definition, namespace, name string }

// stored is an object as it is now.
type stored struct {
	raw     []byte
	version int64
	labels  map[string]string
}

// write is one change; one of nil is a deletion.
type write struct {
	at  time.Time
	key key
	to  *stored
}

// New makes a server whose time is that of a clock.
func New(now func() time.Time) *Server {
	return &Server{
		now: now, resources: Resources(), objects: map[key]*stored{}, latest: map[string]int64{}, made: map[string]int{},
	}
}

// Config is how client-go reaches the server, together with [Server.Client].
func (s *Server) Config() *rest.Config {
	return &rest.Config{
		Host: "http://memory.invalid", QPS: -1,
		ContentConfig: rest.ContentConfig{ContentType: runtime.ContentTypeJSON, AcceptContentTypes: runtime.ContentTypeJSON},
	}
}

// Client is an HTTP client whose connection is the server.
func (s *Server) Client() *http.Client { return &http.Client{Transport: s} }

// Install makes the definition of a custom resource, so that it is served.
func (s *Server) Install(r Resource) error {
	return s.Put(&unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": r.Definition()},
		"spec": map[string]any{
			"group": r.Group, "scope": "Namespaced", "names": map[string]any{"kind": r.Kind, "plural": r.Plural},
		},
	}})
}

// Put creates or replaces an object as it is, as no client could: status,
// generation and resource version are not guarded. Its resource version, and its
// uid and time of creation if it has none, are set in the object.
func (s *Server) Put(o *unstructured.Unstructured) error {
	r, ok := s.OfKind(o.GetAPIVersion(), o.GetKind())
	if !ok {
		return fmt.Errorf("put %s %s: unknown kind", o.GetAPIVersion(), o.GetKind())
	}
	s.complete(r, o)
	if was, ok := s.objects[key{r.Definition(), o.GetNamespace(), o.GetName()}]; ok && same(was, o) {
		return nil
	}
	return s.store(r, o)
}

// same reports whether an object is what is stored already. What it may be given of
// a version says nothing.
func same(was *stored, o *unstructured.Unstructured) bool {
	old, ok := decode(was.raw)
	if !ok {
		return false
	}
	o.SetResourceVersion(old.GetResourceVersion())
	a, errOld := json.Marshal(old.Object)
	b, err := json.Marshal(o.Object)
	return errOld == nil && err == nil && bytes.Equal(a, b)
}

// complete gives a new object what every object has.
func (s *Server) complete(r Resource, o *unstructured.Unstructured) {
	if o.GetUID() == "" {
		name := r.Definition() + "/" + o.GetNamespace() + "/" + o.GetName()
		s.made[name]++
		o.SetUID(types.UID(fmt.Sprintf("%s-%s-%d", r.Plural, o.GetName(), s.made[name])))
	}
	if t := o.GetCreationTimestamp(); t.IsZero() {
		t.Time = s.now().Truncate(time.Second)
		o.SetCreationTimestamp(t)
	}
}

// store writes an object, under the next version.
func (s *Server) store(r Resource, o *unstructured.Unstructured) error {
	s.version++
	o.SetResourceVersion(strconv.FormatInt(s.version, 10))
	raw, err := json.Marshal(o.Object)
	if err != nil {
		return fmt.Errorf("encode %s %s: %w", r.Kind, o.GetName(), err)
	}
	s.record(key{r.Definition(), o.GetNamespace(), o.GetName()}, &stored{raw: raw, version: s.version, labels: o.GetLabels()})
	return nil
}

func (s *Server) record(k key, to *stored) {
	s.writes = append(s.writes, write{at: s.now(), key: k, to: to})
	s.latest[k.definition] = s.version
	if to == nil {
		delete(s.objects, k)
		return
	}
	s.objects[k] = to
}

// Get reads an object as it is now.
func (s *Server) Get(kind, namespace, name string) (*unstructured.Unstructured, bool) {
	r, known := s.OfKind("", kind)
	o, ok := s.objects[key{r.Definition(), namespace, name}]
	if !known || !ok {
		return nil, false
	}
	return decode(o.raw)
}

// List reads all objects of a kind, by namespace and name.
func (s *Server) List(kind string) []*unstructured.Unstructured { return s.Mentioning(kind, "") }

// Mentioning reads those objects of a kind in whose JSON a text occurs, in the same
// order. It is for finding few among many.
func (s *Server) Mentioning(kind, text string) []*unstructured.Unstructured {
	r, _ := s.OfKind("", kind)
	var out []*unstructured.Unstructured
	for _, k := range sorted(s.objects) {
		if k.definition != r.Definition() || !bytes.Contains(s.objects[k].raw, []byte(text)) {
			continue
		}
		if o, ok := decode(s.objects[k].raw); ok {
			out = append(out, o)
		}
	}
	return out
}

// Remove deletes an object; it is no mistake if there is none.
func (s *Server) Remove(kind, namespace, name string) {
	r, _ := s.OfKind("", kind)
	k := key{r.Definition(), namespace, name}
	if _, ok := s.objects[k]; ok {
		s.version++
		s.record(k, nil)
	}
}

func decode(raw []byte) (*unstructured.Unstructured, bool) {
	o := &unstructured.Unstructured{}
	err := o.UnmarshalJSON(raw)
	return o, err == nil
}

// world gives all objects as they were at a time; zero stands for now.
func (s *Server) world(at time.Time) map[key]*stored {
	if at.IsZero() || !at.Before(s.now()) {
		return s.objects
	}
	then := map[key]*stored{}
	for _, w := range s.writes {
		if w.at.After(at) {
			break
		}
		if w.to == nil {
			delete(then, w.key)
		} else {
			then[w.key] = w.to
		}
	}
	return then
}

// seen is the version of the last write to a resource until a time.
func (s *Server) seen(definition string, at time.Time) int64 {
	if !at.Before(s.now()) {
		return s.latest[definition]
	}
	n := int64(0)
	for i, w := range s.writes {
		if w.at.After(at) {
			break
		}
		if w.key.definition == definition {
			n = int64(i) + 1
		}
	}
	return n
}

// installed reports whether a resource is served.
func (s *Server) installed(r Resource, in map[key]*stored) bool {
	_, ok := in[key{definitions + ".apiextensions.k8s.io", "", r.Definition()}]
	return ok || !r.Custom
}

func sorted(objects map[key]*stored) []key {
	return slices.SortedFunc(maps.Keys(objects), func(a, b key) int {
		switch {
		case a.definition != b.definition:
			return compare(a.definition, b.definition)
		case a.namespace != b.namespace:
			return compare(a.namespace, b.namespace)
		}
		return compare(a.name, b.name)
	})
}

func compare(a, b string) int {
	if a < b {
		return -1
	}
	return 1
}

// Touch writes an object again under a new version, though nothing differs.
func (s *Server) Touch(o *unstructured.Unstructured) error {
	r, ok := s.OfKind(o.GetAPIVersion(), o.GetKind())
	if !ok {
		return fmt.Errorf("touch %s %s: unknown kind", o.GetAPIVersion(), o.GetKind())
	}
	return s.store(r, o)
}

// Known lists the resources.
func (s *Server) Known() []Resource { return slices.Clone(s.resources) }
