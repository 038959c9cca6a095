package emit

import (
	"strings"
	"sync"
)

// shares bounds how many calls at once are made for one owner, so that receivers of
// one that hang, or a flood of its events, hold up nobody else's. Its zero value
// bounds nothing.
type shares struct {
	most int

	mu    sync.Mutex
	taken map[string]int
}

// ownerOf is whom a sink belongs to: the namespace of a tenant, or, of an operator's,
// the sink alone.
func ownerOf(sink string) string {
	namespace, _, tenant := strings.Cut(sink, "/")
	if tenant {
		return namespace + "/"
	}
	return sink
}

// take takes a share of an owner's, if there is one left; it is to be given back.
func (s *shares) take(owner string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.most > 0 && s.taken[owner] >= s.most {
		return false
	}
	if s.taken == nil {
		s.taken = map[string]int{}
	}
	s.taken[owner]++
	return true
}

func (s *shares) give(owner string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken[owner]--; s.taken[owner] <= 0 {
		delete(s.taken, owner)
	}
}

func (s *shares) full(owner string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most > 0 && s.taken[owner] >= s.most
}
