package rollcall_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	appsv1 "k8s.io/api/apps/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"

	"github.com/rollcall-dev/rollcall/config"
	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch/lean"
)

// overlay gives the one overlay that a page shows.
func overlay(t *testing.T, page string) kustomization {
	t.Helper()
	var out []kustomization
	for _, text := range blocks(t, page, "yaml") {
		if strings.Contains(text, "kind: Kustomization\n") {
			var k kustomization
			require.NoError(t, yaml.UnmarshalStrict([]byte(text), &k))
			out = append(out, k)
		}
	}
	require.Len(t, out, 1, page)
	return out[0]
}

// patched is the Deployment of the base after what the components of an overlay
// patch, and then the overlay itself.
func patched(t *testing.T, k kustomization) *appsv1.Deployment {
	t.Helper()
	var patches []string
	for _, from := range append(slices.Clone(k.Components), "") {
		one := k
		if from != "" {
			one = kustomization{}
			file := filepath.Join(strings.TrimPrefix(from, "../rollcall/"), "kustomization.yaml")
			require.NoError(t, yaml.UnmarshalStrict([]byte(read(t, file)), &one))
			require.Equal(t, "Component", one.Kind)
		}
		for _, p := range one.Patches {
			assert.Equal(t, map[string]string{"kind": "Deployment", "name": "rollcall"}, p.Target)
			patches = append(patches, p.Patch)
		}
	}
	raw, err := yaml.YAMLToJSON([]byte(read(t, "manifests/base/deployment.yaml")))
	require.NoError(t, err)
	for _, p := range patches {
		operations, err := yaml.YAMLToJSON([]byte(p))
		require.NoError(t, err)
		patch, err := jsonpatch.DecodePatch(operations)
		require.NoError(t, err)
		raw, err = patch.Apply(raw)
		require.NoError(t, err)
	}
	d := &appsv1.Deployment{}
	require.NoError(t, yaml.UnmarshalStrict(raw, d))
	return d
}

// The overlay of the README replaces what it says it does.
func TestOverlayFitsTheBase(t *testing.T) {
	k := overlay(t, "README.md")
	c := patched(t, k).Spec.Template.Spec.Containers[0]
	assert.Equal(t, c.Image, k.Images[0].Name)
	assert.Equal(t, []string{"run", "--cluster=prod", "--log-format=json"}, c.Args)
	require.Len(t, c.Env, 3, "beside what was there")
	assert.Equal(t, "OTEL_EXPORTER_OTLP_ENDPOINT", c.Env[2].Name)
}

// The hub's kubeconfig is mounted from the Secret that the page has people create,
// and read from where it is mounted.
func TestOverlayOfASpokeFitsTheBase(t *testing.T) {
	const page = "docs/engines.md"
	pod := patched(t, overlay(t, page)).Spec.Template.Spec
	c := pod.Containers[0]
	assert.Equal(t, []string{
		"run", "--cluster=eu-1", "--log-format=json",
		"--argocd-kubeconfig=/etc/rollcall/hub/kubeconfig", "--argocd-destination=https://eu-1.example.com:6443,eu-1",
	}, c.Args)
	require.Len(t, c.VolumeMounts, 1)
	require.Len(t, pod.Volumes, 1)
	assert.Equal(t, pod.Volumes[0].Name, c.VolumeMounts[0].Name)
	assert.Equal(t, "/etc/rollcall/hub", c.VolumeMounts[0].MountPath)
	assert.True(t, c.VolumeMounts[0].ReadOnly)
	secret := pod.Volumes[0].Secret.SecretName
	assert.Contains(t, read(t, page), "kubectl create secret generic "+secret+" -n rollcall --from-file=kubeconfig=hub.yaml")
}

func TestKubeconfigOfTheHubCanBeUsed(t *testing.T) {
	for _, text := range blocks(t, "docs/engines.md", "yaml") {
		if !strings.Contains(text, "kind: Config\n") {
			continue
		}
		cfg, err := clientcmd.RESTConfigFromKubeConfig([]byte(text))
		require.NoError(t, err)
		assert.Equal(t, "https://hub.example.com:6443", cfg.Host)
		assert.Equal(t, "the-token", cfg.BearerToken)
		return
	}
	t.Error("docs/engines.md shows no kubeconfig")
}

