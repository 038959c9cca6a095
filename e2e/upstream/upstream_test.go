package upstream_test

import (
	"context"
	"io/fs"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/e2e/upstream"
	"github.com/rollcall-dev/rollcall/watch/lean"
)

// The modules in which the types are declared, and those which they need.
var (
	argoCD2       = upstream.Module{Path: "github.com/argoproj/argo-cd/v2", Version: "v2.14.21", Sum: "h1:Ux50vfMUITW+Y+6GAYgQlZbr6WHE5ogiLg9OxxvP9EA="}
	argoCD3       = upstream.Module{Path: "github.com/argoproj/argo-cd/v3", Version: "v3.1.9", Sum: "h1:9P9vJKo1RGWu6mtQnGu61r+0h3XKlA2j3kVhwogUQ/0="}
	engine2       = upstream.Module{Path: "github.com/argoproj/gitops-engine", Version: "v0.7.1-0.20250521000818-c08b0a72c1f1", Sum: "h1:Ze4U6kV49vSzlUBhH10HkO52bYKAIXS4tHr/MlNDfdU="}
	engine3       = upstream.Module{Path: "github.com/argoproj/gitops-engine", Version: "v0.7.1-0.20250905160054-e48120133eec", Sum: "h1:rNAwbRQFvRIuW/e2bU+B10mlzghYXsnwZedYeA7Drz4="}
	rollouts      = upstream.Module{Path: "github.com/argoproj/argo-rollouts", Version: "v1.10.2", Sum: "h1:sEPWsY+HUvnXj3Vh0ejb+GDTceQ/palqhFo2FVQJMk0="}
	workflows     = upstream.Module{Path: "github.com/argoproj/argo-workflows/v3", Version: "v3.7.3", Sum: "h1:b0o03RTLXIL7lQunDEvLoDTeI5TbfXe2obGaItvvifk="}
	kustomize     = upstream.Module{Path: "github.com/fluxcd/kustomize-controller/api", Version: "v1.9.6", Sum: "h1:7XiuW+l3YYXWeIwLJ8w34zHlJyMUEKosBIxLIki9J3I="}
	helm14        = upstream.Module{Path: "github.com/fluxcd/helm-controller/api", Version: "v1.4.0", Sum: "h1:SIU/H+pKdaxF+hT3+0ZreoCw7rfBW5wsS2HCNt0pThw="}
	helm16        = upstream.Module{Path: "github.com/fluxcd/helm-controller/api", Version: "v1.6.3", Sum: "h1:8EvQASKKFDEj8Ub3xhMSjyNbGTEjNqlHZYm5WhRxJvg="}
	source        = upstream.Module{Path: "github.com/fluxcd/source-controller/api", Version: "v1.7.0", Sum: "h1:y6vjvbkIN4JzianhmaJqujeghVpvQn3gcsVW/f1xMeA="}
	fluxMeta21    = upstream.Module{Path: "github.com/fluxcd/pkg/apis/meta", Version: "v1.21.0", Sum: "h1:R+bN02chcs0HUmyVDQhqe/FHmYLjipVDMLnyYfNX850="}
	fluxMeta301   = upstream.Module{Path: "github.com/fluxcd/pkg/apis/meta", Version: "v1.30.1", Sum: "h1:TRqdvb/zo9h9Ig10xHxV7jMilG+e1jOv3djI00GFr9g="}
	fluxMeta302   = upstream.Module{Path: "github.com/fluxcd/pkg/apis/meta", Version: "v1.30.2", Sum: "h1:FbSQsUqLZrnyFhGqc0uE5zJOOu42OQ8YpO0vXmj+g5o="}
	kubeAPI       = upstream.Module{Path: "k8s.io/api", Version: "v0.37.2", Sum: "h1:PnxqnUFy93jr2GcpWDkKOm8wfy25kT9wa572MuQS8oc="}
	kubeMachinery = upstream.Module{Path: "k8s.io/apimachinery", Version: "v0.37.2", Sum: "h1:G4t9RGoPDbQML38hz/kQQiltttgd3egg2ODCR8aIc2o="}
)

// agreement is one type of ours and the one that it is a part of.
type agreement struct {
	ours    reflect.Type
	modules []upstream.Module // the first one has the type
	folder  string
	kind    string
	absent  map[string]string
}

func (a agreement) String() string { return a.kind + " of " + a.modules[0].String() }

// What a FluxSource has of some kinds only.
const (
	ofBucket = "a Bucket has it"
	ofChart  = "a HelmChart has it"
	ofOthers = "sources that have an address have it"
)

