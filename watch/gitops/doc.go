// Package gitops says whether a GitOps engine vouches for a workload: whether what
// it reports is certainly about the release that runs now.
//
// Everything here is a pure function of objects that the caller found, in a cache
// or live. Where the objects leave a doubt, the gate stays closed and says why:
//
//	who owns it ─► Argo CD: Application
//	            └► Flux: HelmRelease ─► Kustomization ─► source
//
// An object that merely bears an engine's label is not owned yet: charts and
// operators copy labels. The engine's own list of what it applied decides.
package gitops
