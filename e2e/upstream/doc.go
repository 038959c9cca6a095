// Package upstream reads the type declarations of other projects, as they are in
// the sources of their modules, and holds types of ours to them: each field that
// we decode must be there, under the same path of JSON, and of the same shape.
// Nothing of those modules is compiled.
package upstream
