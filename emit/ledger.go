package emit

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// Keep is how many records of a subject are kept.
const Keep = 10

// bySubject is the index of records by the hash of their subject.
const bySubject = "subject"

// Ledger keeps the record of each release.
type Ledger struct {
	client   *Client
	clock    clock.PassiveClock
	tested   func(context.Context, *v1alpha1.Release, release.Snapshot) Announcement
	informer cache.SharedIndexInformer
	// recent lays our own latest writes over the informer's cache, which learns of
	// them a little later.
	recent cache.MutationCache
}

// recentWrites is how many of our own writes are remembered, for a minute each:
// more than are made before the cache has caught up.
const recentWrites = 1000

// NewInformer makes a cache of what a source lists, of the type of the example.
type NewInformer func(source cache.ListerWatcher, example runtime.Object, index cache.Indexers) cache.SharedIndexInformer

// LedgerConfig is what a [Ledger] needs; Client and Clock must be set.
type LedgerConfig struct {
	Client *Client
	Clock  clock.PassiveClock
	// Informer makes its cache; nil stands for one of client-go's.
	Informer NewInformer
	// Tested gives what the rules say of a recorded release whose runs have ended; nil
	// says nothing.
	Tested func(context.Context, *v1alpha1.Release, release.Snapshot) Announcement
}

// NewLedger makes a ledger. Nothing is read before [Ledger.Start].
func NewLedger(c LedgerConfig) *Ledger {
	client, informer := c.Client, c.Informer
	if informer == nil {
		informer = func(source cache.ListerWatcher, example runtime.Object, index cache.Indexers) cache.SharedIndexInformer {
			return cache.NewSharedIndexInformer(source, example, 0, index)
		}
	}
	all := client.In(metav1.NamespaceAll)
	source := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return all.List(ctx, o) },
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return all.Watch(ctx, o)
		},
	}
	index := cache.Indexers{bySubject: func(o any) ([]string, error) {
		if rec, ok := o.(*v1alpha1.Release); ok {
			return []string{Of(rec).Subject.Hash()}, nil
		}
		return nil, nil
	}}
	l := &Ledger{client: client, clock: c.Clock, tested: c.Tested, informer: informer(source, &v1alpha1.Release{}, index)}
	l.recent = cache.NewIntegerResourceVersionMutationCacheWithOptions(klog.Background(), l.informer.GetStore(),
		cache.MutationCacheOptions{Indexer: l.informer.GetIndexer(), TTL: time.Minute, IncludeAdds: true, MaxCacheSize: recentWrites})
	return l
}

// update writes the status of a record, and remembers it.
func (l *Ledger) update(ctx context.Context, rec *v1alpha1.Release) (*v1alpha1.Release, error) {
	out, err := l.client.In(rec.Namespace).UpdateStatus(ctx, rec, metav1.UpdateOptions{})
	if err != nil {
		return nil, fmt.Errorf("write record: %w", err)
	}
	l.recent.Mutation(out)
	return out, nil
}

// Start runs the informer until ctx ends, and returns once it has caught up.
func (l *Ledger) Start(ctx context.Context) error {
	go l.informer.RunWithContext(ctx)
	if !cache.WaitForCacheSync(ctx.Done(), l.informer.HasSynced) {
		return fmt.Errorf("read the records: %w", context.Cause(ctx))
	}
	return nil
}

// Recorded returns the newest record of a subject, as far as the cache knows it.
func (l *Ledger) Recorded(s release.Subject) (release.Past, bool) {
	all := l.cached(s)
	if len(all) == 0 {
		return release.Past{}, false
	}
	out := pastOf(all[0])
	out.Settled = out.Settled && !untidy(all)
	return out, true
}

// untidy reports whether a record was overtaken and not closed: by a crash between
// the two writes.
func untidy(all []*v1alpha1.Release) bool {
	return len(all) > 1 && slices.ContainsFunc(all[1:], unclosed)
}

// unclosed reports whether there is something to do about a record that was overtaken.
func unclosed(rec *v1alpha1.Release) bool { return !settled(rec) || overtakable(rec) }

// Phases counts the records that the cache holds by phase.
func (l *Ledger) Phases() map[string]int {
	n := map[string]int{}
	for _, o := range l.informer.GetStore().List() {
		if rec, ok := o.(*v1alpha1.Release); ok {
			n[string(phase(rec))]++
		}
	}
	return n
}

// Past reads all records of a subject from the API server, newest first.
func (l *Ledger) Past(ctx context.Context, s release.Subject) ([]release.Past, error) {
	list, err := l.client.In(s.Namespace).List(ctx, metav1.ListOptions{LabelSelector: v1alpha1.LabelSubject + "=" + s.Hash()})
	if err != nil {
		return nil, fmt.Errorf("list records of %s: %w", s, err)
	}
	var out []release.Past
	for i := range list.Items {
		if rec := &list.Items[i]; Of(rec).Subject == s {
			out = append(out, pastOf(rec))
		}
	}
	slices.SortFunc(out, func(a, b release.Past) int { return order(b.Release, a.Release) })
	return out, nil
}

