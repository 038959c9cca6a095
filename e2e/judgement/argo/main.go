// Command argo tells the health that Argo CD's own code finds in objects. It
// reads one object of JSON in each line, and writes one word for each: none if
// Argo CD has no opinion on the kind.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"

	"github.com/argoproj/gitops-engine/pkg/health"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const longest = 1 << 20

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, longest)
	w := bufio.NewWriter(out)
	for lines.Scan() {
		var u unstructured.Unstructured
		if err := u.UnmarshalJSON(lines.Bytes()); err != nil {
			return fmt.Errorf("read object: %w", err)
		}
		word := ""
		if h, err := health.GetResourceHealth(&u, nil); err != nil {
			word = "Unknown"
		} else if h != nil {
			word = string(h.Status)
		}
		if _, err := fmt.Fprintln(w, word); err != nil {
			return fmt.Errorf("write health: %w", err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read objects: %w", err)
	}
	return w.Flush()
}
