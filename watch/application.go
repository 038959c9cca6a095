package watch

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch/gitops"
	"github.com/rollcall-dev/rollcall/watch/lean"
)

// applications is a kind whose subjects stand for all workloads of an engine's
// object: an Application, Kustomization or HelmRelease. Its release is the set of
// its workloads' releases; no commit is part of it, so that one which changes no
// workload is no release.
type applications struct {
	w    *Watcher
	name string
}

var _ kind = applications{}

// member is one workload of an application.
type member struct {
	gitops.Ref // its kind, namespace and name
	seen       observed
	read       *reading // nil if it was not read live
}

func (m member) String() string { return m.Kind + " " + m.Namespace + "/" + m.Name }

// observe sums up an application from the caches. One without workloads, as is the
// parent of an app of apps, is nothing that is released.
func (k applications) observe(o runtime.Object) observed {
	m, ok := o.(metav1.Object)
	if !ok {
		return observed{}
	}
	out := k.w.observation(m, k.name, k.apiVersion())
	missing, members := k.gathered(o)
	out.WaitingFor = missing
	out.gather(members)
	return out
}

// gathered finds the members of an application in the caches, and says which one
// is not there.
func (k applications) gathered(o runtime.Object) (missing string, members []member) {
	for _, r := range k.members(o) {
		f, _ := k.w.kind(r.Kind)
		one := f.feed.get(r.Namespace, r.Name)
		if one == nil {
			missing = r.Kind + " " + r.Namespace + "/" + r.Name + " is not there"
			continue
		}
		members = append(members, member{Ref: r, seen: f.kind.observe(one)})
	}
	return missing, members
}

func (k applications) apiVersion() string {
	return map[string]string{
		lean.Applications.Name:   lean.ArgoGroupVersion.String(),
		lean.Kustomizations.Name: lean.KustomizeGroupVersion.String(),
		lean.HelmReleases.Name:   lean.HelmGroupVersion.String(),
	}[k.name]
}

// gather sums up the members: what one of them lacks, the application lacks.
func (o *observed) gather(members []member) {
	var parts []string
	for _, m := range members {
		if m.seen.token == "" {
			o.token = ""
			return
		}
		parts = append(parts, strings.Join([]string{m.String(), m.seen.uid, m.seen.token}, " "))
		o.images = append(o.images, m.seen.images...)
		o.Stalled = o.Stalled || m.seen.Stalled
		if m.seen.RolledOutAt.After(o.RolledOutAt) {
			o.RolledOutAt = m.seen.RolledOutAt
		}
		if o.WaitingFor == "" && m.seen.WaitingFor != "" {
			o.WaitingFor = m.String() + ": " + m.seen.WaitingFor
		}
	}
	slices.Sort(o.images)
	o.images = slices.Compact(o.images)
	o.token = short(parts)
}

// short stands for a list of parts, in whatever order; it is empty if there are none.
func short(parts []string) string {
	if len(parts) == 0 {
		return ""
	}
	slices.Sort(parts)
	sum, _ := digest(parts) // strings can be encoded
	return sum[:10]
}

