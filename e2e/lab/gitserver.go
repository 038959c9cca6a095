package lab

import (
	"fmt"
	"net"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// gitServer serves local repositories over HTTP on loopback, read-only, by Git's
// own http-backend: Flux reads nothing else.
type gitServer struct {
	git    string // the program
	server *http.Server
	url    string

	mu    sync.Mutex
	repos []string // folders, by their number in the path
}

// startGitServer listens on a free port.
func startGitServer() (*gitServer, error) {
	git, err := exec.LookPath("git")
	if err != nil {
		return nil, fmt.Errorf("start Git server: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start Git server: %w", err)
	}
	s := &gitServer{git: git, url: "http://" + listener.Addr().String()}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(listener) }() // It ends with Close.
	return s, nil
}

// add serves one more repository and returns its URL.
func (s *gitServer) add(r *Repo) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.repos = append(s.repos, r.dir)
	return fmt.Sprintf("%s/%d.git", s.url, len(s.repos)-1)
}

// ServeHTTP finds the repository by the first part of the path.
func (s *gitServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	s.mu.Lock()
	dir := ""
	for i, repo := range s.repos {
		if first == fmt.Sprintf("%d.git", i) {
			dir = repo
		}
	}
	s.mu.Unlock()
	if dir == "" {
		http.NotFound(w, r)
		return
	}
	backend := cgi.Handler{Path: s.git, Args: []string{"http-backend"}, Root: "/" + first, Env: []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + dir,
		"GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_PROJECT_ROOT=" + filepath.Join(dir, ".git"),
		"GIT_HTTP_EXPORT_ALL=1",
	}}
	backend.ServeHTTP(w, r)
}

// GitURL serves a repository over HTTP for as long as the lab lives, and returns
// its URL.
func (l *Lab) GitURL(r *Repo) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.git == nil {
		var err error
		if l.git, err = startGitServer(); err != nil {
			return "", err
		}
	}
	return l.git.add(r), nil
}
