package conditions_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/conditions"
)

func TestFieldsAreWhatTheLanguageKnows(t *testing.T) {
	l := language(t)
	fields := conditions.Fields()
	names := map[string]string{}
	for _, f := range fields {
		assert.NotEmpty(t, f.Doc, f.Name)
		names[f.Name] = f.Type
	}
	require.Equal(t, "bool", names["release.ready"])
	require.Equal(t, "map(string, string)", names["release.labels"])
	require.Equal(t, "list(workload)", names["release.workloads"])
	for name, kind := range names {
		t.Run(name, func(t *testing.T) {
			expr := strings.NewReplacer("[i]", "[0]", "(…)", "('nginx')").Replace(name)
			v, err := l.Value(expr)
			require.NoError(t, err)
			assert.Equal(t, kind, v.Type())
		})
	}
}
