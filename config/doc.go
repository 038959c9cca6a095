// Package config reads the rules and sinks that rollcall works by.
//
// They are one YAML text, the key rules.yaml of a ConfigMap. It is read
// strictly, and every mistake is told at once, each with its line, its column
// and the line of text itself. What must hold:
//
//   - A [Config] is immutable. A change makes a new one, which replaces the
//     old one whole.
//   - A mistake in one rule or sink harms only that one: its last good version
//     goes on, and the others never notice.
//   - A mistake that is nobody's in particular changes nothing at all.
package config
