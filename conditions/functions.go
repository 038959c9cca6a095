package conditions

import (
	"fmt"
	"reflect"

	"github.com/distribution/reference"
	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"github.com/rollcall-dev/rollcall/release"
)

// lookName is a variable that nobody can write: what lookup reads from.
const lookName = "@look"

// finderType is the type of that variable.
var finderType = cel.OpaqueType("rollcall.look")

// finder gives lookup the look that it belongs to.
type finder struct{ *look }

// ConvertToNative is part of ref.Val.
func (f finder) ConvertToNative(reflect.Type) (any, error) { return f.look, nil }

// ConvertToType is part of ref.Val.
func (f finder) ConvertToType(ref.Type) ref.Val { return types.NewErr("lookup is no value") }

// Equal is part of ref.Val.
func (f finder) Equal(ref.Val) ref.Val { return types.False }

// Type is part of ref.Val.
func (f finder) Type() ref.Type { return finderType }

// Value is part of ref.Val.
func (f finder) Value() any { return f.look }

// functions are those of our own.
func functions() []cel.EnvOption {
	three := []*cel.Type{cel.StringType, cel.StringType, cel.StringType}
	return []cel.EnvOption{
		cel.Variable(lookName, finderType),
		cel.Function(lookup, cel.Overload("lookup_object", three, cel.DynType)), // for its type: the macro takes its place
		cel.Function(atLookup, cel.Overload("look_lookup_object", append([]*cel.Type{finderType}, three...), cel.DynType,
			cel.FunctionBinding(lookUp))),
		cel.Macros(cel.GlobalMacro(lookup, len(three), func(f cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
			return f.NewCall(atLookup, append([]ast.Expr{f.NewIdent(lookName)}, args...)...), nil
		})),
		cel.Function("image", cel.Overload("image_string", []*cel.Type{cel.StringType}, imageType,
			cel.UnaryBinding(viewImage))),
	}
}

const (
	lookup   = "lookup"
	atLookup = "@lookup"
)

// lookUp finds one object in the subject's namespace.
func lookUp(args ...ref.Val) ref.Val {
	f, ok := args[0].(finder)
	if !ok {
		return types.NoSuchOverloadErr()
	}
	q := release.Query{APIVersion: word(args[1]), Kind: word(args[2]), Name: word(args[3])}
	if why := refuse(q); why != "" {
		return types.NewErr("lookup: %s", why)
	}
	return f.find(q)
}

// refuse says why something may not be looked up; empty if it may.
func refuse(q release.Query) string {
	switch {
	case q.APIVersion == "v1" && q.Kind == "Secret":
		return "a Secret cannot be looked up: what it holds would show in records and events"
	case q.APIVersion == "" || q.Kind == "" || q.Name == "":
		return "apiVersion, kind and name must not be empty"
	}
	return ""
}

func word(v ref.Val) string {
	s, _ := v.(types.String)
	return string(s)
}

func viewImage(v ref.Val) ref.Val {
	i, err := parseImage(word(v))
	if err != nil {
		return types.WrapErr(err)
	}
	return view{imageType, i}
}

// image is a reference to an image, taken apart.
type image struct{ registry, repository, tag, digest string }

// parseImage takes a reference apart as container runtimes do, by the library that
// they use: nginx is docker.io/library/nginx:latest.
func parseImage(text string) (image, error) {
	named, err := reference.ParseNormalizedNamed(text)
	if err != nil {
		return image{}, fmt.Errorf("image %q: %w", text, err)
	}
	i := image{registry: reference.Domain(named), repository: reference.Path(named)}
	if d, ok := named.(reference.Digested); ok {
		i.digest = d.Digest().String()
	}
	if t, ok := reference.TagNameOnly(named).(reference.Tagged); ok {
		i.tag = t.Tag()
	}
	return i, nil
}
