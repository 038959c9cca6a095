package conditions

import (
	"time"

	"github.com/rollcall-dev/rollcall/release"
)

// releaseView is what an expression sees as release.
type releaseView struct {
	Name        string            `cel:"name"`
	Namespace   string            `cel:"namespace"`
	Cluster     string            `cel:"cluster"`
	Kind        string            `cel:"kind"`
	Revision    string            `cel:"revision"`
	Images      []string          `cel:"images"`
	Labels      map[string]string `cel:"labels"`
	Annotations map[string]string `cel:"annotations"`
	Previous    string            `cel:"previous"`
	Late        bool              `cel:"late"`
	OutOfBand   bool              `cel:"outOfBand"`
	GateTimeout bool              `cel:"gateTimeout"`
	Superseded  []string          `cel:"superseded"`
	StartedAt   time.Time         `cel:"startedAt"`
	Ready       bool              `cel:"ready"`
	WaitingFor  string            `cel:"waitingFor"`
}

// appView is what an expression sees as app.
type appView struct {
	Engine    string   `cel:"engine"`
	Name      string   `cel:"name"`
	Namespace string   `cel:"namespace"`
	Project   string   `cel:"project"`
	Synced    bool     `cel:"synced"`
	Healthy   bool     `cel:"healthy"`
	Ready     bool     `cel:"ready"`
	Revision  string   `cel:"revision"`
	Revisions []string `cel:"revisions"`
	RepoURL   string   `cel:"repoURL"`
	Operation string   `cel:"operation"`
	Kind      string   `cel:"kind"`
	Partial   bool     `cel:"partial"`
	Source    string   `cel:"source"`
}

// variables gives an expression its view of one snapshot.
func variables(snap release.Snapshot, now time.Time) map[string]any {
	return map[string]any{
		releaseName: viewRelease(snap),
		appName:     viewApp(snap.App),
		nowName:     now,
	}
}

func viewRelease(snap release.Snapshot) releaseView {
	r := snap.Release
	return releaseView{
		Name:        r.Subject.Name,
		Namespace:   r.Subject.Namespace,
		Cluster:     r.Subject.Cluster,
		Kind:        string(r.Kind),
		Revision:    r.Revision,
		Images:      r.Template.Images,
		Labels:      snap.Labels,
		Annotations: snap.Annotations,
		Previous:    r.Previous,
		Late:        snap.Late,
		OutOfBand:   snap.OutOfBand,
		GateTimeout: snap.GateTimeout,
		Superseded:  snap.Superseded,
		StartedAt:   snap.StartedAt,
		Ready:       snap.Ready,
		WaitingFor:  snap.WaitingFor,
	}
}

func viewApp(app release.App) appView {
	return appView{
		Engine:    app.Engine,
		Name:      app.Name,
		Namespace: app.Namespace,
		Project:   app.Project,
		Synced:    app.Synced,
		Healthy:   app.Healthy,
		// Nobody's word is needed for a subject that nobody owns.
		Ready:     app.Ready || app.Engine == "",
		Revision:  app.Revision,
		Revisions: app.Revisions,
		RepoURL:   app.RepoURL,
		Operation: app.Operation,
		Kind:      app.Kind,
		Partial:   app.Partial,
		Source:    app.Source,
	}
}
