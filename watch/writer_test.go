package watch

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/release"
)

func TestWhoWroteTheTemplateDecidesWhatItsEngineSaysOfIt(t *testing.T) {
	wrote := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	const waits = "Flux has not looked since kubectl-set wrote the template"
	for _, tt := range []struct {
		name, by, engine, owner, waiting string
		looked                           time.Time
		outOfBand                        bool
		want                             string
	}{
		{"nobody owns it", "kubectl-set", "", "", "", wrote, false, ""},
		{"the engine", "kustomize-controller", "flux", "Kustomization", "", wrote, false, ""},
		{"nobody knows", "", "flux", "Kustomization", "", wrote, false, ""},
		{"somebody else, and Flux looked before", "kubectl-set", "flux", "Kustomization", "", wrote.Add(-time.Minute), true, waits},
		{"somebody else, and Flux looked in the same second", "kubectl-set", "flux", "Kustomization", "", wrote, true, waits},
		{"somebody else, and Flux let it be", "kubectl-set", "flux", "Kustomization", "", wrote.Add(time.Second), true, ""},
		{"somebody else, and Flux says what it waits for", "kubectl-set", "flux", "Kustomization", "why", time.Time{}, true, "why"},
		{"somebody else, beside Helm, which does not look", "kubectl-set", "flux", "HelmRelease", "", wrote, true, ""},
		{"somebody else, beside Argo CD, which shows it", "kubectl-set", "argocd", "Application", "", wrote, true, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := release.Snapshot{App: release.App{
				Engine: tt.engine, Kind: tt.owner, Ready: tt.waiting == "", WaitingFor: tt.waiting, SyncFinishedAt: tt.looked,
				Revision: "c2", Revisions: []string{"c2"}, Source: "d2",
			}}
			(&Watcher{}).attribute(&s, &reading{writer: writer{tt.by, wrote}})
			require.Equal(t, tt.outOfBand, s.OutOfBand)
			require.Equal(t, tt.want, s.App.WaitingFor)
			require.Equal(t, tt.want == "", s.App.Ready)
			if tt.outOfBand {
				require.Empty(t, s.App.Revision+s.App.Source)
				require.Empty(t, s.App.Revisions)
			} else {
				require.Equal(t, "c2", s.App.Revision)
			}
		})
	}
}
