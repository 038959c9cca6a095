package memory

import (
	"encoding/json"
	"net/http"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// serve answers a call as of now.
func (s *Server) serve(q request) reply {
	if q.Verb == "get" || q.Verb == "list" {
		return s.look(q, s.objects)
	}
	if !s.installed(q.resource, s.objects) {
		return failure(errPath)
	}
	k := key{q.resource.Definition(), q.Namespace, q.Name}
	switch q.Verb {
	case "create":
		return s.create(q)
	case "update":
		return s.update(q, k)
	case "delete":
		return s.remove(q, k)
	}
	return failure(apierrors.NewMethodNotSupported(q.resource.named(), q.Verb))
}

func (s *Server) create(q request) reply {
	o, ok := decode(q.body)
	if !ok || o.GetName() == "" {
		return failure(apierrors.NewBadRequest("the body is no object with a name"))
	}
	o.SetNamespace(q.Namespace)
	if _, there := s.objects[key{q.resource.Definition(), q.Namespace, o.GetName()}]; there {
		return failure(apierrors.NewAlreadyExists(q.resource.named(), o.GetName()))
	}
	o.SetUID("")
	if q.resource.Status {
		delete(o.Object, "status")
		o.SetGeneration(1)
	}
	s.complete(q.resource, o)
	return s.written(q, o, http.StatusCreated)
}

func (s *Server) update(q request, k key) reply {
	was, there := s.objects[k]
	if !there {
		return failure(apierrors.NewNotFound(q.resource.named(), q.Name))
	}
	old, okOld := decode(was.raw)
	o, ok := decode(q.body)
	if !ok || !okOld || o.GetName() != q.Name {
		return failure(apierrors.NewBadRequest("the body is not the object"))
	}
	if v := o.GetResourceVersion(); v != "" && v != old.GetResourceVersion() || o.GetUID() != "" && o.GetUID() != old.GetUID() {
		return failure(apierrors.NewConflict(q.resource.named(), q.Name, errOld))
	}
	o = merged(q, old, o)
	if equality.Semantic.DeepEqual(old.Object, o.Object) {
		return reply{http.StatusOK, was.raw}
	}
	return s.written(q, o, http.StatusOK)
}

// merged is an object after an update of it, or of its status.
func merged(q request, old, o *unstructured.Unstructured) *unstructured.Unstructured {
	part := old.DeepCopy()
	switch {
	case q.status:
		part.Object["status"] = o.Object["status"]
		return part
	case q.resource.Status:
		o.Object["status"] = old.Object["status"]
	}
	o.SetUID(old.GetUID())
	o.SetCreationTimestamp(old.GetCreationTimestamp())
	o.SetResourceVersion(old.GetResourceVersion())
	o.SetGeneration(old.GetGeneration())
	if q.resource.Status && !equality.Semantic.DeepEqual(old.Object["spec"], o.Object["spec"]) {
		o.SetGeneration(old.GetGeneration() + 1)
	}
	return o
}

func (s *Server) remove(q request, k key) reply {
	if _, there := s.objects[k]; !there {
		return failure(apierrors.NewNotFound(q.resource.named(), q.Name))
	}
	s.version++
	s.record(k, nil)
	return reply{http.StatusOK, []byte(`{"kind":"Status","apiVersion":"v1","status":"Success"}`)}
}

// written stores an object, and answers with it.
func (s *Server) written(q request, o *unstructured.Unstructured, code int) reply {
	if err := s.store(q.resource, o); err != nil {
		return failure(err)
	}
	raw, err := json.Marshal(o.Object)
	if err != nil {
		return failure(err)
	}
	return reply{code, raw}
}
