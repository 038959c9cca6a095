package conditions_test

import (
	"context"
	"fmt"
	"time"

	"github.com/rollcall-dev/rollcall/conditions"
	"github.com/rollcall-dev/rollcall/release"
)

func ExampleSet_Judge() {
	language, err := conditions.NewLanguage()
	if err != nil {
		fmt.Println(err)
		return
	}
	condition, err := language.Condition("release.ready && app.project == 'shop'")
	if err != nil {
		fmt.Println(err)
		return
	}
	set := conditions.NewSet([]conditions.Rule{{
		Name: "web-ready",
		On:   conditions.Selector{Kind: release.KindRef{Kind: "Deployment"}, Namespaces: []string{"shop"}},
		When: condition,
		Send: []conditions.Send{{Sink: "smoke"}},
	}}, map[string]conditions.Target{"smoke": {Follows: true}})

	snap := release.Snapshot{
		Release: release.Release{
			Subject: release.Subject{Kind: "Deployment", Namespace: "shop", Name: "web"},
			Kind:    release.Image,
		},
		App:        release.App{Engine: "argocd", Project: "shop"},
		WaitingFor: "2 of 3 pods are ready",
	}
	for _, snap.Ready = range []bool{false, true} {
		for _, v := range set.Judge(context.Background(), snap, time.Now()) {
			fmt.Println(v.Rule, v.Standing, "-", v.Reason)
		}
	}
	// Output:
	// web-ready Waiting - 2 of 3 pods are ready
	// web-ready Holds - when is true: release.ready && app.project == 'shop'
}

func ExampleLanguage_Condition() {
	language, err := conditions.NewLanguage()
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = language.Condition("release.redy")
	fmt.Println(err)
	// Output: 1:9: undefined field 'redy', did you mean "ready"?
}
