package watch

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// rediscover is how often the API server is asked anew what kinds it knows, because
// one is not among those that it named.
const rediscover = 30 * time.Second

// mapping finds the resource of a kind. What the API server was once heard to know is
// kept, and a kind may be installed later; but one that never is must not cost a
// discovery at each look.
func (w *Watcher) mapping(k schema.GroupVersionKind) (*meta.RESTMapping, error) {
	m, err := w.Mapper.RESTMapping(k.GroupKind(), k.Version)
	if !meta.IsNoMatchError(err) || !w.mayRediscover() {
		return m, err
	}
	meta.MaybeResetRESTMapper(w.Mapper)
	return w.Mapper.RESTMapping(k.GroupKind(), k.Version)
}

// mayRediscover reports whether the last discovery was long enough ago, and counts on
// there being one now if it was.
func (w *Watcher) mayRediscover() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.Clock.Now()
	if now.Sub(w.discovered) < rediscover {
		return false
	}
	w.discovered = now
	return true
}
