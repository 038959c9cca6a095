// Package journey finds the trace that a release belongs to, and draws the way
// from commit to verdict as spans of it.
//
// Nothing is held open and nothing is remembered. A span is made complete, after
// the fact, from the release's record alone, so that any replica draws the very
// same bytes after any restart:
//
//	release web              INTERNAL  root, or child of the span that was found
//	├─ SYNC shop             SERVER    the GitOps engine's sync
//	├─ rollout shop/web rev 7 INTERNAL the workload's rollout
//	└─ release ready         PRODUCER  one for each rule that announced it
//	   └─ send smoke         CLIENT    the first attempt of each delivery
//	RUN smoke                SERVER    a second root, linked to its PRODUCER
//	├─ queued                INTERNAL
//	└─ (step)                INTERNAL  one for each step of the run
//
// RUN is no child of the release: it outlives it, and what does not fit into its
// parent is shown with a warning. Drawing happens at two moments, with [Ready]
// once the release was announced, and with [Run] once a run has ended.
//
// These must hold: an id depends on facts only; a fact that can still change is
// in no span; a child lies inside its parent; attributes are in sorted order;
// the resource names neither process nor version.
package journey
