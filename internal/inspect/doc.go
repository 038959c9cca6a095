// Package inspect looks at a subject once, in a cluster or among objects from files,
// and tells what rollcall would say of it, and why. It writes nothing.
package inspect
