package conditions_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/conditions"
	"github.com/rollcall-dev/rollcall/release"
)

func TestJudgeByTheEvent(t *testing.T) {
	for _, tt := range []struct {
		name   string
		event  release.Occasion
		when   string
		snap   release.Snapshot
		want   release.Standing
		reason string
	}{
		{name: "ready is the default", snap: ready(notReady), want: release.Waiting, reason: "2 of 3 pods are ready"},
		{name: "ready", event: release.BecameReady, snap: ready(notReady), want: release.Waiting, reason: "2 of 3 pods are ready"},
		{
			name: "stalled needs no release that is ready", event: release.DidStall, snap: ready(notReady),
			want: release.Holds, reason: "when is true: true",
		},
		{
			name: "superseded needs none either", event: release.WasSuperseded, snap: ready(notReady),
			want: release.Holds, reason: "when is true: true",
		},
		{
			name: "a condition of its own counts", event: release.DidStall, when: "app.project == 'bank'", snap: ready(notReady),
			want: release.Waiting, reason: "when is false: app.project == 'bank'",
		},
		{
			name: "and one that it can never meet", event: release.DidStall, when: "release.ready", snap: ready(notReady),
			want: release.Waiting, reason: "when is false: release.ready",
		},
		{
			name: "kinds count as ever", event: release.DidStall, snap: ready(notReady, ofKind(release.Restart)),
			want: release.Skipped, reason: "rule is not for releases of kind restart",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rule := conditions.Rule{Name: "r", On: onDeployments(), Event: tt.event, Send: to("bus")}
			if tt.when != "" {
				rule.When = when(t, tt.when)
			}
			got := conditions.NewSet([]conditions.Rule{rule}, map[string]conditions.Target{"bus": {}}).Judge(t.Context(), tt.snap, noon())
			require.Len(t, got, 1)
			assert.Equal(t, tt.want, got[0].Standing)
			assert.Equal(t, tt.reason, got[0].Reason)
			assert.Len(t, got[0].Send, map[bool]int{true: 1}[tt.want == release.Holds])
			want := tt.event
			if want == "" {
				want = release.BecameReady
			}
			assert.Equal(t, want, got[0].Event)
		})
	}
}

func TestHashKnowsTheEvent(t *testing.T) {
	rule := conditions.Rule{Name: "r", On: onDeployments(), Send: to("a", "b")}
	of := func(e release.Occasion, expr string) string {
		rule.Event, rule.When = e, nil
		if expr != "" {
			rule.When = when(t, expr)
		}
		return rule.Hash()
	}
	assert.Equal(t, "4276b9b33fd8", of(release.BecameReady, ""), "what was before there were other events")
	seen := map[string]bool{}
	for _, h := range []string{
		of("", ""), of(release.DidStall, ""), of(release.WasSuperseded, ""),
		of("", "app.ready"), of(release.DidStall, "app.ready"), of(release.DidStall, "release.ready"),
	} {
		assert.False(t, seen[h], "of another event, or another condition, it is another rule")
		seen[h] = true
	}
	assert.Equal(t, of(release.DidStall, ""), of(release.DidStall, "true"), "the default written out")
}

func TestSelectsByKind(t *testing.T) {
	deployment := release.KindRef{Kind: "Deployment"}
	certificate := release.KindRef{APIVersion: "cert-manager.io/v1", Kind: "Certificate"}
	for _, tt := range []struct {
		name    string
		on      release.KindRef
		subject release.KindRef
		want    bool
	}{
		{"a kind of ours", deployment, deployment, true},
		{"the same with its apiVersion", release.KindRef{APIVersion: "apps/v1", Kind: "Deployment"}, deployment, true},
		{"somebody else's of the same name", release.KindRef{APIVersion: "example.com/v1", Kind: "Deployment"}, deployment, false},
		{"and the other way round", deployment, release.KindRef{APIVersion: "example.com/v1", Kind: "Deployment"}, false},
		{"any other kind", certificate, certificate, true},
		{"in another version", release.KindRef{APIVersion: "cert-manager.io/v1beta1", Kind: "Certificate"}, certificate, true},
		{"in another group", release.KindRef{APIVersion: "example.com/v1", Kind: "Certificate"}, certificate, false},
		{"of no group", release.KindRef{APIVersion: "v1", Kind: "Pod"}, release.KindRef{APIVersion: "v1", Kind: "Pod"}, true},
		{"an application", release.KindRef{Kind: "Application"}, release.KindRef{APIVersion: "argoproj.io/v1alpha1", Kind: "Application"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			snap := ready(func(s *release.Snapshot) { s.Release.Subject.Kind = tt.subject.Subject() })
			assert.Equal(t, tt.want, conditions.Selector{Kind: tt.on}.Selects(snap))
		})
	}
}

// A release that was reverted is no news, but it runs: what is told again and again
// goes on, and so does what is said of those runs.
func TestARevertedReleaseIsOnlyToldAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		rule conditions.Rule
		want release.Standing
	}{
		"once":                   {conditions.Rule{}, release.Skipped},
		"every day":              {conditions.Rule{Terms: release.Terms{Every: 24 * time.Hour}}, release.Holds},
		"when it has stalled":    {conditions.Rule{Event: release.DidStall}, release.Skipped},
		"when it was superseded": {conditions.Rule{Event: release.WasSuperseded}, release.Skipped},
		"when it was tested":     {conditions.Rule{Event: release.WasTested}, release.Holds},
	} {
		t.Run(name, func(t *testing.T) {
			tt.rule.Name, tt.rule.On = "r", onDeployments()
			snap := ready(ofKind(release.Reverted))
			snap.Outcome = &release.Tested{Passed: true}
			got := conditions.NewSet([]conditions.Rule{tt.rule}, nil).Judge(t.Context(), snap, noon())
			require.Equal(t, tt.want, got[0].Standing)
		})
	}
}
