// Package v1alpha1 is the Release resource: the record that rollcall keeps of
// each release in the cluster itself. It is ledger, outbox, history and the
// user's view at once.
//
// The spec is written once, by whoever sees the release first, and creating the
// object is the claim to it. Everything that happens afterwards is status.
//
// +kubebuilder:object:generate=true
// +groupName=rollcall.dev
package v1alpha1
