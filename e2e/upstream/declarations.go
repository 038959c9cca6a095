package upstream

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Sources finds declarations of types in files, by the path of the module that
// the files are of.
type Sources struct {
	modules    map[string]fs.FS
	packages   map[string]*pkg
	asDeclared map[string]string
}

// NewSources finds declarations in some modules. Of a type that encodes itself
// the declaration does not tell the JSON, and nothing is known of it; asDeclared
// names those, as PACKAGE.TYPE, of which somebody saw that it does, and says why.
func NewSources(modules map[string]fs.FS, asDeclared map[string]string) *Sources {
	return &Sources{modules: modules, packages: map[string]*pkg{}, asDeclared: asDeclared}
}

// pkg is what is declared in one package.
type pkg struct {
	path    string
	types   map[string]declared
	methods map[string][]string // names of methods, by the name of their type
}

// declared is a type, and the imports of its file, by the name they go by in it.
type declared struct {
	spec    *ast.TypeSpec
	imports map[string]string
}

// errUnknown is about a type of a package that is in none of the modules.
var errUnknown = errors.New("no such module is known")

func (s *Sources) load(importPath string) (*pkg, error) {
	if p, ok := s.packages[importPath]; ok {
		return p, nil
	}
	files, dir, err := s.find(importPath)
	if err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(files, dir)
	if err != nil {
		return nil, fmt.Errorf("read package %s: %w", importPath, err)
	}
	p := &pkg{path: importPath, types: map[string]declared{}, methods: map[string][]string{}}
	for _, e := range entries {
		if !handwritten(e.Name()) {
			continue
		}
		source, err := fs.ReadFile(files, path.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read package %s: %w", importPath, err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), e.Name(), source, parser.SkipObjectResolution)
		if err != nil {
			return nil, fmt.Errorf("read package %s: %w", importPath, err)
		}
		p.add(file)
	}
	s.packages[importPath] = p
	return p, nil
}

// find returns the files of a module, and the package's folder in them.
func (s *Sources) find(importPath string) (fs.FS, string, error) {
	var best string
	for m := range s.modules {
		if (importPath == m || strings.HasPrefix(importPath, m+"/")) && len(m) > len(best) {
			best = m
		}
	}
	if best == "" {
		return nil, "", fmt.Errorf("find package %s: %w", importPath, errUnknown)
	}
	return s.modules[best], path.Clean(strings.TrimPrefix(strings.TrimPrefix(importPath, best), "/")), nil
}

// handwritten reports whether a file may declare a type of an API.
func handwritten(name string) bool {
	return strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") && !strings.HasSuffix(name, ".pb.go") &&
		!strings.HasPrefix(name, "zz_generated") && !strings.Contains(name, "openapi_generated")
}

func (p *pkg) add(file *ast.File) {
	imports := map[string]string{}
	for _, i := range file.Imports {
		importPath, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			continue // the parser has looked at it
		}
		imports[nameOf(i, importPath)] = importPath
	}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if t, ok := spec.(*ast.TypeSpec); ok {
					p.types[t.Name.Name] = declared{t, imports}
				}
			}
		case *ast.FuncDecl:
			if d.Recv != nil && len(d.Recv.List) == 1 {
				name := receiver(d.Recv.List[0].Type)
				p.methods[name] = append(p.methods[name], d.Name.Name)
			}
		}
	}
}

// nameOf is the name by which a file knows a package: without one of the file's
// own, we take the last part of the path that is no version.
func nameOf(i *ast.ImportSpec, importPath string) string {
	if i.Name != nil {
		return i.Name.Name
	}
	base := path.Base(importPath)
	if _, err := strconv.Atoi(strings.TrimPrefix(base, "v")); err == nil && strings.HasPrefix(base, "v") && base != "v1" {
		return path.Base(path.Dir(importPath))
	}
	return base
}

func receiver(e ast.Expr) string {
	if star, ok := e.(*ast.StarExpr); ok {
		e = star.X
	}
	if id, ok := e.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

// ownJSON reports whether a type encodes itself, so that its declaration does
// not tell what its JSON looks like.
func (p *pkg) ownJSON(name string) bool {
	return slices.ContainsFunc(p.methods[name], func(m string) bool {
		return m == "UnmarshalJSON" || m == "MarshalJSON" || m == "UnmarshalText" || m == "MarshalText"
	})
}
