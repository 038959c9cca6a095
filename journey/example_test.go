package journey_test

import (
	"fmt"
	"os"
	"time"

	"github.com/rollcall-dev/rollcall/journey"
	"github.com/rollcall-dev/rollcall/release"
)

// A CI job computes the trace of its commit with sha256sum and draws into it;
// so does rollcall.
func ExampleTraceIDForCommit() {
	id, err := journey.TraceIDForCommit("git@github.com:acme/shop.git", "3f9c2d1a5b7e8f90112233445566778899aabbcc")
	fmt.Println(id, err)
	// Output: dcc4b80b28cb0a9b30bfe239b249f8b6 <nil>
}

func ExampleCanonicalRepoURL() {
	fmt.Println(journey.CanonicalRepoURL("ssh://git@GitHub.com:22/acme/shop.git"))
	// Output: https://github.com/acme/shop
}

func ExampleFind() {
	s := release.Snapshot{App: release.App{
		Engine: "argocd", RepoURL: "https://github.com/acme/shop.git", Revision: "3f9c2d1a5b7e8f90112233445566778899aabbcc",
	}}
	t := journey.Find(s, nil)
	fmt.Println(t.ID, t.Source)
	// Output: dcc4b80b28cb0a9b30bfe239b249f8b6 commit
}

func ExampleWaterfall() {
	start := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	err := journey.Waterfall(os.Stdout, []journey.Span{
		{Name: "release web", ID: "1", Start: start, End: start.Add(40 * time.Second)},
		{Name: "rollout", ID: "2", Parent: "1", Start: start.Add(4 * time.Second), End: start.Add(40 * time.Second)},
		{Name: "RUN smoke", ID: "3", Start: start.Add(41 * time.Second), End: start.Add(60 * time.Second), Error: true},
	}, 80)
	fmt.Println(err)
	// Output:
	// release web       0s  ████████████████████████████████                   40.0s
	// └─ rollout      4.0s     █████████████████████████████                   36.0s
	// RUN smoke      41.0s                                  ████████████████   19.0s ✗
	// <nil>
}
