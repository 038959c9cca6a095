package lab

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Repo is a local Git repository that Argo CD, and by Lab.GitURL Flux, can read.
type Repo struct {
	dir string
}

// NewRepo makes an empty repository in the folder, which is made if need be.
// Nobody's Git configuration has a say in it.
func NewRepo(dir string) (*Repo, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("make repository: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make repository: %w", err)
	}
	r := &Repo{dir: dir}
	if _, err := r.git("init", "--quiet", "--initial-branch=main"); err != nil {
		return nil, fmt.Errorf("make repository: %w", err)
	}
	return r, nil
}

// URL is what Argo CD finds the repository by.
func (r *Repo) URL() string { return "file://" + r.dir }

// Write writes a file, to be committed by Commit.
func (r *Repo) Write(path, content string) error {
	full := filepath.Join(r.dir, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// Remove removes a file, to be committed by Commit.
func (r *Repo) Remove(path string) error {
	if err := os.Remove(filepath.Join(r.dir, path)); err != nil {
		return fmt.Errorf("remove %s: %w", path, err)
	}
	return nil
}

// Commit commits everything that was written and returns the commit's hash.
func (r *Repo) Commit(message string) (sha string, err error) {
	if _, err := r.git("add", "--all"); err != nil {
		return "", fmt.Errorf("commit: %w", err)
	}
	if _, err := r.git("commit", "--quiet", "--message", message); err != nil {
		return "", fmt.Errorf("commit: %w", err)
	}
	sha, err = r.git("rev-parse", "HEAD")
	if err != nil {
		return "", fmt.Errorf("commit: %w", err)
	}
	return sha, nil
}

// git runs Git in the repository and returns what it said.
func (r *Repo) git(args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = r.dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + r.dir,
		"GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Dev", "GIT_AUTHOR_EMAIL=dev@example.com",
		"GIT_COMMITTER_NAME=Dev", "GIT_COMMITTER_EMAIL=dev@example.com",
	}
	out, err := cmd.CombinedOutput()
	said := strings.TrimSpace(string(out))
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, said)
	}
	return said, nil
}
