package conditions

import (
	"strings"

	"github.com/google/cel-go/cel"
)

// Field is one thing that an expression can read.
type Field struct {
	// Name is as it is written in an expression, for example "release.name".
	Name string
	// Type is its type in CEL, for example "list(string)".
	Type string
	// Doc says what it is, in Markdown.
	Doc string
}

// Fields lists everything that an expression can read, and what there is in
// release.workloads and in what image() gives.
func Fields() []Field {
	out := documented(releaseName, ofRelease())
	out = append(out, documented("release.workloads[i]", ofWorkload())...)
	out = append(out, documented(appName, ofApp())...)
	out = append(out, documented(outcomeName, ofOutcome())...)
	out = append(out, documented("image(…)", ofImage())...)
	return append(out,
		Field{nowName, plainType(cel.TimestampType), "the time of the evaluation"},
		Field{objectName, plainType(cel.DynType), "the subject itself, whole, as it is in the cluster; it is read only for rules that use it"},
	)
}

func documented[T any](variable string, fields []field[T]) []Field {
	var out []Field
	for _, f := range fields {
		out = append(out, Field{variable + "." + f.name, plainType(f.kind), f.doc})
	}
	return out
}

// Function is one that an expression can call.
type Function struct {
	// Name is as it is written, with its arguments.
	Name string
	// Doc says what it gives, in Markdown.
	Doc string
}

// Functions lists those of our own.
func Functions() []Function {
	return []Function{
		{"lookup(apiVersion, kind, name)", "another object in the subject's namespace, read live, as a map; an empty one if there is none, as Helm's `lookup` gives. rollcall must be allowed to `get` it; Secrets are refused"},
		{"image(reference)", "a reference to an image, taken apart: `image('nginx:1.27').tag == '1.27'`"},
	}
}

// Libraries lists the others, by where they come from.
func Libraries() []string {
	return strings.Split("CEL's standard library; cel-go's extensions for strings, lists, sets, math, encoders, bindings, optional values, "+
		"comprehensions over two variables, and regular expressions; Kubernetes' libraries for URLs, regular expressions, lists, "+
		"quantities, IP addresses, CIDR ranges, formats, and semantic versions", "; ")
}
