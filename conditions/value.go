package conditions

import (
	"context"
	"fmt"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"

	"github.com/rollcall-dev/rollcall/release"
)

// Value is a compiled expression that gives whatever it does.
type Value struct{ expression }

// Type is what the expression gives, as CEL calls it: "bool", "list(string)".
func (v *Value) Type() string { return plainType(v.tree.OutputType()) }

// Of evaluates the expression on a snapshot. If something has to be read first, it
// says what, and there is no value.
func (v *Value) Of(ctx context.Context, snap release.Snapshot, now time.Time) (any, []release.Query, error) {
	l := newLook(snap, now)
	out, err := v.eval(ctx, l)
	if err == errUnread { //nolint:errorlint // it is never wrapped
		return nil, l.needs, nil
	}
	if err != nil {
		return nil, nil, err
	}
	return plainValue(out), nil, nil
}

// plainValue is a value as JSON has it.
func plainValue(v ref.Val) any {
	switch v := v.(type) {
	case view:
		return viewed(v)
	case types.Bool, types.String, types.Int, types.Uint, types.Double:
		return v.Value()
	case types.Timestamp:
		return v.Format(time.RFC3339Nano)
	case types.Duration:
		return v.String()
	case types.Null:
		return nil
	case *types.Optional:
		if !v.HasValue() {
			return nil
		}
		return plainValue(v.GetValue())
	case *types.Err:
		return "error: " + v.Error()
	case ref.Type:
		return v.TypeName()
	}
	if out, ok := plainContent(v); ok {
		return out
	}
	return fmt.Sprint(v.Value())
}

// plainContent is what a list or a map holds.
func plainContent(v ref.Val) (any, bool) {
	switch v := v.(type) {
	case traits.Lister:
		out := []any{}
		for i := v.Iterator(); i.HasNext() == types.True; {
			out = append(out, plainValue(i.Next()))
		}
		return out, true
	case traits.Mapper:
		out := map[string]any{}
		for i := v.Iterator(); i.HasNext() == types.True; {
			key := i.Next()
			out[fmt.Sprint(key.Value())] = plainValue(v.Get(key))
		}
		return out, true
	}
	return nil, false
}

// viewed lists the fields of one of our own types.
func viewed(v view) map[string]any {
	out := map[string]any{}
	p := newProvider(nil)
	for _, name := range p.names[v.kind.TypeName()] {
		if name == oldPodsGone {
			continue // it would have to be read
		}
		if got, err := p.fields[v.kind.TypeName()][name].GetFrom(v.of); err == nil {
			if val, ok := got.(ref.Val); ok {
				out[name] = plainValue(val)
			}
		}
	}
	return out
}

// plainType is a type in the words of a user.
func plainType(t *cel.Type) string { return renamed(t.String()) }
