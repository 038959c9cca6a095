package inspect

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"

	"github.com/rollcall-dev/rollcall/conditions"
	"github.com/rollcall-dev/rollcall/config"
	"github.com/rollcall-dev/rollcall/emit"
	"github.com/rollcall-dev/rollcall/internal/line"
	"github.com/rollcall-dev/rollcall/internal/memory"
	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
	"github.com/rollcall-dev/rollcall/watch"
	"github.com/rollcall-dev/rollcall/watch/gitops"
)

// Settings say where to look, and how the controller is run there.
type Settings struct {
	// Cluster names the cluster in identities; empty stands for what the records there
	// say.
	Cluster     string
	GitOps      gitops.Settings
	GateTimeout time.Duration
}

// Place is where subjects are looked at: a cluster, or objects from files.
type Place struct {
	clients, hub *line.Clients
	settings     Settings
	caches       *memory.Caches
}

// Cluster is a place that is a cluster; hub is where Argo CD's Applications are.
func Cluster(clients, hub *line.Clients, s Settings) *Place {
	return &Place{clients: clients, hub: hub, settings: s}
}

// Place is where the files' objects are.
func (f *Files) Place(s Settings) (*Place, error) {
	clients, err := line.Connect(f.Server.Config(), f.Server.Config(), f.Server.Client())
	if err != nil {
		return nil, err
	}
	return &Place{clients: clients, hub: clients, settings: s, caches: memory.NewCaches(f.Server)}, nil
}

// Look is what was seen of a subject.
type Look struct {
	// At is when, Snapshot is what, with all that the rules asked for.
	At       time.Time
	Snapshot release.Snapshot
	// Past are the recorded releases of the subject, newest first.
	Past []release.Past
	// Record is that of the release; nil if there is none.
	Record *v1alpha1.Release
	// Denied says that the records may not be read.
	Denied bool
}

// eyes looks at subjects, and does nothing about them.
type eyes struct {
	*watch.Watcher
	history history
}

// nobody handles snapshots.
type nobody struct{}

var _ watch.Handler = nobody{}

// Wants is part of watch.Handler.
func (nobody) Wants(context.Context, release.Snapshot) (live bool, again time.Time) {
	return false, time.Time{}
}

// Handle is part of watch.Handler.
func (nobody) Handle(context.Context, release.Snapshot) error { return nil }

// open makes what looks at a subject.
func (p *Place) open(ctx context.Context, n Name) (*eyes, release.Subject, error) {
	s := release.Subject{Cluster: p.settings.Cluster, Kind: n.Kind.Subject(), Namespace: n.Namespace, Name: n.Name}
	if s.Cluster == "" {
		s.Cluster = p.cluster(ctx, n.Namespace)
	}
	c := watch.Config{
		Cluster: s.Cluster, Kube: p.clients.Kube, Lean: p.clients.Lean, Meta: p.clients.Meta, Argo: p.hub.Lean, ArgoMeta: p.hub.Meta,
		Dynamic: p.clients.Dynamic, Mapper: p.clients.Mapper, GitOps: p.settings.GitOps, GateTimeout: p.settings.GateTimeout,
		Handler: nobody{}, Clock: clock.RealClock{}, Log: slog.New(slog.DiscardHandler),
	}
	lc := emit.LedgerConfig{Client: p.clients.Records, Clock: c.Clock}
	if p.caches != nil {
		c.Informer, lc.Informer = p.caches.Informer, p.caches.Informer
	}
	e := &eyes{history: history{emit.NewLedger(lc), new(bool)}}
	c.History = e.history
	var err error
	if e.Watcher, err = watch.New(c); err != nil {
		return nil, s, err
	}
	e.Follow([]release.KindRef{n.Kind})
	return e, s, p.fill(ctx, e, n)
}

// fill fills the caches that are needed: of what a HelmRelease owns there is no list.
func (p *Place) fill(ctx context.Context, e *eyes, n Name) error {
	switch {
	case p.caches != nil:
		e.Begin(ctx)
		return p.caches.Look(ctx)
	case n.Kind.Kind == "HelmRelease" || n.Kind.Kind == "Kustomization":
		return e.Start(ctx)
	}
	return nil
}

// cluster is the name that the records of a namespace bear.
func (p *Place) cluster(ctx context.Context, namespace string) string {
	list, err := p.clients.Records.In(namespace).List(ctx, metav1.ListOptions{Limit: 1})
	if err != nil || len(list.Items) == 0 {
		return "default"
	}
	return list.Items[0].Spec.Cluster
}

// history is that of a cluster that rollcall may not be installed in, or whose records
// are not for everybody.
type history struct {
	*emit.Ledger
	denied *bool
}

// Past reads the records, if there may be any.
func (h history) Past(ctx context.Context, s release.Subject) ([]release.Past, error) {
	past, err := h.Ledger.Past(ctx, s)
	if *h.denied = apierrors.IsForbidden(err); *h.denied || apierrors.IsNotFound(err) {
		return nil, nil
	}
	return past, err
}

// See looks at a subject. ask says what has to be read for a snapshot, until nothing
// has.
func (p *Place) See(ctx context.Context, n Name, ask func(release.Snapshot) []release.Query) (*Look, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	e, s, err := p.open(ctx, n)
	if err != nil {
		return nil, err
	}
	snap, err := e.Inspect(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("look at %s: %w", s, err)
	}
	out := &Look{At: time.Now(), Snapshot: line.Inform(ctx, e.Watcher, snap, ask)}
	if out.Past, err = e.history.Past(ctx, s); err != nil {
		return nil, err
	}
	out.Denied = *e.history.denied
	if slices.ContainsFunc(out.Past, func(past release.Past) bool { return past.Same(snap.Release) }) {
		out.Record, err = p.clients.Records.In(s.Namespace).Get(ctx, snap.Release.Name(), metav1.GetOptions{})
	}
	return out, err
}

// Explain looks at a subject, and says what rules say of it and why.
func (p *Place) Explain(ctx context.Context, n Name, rules config.Config) (*Report, error) {
	var said []conditions.Explanation
	look, err := p.See(ctx, n, func(s release.Snapshot) []release.Query {
		said = rules.Explain(ctx, s, time.Now())
		var needs []release.Query
		for _, e := range said {
			needs = append(needs, e.Unread...)
		}
		return needs
	})
	if err != nil {
		return nil, err
	}
	return report(look, said), nil
}

// Evaluate looks at a subject, and gives the value of an expression on it.
func (p *Place) Evaluate(ctx context.Context, n Name, v *conditions.Value) (any, error) {
	var out any
	var failed error
	_, err := p.See(ctx, n, func(s release.Snapshot) []release.Query {
		var needs []release.Query
		out, needs, failed = v.Of(ctx, s, time.Now())
		return needs
	})
	if err != nil {
		return nil, err
	}
	return out, failed
}
