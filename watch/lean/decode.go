package lean

import (
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/json"
)

// longest is how much of an error a mark tells.
const longest = 300

// tolerant decodes b into v. Whoever may write an object may write anything into
// it, and one that cannot be read must not hide the others of its list: it leaves
// v empty, and the reason comes back, to mark it with. What is marked never
// passes for what was read.
func tolerant[T any](b []byte, v *T) string {
	var empty T
	*v = empty
	err := json.Unmarshal(b, v)
	if err == nil {
		return ""
	}
	*v = empty
	why := "it cannot be read: " + err.Error()
	if len(why) > longest {
		why = strings.ToValidUTF8(why[:longest], "") + "…"
	}
	return why
}

// Count is a number of things. There is nothing to read in one below zero, so
// that no sum or comparison can come out right because of it.
type Count int64

var errNegative = errors.New("a count is negative")

// UnmarshalJSON reads a count.
func (c *Count) UnmarshalJSON(b []byte) error {
	var n int64
	if err := json.Unmarshal(b, &n); err != nil {
		return fmt.Errorf("read count: %w", err)
	}
	if n < 0 {
		return errNegative
	}
	*c = Count(n)
	return nil
}

// Present stands for an object of which nothing is read but that it is there.
type Present struct{}

// Slim drops from an object of this package whatever no verdict reads. It is a
// transform of an informer.
func Slim(o any) (any, error) {
	if m, ok := o.(metav1.Object); ok {
		m.SetManagedFields(nil)
		delete(m.GetAnnotations(), corev1.LastAppliedConfigAnnotation)
	}
	if w, ok := o.(*Workflow); ok {
		w.Status.Nodes, w.Status.CompressedNodes = nil, ""
	}
	return o, nil
}
