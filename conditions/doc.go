// Package conditions compiles the conditions of rules and judges snapshots
// by them.
//
// A condition is an expression in CEL over three typed variables, release, app
// and now: a field that does not exist is refused when the rule is loaded, not
// when it is needed. What must hold:
//
//   - Judging is a pure function of rules, snapshot and time. It reads no clock
//     and no cluster, and any number of goroutines may judge at once.
//   - A rule that does not select a subject says nothing about it. Every other
//     rule gives exactly one verdict, with a reason in words.
//   - What cannot be evaluated is never true and never silent: it is Broken,
//     which means "not yet".
package conditions
