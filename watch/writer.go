package watch

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// templateWriter is the field manager that wrote an object's pod template last, as
// far as its managed fields tell; empty if they do not.
func templateWriter(o metav1.Object) string {
	var last *metav1.ManagedFieldsEntry
	for i := range o.GetManagedFields() {
		e := &o.GetManagedFields()[i]
		if e.Subresource != "" || e.Time == nil || !ownsTemplate(e.FieldsV1) {
			continue
		}
		if last == nil || last.Time.Before(e.Time) {
			last = e
		}
	}
	if last == nil {
		return ""
	}
	return last.Manager
}

// ownsTemplate reports whether a set of fields has any of the pod template.
func ownsTemplate(f *metav1.FieldsV1) bool {
	var fields struct {
		Spec struct {
			Template json.RawMessage `json:"f:template"`
		} `json:"f:spec"`
	}
	return f != nil && json.Unmarshal(f.Raw, &fields) == nil && len(fields.Spec.Template) > 0
}
