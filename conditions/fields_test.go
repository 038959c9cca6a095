package conditions_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/conditions"
)

func TestFieldsAreWhatTheLanguageKnows(t *testing.T) {
	l := language(t)
	fields := conditions.Fields()
	require.Contains(t, fields, conditions.Field{Name: "release.ready", Type: "bool"})
	require.Contains(t, fields, conditions.Field{Name: "release.labels", Type: "map(string, string)"})
	for _, f := range fields {
		t.Run(f.Name, func(t *testing.T) {
			_, err := l.Text(f.Name)
			if f.Type == "string" {
				assert.NoError(t, err)
				return
			}
			name := map[string]string{"timestamp": "google.protobuf.Timestamp"}[f.Type]
			if name == "" {
				name = f.Type
			}
			assert.ErrorContains(t, err, "expression must be a string, but is "+name, "CEL's own word for the type")
		})
	}
}
