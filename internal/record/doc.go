// Package record follows a live rollout: it finds what matters for a subject, keeps
// every state of that on a tape, and tells when the new release is complete. What is
// read, it reads in the way of rollcall; how a tape becomes a timeline is not its
// business.
package record
