package memory_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/cache"

	"github.com/rollcall-dev/rollcall/internal/memory"
)

// watched is a cache of ConfigMaps, and what its handler was told.
type watched struct {
	*lab
	caches   *memory.Caches
	informer cache.SharedIndexInformer
	told     []string
}

func watch(t *testing.T) *watched {
	t.Helper()
	w := &watched{lab: newLab(t)}
	w.caches = memory.NewCaches(w.Server)
	source := &cache.ListWatch{ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
		return w.kube.CoreV1().ConfigMaps("").List(ctx, o)
	}}
	byKey := cache.Indexers{"key": func(o any) ([]string, error) { return []string{o.(*corev1.ConfigMap).Data["key"]}, nil }}
	w.informer = w.caches.Informer(source, &corev1.ConfigMap{}, byKey)
	require.NoError(t, w.informer.SetTransform(func(o any) (any, error) {
		o.(*corev1.ConfigMap).Data = map[string]string{"key": "seen"}
		return o, nil
	}))
	name := func(o any) string { cm := o.(*corev1.ConfigMap); return cm.Name + " " + string(cm.UID[len(cm.UID)-1:]) }
	reg, err := w.informer.AddEventHandler(cache.ResourceEventHandlerDetailedFuncs{
		AddFunc:    func(o any, initial bool) { w.told = append(w.told, fmt.Sprint("add ", name(o), " ", initial)) },
		UpdateFunc: func(old, o any) { w.told = append(w.told, "update "+name(old)+" to "+name(o)) },
		DeleteFunc: func(o any) { w.told = append(w.told, "delete "+name(o)) },
	})
	require.NoError(t, err)
	require.False(t, reg.HasSynced())
	return w
}

// look gives what is told at a look.
func (w *watched) look(t *testing.T) []string {
	t.Helper()
	w.told = nil
	require.NoError(t, w.caches.Look(t.Context()))
	require.True(t, w.informer.HasSynced())
	return w.told
}

func TestALookTellsWhatHasChanged(t *testing.T) {
	w := watch(t)
	a := w.put(t, named("v1", "ConfigMap", "a", nil))
	require.Equal(t, []string{"add a 1 true"}, w.look(t))
	require.Empty(t, w.look(t), "nothing has")

	w.put(t, named("v1", "ConfigMap", "b", nil))
	require.NoError(t, w.Touch(a))
	require.NoError(t, w.Touch(a))
	require.Equal(t, []string{"update a 1 to a 1", "add b 1 false"}, w.look(t), "what came between two looks is one change")

	w.Remove("ConfigMap", "shop", "a")
	w.put(t, named("v1", "ConfigMap", "a", nil))
	require.Equal(t, []string{"update a 1 to a 2"}, w.look(t), "as after a gap: another object of the same name is an update")

	w.Remove("ConfigMap", "shop", "a")
	require.Equal(t, []string{"delete a 2"}, w.look(t))
	found, err := w.informer.GetIndexer().ByIndex("key", "seen")
	require.NoError(t, err)
	require.Len(t, found, 1, "what is kept went through the transform")
}

func TestACacheMayLagAndNeverGoesBack(t *testing.T) {
	w := watch(t)
	lag := map[string]time.Duration{}
	w.caches.Lag = func(kind string) time.Duration { return lag[kind] }
	start := w.now
	w.put(t, named("v1", "ConfigMap", "a", nil))
	require.Len(t, w.look(t), 1)
	_, ok := w.caches.Next()
	require.False(t, ok, "all is seen")

	lag["ConfigMap"] = 3 * time.Second
	w.now = start.Add(time.Second)
	w.put(t, named("v1", "ConfigMap", "b", nil))
	require.Empty(t, w.look(t))
	next, ok := w.caches.Next()
	require.True(t, ok)
	require.Equal(t, start.Add(4*time.Second), next)
	w.now = next
	require.Equal(t, []string{"add b 1 false"}, w.look(t))

	lag["ConfigMap"] = time.Hour
	require.Empty(t, w.look(t), "it does not forget what it saw")
	lag["ConfigMap"] = 0
	require.Empty(t, w.look(t))
}

func TestANewCacheMayBeginInThePast(t *testing.T) {
	w := watch(t)
	w.caches.Lag = func(string) time.Duration { return 5 * time.Second }
	w.put(t, named("v1", "ConfigMap", "a", nil))
	w.now = w.now.Add(6 * time.Second)
	w.Remove("ConfigMap", "shop", "a")
	require.Equal(t, []string{"add a 1 true"}, w.look(t))
	w.now = w.now.Add(5 * time.Second)
	require.Equal(t, []string{"delete a 1"}, w.look(t))
}

func TestLooksAreNoCallsAndDoNotFail(t *testing.T) {
	w := watch(t)
	w.Hook = func(memory.Call) memory.Fate {
		t.Error("a look is a call")
		return memory.Fate{Down: true}
	}
	w.put(t, named("v1", "ConfigMap", "a", nil))
	require.Len(t, w.look(t), 1)
}

func TestAHandlerMayBeginToWatchMore(t *testing.T) {
	w := watch(t)
	var second cache.SharedIndexInformer
	_, err := w.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: func(any) {
		second = w.caches.Informer(&cache.ListWatch{ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return w.kube.CoreV1().Pods("").List(ctx, o)
		}}, &corev1.Pod{}, cache.Indexers{})
	}})
	require.NoError(t, err)
	w.put(t, named("v1", "Pod", "p", nil))
	w.put(t, named("v1", "ConfigMap", "a", nil))
	w.look(t)
	require.Len(t, second.GetStore().List(), 1)
}
