package watch

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/release"
)

// ran is a release of the object with the given UID whose template is named by
// a letter, after which "+" means a restart and "'" another configuration.
func ran(uid, template, revision string) release.Release {
	image := template[:1]
	sans := template
	if template[len(template)-1] == '+' {
		sans = template[:len(template)-1]
	}
	return release.Release{
		Subject: release.Subject{Cluster: "c", Kind: "Deployment", Namespace: "shop", Name: "web"},
		UID:     uid, Revision: revision,
		Template: release.Template{Hash: "hash-" + template, Digest: template, DigestSansRestart: sans, Images: []string{image}},
	}
}

func TestClassify(t *testing.T) {
	type step struct {
		uid, template, revision string
		phase                   release.Phase
	}
	for _, c := range []struct {
		name   string
		past   []step // oldest first
		now    release.Release
		reused bool
		want   release.Kind
		last   string // the revision of the last completed release
	}{
		{"nothing before", nil, ran("u", "a", "1"), false, release.Initial, ""},
		{"nothing before, and a mark", nil, ran("u", "a", "3"), true, release.Initial, ""},
		{"nothing completed before", []step{{"u", "a", "1", release.Superseded}}, ran("u", "b", "2"), false, release.Initial, ""},
		{"only one that rolls", []step{{"u", "a", "1", release.Rolling}}, ran("u", "b", "2"), false, release.Initial, ""},
		{"only one that stalled", []step{{"u", "a", "1", release.Stalled}}, ran("u", "b", "2"), false, release.Initial, ""},
		{"images after the adopted", []step{{"u", "a", "1", release.Adopted}}, ran("u", "b", "2"), false, release.Image, "1"},
		{"images after one that failed its tests", []step{{"u", "a", "1", release.Failed}}, ran("u", "b", "2"), false, release.Image, "1"},
		{"config", []step{{"u", "a", "1", release.Passed}}, ran("u", "a'", "2"), false, release.Config, "1"},
		{"restart", []step{{"u", "a", "1", release.Passed}}, ran("u", "a+", "2"), false, release.Restart, "1"},
		{"restart of a restart", []step{{"u", "a", "1", release.Passed}, {"u", "a+", "2", release.Ready}}, restarted("u", "a++", "a", "3"), false, release.Restart, "2"},
		{"config beyond a superseded image", []step{{"u", "a", "1", release.Passed}, {"u", "b", "2", release.Superseded}}, ran("u", "a'", "3"), false, release.Config, "1"},
		{"A, B complete, C", []step{{"u", "a", "1", release.Passed}, {"u", "b", "2", release.Ready}}, ran("u", "c", "3"), false, release.Image, "2"},
		{"A, B never complete, A is reverted", []step{{"u", "a", "1", release.Passed}, {"u", "b", "2", release.Superseded}}, ran("u", "a", "3"), true, release.Reverted, "1"},
		{"A, B stalled, A is reverted", []step{{"u", "a", "1", release.Passed}, {"u", "b", "2", release.Stalled}}, ran("u", "a", "3"), true, release.Reverted, "1"},
		{"A, B and C never complete, A is reverted", []step{{"u", "a", "1", release.Adopted}, {"u", "b", "2", release.Superseded}, {"u", "c", "3", release.Rolling}}, ran("u", "a", "4"), true, release.Reverted, "1"},
		{"A, B complete, A is a rollback", []step{{"u", "a", "1", release.Passed}, {"u", "b", "2", release.Passed}}, ran("u", "a", "3"), true, release.Rollback, "2"},
		{"a rollback to a ReplicaSet that was collected", []step{{"u", "a", "1", release.Passed}, {"u", "b", "2", release.Passed}}, ran("u", "a", "3"), false, release.Rollback, "2"},
		{"A, B tested, A is a rollback", []step{{"u", "a", "1", release.Adopted}, {"u", "b", "2", release.Testing}}, ran("u", "a", "3"), true, release.Rollback, "2"},
		{"after a return that was withdrawn, B is what it is", []step{{"u", "a", "1", release.Passed}, {"u", "b", "2", release.Superseded}, {"u", "a", "3", release.Withdrawn}}, ran("u", "b", "4"), true, release.Image, "3"},
		{"a rollback of a restart", []step{{"u", "a", "1", release.Passed}, {"u", "a+", "2", release.Passed}}, ran("u", "a", "3"), true, release.Rollback, "2"},
		{"a superseded one that comes again", []step{{"u", "a", "1", release.Passed}, {"u", "b", "2", release.Superseded}, {"u", "c", "3", release.Passed}}, ran("u", "b", "4"), true, release.Image, "3"},
		{"a superseded one that comes again and had once completed", []step{{"u", "b", "1", release.Passed}, {"u", "c", "2", release.Passed}, {"u", "b", "3", release.Superseded}, {"u", "d", "4", release.Passed}}, ran("u", "b", "5"), true, release.Rollback, "4"},
		{"a mark without a record is older than the records", []step{{"u", "c", "7", release.Adopted}}, ran("u", "b", "8"), true, release.Rollback, "7"},
		{"no mark and no record", []step{{"u", "c", "7", release.Adopted}}, ran("u", "b", "8"), false, release.Image, "7"},
		{"recreated as it was", []step{{"old", "a", "5", release.Passed}}, ran("new", "a", "1"), false, release.Recreate, "5"},
		{"recreated and adopted a marked ReplicaSet", []step{{"old", "a", "5", release.Passed}}, ran("new", "a", "6"), true, release.Recreate, "5"},
		{"recreated with another image", []step{{"old", "a", "5", release.Passed}}, ran("new", "b", "1"), false, release.Image, "5"},
		{"recreated with another configuration", []step{{"old", "a", "5", release.Passed}}, ran("new", "a'", "1"), false, release.Config, "5"},
		{"recreated with an earlier template", []step{{"old", "a", "4", release.Passed}, {"old", "b", "5", release.Passed}}, ran("new", "a", "1"), false, release.Image, "5"},
		{"recreated, and the hash of another template", []step{{"old", "a", "5", release.Passed}}, hashed(ran("new", "a'", "1"), "hash-a"), true, release.Config, "5"},
		{"recreated sans a restart", []step{{"old", "a+", "5", release.Passed}}, ran("new", "a", "1"), false, release.Restart, "5"},
		{"after a recreation, an earlier object's template", []step{{"old", "a", "5", release.Passed}, {"new", "b", "1", release.Passed}}, ran("new", "a", "2"), false, release.Rollback, "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var past []release.Past
			for _, s := range c.past {
				past = append([]release.Past{{Release: ran(s.uid, s.template, s.revision), Phase: s.phase}}, past...)
			}
			kind, last := classify(c.now, past, c.reused)
			require.Equal(t, c.want, kind)
			if c.last == "" {
				require.Nil(t, last)
				return
			}
			require.Equal(t, c.last, last.Revision)
		})
	}
}

func restarted(uid, template, sans, revision string) release.Release {
	r := ran(uid, template, revision)
	r.Template.DigestSansRestart = sans
	return r
}

func hashed(r release.Release, hash string) release.Release {
	r.Template.Hash = hash
	return r
}
