// Package line ties the rooms into the straight line: what watch hands on is
// judged by the rules, given its trace, and recorded; from the record it is
// delivered. The controller runs it on a cluster, timelines run it on objects in
// memory; it is the same code.
package line
