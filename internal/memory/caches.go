package memory

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/cache"
)

// Caches makes informers over a server, and tells them when to look.
type Caches struct {
	// Lag says by how much the cache of a kind of object is behind; nil is not at all.
	Lag func(kind string) time.Duration

	server *Server
	all    []*informer
}

// NewCaches makes a set of caches with nothing in it.
func NewCaches(s *Server) *Caches { return &Caches{server: s} }

// Informer makes a cache of what a source lists. It is filled at the next look.
func (c *Caches) Informer(source cache.ListerWatcher, _ runtime.Object, index cache.Indexers) cache.SharedIndexInformer {
	i := &informer{
		source: cache.ToListerWatcherWithContext(source), done: make(chan struct{}),
		store: cache.NewIndexer(cache.DeletionHandlingMetaNamespaceKeyFunc, index),
	}
	c.all = append(c.all, i)
	return i
}

// Look brings all caches up to now, less their lag, and calls their handlers, always
// in the same order. A cache that cannot be filled, because its resource is not
// installed, stays as it is.
func (c *Caches) Look(ctx context.Context) error {
	for looked := 0; looked < len(c.all); { // a handler may begin to watch more
		news := slices.Clone(c.all[looked:])
		if looked == 0 {
			news = slices.Clone(c.all)
		}
		looked = len(c.all)
		for _, i := range news {
			if err := i.introduce(ctx); err != nil {
				return err
			}
		}
		slices.SortStableFunc(news, func(a, b *informer) int { return strings.Compare(a.definition, b.definition) })
		for _, i := range news {
			if err := c.look(ctx, i); err != nil {
				return err
			}
		}
	}
	return nil
}

// look brings one cache up. Its view never goes back, except that one that was not
// filled yet may begin in the past.
func (c *Caches) look(ctx context.Context, i *informer) error {
	at := c.server.now()
	if lag := c.lag(i.definition); lag > 0 {
		at = at.Add(-lag)
	}
	if at.Before(i.at) {
		at = i.at
	}
	if i.synced() && i.version == c.server.seen(i.definition, at) {
		i.at = at
		return nil
	}
	list, err := i.source.ListWithContext(As(ctx, &View{At: at}), metav1.ListOptions{})
	if err != nil {
		return nil //nolint:nilerr // the resource is not installed at that time
	}
	items, err := meta.ExtractList(list)
	if err != nil {
		return fmt.Errorf("read list of %s: %w", i.definition, err)
	}
	i.at, i.version = at, c.server.seen(i.definition, at)
	return i.replace(items)
}

func (c *Caches) lag(definition string) time.Duration {
	for _, r := range c.server.resources {
		if c.Lag != nil && r.Definition() == definition {
			return c.Lag(r.Kind)
		}
	}
	return 0
}

// Next is when a cache that lags will see something new; false if none will.
func (c *Caches) Next() (time.Time, bool) {
	var soonest time.Time
	for _, i := range c.all {
		lag := c.lag(i.definition)
		for n := len(c.server.writes) - 1; n >= 0; n-- {
			w := c.server.writes[n]
			if !w.at.After(i.at) {
				break
			}
			if at := w.at.Add(lag); w.key.definition == i.definition && at.After(c.server.now()) && (soonest.IsZero() || at.Before(soonest)) {
				soonest = at
			}
		}
	}
	return soonest, !soonest.IsZero()
}
