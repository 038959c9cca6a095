package lean

import (
	"cmp"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// FluxSource is any of Flux's sources: a GitRepository, OCIRepository, Bucket,
// HelmRepository or HelmChart. Who asked for it knows which: clients clear Kind
// in what they get and watch, and leave it in what they list.
//
// +kubebuilder:object:root=true
type FluxSource struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              FluxSourceSpec   `json:"spec,omitempty"`
	Status            FluxSourceStatus `json:"status,omitempty"`
}

// Unreadable says what of the source cannot be read; empty if all can.
func (s *FluxSource) Unreadable() string { return cmp.Or(s.Spec.Unreadable, s.Status.Unreadable) }

// FluxSourceList is a list of sources of one kind.
//
// +kubebuilder:object:root=true
type FluxSourceList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []FluxSource `json:"items"`
}

// FluxSourceSpec is where the source is.
type FluxSourceSpec struct {
	// URL is that of a GitRepository, OCIRepository or HelmRepository.
	URL string `json:"url,omitempty"`
	// Endpoint and BucketName are those of a Bucket.
	Endpoint   string `json:"endpoint,omitempty"`
	BucketName string `json:"bucketName,omitempty"`
	// Chart, Version and SourceRef are those of a HelmChart.
	Chart      string     `json:"chart,omitempty"`
	Version    string     `json:"version,omitempty"`
	SourceRef  *SourceRef `json:"sourceRef,omitempty"`
	Suspend    bool       `json:"suspend,omitempty"`
	Unreadable string     `json:"-"`
}

// UnmarshalJSON reads the spec, or marks it.
func (s *FluxSourceSpec) UnmarshalJSON(b []byte) error {
	type plain FluxSourceSpec
	s.Unreadable = tolerant(b, (*plain)(s))
	return nil
}

// SourceRef names the source of a chart, in the namespace of the HelmChart.
type SourceRef struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

// FluxSourceStatus is what was fetched.
type FluxSourceStatus struct {
	ObservedGeneration int64              `json:"observedGeneration,omitempty"`
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
	Artifact           *Artifact          `json:"artifact,omitempty"`
	Unreadable         string             `json:"-"`
}

// UnmarshalJSON reads the status, or marks it.
func (s *FluxSourceStatus) UnmarshalJSON(b []byte) error {
	type plain FluxSourceStatus
	s.Unreadable = tolerant(b, (*plain)(s))
	return nil
}

// Artifact is what was fetched last.
type Artifact struct {
	// Revision is BRANCH@sha1:COMMIT or TAG@sha1:COMMIT of a GitRepository,
	// TAG@sha256:DIGEST of an OCIRepository, sha256:DIGEST of a Bucket, and the
	// version of a HelmChart.
	Revision       string      `json:"revision"`
	Digest         string      `json:"digest,omitempty"`
	LastUpdateTime metav1.Time `json:"lastUpdateTime"`
	// Metadata are the annotations of an OCI image; its key
	// org.opencontainers.image.revision tells the commit that it was made of.
	Metadata map[string]string `json:"metadata,omitempty"`
}
