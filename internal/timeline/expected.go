package timeline

import (
	"maps"
	"slices"
	"strings"
)

// Expected is an event as a file expects it.
type Expected struct {
	Said
	// Line is where it is written.
	Line int
	// Whenever says that the time does not matter, the others that the file does
	// not say it.
	Whenever   bool
	AnyRev     bool
	AnyCommit  bool
	AnySource  bool
	AnyAddress bool
	AnyResult  bool
	// Repeated says that it is sent more than once, each time under the same id.
	Repeated bool
}

// matches reports whether an event is the expected one.
func (e Expected) matches(s Said) bool {
	return e.Event == s.Event && e.Subject == s.Subject && e.Kind == s.Kind &&
		slices.Equal(e.Flags, s.Flags) && slices.Equal(e.Over, s.Over) && e.Repeated == (s.Again > 0) &&
		(e.Whenever || e.At == s.At) && e.Repeat == s.Repeat &&
		(e.AnyResult || e.Result == s.Result) &&
		(e.AnyRev || e.Revision == s.Revision) &&
		(e.AnyCommit || e.Commit == s.Commit || e.Commit != "" && strings.HasPrefix(s.Commit, e.Commit+"+")) &&
		(e.AnySource || e.Source == s.Source) &&
		(e.AnyAddress || e.Rule == s.Rule && e.Sink == s.Sink) && e.given(s)
}

// given reports whether an event has the parameters that are expected. Those of which
// the file says nothing may be anything; an empty list says that there are none.
func (e Expected) given(s Said) bool {
	if e.Parameters != nil && len(e.Parameters) == 0 {
		return len(s.Parameters) == 0
	}
	for k, v := range e.Parameters {
		if got, ok := s.Parameters[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// String gives the event as it is written.
func (e Expected) String() string {
	s := e.Said.String()
	if e.AnyAddress {
		s, _, _ = strings.Cut(s, " -> ")
	}
	if e.Parameters != nil {
		s += " " + parameters(e.Parameters)
	}
	if e.Repeated {
		s += ", more than once"
	}
	return s
}

// whole gives an event with what its sink is given.
func (s Said) whole() string {
	if len(s.Parameters) == 0 {
		return s.String()
	}
	return s.String() + " " + parameters(s.Parameters)
}

// parameters gives them as YAML has them, sorted.
func parameters(all map[string]string) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(all)) {
		out = append(out, k+": "+all[k])
	}
	return "{" + strings.Join(out, ", ") + "}"
}
