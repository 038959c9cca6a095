// Package timeline runs rollcall on a story: objects in memory, a clock that jumps
// from one happening to the next, and what was expected to be sent.
//
// A [Timeline] is read from YAML by [Read]; docs/timelines.md describes the format.
// [Timeline.Run] lets the controller's own rooms live through it, in one goroutine
// and without waiting, and [Timeline.Check] says in what the run differs from what
// the file expects. The same file always gives the same run.
//
//	Timeline   what happens, and what is expected
//	world      writes the objects, as the real controllers would
//	process    rollcall itself, from its start until it is stopped or dies
//	Run        what was sent and recorded, and when
package timeline
