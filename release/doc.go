// Package release holds the nouns that every other room of rollcall speaks in.
//
// They are values: nothing here talks to a cluster, and nothing imports more
// than the standard library. Read in the order of the straight line:
//
//	Snapshot  what watch saw of a subject, detached from every cache
//	Verdict   what one rule says about a Snapshot
//	Event     what one rule tells one sink about one release
//	Receipt   what a sink started
//	Outcome   how that ended
//
// Two releases are the same exactly if their [Release.Key] is the same. A Git
// revision and the images are attributes of a release, never its identity: the
// same commit can be deployed twice, and images can change with no commit.
package release