// order compares two releases of a subject by age. Of one object, generations tell
// it: two leaders, each of which did not know what the other wrote, may have given
// two releases the same sequence.
func order(a, b release.Release) int {
	if a.UID == b.UID && a.Generation != 0 && b.Generation != 0 {
		return cmp.Or(cmp.Compare(a.Generation, b.Generation), cmp.Compare(a.Sequence, b.Sequence))
	}
	return cmp.Compare(a.Sequence, b.Sequence)
}

// cached lists the records of a subject that the cache holds, newest first. They
// are the cache's own and must not be changed.
func (l *Ledger) cached(s release.Subject) []*v1alpha1.Release {
	found, _ := l.recent.ByIndex(bySubject, s.Hash()) // the index exists
	var out []*v1alpha1.Release
	for _, o := range found {
		if rec, ok := o.(*v1alpha1.Release); ok && Of(rec).Subject == s {
			out = append(out, rec)
		}
	}
	slices.SortFunc(out, func(a, b *v1alpha1.Release) int { return order(Of(b), Of(a)) })
	return out
}

// recordOf finds the record of a release, as far as the cache knows. It looks among
// those of the subject: to ask for one by its key makes the layer of our own writes
// forget it, if the informer does not know it yet.
func (l *Ledger) recordOf(r release.Release) *v1alpha1.Release {
	name := r.Name()
	for _, rec := range l.cached(r.Subject) {
		if rec.Name == name {
			return rec
		}
	}
	return nil
}

// Record claims the release of a live snapshot, if nobody has, and writes down
// what the rules say of it. [release.ErrNotYet] says that it is to be judged
// again. Writing is compare-and-swap: of two that see the same, one is refused.
func (l *Ledger) Record(ctx context.Context, a Announcement) error {
	if !a.Snapshot.Live {
		return fmt.Errorf("record %s: the snapshot was not read live", a.Snapshot.Release.Subject)
	}
	rec, err := l.claim(ctx, a.Snapshot)
	if err != nil {
		return err
	}
	before := rec.Status.DeepCopy()
	advance(rec, a, l.clock.Now())
	if !equality.Semantic.DeepEqual(before, &rec.Status) {
		if rec, err = l.update(ctx, rec); err != nil {
			return err
		}
	}
	if err := l.tidy(ctx, rec, a); err != nil {
		return err
	}
	if !settled(rec) {
		return release.Again(due(rec, a))
	}
	return nil
}

// claim returns the record of a release: the cached one, which an update will
// refuse if it is old, or else a new one, or the one that somebody else made.
func (l *Ledger) claim(ctx context.Context, s release.Snapshot) (*v1alpha1.Release, error) {
	if rec := l.recordOf(s.Release); rec != nil {
		return rec.DeepCopy(), nil
	}
	want := newRecord(s)
	rec, err := l.client.In(want.Namespace).Create(ctx, want, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		rec, err = l.client.In(want.Namespace).Get(ctx, want.Name, metav1.GetOptions{})
	}
	if err != nil {
		return nil, fmt.Errorf("claim release %s: %w", want.Name, err)
	}
	return rec, nil
}

// tidy closes the older records of a subject that a newer release overtook, and
// deletes those beyond what is kept. It looks at the cache, so that a crash
// before it is made up for at the next look.
func (l *Ledger) tidy(ctx context.Context, newest *v1alpha1.Release, a Announcement) error {
	completed := 0
	for i, old := range l.cached(Of(newest).Subject) {
		last := false // that was completed; what comes next is compared with it
		if phase(old).Completed() {
			completed++
			last = completed == 1
		}
		if order(Of(old), Of(newest)) >= 0 {
			continue
		}
		var err error
		switch {
		case unclosed(old):
			err = l.supersede(ctx, old.DeepCopy(), newest.Name, a)
		case i >= Keep && !last && !busy(old):
			err = l.client.In(old.Namespace).Delete(ctx, old.Name, metav1.DeleteOptions{})
		}
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("tidy record %s: %w", old.Name, err)
		}
	}
	return nil
}

// supersede closes a record: a release that was not ready never will be, and
// rules that waited will not hold. What was to be sent is still sent.
func (l *Ledger) supersede(ctx context.Context, rec *v1alpha1.Release, by string, a Announcement) error {
	st := &rec.Status
	switch phase(rec) {
	case release.Rolling, release.Stalled:
		st.Phase = string(release.Superseded)
		st.WaitingFor = "superseded by " + by
		if st.GitOps == nil {
			st.GitOps = gitOps(owner(a.Snapshot.App))
		}
		if a.Judge != nil {
			tell(rec, a, a.Judge(ctx, overtaken(rec, a.Snapshot)), release.WasSuperseded, l.clock.Now())
		}
	default:
		st.Phase = string(phase(rec))
	}
	for i := range st.Rules {
		if waits(st.Rules[i]) {
			st.Rules[i].State, st.Rules[i].Reason = string(release.Skipped), "superseded by "+by
		}
	}
	overtake(st)
	l.conclude(ctx, rec)
	_, err := l.update(ctx, rec)
	return err
}
