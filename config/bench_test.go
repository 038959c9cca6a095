package config_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/config"
)

// fiveHundred is a text of that many rules as people write them: each with a condition
// and a sink, of which some have parameters.
func fiveHundred() []byte {
	var b strings.Builder
	b.WriteString("sinks:\n")
	for i := range 20 {
		fmt.Fprintf(&b, "  smoke-%d:\n    argoWorkflow:\n      workflowTemplate: smoke\n      parameters:\n        url: \"'http://' + release.name + '.' + release.namespace + '.svc'\"\n", i)
	}
	b.WriteString("rules:\n")
	for i := range 500 {
		fmt.Fprintf(&b, "  - name: rule-%d\n    on: {kind: Deployment, namespaces: [team-%d], selector: tier=web}\n", i, i%100)
		fmt.Fprintf(&b, "    when: release.ready && app.project == 'team-%d' && release.images.all(i, i.startsWith('registry.example.com/'))\n", i%100)
		fmt.Fprintf(&b, "    settle: 10s\n    deadline: 15m\n    send: [smoke-%d]\n", i%20)
	}
	return []byte(b.String())
}

func BenchmarkLoad(b *testing.B) {
	text := fiveHundred()
	wrong := []byte(strings.ReplaceAll(string(text), "release.ready", "release.redy"))
	for name, text := range map[string][]byte{"rules=500": text, "mistakes=500": wrong} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				config.Load("rules.yaml", text)
			}
		})
	}
}

func BenchmarkMerge(b *testing.B) {
	text := fiveHundred()
	good, mistakes := config.Load("rules.yaml", text)
	require.Empty(b, mistakes)
	half, mistakes := config.Load("rules.yaml", []byte(strings.Replace(string(text), "release.ready", "release.redy", 250)))
	require.Len(b, mistakes, 250)
	b.ReportAllocs()
	for b.Loop() {
		config.Merge(good, half, mistakes)
	}
}

// BenchmarkJSON writes what rollcall check does for programs.
func BenchmarkJSON(b *testing.B) {
	_, mistakes := config.Load("rules.yaml", []byte(strings.ReplaceAll(string(fiveHundred()), "release.ready", "release.redy")))
	require.Len(b, mistakes, 500)
	b.ReportAllocs()
	for b.Loop() {
		_, err := json.Marshal(mistakes)
		require.NoError(b, err)
	}
}

// BenchmarkSchema makes the schema anew.
func BenchmarkSchema(b *testing.B) {
	for b.Loop() {
		_, err := config.Schema()
		require.NoError(b, err)
	}
}
