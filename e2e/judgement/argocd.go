package judgement

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
)

var errShort = errors.New("there are fewer answers than objects")

// Health asks Argo CD's health check of all objects, by a program that is built
// into the folder. An answer is for the object at its index.
func Health(ctx context.Context, folder string, all []Object) ([]Verdict, error) {
	program := filepath.Join(folder, "health")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, ".")
	build.Dir = "argo"
	if said, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build Argo CD's health check: %w: %s", err, said)
	}
	var in, said bytes.Buffer
	for _, o := range all {
		in.Write(o.JSON)
		in.WriteByte('\n')
	}
	ask := exec.CommandContext(ctx, program)
	ask.Stdin, ask.Stderr = &in, &said
	answers, err := ask.Output()
	if err != nil {
		return nil, fmt.Errorf("ask Argo CD's health check: %w: %s", err, &said)
	}
	var out []Verdict
	for lines := bufio.NewScanner(bytes.NewReader(answers)); lines.Scan(); {
		switch lines.Text() {
		case "":
			out = append(out, Silent)
		case "Healthy":
			out = append(out, Done)
		default:
			out = append(out, Waiting)
		}
	}
	if len(out) != len(all) {
		return nil, errShort
	}
	return out, nil
}
