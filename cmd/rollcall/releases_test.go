package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// listed are three releases, not in the order of their age.
func listed() v1alpha1.ReleaseList {
	one := func(name, subject string, days int, status v1alpha1.ReleaseStatus) v1alpha1.Release {
		status.Subject = "Deployment/" + subject
		return v1alpha1.Release{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: "shop", Name: name,
				CreationTimestamp: metav1.NewTime(time.Now().Add(-time.Duration(days) * 24 * time.Hour)),
			},
			Spec: v1alpha1.ReleaseSpec{
				Kind: "release", Subject: v1alpha1.Subject{Kind: "Deployment", Name: subject},
				Template: v1alpha1.Template{Images: []string{subject + ":2"}},
			},
			Status: status,
		}
	}
	return v1alpha1.ReleaseList{Items: []v1alpha1.Release{
		one("web-2", "web", 3, v1alpha1.ReleaseStatus{
			Revision: "3f9c2d1", Phase: "Testing", Tests: "smoke ✓, load …", ReadyIn: "42s", Late: true, Trace: &v1alpha1.Trace{ID: id},
			Deliveries: []v1alpha1.Delivery{{State: "Sent"}, {State: "Pending"}},
		}),
		one("api-1", "api", 5, v1alpha1.ReleaseStatus{Revision: "rev 1", Phase: "Rolling", WaitingFor: "1 of 3 replicas are available"}),
		one("web-1", "web", 4, v1alpha1.ReleaseStatus{Revision: "rev 1", Phase: "Adopted"}),
	}}
}

// apiServer answers with the releases of the namespace shop, and of all; it
// returns a kubeconfig for it.
func apiServer(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	serve := func(path string, list v1alpha1.ReleaseList) {
		mux.HandleFunc("GET /apis/rollcall.dev/v1alpha1/"+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("ReleaseList"))
			assert.NoError(t, json.NewEncoder(w).Encode(list))
		})
	}
	serve("releases", listed())
	serve("namespaces/shop/releases", listed())
	serve("namespaces/empty/releases", v1alpha1.ReleaseList{})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	path := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, os.WriteFile(path, fmt.Appendf(nil, `
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: %q}}]
contexts: [{name: c, context: {cluster: c, namespace: shop}}]
current-context: c
`, s.URL), 0o600))
	return path
}

func TestReleases(t *testing.T) {
	kubeconfig := apiServer(t)
	const head = "NAMESPACE   NAME    SUBJECT          KIND      REVISION   PHASE     TESTS             READY IN   TRACE                              AGE\n"
	const all = head +
		"shop        api-1   Deployment/api   release   rev 1      Rolling   -                 -          -                                  5d\n" +
		"shop        web-1   Deployment/web   release   rev 1      Adopted   -                 -          -                                  4d\n" +
		"shop        web-2   Deployment/web   release   3f9c2d1    Testing   smoke ✓, load …   42s        " + id + "   3d\n"
	tests := map[string]struct {
		args []string
		want string
	}{
		"the kubeconfig's namespace": {nil, all},
		"a namespace":                {[]string{"-n", "shop"}, all},
		"all namespaces":             {[]string{"-A"}, all},
		"none":                       {[]string{"-n", "empty"}, "No releases are recorded.\n"},
		"one workload": {
			[]string{"deployment/api"},
			"NAMESPACE   NAME    SUBJECT          KIND      REVISION   PHASE     TESTS   READY IN   TRACE   AGE\n" +
				"shop        api-1   Deployment/api   release   rev 1      Rolling   -       -          -       5d\n",
		},
		"wide": {
			[]string{"Deployment/web", "-o", "wide"},
			"NAMESPACE   NAME    SUBJECT          KIND      REVISION   PHASE     TESTS             READY IN   TRACE                              AGE   LATE    SENT   WAITING FOR   IMAGES\n" +
				"shop        web-1   Deployment/web   release   rev 1      Adopted   -                 -          -                                  4d    false   0/0    -             web:2\n" +
				"shop        web-2   Deployment/web   release   3f9c2d1    Testing   smoke ✓, load …   42s        " + id + "   3d    true    1/2    -             web:2\n",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := rollcall(t, "", append([]string{"releases", "--kubeconfig", kubeconfig}, tt.args...)...)
			assert.Equal(t, ran{0, tt.want, ""}, got)
		})
	}
	t.Run("for scripts", func(t *testing.T) {
		for format, decode := range map[string]func([]byte, any) error{
			"json": json.Unmarshal, "yaml": func(b []byte, o any) error { return yaml.UnmarshalStrict(b, o) },
		} {
			got := rollcall(t, "", "releases", "--kubeconfig", kubeconfig, "Deployment/api", "-o", format)
			var list v1alpha1.ReleaseList
			require.NoError(t, decode([]byte(got.out), &list))
			assert.Equal(t, "ReleaseList", list.Kind)
			require.Len(t, list.Items, 1)
			assert.Equal(t, "Release", list.Items[0].Kind)
			assert.Equal(t, "api-1", list.Items[0].Name)
		}
	})
	t.Run("not installed", func(t *testing.T) {
		got := rollcall(t, "", "releases", "--kubeconfig", kubeconfig, "-n", "elsewhere")
		assert.Equal(t, 1, got.code)
		assert.Contains(t, got.errs, "error: list releases: ")
	})
}

