package upstream

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
)

// Module is a version of a module, and the checksum of its files, as go.sum has
// it. With the checksum at hand no database of them need be asked, which may not
// know the module.
type Module struct {
	Path, Version, Sum string
}

func (m Module) String() string { return m.Path + "@" + m.Version }

// Fetch opens the files of modules, which it downloads if they are not in the
// module cache. It takes the archives: some modules want a newer Go than ours,
// and go unpacks those for nobody.
func Fetch(ctx context.Context, modules ...Module) (map[Module]fs.FS, error) {
	downloads, err := download(ctx, modules)
	if err != nil {
		return nil, err
	}
	out := map[Module]fs.FS{}
	for _, m := range modules {
		got := downloads[m.String()]
		if got.Sum != m.Sum {
			return nil, fmt.Errorf("download %s: checksum is %q, want %q: %s", m, got.Sum, m.Sum, got.Error)
		}
		archive, err := os.ReadFile(got.Zip)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", m, err)
		}
		files, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", m, err)
		}
		if out[m], err = fs.Sub(files, m.String()); err != nil {
			return nil, fmt.Errorf("read %s: %w", m, err)
		}
	}
	return out, nil
}

// answer is what go says of a module that was downloaded.
type answer struct{ Path, Version, Zip, Sum, Error string }

func download(ctx context.Context, modules []Module) (map[string]answer, error) {
	args := []string{"mod", "download", "-json"}
	for _, m := range modules {
		args = append(args, m.String())
	}
	temp, err := os.MkdirTemp("", "upstream-")
	if err != nil {
		return nil, fmt.Errorf("make temporary folder: %w", err)
	}
	defer os.RemoveAll(temp)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = temp // outside of any module
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "GOSUMDB=off", "GOTOOLCHAIN=local")
	var said bytes.Buffer
	cmd.Stderr = &said
	answers, failed := cmd.Output() // it fails for modules that want a newer Go, too
	out := map[string]answer{}
	for d := json.NewDecoder(bytes.NewReader(answers)); ; {
		var a answer
		if err := d.Decode(&a); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("read answer of go: %w", err)
		}
		out[a.Path+"@"+a.Version] = a
	}
	if len(out) == 0 && failed != nil {
		return nil, fmt.Errorf("download modules: %w: %s", failed, strings.TrimSpace(said.String()))
	}
	return out, nil
}
