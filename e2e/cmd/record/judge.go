package main

import (
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

func (t *take) in(gvr schema.GroupVersionResource, ns string) dynamic.ResourceInterface {
	return t.lab.Dynamic().Resource(gvr).Namespace(ns)
}

func count(o *unstructured.Unstructured, path ...string) int64 {
	n, _, _ := unstructured.NestedInt64(o.Object, path...) // what is absent is zero
	return n
}

func text(o *unstructured.Unstructured, path ...string) string {
	s, _, _ := unstructured.NestedString(o.Object, path...) // what is absent is empty
	return s
}

// complete reports whether all pods of a workload are of its template, and available.
func complete(o *unstructured.Unstructured) bool {
	if count(o, "status", "observedGeneration") < o.GetGeneration() {
		return false
	}
	want, updated, available := count(o, "spec", "replicas"), "updatedReplicas", "availableReplicas"
	if o.GetKind() == "DaemonSet" {
		want, updated, available = count(o, "status", "desiredNumberScheduled"), "updatedNumberScheduled", "numberAvailable"
		return want > 0 && count(o, "status", updated) == want && count(o, "status", available) == want
	}
	all := count(o, "status", "replicas")
	return all == want && count(o, "status", updated) == want && count(o, "status", available) == want
}

// first is the image of the first container.
func first(o *unstructured.Unstructured) string {
	containers, _, _ := unstructured.NestedSlice(o.Object, "spec", "template", "spec", "containers") // every workload has them
	for _, c := range containers {
		if m, ok := c.(map[string]any); ok {
			image, _ := m["image"].(string)
			return image
		}
	}
	return ""
}

// looked reports whether Argo CD has compared an Application after its last sync.
func looked(o *unstructured.Unstructured) bool {
	finished, err := time.Parse(time.RFC3339, text(o, "status", "operationState", "finishedAt"))
	if err != nil || text(o, "status", "operationState", "phase") == "Running" {
		return false
	}
	reconciled, err := time.Parse(time.RFC3339, text(o, "status", "reconciledAt"))
	return err == nil && !reconciled.Before(finished)
}

// vouches reports whether a Kustomization is ready, and what it tried last is applied.
func vouches(o *unstructured.Unstructured) bool {
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions") // what is absent is empty
	for _, c := range conditions {
		if m, ok := c.(map[string]any); ok && m["type"] == "Ready" {
			return m["status"] == "True" && text(o, "status", "lastAppliedRevision") == text(o, "status", "lastAttemptedRevision")
		}
	}
	return false
}
