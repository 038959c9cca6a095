package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"
)

const (
	// fieldManager owns what Apply applies.
	fieldManager = "e2e"
	// kindTimeout bounds how long a kind may take to be served once its
	// definition is there.
	kindTimeout = 15 * time.Second
)

// Apply applies all documents of the YAML, in their order, as an administrator
// by server-side apply. Objects of namespaced kinds that name no namespace go
// to default. A definition of a kind is waited for, so that later documents may
// be of that kind.
func (l *Lab) Apply(ctx context.Context, manifests []byte) error {
	return l.apply(ctx, metav1.NamespaceDefault, manifests)
}

// ApplyTo is Apply with the namespace of objects that name none.
func (l *Lab) ApplyTo(ctx context.Context, namespace string, manifests []byte) error {
	return l.apply(ctx, namespace, manifests)
}

// apply is Apply with the namespace of objects that name none.
func (l *Lab) apply(ctx context.Context, namespace string, manifests []byte) error {
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifests), 4096)
	for {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(&object.Object); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("read manifest: %w", err)
		}
		if len(object.Object) == 0 {
			continue // An empty document.
		}
		if err := l.applyObject(ctx, namespace, object); err != nil {
			return fmt.Errorf("apply %s %s: %w", object.GetKind(), object.GetName(), err)
		}
	}
}

// applyFiles applies every file that matches one of the patterns.
func (l *Lab) applyFiles(ctx context.Context, namespace string, patterns ...string) error {
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			return fmt.Errorf("find manifests: nothing is like %s: %w", pattern, errors.Join(err, os.ErrNotExist))
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				return fmt.Errorf("read manifest: %w", err)
			}
			if err := l.apply(ctx, namespace, content); err != nil {
				return err
			}
		}
	}
	return nil
}

// applyNamespace makes a namespace.
func (l *Lab) applyNamespace(ctx context.Context, name string) error {
	return l.Apply(ctx, fmt.Appendf(nil, "{apiVersion: v1, kind: Namespace, metadata: {name: %s}}", name))
}

// applyObject applies one object.
func (l *Lab) applyObject(ctx context.Context, namespace string, object *unstructured.Unstructured) error {
	mapping, err := l.mapping(ctx, object)
	if err != nil {
		return err
	}
	var client dynamic.ResourceInterface = l.dynamic.Resource(mapping.Resource)
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		if object.GetNamespace() != "" {
			namespace = object.GetNamespace()
		}
		client = l.dynamic.Resource(mapping.Resource).Namespace(namespace)
	}
	content, err := json.Marshal(object)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	force := true
	options := metav1.PatchOptions{FieldManager: fieldManager, Force: &force}
	if _, err := client.Patch(ctx, object.GetName(), types.ApplyPatchType, content, options); err != nil {
		return err
	}
	if object.GetKind() == "CustomResourceDefinition" {
		return l.awaitEstablished(ctx, client, object.GetName())
	}
	return nil
}

// mapping finds the resource of the object's kind, waiting for kinds that were
// defined only just now.
func (l *Lab) mapping(ctx context.Context, object *unstructured.Unstructured) (*meta.RESTMapping, error) {
	ctx, cancel := context.WithTimeout(ctx, kindTimeout)
	defer cancel()
	kind := object.GroupVersionKind()
	for {
		mapping, err := l.mapper.RESTMapping(kind.GroupKind(), kind.Version)
		if err == nil || !meta.IsNoMatchError(err) {
			return mapping, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(pollEvery):
			l.mapper.Reset()
		}
	}
}

// awaitEstablished waits until the API server serves a kind.
func (l *Lab) awaitEstablished(ctx context.Context, crds dynamic.ResourceInterface, name string) error {
	return poll(ctx, func(ctx context.Context) error {
		crd, err := crds.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		conditions, _, err := unstructured.NestedSlice(crd.Object, "status", "conditions")
		if err != nil {
			return fmt.Errorf("read status: %w", err)
		}
		for _, c := range conditions {
			condition, _ := c.(map[string]any)
			if condition["type"] == "Established" && condition["status"] == "True" {
				return nil
			}
		}
		return errors.New("not established")
	})
}
