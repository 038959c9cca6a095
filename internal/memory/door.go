package memory

import "net/http"

// door is a way to a server by which not all of its resources are there, so that
// it can stand for two clusters.
type door struct {
	*Server
	serves func(definition string) bool
}

// Door is an HTTP client to those resources for whose definitions serves is true.
// All share one history, and the same names.
func (s *Server) Door(serves func(definition string) bool) *http.Client {
	return &http.Client{Transport: door{s, serves}}
}

// RoundTrip serves one request.
func (d door) RoundTrip(r *http.Request) (*http.Response, error) { return d.pass(r, d.serves) }

// hidden is a name that nothing has.
const hidden = "."

// through makes a request see no more than it may: neither what is behind another
// door, nor its definition.
func (q *request) through(serves func(definition string) bool) error {
	if q.resource.Custom && !serves(q.resource.Definition()) {
		return errPath
	}
	if q.resource.Plural == definitions && q.only != "" && !serves(q.only) {
		q.only = hidden
	}
	return nil
}
