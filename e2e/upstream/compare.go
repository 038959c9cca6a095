package upstream

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Comparison holds a type of ours to one of theirs.
type Comparison struct {
	Sources *Sources
	Package string // where theirs is declared
	Type    string // its name
	// Absent are the paths that theirs does not have, and why ours has them.
	Absent map[string]string
}

// Differences says what of ours is not as it is in theirs, and what is said to be
// absent there and is not. What is in no JSON of ours is not compared.
func (c *Comparison) Differences(ours reflect.Type) []string {
	theirs, err := c.Sources.named(c.Package, c.Type)
	if err != nil {
		return []string{err.Error()}
	}
	absent := map[string]bool{}
	out := c.object("", ours, theirs, absent)
	for _, path := range slices.Sorted(maps.Keys(c.Absent)) {
		if !absent[path] {
			out = append(out, fmt.Sprintf("%s: it is not absent there, or not present here", path))
		}
	}
	return out
}

// object compares the members of an object.
func (c *Comparison) object(path string, ours reflect.Type, theirs shape, absent map[string]bool) []string {
	if theirs.kind != "object" {
		return []string{fmt.Sprintf("%s: an object here, %s there", path, theirs)}
	}
	var out []string
	for f := range ours.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		at := strings.TrimPrefix(path+"."+name, ".")
		there, ok := theirs.fields[name]
		switch {
		case name == "-":
		case name == "" && f.Anonymous:
			out = append(out, c.object(path, f.Type, theirs, absent)...)
		case name == "":
			out = append(out, fmt.Sprintf("%s: its field %s has no name in JSON", path, f.Name))
		case ok:
			out = append(out, c.value(at, f.Type, there, absent)...)
		case c.Absent[at] != "":
			absent[at] = true
		default:
			out = append(out, fmt.Sprintf("%s: there is none, but %s", at, strings.Join(slices.Sorted(maps.Keys(theirs.fields)), ", ")))
		}
	}
	return out
}

// value compares what is at a path.
func (c *Comparison) value(path string, ours reflect.Type, at place, absent map[string]bool) []string {
	theirs, err := c.Sources.shape(at)
	if err != nil {
		return []string{fmt.Sprintf("%s: %v", path, err)}
	}
	for ours.Kind() == reflect.Pointer {
		ours = ours.Elem()
	}
	switch kind := ours.Kind(); {
	case theirs.name == ours.PkgPath()+"."+ours.Name(), theirs.kind == "any":
		return nil // the very same type, or anything at all
	case kind == reflect.Struct:
		return c.object(path, ours, theirs, absent)
	case kind == reflect.Slice && theirs.kind == "list":
		return c.value(path+"[]", ours.Elem(), theirs.element, absent)
	case kind == reflect.Map && theirs.kind == "map":
		return c.value(path+"{}", ours.Elem(), theirs.element, absent)
	case fits(ours, theirs):
		return nil
	}
	return []string{fmt.Sprintf("%s: %s here, %s there", path, ours, theirs)}
}

// fits reports whether each value of theirs can be read into ours.
func fits(ours reflect.Type, theirs shape) bool {
	switch ours.Kind() {
	case reflect.String:
		return theirs.kind == "string"
	case reflect.Bool:
		return theirs.kind == "bool"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return theirs.kind == "int" && ours.Bits() >= theirs.bits || theirs.kind == "uint" && ours.Bits() > theirs.bits
	}
	return false
}

func (s shape) String() string {
	if s.bits > 0 {
		return fmt.Sprintf("%s%d", s.kind, s.bits)
	}
	return s.kind
}

// Hidden lists the fields, as TYPE.FIELD, that are in no JSON of a type and of
// the types in it that are declared in its package.
func Hidden(of reflect.Type) []string {
	found, seen := map[string]bool{}, map[reflect.Type]bool{}
	var visit func(t reflect.Type)
	visit = func(t reflect.Type) {
		for slices.Contains([]reflect.Kind{reflect.Pointer, reflect.Slice, reflect.Map}, t.Kind()) {
			t = t.Elem()
		}
		if seen[t] || t.Kind() != reflect.Struct || t.PkgPath() != of.PkgPath() {
			return
		}
		seen[t] = true
		for f := range t.Fields() {
			if f.Tag.Get("json") == "-" {
				found[t.Name()+"."+f.Name] = true
			}
			visit(f.Type)
		}
	}
	visit(of)
	return slices.Sorted(maps.Keys(found))
}
