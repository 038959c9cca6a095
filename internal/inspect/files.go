package inspect

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/rollcall-dev/rollcall/internal/memory"
	"github.com/rollcall-dev/rollcall/release"
)

// Namespace is that of objects that do not say theirs.
const Namespace = "default"

// Files are objects from files, on an API server in memory. What controllers would
// keep beside them and is not there, is made up from what they say.
type Files struct {
	// Server holds the objects.
	Server *memory.Server
	// Notes say what had to be made up, or is missed.
	Notes []string

	objects []*unstructured.Unstructured
}

// Read reads objects, in YAML or JSON, one or many, as "kubectl get -o yaml" writes
// them. The names are for messages.
func Read(names []string, texts [][]byte) (*Files, error) {
	f := &Files{Server: memory.New(time.Now)}
	for i, text := range texts {
		if err := f.read(names[i], text); err != nil {
			return nil, err
		}
	}
	if len(f.objects) == 0 {
		return nil, errors.New("read objects: there are none")
	}
	for _, o := range f.objects {
		if err := f.put(o); err != nil {
			return nil, err
		}
	}
	return f, f.complete()
}

func (f *Files) read(name string, text []byte) error {
	documents := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff")))))
	for {
		raw, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		if len(bytes.TrimSpace(raw)) == 0 {
			continue
		}
		if err := f.document(name, raw); err != nil {
			return err
		}
	}
}

// document takes one object, or the items of a list.
func (f *Files) document(name string, raw []byte) error {
	raw, err := yaml.ToJSON(raw)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if bytes.Equal(bytes.TrimSpace(raw), []byte("null")) { // a comment
		return nil
	}
	var o unstructured.Unstructured
	if err := o.UnmarshalJSON(raw); err != nil {
		return fmt.Errorf("read %s: it is no Kubernetes object: %w", name, err)
	}
	if !o.IsList() {
		return f.take(name, &o)
	}
	return o.EachListItem(func(item runtime.Object) error {
		one, ok := item.(*unstructured.Unstructured)
		if !ok {
			return fmt.Errorf("read %s: an item is no object", name)
		}
		return f.take(name, one)
	})
}

func (f *Files) take(name string, o *unstructured.Unstructured) error {
	if o.GetName() == "" || o.GetKind() == "" || o.GetAPIVersion() == "" {
		return fmt.Errorf("read %s: an object has no apiVersion, kind or name", name)
	}
	f.objects = append(f.objects, o)
	return nil
}

// put stores an object, and what is needed for it to be served.
func (f *Files) put(o *unstructured.Unstructured) error {
	if err := f.Server.Define(o.GetAPIVersion(), o.GetKind()); err != nil {
		return fmt.Errorf("read objects: %w", err)
	}
	r, _ := f.Server.OfKind(o.GetAPIVersion(), o.GetKind())
	if !r.Cluster && o.GetNamespace() == "" {
		o.SetNamespace(Namespace)
	}
	if r.Custom {
		if err := f.Server.Install(r); err != nil {
			return fmt.Errorf("read objects: %w", err)
		}
	}
	observed, _, _ := unstructured.NestedInt64(o.Object, "status", "observedGeneration") // what is no number is none
	if o.GetGeneration() == 0 && observed > 0 {
		o.SetGeneration(observed)
	}
	if err := f.Server.Put(o); err != nil {
		return fmt.Errorf("read objects: %w", err)
	}
	return nil
}

// Subjects lists what among the objects can be released: the workloads, or, if there
// are none, the applications.
func (f *Files) Subjects() []Name {
	for _, kinds := range [][]string{release.Workloads(), release.Apps()} {
		var out []Name
		for _, o := range f.objects {
			if slices.Contains(kinds, o.GetKind()) && o.GroupVersionKind().Group == release.Group(o.GetKind()) {
				out = append(out, Name{Kind: release.KindRef{Kind: o.GetKind()}, Namespace: o.GetNamespace(), Name: o.GetName()})
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

// Find gives the subject of a kind, as people call it, and a name. An empty namespace
// is any.
func (f *Files) Find(kind, namespace, name string) []Name {
	var out []Name
	for _, o := range f.objects {
		ref := release.KindRef{APIVersion: o.GetAPIVersion(), Kind: o.GetKind()}
		if o.GetName() == name && Called(ref, kind) && (namespace == "" || o.GetNamespace() == namespace) {
			out = append(out, Name{Kind: ref, Namespace: o.GetNamespace(), Name: name})
		}
	}
	return out
}

// controlled lists the objects of a kind that another one controls.
func (f *Files) controlled(kind string, by *unstructured.Unstructured) []*unstructured.Unstructured {
	return slices.DeleteFunc(f.Server.List(kind), func(o *unstructured.Unstructured) bool { return !metav1.IsControlledBy(o, by) })
}
