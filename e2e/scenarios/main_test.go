package scenarios

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/rollcall-dev/rollcall/e2e/lab"
)

// The lab that all scenarios share. The one that stops a
// part of it plays alone; the others side by side.
var (
	cluster    *lab.Lab
	binary     string
	kubeconfig string
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctx := context.Background()
	if binary, err = lab.BuildRollcall(ctx); err != nil {
		return 1, err
	}
	if cluster, err = lab.Start(ctx, lab.Options{Progress: os.Stderr}); err != nil {
		return 1, err
	}
	defer func() { err = joined(err, cluster.Stop()) }()
	if kubeconfig, err = cluster.InstallRollcall(ctx); err != nil {
		return 1, err
	}
	code = m.Run()
	return code, cluster.Health()
}

func joined(first, second error) error {
	if first != nil {
		return first
	}
	return second
}
