package chaos

import (
	"slices"
	"strings"
)

// expectation is whether a release is to be announced once it is seen complete.
type expectation int

const (
	never  expectation = iota
	always             // if it is seen at all
	either             // it depends on what cannot be known from outside
)

// belief is one possibility of what rollcall has seen complete so far.
type belief struct {
	last *Release
	seen []string // the hashes of all templates that were seen complete, sorted
}

// saw is the belief once a release was seen complete.
func (b belief) saw(r *Release) belief {
	seen := append(slices.Clone(b.seen), r.Key.Hash)
	slices.Sort(seen)
	return belief{last: r, seen: slices.Compact(seen)}
}

// after lists what may be believed after a release completed, given whether it
// was to be announced, was, and had to be; nothing if that does not fit.
func (b belief) after(r *Release, e expectation, announced, must bool) []belief {
	switch {
	case announced && e == never:
		return nil
	case announced:
		return []belief{b.saw(r)}
	case e == always && must:
		return nil
	case e == always:
		return []belief{b} // It was superseded.
	case must:
		return []belief{b.saw(r)}
	}
	return []belief{b, b.saw(r)}
}

// expects says whether the rules' default kinds cover a release that is seen
// complete, and why. all are the releases that there were, complete or not.
func (b belief) expects(r *Release, all []*Release) (expectation, string) {
	last := b.last
	switch {
	case last == nil:
		return always, "it is the first"
	case last.Key.UID != r.Key.UID && last.Template == r.Template:
		return never, "it is the same template on a new object"
	case last.Key.UID == r.Key.UID && last.Key.Hash == r.Key.Hash:
		if detour(last, r, all) {
			return either, "it came back after something else had answered in full"
		}
		return never, "it is the one that was announced last, and nothing else answered in full"
	case last.TemplateSansRestart == r.TemplateSansRestart:
		return b.restarted(r)
	}
	return always, "it differs from " + last.Key.String()
}

// restarted judges a template that differs from the last by the mark of a restart
// only. To have been there before makes it a rollback. A template that came and
// went unseen is told by the mark on its ReplicaSet alone, and only if rollcall had
// never recorded it, which cannot be known.
func (b belief) restarted(r *Release) (expectation, string) {
	switch {
	case b.last.Key.UID != r.Key.UID:
		return never, "it is a restart of " + b.last.Key.String()
	case slices.Contains(b.seen, r.Key.Hash):
		return always, "it was complete before"
	case r.Reused:
		return either, "it was there before"
	}
	return never, "it is a restart of " + b.last.Key.String()
}

// detour reports whether, between a release and its return, another one of the
// same object may have replaced all of its pods: then the pods are new, and the
// return may count as a rollback if nothing of it was recorded. With the strategy
// Recreate it always has: a ReplicaSet of another template comes only once all pods
// are gone, and may be left again before the Deployment bears its revision.
func detour(last, again *Release, all []*Release) bool {
	return again.Recreate || slices.ContainsFunc(all, func(o *Release) bool {
		return o.Key.UID == last.Key.UID && o.Key.Hash != last.Key.Hash &&
			o.Begun > last.Begun && o.Begun < again.Begun && (o.Answered || o.Recreate)
	})
}

// distinct drops beliefs that are the same.
func distinct(all []belief) []belief {
	known := map[string]bool{}
	return slices.DeleteFunc(all, func(b belief) bool {
		id := strings.Join(b.seen, " ")
		if b.last != nil {
			id += " " + b.last.Key.String()
		}
		defer func() { known[id] = true }()
		return known[id]
	})
}
