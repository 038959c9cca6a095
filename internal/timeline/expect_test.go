package timeline

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWhatAnExpectationMatches(t *testing.T) {
	c2, d2 := strings.Repeat("c2", 20), strings.Repeat("d2", 20)
	said := Said{
		Event: "ready", Subject: Ref{Kind: "Deployment", Name: "web"}, Kind: "release", Revision: "2",
		Commit: c2 + "+" + d2, Source: d2, Rule: "smoke", Sink: "ci",
	}
	again := said
	again.Again = 1
	for text, want := range map[string]struct{ once, twice bool }{
		"ready Deployment/web release":                            {true, false},
		"ready Deployment/web release commit c2":                  {true, false},
		"ready Deployment/web release commit c2+d2":               {true, false},
		"ready Deployment/web release commit c2+d3":               {false, false},
		"ready Deployment/web release commit d2":                  {false, false},
		"ready Deployment/web release commit none":                {false, false},
		"ready Deployment/web release source d2":                  {true, false},
		"ready Deployment/web release source c2":                  {false, false},
		"ready Deployment/web release source none":                {false, false},
		"ready Deployment/web release again":                      {false, true},
		"ready Deployment/web release rev 2 commit c2 source d2":  {true, false},
		"ready Deployment/web release rev 3 commit c2 source d2":  {false, false},
		"ready Deployment/web release late rev 2":                 {false, false},
		"ready Deployment/web release again rev 2 -> smoke/ci":    {false, true},
		"ready Deployment/web release again rev 2 -> smoke/other": {false, false},
	} {
		t.Run(text, func(t *testing.T) {
			e, err := readExpected(text)
			require.NoError(t, err)
			e.Whenever = true
			require.Equal(t, want.once, e.matches(said), "sent once")
			require.Equal(t, want.twice, e.matches(again), "sent twice")
		})
	}
}

func TestATimeIsToldAsPeopleWriteIt(t *testing.T) {
	for at, want := range map[time.Duration]string{
		0: "0s", 1500 * time.Millisecond: "1.5s", time.Minute: "1m", 500 * time.Second: "8m20s", 600 * time.Second: "10m",
		time.Hour: "1h", 2*time.Hour + time.Second: "2h0m1s", 20 * time.Hour: "20h", 90 * time.Minute: "1h30m",
	} {
		require.Equal(t, want, moment(at))
	}
}
