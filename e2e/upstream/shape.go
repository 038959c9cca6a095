package upstream

import (
	"errors"
	"fmt"
	"go/ast"
	"reflect"
	"strings"
)

// place is an expression for a type, in the package and file that it is in.
type place struct {
	in      *pkg
	imports map[string]string
	expr    ast.Expr
}

// shape is what the JSON of a type looks like.
type shape struct {
	kind    string // string, bool, int, uint, float, time, list, map, object or any
	bits    int    // of a number
	name    string // of the innermost named type: PATH.NAME
	element place  // of a list or map
	fields  map[string]place
}

// numbers are the widths of Go's numbers.
var numbers = map[string]int{
	"int": 64, "int8": 8, "int16": 16, "int32": 32, "int64": 64, "uint": 64, "uint8": 8, "uint16": 16, "uint32": 32, "uint64": 64, "byte": 8, "rune": 32,
	"float32": 32, "float64": 64,
}

// known are the types whose JSON their declaration does not tell.
var known = map[string]string{
	"k8s.io/apimachinery/pkg/apis/meta/v1.Time":      "time",
	"k8s.io/apimachinery/pkg/apis/meta/v1.MicroTime": "time",
	"k8s.io/apimachinery/pkg/apis/meta/v1.Duration":  "string",
	"k8s.io/apimachinery/pkg/runtime.RawExtension":   "any",
}

var errShape = errors.New("no shape of JSON is known")

// named is the shape of a type by its name.
func (s *Sources) named(importPath, name string) (shape, error) {
	full := importPath + "." + name
	if kind, ok := known[full]; ok {
		return shape{kind: kind, name: full}, nil
	}
	p, err := s.load(importPath)
	if err != nil {
		return shape{}, err
	}
	t, ok := p.types[name]
	switch {
	case !ok:
		return shape{}, fmt.Errorf("find type %s: it is not declared", full)
	case p.ownJSON(name) && s.asDeclared[full] == "":
		return shape{}, fmt.Errorf("read type %s: it encodes itself: %w", full, errShape)
	case t.spec.TypeParams != nil:
		return shape{}, fmt.Errorf("read type %s: it is generic: %w", full, errShape)
	}
	got, err := s.shape(place{p, t.imports, t.spec.Type})
	if got.name == "" {
		got.name = full
	}
	return got, err
}

// shape is the shape of what an expression stands for.
func (s *Sources) shape(at place) (shape, error) {
	switch e := at.expr.(type) {
	case *ast.ParenExpr:
		return s.shape(place{at.in, at.imports, e.X})
	case *ast.StarExpr:
		return s.shape(place{at.in, at.imports, e.X})
	case *ast.Ident:
		return s.ident(at, e.Name)
	case *ast.SelectorExpr:
		from, ok := e.X.(*ast.Ident)
		if !ok || at.imports[from.Name] == "" {
			return shape{}, fmt.Errorf("read type in %s: its package %v is not imported", at.in.path, e.X)
		}
		return s.named(at.imports[from.Name], e.Sel.Name)
	case *ast.ArrayType:
		if id, ok := e.Elt.(*ast.Ident); ok && id.Name == "byte" {
			return shape{kind: "string"}, nil // in base64
		}
		return shape{kind: "list", element: place{at.in, at.imports, e.Elt}}, nil
	case *ast.MapType:
		return shape{kind: "map", element: place{at.in, at.imports, e.Value}}, nil
	case *ast.InterfaceType:
		return shape{kind: "any"}, nil
	case *ast.StructType:
		fields := map[string]place{}
		err := s.fields(at, e, fields)
		return shape{kind: "object", fields: fields}, err
	}
	return shape{}, fmt.Errorf("read type in %s: %T: %w", at.in.path, at.expr, errShape)
}

func (s *Sources) ident(at place, name string) (shape, error) {
	if _, ok := at.in.types[name]; ok {
		return s.named(at.in.path, name)
	}
	bits, number := numbers[name]
	switch {
	case name == "string" || name == "bool" || name == "any":
		return shape{kind: name}, nil
	case number && strings.HasPrefix(name, "float"):
		return shape{kind: "float", bits: bits}, nil
	case number && (strings.HasPrefix(name, "uint") || name == "byte"):
		return shape{kind: "uint", bits: bits}, nil
	case number:
		return shape{kind: "int", bits: bits}, nil
	}
	return s.named(at.in.path, name)
}

// fields collects the members of an object, those of embedded structs too; a
// member of the struct itself goes before one of an embedded struct.
func (s *Sources) fields(at place, of *ast.StructType, into map[string]place) error {
	var embedded []ast.Expr
	for _, f := range of.Fields.List {
		tag := ""
		if f.Tag != nil {
			tag = reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("json")
		}
		name, options, _ := strings.Cut(tag, ",")
		switch {
		case tag == "-":
		case strings.Contains(options, "string"):
			return fmt.Errorf("read struct in %s: member %s is a number in quotes: %w", at.in.path, name, errShape)
		case name != "":
			into[name] = place{at.in, at.imports, f.Type}
		case len(f.Names) == 0:
			embedded = append(embedded, f.Type)
		default:
			for _, n := range f.Names {
				if n.IsExported() {
					into[n.Name] = place{at.in, at.imports, f.Type}
				}
			}
		}
	}
	for _, e := range embedded {
		inner, err := s.shape(place{at.in, at.imports, e})
		if err != nil {
			return err
		}
		for name, p := range inner.fields {
			if _, ok := into[name]; !ok {
				into[name] = p
			}
		}
	}
	return nil
}
