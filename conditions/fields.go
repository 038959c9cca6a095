package conditions

import (
	"fmt"
	"reflect"
	"time"
)

// Field is one thing that an expression can read.
type Field struct {
	// Name is as it is written in an expression, for example "release.name".
	Name string
	// Type is its type in CEL, for example "list(string)".
	Type string
}

// Fields lists everything that an expression can read.
func Fields() []Field {
	out := fieldsOf(releaseName, reflect.TypeFor[releaseView]())
	out = append(out, fieldsOf(appName, reflect.TypeFor[appView]())...)
	return append(out, Field{Name: nowName, Type: typeName(reflect.TypeFor[time.Time]())})
}

func fieldsOf(variable string, view reflect.Type) []Field {
	var out []Field
	for f := range view.Fields() {
		out = append(out, Field{Name: variable + "." + f.Tag.Get("cel"), Type: typeName(f.Type)})
	}
	return out
}

// typeName is what CEL calls a type of Go.
func typeName(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "timestamp"
	case t.Kind() == reflect.Slice:
		return fmt.Sprintf("list(%s)", typeName(t.Elem()))
	case t.Kind() == reflect.Map:
		return fmt.Sprintf("map(%s, %s)", typeName(t.Key()), typeName(t.Elem()))
	}
	return t.String()
}
