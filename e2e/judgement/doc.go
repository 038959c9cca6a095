// Package judgement holds what rollcall calls ready to what others call ready:
// kubectl, the Deployment controller, kstatus, Argo CD and Argo Rollouts. It makes
// up every status of a small space, asks all of them, and compares. rollcall must
// never be the first to say ready; where it waits longer, the table of differences
// says why.
//
// The space leaves out what no controller writes and what would only tell that
// one judge reads a counter which another infers: ready pods are never fewer than
// available ones, a Deployment always has the condition Available, and if the
// current revision of a StatefulSet is the updated one, so are their numbers.
package judgement
