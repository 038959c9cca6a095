package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Names of the resource.
const (
	// Kind is the kind of a record, Plural its resource.
	Kind   = "Release"
	Plural = "releases"
)

// Labels of a record, and of what its events create.
const (
	// LabelSubject holds the hash of the subject, to list its records by.
	LabelSubject = "rollcall.dev/subject"
	// LabelEvent holds the event id on what an event created.
	LabelEvent = "rollcall.dev/event-id"
	// LabelTrace holds the trace id on what an event created.
	LabelTrace = "rollcall.dev/trace-id"
)

// Annotations of what an event created.
const (
	// AnnotationRelease holds the record's namespace and name, with a slash.
	AnnotationRelease = "rollcall.dev/release"
	// AnnotationSink holds the name of the sink that created it.
	AnnotationSink = "rollcall.dev/sink"
)

// GroupVersion is the group and version of the resource.
var GroupVersion = schema.GroupVersion{Group: "rollcall.dev", Version: "v1alpha1"}

// AddToScheme makes the types known to a scheme.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion, &Release{}, &ReleaseList{})
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
}
