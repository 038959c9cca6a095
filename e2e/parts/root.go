package parts

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// mainModule is the first line of the go.mod that marks the repository's root.
const mainModule = "module github.com/rollcall-dev/rollcall\n"

// Root finds the repository's root by walking up from the working folder to
// the go.mod of the main module.
func Root() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find repository root: %w", err)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		content, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.HasPrefix(content, []byte(mainModule)) {
			return dir, nil
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("find repository root: %w", err)
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("find repository root: no folder above %s holds the main module", start)
		}
	}
}

// CacheDir is the folder that everything built is kept in: the environment
// variable ROLLCALL_CACHE, or .cache in the repository's root, which git ignores.
func CacheDir() (string, error) {
	if dir := os.Getenv("ROLLCALL_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	root, err := Root()
	if err != nil {
		return "", err
	}
	return filepath.Join(root, ".cache"), nil
}
