// Package workload reads from one object of a workload whether the rollout of
// what it asks for is complete.
//
// Each function is pure: it gets an object as the API server gave it, and gives a
// State. None says "complete" unless the object's own controller has seen the
// latest change, and all of its counters agree on the number that is wanted. What
// is missing, negative or of an unknown kind is never complete.
//
// A State is about the object's own words alone. Which release they are about,
// and whether a GitOps engine agrees, is not decided here.
package workload
