package config_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	clienttesting "k8s.io/client-go/testing"

	"github.com/rollcall-dev/rollcall/config"
)

// reports hands on what a Watch reports.
type reports chan report

type report struct {
	name     string
	messages []string
}

func (r reports) Report(cm *corev1.ConfigMap, mistakes []config.Mistake) {
	said := report{name: cm.Name}
	for _, m := range mistakes {
		said.messages = append(said.messages, m.Message)
	}
	r <- said
}

// next is the next report; there must be one soon.
func (r reports) next(t *testing.T) report {
	t.Helper()
	select {
	case said := <-r:
		return said
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was reported")
		return report{}
	}
}

// scene is a Watch of shop/rules on a cluster in memory.
type scene struct {
	maps    typedcorev1.ConfigMapInterface
	watch   *config.Watch
	reports reports
	changes *atomic.Int32
	// selectors are those that the watch asked for.
	selectors []string
}

func play(t *testing.T, objects ...runtime.Object) *scene {
	t.Helper()
	client := fake.NewClientset(objects...)
	s := &scene{maps: client.CoreV1().ConfigMaps("shop"), reports: make(reports, 16), changes: &atomic.Int32{}}
	// What is written between the list and the watch is lost in memory, so the
	// tests wait for the watch.
	watching := make(chan string, 16)
	client.PrependWatchReactor("*", func(action clienttesting.Action) (bool, watch.Interface, error) {
		w, err := client.Tracker().Watch(action.GetResource(), action.GetNamespace())
		watching <- action.(clienttesting.WatchAction).GetWatchRestrictions().Fields.String()
		return true, w, err
	})
	name := types.NamespacedName{Namespace: "shop", Name: "rules"}
	s.watch = config.NewWatch(config.WatchConfig{
		Client: client, Name: name, Reporter: s.reports, Changed: func() { s.changes.Add(1) },
	})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.watch.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		assert.NoError(t, <-done)
	})
	s.selectors = append(s.selectors, <-watching)
	require.Eventually(t, s.watch.HasSynced, 10*time.Second, time.Millisecond)
	return s
}

func configMap(data map[string]string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "rules"}, Data: data}
}

func rules(text string) map[string]string { return map[string]string{"rules.yaml": text} }

func (s *scene) update(t *testing.T, data map[string]string) {
	t.Helper()
	_, err := s.maps.Update(t.Context(), configMap(data), metav1.UpdateOptions{})
	require.NoError(t, err)
}

const (
	goodRules  = "rules:\n- {name: a, on: {kind: Deployment}}\n- {name: b, on: {kind: Deployment}}\n"
	badRules   = "rules:\n- {name: a, on: {kind: Deployment}, when: app.redy}\n- {name: c, on: {kind: Deployment}}\n"
	lessRules  = "rules:\n- {name: c, on: {kind: Deployment}}\n"
	notARules  = "rules: {}"
	notYAML    = "rules: ["
	aReady     = "a release.ready -> "
	bReady     = "b release.ready -> "
	cReady     = "c release.ready -> "
	theDefault = "default release.ready -> "
)

func TestWatchWithoutAConfigMap(t *testing.T) {
	s := play(t)
	assert.Equal(t, []string{theDefault}, summary(*s.watch.Current()))
	assert.Equal(t, []string{"metadata.name=rules"}, s.selectors)
	assert.Zero(t, s.changes.Load())
	assert.Empty(t, s.reports)
}

func TestWatchFollowsTheConfigMap(t *testing.T) {
	s := play(t, configMap(rules(goodRules)))
	assert.Equal(t, report{name: "rules"}, s.reports.next(t))
	assert.Equal(t, []string{aReady, bReady}, summary(*s.watch.Current()))
	first := s.watch.Current()

	for _, step := range []struct {
		name string
		data map[string]string
		want []string
		says []string
	}{
		{"a bad rule stays what it was", rules(badRules), []string{aReady, cReady}, []string{`undefined field 'redy', did you mean "ready"?`}},
		{"a mistake of the whole changes nothing", rules(notARules), []string{aReady, cReady}, []string{"rules must be a list, but is a mapping"}},
		{"nor does what is not YAML", rules(notYAML), []string{aReady, cReady}, []string{"text is not YAML: did not find expected node content"}},
		{"nor a ConfigMap without the key", map[string]string{"a": "b"}, []string{aReady, cReady}, []string{"ConfigMap has no key rules.yaml"}},
		{"what is right again is taken", rules(lessRules), []string{cReady}, nil},
	} {
		t.Run(step.name, func(t *testing.T) {
			s.update(t, step.data)
			assert.Equal(t, report{name: "rules", messages: step.says}, s.reports.next(t))
			assert.Equal(t, step.want, summary(*s.watch.Current()))
		})
	}
	assert.Equal(t, []string{aReady, bReady}, summary(*first), "what was handed out does not change")

	require.NoError(t, s.maps.Delete(t.Context(), "rules", metav1.DeleteOptions{}))
	assert.Equal(t, report{name: "rules"}, s.reports.next(t))
	assert.Equal(t, []string{theDefault}, summary(*s.watch.Current()))

	_, err := s.maps.Create(t.Context(), configMap(rules(lessRules)), metav1.CreateOptions{})
	require.NoError(t, err)
	assert.Equal(t, report{name: "rules"}, s.reports.next(t))
	assert.Equal(t, []string{cReady}, summary(*s.watch.Current()))
}

func TestWatchIgnoresTheSameText(t *testing.T) {
	s := play(t, configMap(rules(goodRules)))
	s.reports.next(t)
	before, changes := s.watch.Current(), s.changes.Load()

	same := configMap(rules(goodRules))
	same.Labels = map[string]string{"touched": "yes"}
	_, err := s.maps.Update(t.Context(), same, metav1.UpdateOptions{})
	require.NoError(t, err)
	s.update(t, rules(lessRules))
	s.reports.next(t)
	assert.NotSame(t, before, s.watch.Current())
	assert.Equal(t, changes+1, s.changes.Load(), "only the second update changed anything")
	assert.Empty(t, s.reports)
}
