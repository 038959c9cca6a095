package lean

import (
	"cmp"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// HelmRelease is a HelmRelease of Flux.
//
// +kubebuilder:object:root=true
type HelmRelease struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              HelmReleaseSpec   `json:"spec,omitempty"`
	Status            HelmReleaseStatus `json:"status,omitempty"`
}

// Unreadable says what of the HelmRelease cannot be read; empty if all can.
func (h *HelmRelease) Unreadable() string { return cmp.Or(h.Spec.Unreadable, h.Status.Unreadable) }

// HelmReleaseList is a list of HelmReleases.
//
// +kubebuilder:object:root=true
type HelmReleaseList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []HelmRelease `json:"items"`
}

// HelmReleaseSpec is what the HelmRelease wants. Its chart comes from Chart, of
// which Flux makes a HelmChart, or is at ChartRef.
type HelmReleaseSpec struct {
	Chart    *ChartTemplate `json:"chart,omitempty"`
	ChartRef *ObjectRef     `json:"chartRef,omitempty"`
	// Suspend freezes the status.
	Suspend bool `json:"suspend,omitempty"`
	// KubeConfig, if it is there, means that the objects are in another cluster.
	KubeConfig *Present `json:"kubeConfig,omitempty"`
	// TargetNamespace is that of the HelmRelease if it is empty.
	TargetNamespace string `json:"targetNamespace,omitempty"`
	// Test, if it is enabled, makes TestSuccess a condition to wait for.
	Test       *HelmTest `json:"test,omitempty"`
	Unreadable string    `json:"-"`
}

// UnmarshalJSON reads the spec, or marks it.
func (s *HelmReleaseSpec) UnmarshalJSON(b []byte) error {
	type plain HelmReleaseSpec
	s.Unreadable = tolerant(b, (*plain)(s))
	return nil
}

// ChartTemplate is what a HelmChart is made after.
type ChartTemplate struct {
	Spec ChartTemplateSpec `json:"spec"`
}

// ChartTemplateSpec names a chart, and where to get it.
type ChartTemplateSpec struct {
	Chart     string    `json:"chart"`
	Version   string    `json:"version,omitempty"`
	SourceRef ObjectRef `json:"sourceRef"`
}

// HelmTest says whether tests of the chart are run.
type HelmTest struct {
	Enable bool `json:"enable,omitempty"`
}

// HelmReleaseStatus is what Flux has done.
type HelmReleaseStatus struct {
	// ObservedGeneration is -1 for a new one: the API server fills that in.
	ObservedGeneration      int64 `json:"observedGeneration,omitempty"`
	LastAttemptedGeneration int64 `json:"lastAttemptedGeneration,omitempty"`
	// LastAttemptedRevision is the version of the chart. For one from an
	// OCIRepository, + and twelve letters of its digest come after it.
	LastAttemptedRevision       string `json:"lastAttemptedRevision,omitempty"`
	LastAttemptedRevisionDigest string `json:"lastAttemptedRevisionDigest,omitempty"`
	LastAttemptedReleaseAction  string `json:"lastAttemptedReleaseAction,omitempty"`
	// Conditions are Ready, which sums up Released, TestSuccess and Remediated.
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// HelmChart is the HelmChart that was made of Chart, as NAMESPACE/NAME.
	HelmChart string `json:"helmChart,omitempty"`
	// History has Helm's releases, the one with the highest Version is the latest.
	History    []HelmSnapshot `json:"history,omitempty"`
	Unreadable string         `json:"-"`
}

// UnmarshalJSON reads the status, or marks it.
func (s *HelmReleaseStatus) UnmarshalJSON(b []byte) error {
	type plain HelmReleaseStatus
	s.Unreadable = tolerant(b, (*plain)(s))
	return nil
}

// HelmSnapshot is one release, as Helm numbers and keeps them. A rollback makes
// a new one of old manifests.
type HelmSnapshot struct {
	Name          string      `json:"name"`
	Namespace     string      `json:"namespace"`
	Version       Count       `json:"version"`
	Status        string      `json:"status"`
	ChartName     string      `json:"chartName"`
	ChartVersion  string      `json:"chartVersion"`
	AppVersion    string      `json:"appVersion,omitempty"`
	Digest        string      `json:"digest"`
	ConfigDigest  string      `json:"configDigest"`
	OCIDigest     string      `json:"ociDigest,omitempty"`
	FirstDeployed metav1.Time `json:"firstDeployed"`
	LastDeployed  metav1.Time `json:"lastDeployed"`
	// TestHooks is nil if tests were not run, and empty if there are none.
	TestHooks map[string]HelmTestHook `json:"testHooks,omitempty"`
}

// HelmTestHook is one test of the chart.
type HelmTestHook struct {
	Phase string `json:"phase,omitempty"`
}