func agreements() []agreement {
	var (
		application = reflect.TypeFor[lean.Application]()
		helmRelease = reflect.TypeFor[lean.HelmRelease]()
		fluxSource  = reflect.TypeFor[lean.FluxSource]()
		flux        = []upstream.Module{source, fluxMeta21, kubeMachinery}
		bucket      = map[string]string{"spec.endpoint": ofBucket, "spec.bucketName": ofBucket}
		chart       = map[string]string{"spec.chart": ofChart, "spec.version": ofChart, "spec.sourceRef": ofChart}
		others      = map[string]string{"spec.url": ofOthers}
	)
	return []agreement{
		{application, []upstream.Module{argoCD2, engine2, kubeMachinery}, "pkg/apis/application/v1alpha1", "Application", nil},
		{application, []upstream.Module{argoCD3, engine3, kubeMachinery}, "pkg/apis/application/v1alpha1", "Application", nil},
		{reflect.TypeFor[lean.Rollout](), []upstream.Module{rollouts, kubeAPI, kubeMachinery}, "pkg/apis/rollouts/v1alpha1", "Rollout", nil},
		{reflect.TypeFor[lean.Workflow](), []upstream.Module{workflows, kubeMachinery}, "pkg/apis/workflow/v1alpha1", "Workflow", nil},
		{reflect.TypeFor[lean.Kustomization](), []upstream.Module{kustomize, fluxMeta302, kubeMachinery}, "v1", "Kustomization", nil},
		{helmRelease, []upstream.Module{helm14, fluxMeta21, kubeMachinery}, "v2", "HelmRelease", nil},
		{helmRelease, []upstream.Module{helm16, fluxMeta301, kubeMachinery}, "v2", "HelmRelease", nil},
		{fluxSource, flux, "v1", "GitRepository", merged(bucket, chart)},
		{fluxSource, flux, "v1", "OCIRepository", merged(bucket, chart)},
		{fluxSource, flux, "v1", "HelmRepository", merged(bucket, chart)},
		{fluxSource, flux, "v1", "Bucket", merged(others, chart)},
		{fluxSource, flux, "v1", "HelmChart", merged(others, bucket)},
	}
}

func merged(all ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range all {
		maps.Copy(out, m)
	}
	return out
}

// hidden are the fields of ours that we make ourselves, and why.
var hidden = map[string]string{
	"ApplicationSpec.Unreadable":     "the mark of what could not be decoded",
	"ApplicationStatus.Unreadable":   "the mark of what could not be decoded",
	"Operation.Unreadable":           "the mark of what could not be decoded",
	"RolloutSpec.Unreadable":         "the mark of what could not be decoded",
	"RolloutStatus.Unreadable":       "the mark of what could not be decoded",
	"KustomizationSpec.Unreadable":   "the mark of what could not be decoded",
	"KustomizationStatus.Unreadable": "the mark of what could not be decoded",
	"HelmReleaseSpec.Unreadable":     "the mark of what could not be decoded",
	"HelmReleaseStatus.Unreadable":   "the mark of what could not be decoded",
	"FluxSourceSpec.Unreadable":      "the mark of what could not be decoded",
	"FluxSourceStatus.Unreadable":    "the mark of what could not be decoded",
	"Source.Fingerprint":             "it stands for the whole source, of which we keep no more",
	"Destination.Fingerprint":        "it stands for the whole destination, as it will be in a version to come",
}

// asDeclared are the types that encode themselves, and yet as they are declared.
var asDeclared = map[string]string{
	"github.com/argoproj/argo-cd/v2/pkg/apis/application/v1alpha1.ApplicationDestination": "leaves out the address or the name that it worked out itself",
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1.ApplicationDestination": "leaves out nothing",
	"github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1.RolloutSpec":            "leaves out the template and the selector that are another workload's",
}

// fetched are the files of all modules.
func fetched(t *testing.T) map[upstream.Module]fs.FS {
	t.Helper()
	var all []upstream.Module
	for _, a := range agreements() {
		for _, m := range a.modules {
			if !slices.Contains(all, m) {
				all = append(all, m)
			}
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	files, err := upstream.Fetch(ctx, all...)
	require.NoError(t, err)
	return files
}

func TestTypesAgreeWithThoseUpstream(t *testing.T) {
	files := fetched(t)
	for _, a := range agreements() {
		t.Run(a.String(), func(t *testing.T) {
			t.Parallel()
			c := upstream.Comparison{Sources: sources(files, a.modules), Package: a.modules[0].Path + "/" + a.folder, Type: a.kind, Absent: a.absent}
			require.Empty(t, c.Differences(a.ours))
		})
	}
}

func sources(files map[upstream.Module]fs.FS, modules []upstream.Module) *upstream.Sources {
	byPath := map[string]fs.FS{}
	for _, m := range modules {
		byPath[m.Path] = files[m]
	}
	return upstream.NewSources(byPath, asDeclared)
}

func TestWhatIsInNoJSONIsAccountedFor(t *testing.T) {
	found := map[string]bool{}
	for _, a := range agreements() {
		for _, f := range upstream.Hidden(a.ours) {
			found[f] = true
		}
	}
	require.Equal(t, slices.Sorted(maps.Keys(hidden)), slices.Sorted(maps.Keys(found)))
}

func TestAModuleWithAnotherChecksumIsRefused(t *testing.T) {
	other := kubeMachinery
	other.Sum = argoCD2.Sum
	_, err := upstream.Fetch(t.Context(), other)
	require.ErrorContains(t, err, "checksum is")
}

func TestAModuleThatIsNotThere(t *testing.T) {
	_, err := upstream.Fetch(t.Context(), upstream.Module{Path: "rollcall.invalid/none", Version: "v1.0.0"})
	require.ErrorContains(t, err, "rollcall.invalid/none@v1.0.0")
}
