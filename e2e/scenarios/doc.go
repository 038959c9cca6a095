// Package scenarios shows on the real control plane what rollcall promises: real
// API server, controllers, scheduler, Argo CD, Argo Workflows and Jaeger, and the
// real program with no more than its manifests' permissions. Only the kubelet is
// played, by kwok.
//
// The order of events is taken from resource versions. All objects are in one
// etcd, so they tell exactly what came before what; no clock does.
package scenarios
