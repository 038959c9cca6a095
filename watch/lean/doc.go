// Package lean holds the few fields that rollcall reads of other projects'
// custom resources. JSON is decoded straight into these types, so that what is
// not named here is never allocated. Names and JSON paths are the projects' own.
//
// +kubebuilder:object:generate=true
package lean
