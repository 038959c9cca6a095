package timeline_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the page of cases anew")

const casesPage = "../../docs/cases.md"

// The page of cases lists every file, so that people find the situation they are in.
func TestThePageOfCasesIsFresh(t *testing.T) {
	files, err := filepath.Glob(folder + "/*.yaml")
	require.NoError(t, err)
	var b strings.Builder
	b.WriteString(`# Situations

What rollcall does in each situation that Kubernetes, Argo CD, Flux or a crash can bring about. Each line is a [timeline](timelines.md) that is run by the tests,
undisturbed and with caches that lag, restarts, crashes and calls that fail. A case is recorded if its states were written down from live controllers,
and derived if they were read from the controllers' code.

`)
	b.WriteString("| case | what happens | why it ends so | from |\n|---|---|---|---|\n")
	for _, file := range files {
		tl := load(t, file)
		name := filepath.Base(file)
		number, _, _ := strings.Cut(name, "-")
		fmt.Fprintf(&b, "| [%s](../internal/timeline/%s) | %s | %s | %s |\n", number, filepath.ToSlash(file), cell(tl.Name), cell(tl.Why), tl.Source)
	}
	if *update {
		require.NoError(t, os.WriteFile(casesPage, []byte(b.String()), 0o644)) //nolint:gosec // a page that everybody may read
	}
	got, err := os.ReadFile(casesPage)
	require.NoError(t, err)
	require.Equal(t, b.String(), string(got), "go test ./internal/timeline -run PageOfCases -update writes it")
}

func cell(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", "\\|")
}