func TestOnlyTheSubjectThatIsNamed(t *testing.T) {
	var all v1alpha1.ReleaseList
	for _, s := range []v1alpha1.Subject{
		{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"},
		{APIVersion: "apps/v1", Kind: "Deployment", Name: "api"},
		{APIVersion: "apps/v1", Kind: "StatefulSet", Name: "db"},
		{APIVersion: "argoproj.io/v1alpha1", Kind: "Application", Name: "shop"},
		{APIVersion: "cert-manager.io/v1", Kind: "Certificate", Name: "web"},
		{APIVersion: "example.com/v1", Kind: "Certificate", Name: "web"},
		{APIVersion: "v1", Kind: "ReplicationController", Name: "old"},
	} {
		all.Items = append(all.Items, v1alpha1.Release{Spec: v1alpha1.ReleaseSpec{Subject: s}})
	}
	for argument, want := range map[string][]string{
		"Deployment/web":                  {"apps/v1 Deployment web"},
		"deployment/web":                  {"apps/v1 Deployment web"},
		"deployment.apps/web":             {"apps/v1 Deployment web"},
		"StatefulSet/db":                  {"apps/v1 StatefulSet db"},
		"Application/shop":                {"argoproj.io/v1alpha1 Application shop"},
		"Certificate/web":                 {"cert-manager.io/v1 Certificate web", "example.com/v1 Certificate web"},
		"Certificate.cert-manager.io/web": {"cert-manager.io/v1 Certificate web"},
		"ReplicationController/old":       {"v1 ReplicationController old"},
		"Deployment.example.com/web":      nil,
		"DaemonSet/web":                   nil,
	} {
		t.Run(argument, func(t *testing.T) {
			kind, name, err := subject([]string{argument})
			require.NoError(t, err)
			list := all.DeepCopy()
			only(list, kind, name)
			var got []string
			for _, r := range list.Items {
				s := r.Spec.Subject
				got = append(got, s.APIVersion+" "+s.Kind+" "+s.Name)
			}
			assert.Equal(t, want, got)
		})
	}
}

func TestHelpNamesWhatIsNew(t *testing.T) {
	for command, words := range map[string][]string{
		"run":      {"has stalled", "superseded", "Flux", "hub", "--gate-timeout", "--argocd-destination"},
		"releases": {"StatefulSet/db", "Application/shop", "Certificate.cert-manager.io/web"},
	} {
		got := rollcall(t, "", command, "--help")
		for _, word := range words {
			assert.Contains(t, got.out, word, command)
		}
	}
	assert.Contains(t, rollcall(t, "", "--help").out, "Argo CD and Flux")
}
