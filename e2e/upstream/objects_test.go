package upstream_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/rollcall-dev/rollcall/e2e/upstream"
	"github.com/rollcall-dev/rollcall/watch/lean"
)

// TestObjectsUpstreamAreRead decodes the objects that those projects have as
// examples and for their own tests.
func TestObjectsUpstreamAreRead(t *testing.T) {
	files := fetched(t)
	for _, c := range []struct {
		module upstream.Module
		kind   string
		read   func(t *testing.T, raw []byte) string
		least  int
	}{
		{argoCD2, "Application", read[lean.Application], 7},
		{argoCD3, "Application", read[lean.Application], 7},
		{rollouts, "Rollout", read[lean.Rollout], 120},
	} {
		t.Run(c.kind+" of "+c.module.String(), func(t *testing.T) {
			t.Parallel()
			all := documents(t, files[c.module], c.kind)
			require.GreaterOrEqual(t, len(all), c.least)
			for name, raw := range all {
				require.Empty(t, c.read(t, raw), name)
			}
		})
	}
}

// read decodes an object, and says what of it cannot be read.
func read[T any, P interface {
	*T
	Unreadable() string
}](t *testing.T, raw []byte) string {
	t.Helper()
	out := P(new(T))
	require.NoError(t, json.Unmarshal(raw, out))
	return out.Unreadable()
}

// documents are those of all YAML files that are of a kind, as JSON. It leaves
// out what gets YAML only when a template is filled in.
func documents(t *testing.T, files fs.FS, kind string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	require.NoError(t, fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".yaml" && path.Ext(name) != ".yml" {
			return err
		}
		all, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		for i, raw := range bytes.Split(all, []byte("\n---")) {
			if !bytes.Contains(append([]byte("\n"), raw...), []byte("\nkind: "+kind+"\n")) {
				continue
			}
			if object, err := yaml.YAMLToJSON(raw); err == nil {
				out[fmt.Sprintf("%s, document %d", name, i)] = object
			}
		}
		return nil
	}))
	return out
}
