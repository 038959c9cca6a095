package watch

import (
	"encoding/json"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// writer is the field manager that wrote a pod template last, and when; by is empty
// if that is unknown.
type writer struct {
	by string
	at time.Time
}

// templateWriter reads off an object's managed fields who wrote its pod template.
func templateWriter(o metav1.Object) writer {
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
		return writer{}
	}
	return writer{last.Manager, last.Time.Time}
}

// ownsTemplate reports whether a set of fields has any of the pod template.
func ownsTemplate(f *metav1.FieldsV1) bool {
	var fields struct {
		Spec struct {
			Template json.RawMessage `json:"f:template"`
		} `json:"f:spec"`
	}
	return f != nil && json.Unmarshal(f.GetRawBytes(), &fields) == nil && len(fields.Spec.Template) > 0
}
