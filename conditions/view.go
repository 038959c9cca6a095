package conditions

import (
	"fmt"
	"reflect"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"github.com/rollcall-dev/rollcall/release"
)

// The types of the variables, as CEL calls them.
var (
	releaseType  = cel.ObjectType("rollcall.Release")
	appType      = cel.ObjectType("rollcall.App")
	outcomeType  = cel.ObjectType("rollcall.Outcome")
	workloadType = cel.ObjectType("rollcall.Workload")
	imageType    = cel.ObjectType("rollcall.Image")
)

// view is a value of one of those types: whatever its fields are read from.
type view struct {
	kind *cel.Type
	of   any
}

var _ ref.Val = view{}

// ConvertToNative is part of ref.Val. A view stays in the expression.
func (v view) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("%s cannot be made a %s", v.kind, t)
}

// ConvertToType is part of ref.Val.
func (v view) ConvertToType(t ref.Type) ref.Val {
	if t == types.TypeType {
		return v.kind
	}
	return types.NewErr("%s cannot be made a %s", v.kind, t.TypeName())
}

// Equal is part of ref.Val.
func (v view) Equal(other ref.Val) ref.Val {
	o, ok := other.(view)
	return types.Bool(ok && o.kind == v.kind && reflect.DeepEqual(o.of, v.of))
}

// Type is part of ref.Val.
func (v view) Type() ref.Type { return v.kind }

// Value is what the fields are read from.
func (v view) Value() any { return v.of }

func viewWorkloads(all []release.Workload) ref.Val {
	out := make([]ref.Val, 0, len(all))
	for _, w := range all {
		out = append(out, view{workloadType, w})
	}
	return types.NewRefValList(types.DefaultTypeAdapter, out)
}

// provider tells CEL of our types, beside those that it knows.
type provider struct {
	types.Provider
	fields map[string]map[string]*types.FieldType
	names  map[string][]string
}

func newProvider(base types.Provider) *provider {
	p := &provider{Provider: base, fields: map[string]map[string]*types.FieldType{}, names: map[string][]string{}}
	at := 0
	addLook(p, releaseType, ofRelease(), &at)
	addLook(p, appType, ofApp(), &at)
	addLook(p, outcomeType, ofOutcome(), &at)
	add(p, workloadType, ofWorkload())
	add(p, imageType, ofImage())
	return p
}

// addLook adds a type whose fields are read from a look, which keeps each of them.
func addLook(p *provider, t *cel.Type, fields []field[*look], next *int) {
	kept := make([]field[*look], len(fields))
	for i, f := range fields {
		place, get := *next, f.get
		f.get = func(l *look) ref.Val { return l.read(place, get) }
		kept[i] = f
		*next++
	}
	add(p, t, kept)
}

func add[T any](p *provider, t *cel.Type, fields []field[T]) {
	known := map[string]*types.FieldType{}
	for _, f := range fields {
		known[f.name] = &types.FieldType{
			Type:  f.kind,
			IsSet: func(any) bool { return true },
			GetFrom: func(of any) (any, error) {
				v, ok := of.(T)
				if !ok {
					return nil, fmt.Errorf("%T has no field %s", of, f.name)
				}
				return f.get(v), nil
			},
		}
		p.names[t.TypeName()] = append(p.names[t.TypeName()], f.name)
	}
	p.fields[t.TypeName()] = known
}

// FindStructType is part of types.Provider.
func (p *provider) FindStructType(name string) (*types.Type, bool) {
	if _, ok := p.fields[name]; ok {
		return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
	}
	return p.Provider.FindStructType(name)
}

// FindStructFieldNames is part of types.Provider.
func (p *provider) FindStructFieldNames(name string) ([]string, bool) {
	if names, ok := p.names[name]; ok {
		return names, true
	}
	return p.Provider.FindStructFieldNames(name)
}

// FindStructFieldType is part of types.Provider.
func (p *provider) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	if known, ok := p.fields[name]; ok {
		f, ok := known[field]
		return f, ok
	}
	return p.Provider.FindStructFieldType(name, field)
}