// may lists what a ClusterRole of a file allows: verbs, resource, and the names
// that it is limited to.
func may(t *testing.T, file, name string) []string {
	t.Helper()
	var out []string
	for document := range strings.SplitSeq(read(t, file), "\n---\n") {
		var role rbacv1.ClusterRole
		require.NoError(t, yaml.Unmarshal([]byte(document), &role))
		if role.Kind != "ClusterRole" || role.Name != name {
			continue
		}
		for _, r := range role.Rules {
			require.Len(t, r.APIGroups, 1)
			names := r.ResourceNames
			if len(names) == 0 {
				names = []string{"*"}
			}
			for _, resource := range r.Resources {
				for _, n := range names {
					what := strings.TrimSuffix(resource+"."+r.APIGroups[0], ".")
					out = append(out, strings.Join(r.Verbs, ",")+" "+what+" "+n)
				}
			}
		}
	}
	require.NotEmpty(t, out)
	return out
}

// rollcall may read what watch reads, by the verbs that it uses, and no more.
func TestPermissionsAreWhatIsUsed(t *testing.T) {
	const defined = "list,watch customresourcedefinitions.apiextensions.k8s.io "
	want := []string{
		"list replicasets.apps *", "list controllerrevisions.apps *", "list pods *",
		"get,list,watch rollouts.argoproj.io *", "create,get,list,watch,patch workflows.argoproj.io *",
		"create,get,list,watch,delete releases.rollcall.dev *", "update releases/status.rollcall.dev *", "create,patch events.events.k8s.io *",
		defined + lean.Rollouts.Definition(), defined + lean.Workflows.Definition(),
	}
	for _, kind := range release.Workloads() {
		if release.Group(kind) == "apps" {
			want = append(want, "get,list,watch "+strings.ToLower(kind)+"s.apps *")
		}
	}
	for _, k := range []lean.Kind{lean.Applications, lean.Kustomizations, lean.HelmReleases} {
		want = append(want, "get,list,watch "+k.Definition()+" *", defined+k.Definition())
	}
	for _, k := range lean.Sources() {
		want = append(want, "list "+k.Definition()+" *")
	}
	assert.ElementsMatch(t, want, may(t, "manifests/base/rbac.yaml", "rollcall"))

	apps := lean.Applications.Definition()
	assert.ElementsMatch(t, []string{"list,watch " + apps + " *", defined + apps}, may(t, "manifests/hub/hub/rbac.yaml", "rollcall-reader"))
	assert.Equal(t, []string{"list,watch configmaps *"}, may(t, "manifests/tenants/rbac.yaml", "rollcall-tenants"))
	assert.Equal(t, []string{"get,list,watch certificates.cert-manager.io *"}, may(t, "manifests/examples/any-kind.yaml", "rollcall-certificates"))
}

// Every kind of ours is told of on both pages, and every example on the first.
func TestEveryKindIsToldOf(t *testing.T) {
	readme, engines := read(t, "README.md"), read(t, "docs/engines.md")
	files, err := filepath.Glob("manifests/examples/*.yaml")
	require.NoError(t, err)
	var on []string
	for _, file := range files {
		assert.True(t, strings.Contains(readme, file), "README.md does not name %s", file)
		if filepath.Base(file) == "workflowtemplate.yaml" {
			continue
		}
		document, _, _ := strings.Cut(read(t, file), "\n---\n")
		c, mistakes := config.File(file, []byte(document))
		require.Empty(t, mistakes, file)
		for _, k := range c.Kinds() {
			on = append(on, k.Kind)
		}
	}
	assert.Subset(t, on, []string{"Deployment", "StatefulSet", "DaemonSet", "Application", "HelmRelease", "Certificate"})
	for _, kind := range append(release.Workloads(), release.Apps()...) {
		row := regexp.MustCompile("(?m)^\\| (?:`\\w+`, )*`" + kind + "`")
		assert.True(t, row.MatchString(readme), "README.md has no row for %s", kind)
		assert.True(t, row.MatchString(engines), "docs/engines.md has no row for %s", kind)
		rule := regexp.MustCompile("(?m)^\\| `rules\\[\\]\\.on\\.kind` .*`" + kind + "`")
		assert.True(t, rule.MatchString(read(t, rulesPage)), "docs/rules.md does not say that a rule can be on %s", kind)
	}
}
