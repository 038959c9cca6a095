package scenarios

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rollcall-dev/rollcall/e2e/lab"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// startedWhole waits for the n-th Workflow of an application, and asserts that all
// Deployments that are its own were complete before, with these images.
func (s *stage) startedWhole(name string, n int, images ...string) *unstructured.Unstructured {
	s.Helper()
	s.eventually(name+" is announced", func() bool { return len(s.seen.startedFor(name)) >= n })
	s.quiet()
	all := s.seen.startedFor(name)
	require.Len(s, all, n)
	w := all[n-1]
	for _, image := range images {
		d, _, _ := strings.Cut(image, ":")
		o := s.seen.before("Deployment/"+d, version(w))
		require.NotNil(s, o.Object, d)
		require.True(s, complete(o), "%s was announced early: %+v", name, o.Object)
		require.Equal(s, image, o.image)
	}
	return w
}

// baselineOf waits for the first record of a subject in a namespace.
func (s *stage) baselineOf(ns, name string) v1alpha1.Release {
	s.Helper()
	var found v1alpha1.Release
	s.eventually("the baseline of "+name+" is written", func() bool {
		for _, r := range latest(s.TB, ns) {
			if r.Spec.Subject.Name == name && r.Status.Phase == "Adopted" {
				found = r
				return true
			}
		}
		return false
	})
	return found
}

// The records of an Application are where it is, and not on the stage: rollcall must
// see all namespaces, and so be alone.
func TestAnApplicationIsAnnouncedOnceAllItsWorkloadsAreReady(t *testing.T) {
	m := newMonorepo(t, "whole")
	m.account = kubeconfig
	m.afterwards(func(ctx context.Context) {
		_ = cluster.Dynamic().Resource(releasesResource).Namespace(lab.ArgoCDNamespace).
			DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{})
	})
	write := func(image string, after time.Duration) {
		name, _, _ := strings.Cut(image, ":")
		m.after = after
		m.write("shop", name, image)
	}
	write("fast:1", 0)
	write("slow:1", 3*time.Second)
	m.commit("first")
	m.application(lab.Application{Name: "shop", Automated: true})
	m.ready("fast", "fast:1")
	m.ready("slow", "slow:1")
	m.rules(strings.NewReplacer(
		"namespaces: ["+m.ns+"]", "namespaces: ["+lab.ArgoCDNamespace+"]",
		"workflowTemplate: smoke", "workflowTemplate: smoke, namespace: "+m.ns,
	).Replace(m.smokeRulesFor("Application")))
	m.start()
	m.baselineOf(lab.ArgoCDNamespace, "whole-shop")

	write("fast:2", 0)
	write("slow:2", 3*time.Second)
	sha := m.commit("both")
	m.compared("shop", sha)
	w := m.startedWhole("whole-shop", 1, "fast:2", "slow:2")
	require.Equal(t, sha, parameter(w, "revision"))
	require.Equal(t, "Application/whole-shop", parameter(w, "workload"))

	write("fast:3", 0)
	sha = m.commit("one of them")
	m.compared("shop", sha)
	w = m.startedWhole("whole-shop", 2, "fast:3", "slow:2")
	require.Equal(t, sha, parameter(w, "revision"))

	require.NoError(t, m.repo.Write("README.md", "nothing to deploy\n"))
	m.compared("shop", m.commit("say something"))
	m.patch("slow", `{"spec":{"replicas":3}}`)
	m.ready("slow", "slow:2")
	m.quiet()
	require.Len(t, m.seen.started(), 2)
}

func TestAKustomizationIsAnnouncedOnceAllItsWorkloadsAreReady(t *testing.T) {
	t.Parallel()
	f := newFluxed(t, "parts", map[string]bool{"shop": false})
	f.rules(f.smokeRulesFor("Kustomization"))
	f.start()
	f.baselineOf(f.ns, "shop")
	f.write("shop", "shop:2")
	slow := deployment{name: "slow", image: "slow:1", replicas: 1, after: 5 * time.Second}
	manifest, _, _ := strings.Cut(slow.yaml(f.ns), "---")
	require.NoError(t, f.repo.Write("shop/slow.yaml", manifest))
	sha := f.commit("one more, which is slow")
	w := f.startedWhole("shop", 1, "shop:2", "slow:1")
	require.Equal(t, sha, parameter(w, "revision"))
	require.Equal(t, "Kustomization/shop", parameter(w, "workload"))

	require.NoError(t, f.repo.Write("README.md", "nothing to deploy\n"))
	f.applied("shop", f.commit("say something"))
	f.quiet()
	require.Len(t, f.seen.started(), 1)
}