// members lists the workloads of an application that are followed, each once.
func (k applications) members(o runtime.Object) []gitops.Ref {
	var out []gitops.Ref
	add := func(group, kind, namespace, name string) {
		if f, ok := k.w.kind(kind); ok && !f.isApp && slices.Contains(release.Workloads(), kind) && release.Group(kind) == group {
			out = append(out, gitops.Ref{Kind: kind, Namespace: namespace, Name: name})
		}
	}
	switch o := o.(type) {
	case *lean.Application:
		for _, r := range o.Status.Resources {
			if !r.Hook && k.w.GitOps.Here(o) {
				add(r.Group, r.Kind, r.Namespace, r.Name)
			}
		}
	case *lean.Kustomization:
		k.inventory(o, add)
	case *lean.HelmRelease:
		k.labelled(gitops.Ref{Kind: k.name, Namespace: o.Namespace, Name: o.Name}, add)
	}
	slices.SortFunc(out, func(a, b gitops.Ref) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return slices.Compact(out)
}

// inventory lists what a Kustomization applied, and what the HelmReleases did that
// it applied.
func (k applications) inventory(o *lean.Kustomization, add func(group, kind, namespace, name string)) {
	if o.Status.Inventory == nil {
		return
	}
	for _, e := range o.Status.Inventory.Entries {
		parts := strings.Split(e.ID, "_") // namespace, name, group, kind: none can hold one
		if len(parts) != 4 {
			continue
		}
		if parts[3] == lean.HelmReleases.Name && parts[2] == lean.HelmReleases.Group {
			k.labelled(gitops.Ref{Kind: parts[3], Namespace: parts[0], Name: parts[1]}, add)
		}
		add(parts[2], parts[3], parts[0], parts[1])
	}
}

// labelled lists the workloads that say they belong to a HelmRelease, which itself
// keeps no list of them.
func (k applications) labelled(r gitops.Ref, add func(group, kind, namespace, name string)) {
	for _, f := range k.w.followed() {
		if f.isApp {
			continue
		}
		for _, o := range f.feed.indexed(byOwner, ownerKey(r)) {
			s := f.kind.observe(o).object()
			add(s.Group, s.Kind, s.Namespace, s.Name)
		}
	}
}

// read reads the workloads live, and after them the application: what it says then
// cannot be from before they were ready.
func (k applications) read(ctx context.Context, s release.Subject) (*reading, error) {
	before, err := k.find(ctx, s)
	if before == nil || err != nil {
		return nil, err
	}
	var members []member
	for _, r := range k.members(before) {
		f, _ := k.w.kind(r.Kind)
		one, err := f.kind.read(ctx, release.Subject{Cluster: s.Cluster, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name})
		if err != nil {
			return nil, fmt.Errorf("read %s %s/%s: %w", r.Kind, r.Namespace, r.Name, err)
		}
		if one == nil {
			return nil, release.ErrNotYet
		}
		members = append(members, member{Ref: r, seen: one.observed, read: one})
	}
	o, err := k.find(ctx, s)
	if o == nil || err != nil {
		return nil, err
	}
	if !slices.Equal(k.members(before), k.members(o)) {
		return nil, release.ErrNotYet
	}
	return k.assemble(ctx, o, members)
}

func (k applications) find(ctx context.Context, s release.Subject) (runtime.Object, error) {
	all, err := liveFinder{k.w}.Find(ctx, gitops.Ref{Kind: k.name, Namespace: s.Namespace, Name: s.Name})
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all[0], nil
}

// assemble makes one reading of those of the members.
func (k applications) assemble(ctx context.Context, o runtime.Object, members []member) (*reading, error) {
	m, ok := o.(metav1.Object)
	if !ok {
		return nil, fmt.Errorf("%T has no metadata", o)
	}
	out := &reading{observed: k.w.observation(m, k.name, k.apiVersion())}
	out.gather(members)
	out.members = members
	app, err := k.verdict(ctx, liveFinder{k.w}, o, members)
	if err != nil {
		return nil, err
	}
	out.app = app
	var hashes, numbers []string
	now := version{uid: out.uid}
	for _, m := range members {
		if m.read.current == nil {
			return out, nil
		}
		if out.lacks == "" && m.read.lacks != "" {
			out.lacks = m.String() + ": " + m.read.lacks
		}
		hashes = append(hashes, m.String()+" "+m.read.current.hash)
		numbers = append(numbers, m.String()+" "+m.read.uid+" "+m.read.current.hash+" "+m.read.current.number)
		if m.read.current.created.After(now.created) {
			now.created = m.read.current.created
		}
	}
	now.hash, now.number = short(hashes), short(numbers)
	now.template = func() (release.Template, error) { return together(now.hash, members) }
	if now.hash != "" {
		out.current = &now
	}
	return out, nil
}

// together describes the templates of all members as one.
func together(hash string, members []member) (release.Template, error) {
	out := release.Template{Hash: hash}
	var whole, sans []string
	for _, m := range members {
		t, err := m.read.current.template()
		if err != nil {
			return release.Template{}, err
		}
		whole, sans = append(whole, m.String()+" "+t.Digest), append(sans, m.String()+" "+t.DigestSansRestart)
		out.Images = append(out.Images, t.Images...)
	}
	slices.Sort(out.Images)
	out.Images = slices.Compact(out.Images)
	out.Digest, out.DigestSansRestart = short(whole), short(sans)
	return out, nil
}

// judge asks the engine about an application, as far as the caches know.
func (k applications) judge(ctx context.Context, o runtime.Object) (release.App, error) {
	_, members := k.gathered(o)
	app, err := k.verdict(ctx, cachedFinder{k.w}, o, members)
	if app == nil {
		return gitops.Unowned(), err
	}
	return *app, err
}

// verdict is the engine's on the application as a whole.
func (k applications) verdict(ctx context.Context, f gitops.Finder, o runtime.Object, members []member) (*release.App, error) {
	a, ok := o.(*lean.Application)
	if !ok {
		m, _ := o.(metav1.Object)
		return gitops.Flux(ctx, f, gitops.Ref{Kind: k.name, Namespace: m.GetNamespace(), Name: m.GetName()})
	}
	objects := make([]gitops.Object, len(members))
	for i, m := range members {
		objects[i] = m.seen.object()
	}
	app := gitops.Application(a, objects)
	return &app, nil
}
