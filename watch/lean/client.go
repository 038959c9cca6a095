package lean

import (
	"context"
	"fmt"
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/gentype"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// Client reads the objects of this package.
//
// +kubebuilder:object:generate=false
type Client struct {
	rest  map[schema.GroupVersion]rest.Interface
	codec runtime.ParameterCodec
}

// New makes a client; httpClient may be shared with other clients.
func New(cfg *rest.Config, httpClient *http.Client) (*Client, error) {
	s := scheme()
	out := &Client{rest: map[schema.GroupVersion]rest.Interface{}, codec: runtime.NewParameterCodec(s)}
	for _, gv := range []schema.GroupVersion{ArgoGroupVersion, KustomizeGroupVersion, HelmGroupVersion, SourceGroupVersion} {
		c := rest.CopyConfig(cfg)
		c.GroupVersion, c.APIPath = &gv, "/apis"
		c.ContentType, c.AcceptContentTypes = runtime.ContentTypeJSON, runtime.ContentTypeJSON
		c.NegotiatedSerializer = serializer.NewCodecFactory(s).WithoutConversion()
		client, err := rest.RESTClientForConfigAndClient(c, httpClient)
		if err != nil {
			return nil, fmt.Errorf("make client of %s: %w", gv, err)
		}
		out.rest[gv] = client
	}
	return out, nil
}

// scheme says what to decode each kind to.
func scheme() *runtime.Scheme {
	s := runtime.NewScheme()
	add := func(o, list runtime.Object, kinds ...Kind) {
		for _, k := range kinds {
			s.AddKnownTypeWithName(k.GroupVersionKind(), o)
			s.AddKnownTypeWithName(k.WithKind(k.Name+"List"), list)
			metav1.AddToGroupVersion(s, k.GroupVersion)
		}
	}
	add(&Application{}, &ApplicationList{}, Applications)
	add(&Rollout{}, &RolloutList{}, Rollouts)
	add(&Workflow{}, &WorkflowList{}, Workflows)
	add(&Kustomization{}, &KustomizationList{}, Kustomizations)
	add(&HelmRelease{}, &HelmReleaseList{}, HelmReleases)
	add(&FluxSource{}, &FluxSourceList{}, Sources()...)
	return s
}

// Applications reads the Applications of a namespace, or of all if it is empty.
func (c *Client) Applications(namespace string) *gentype.ClientWithList[*Application, *ApplicationList] {
	return gentype.NewClientWithList(Applications.Plural, c.rest[ArgoGroupVersion], c.codec, namespace,
		func() *Application { return &Application{} }, func() *ApplicationList { return &ApplicationList{} })
}

// Rollouts reads the Rollouts of a namespace, or of all if it is empty.
func (c *Client) Rollouts(namespace string) *gentype.ClientWithList[*Rollout, *RolloutList] {
	return gentype.NewClientWithList(Rollouts.Plural, c.rest[ArgoGroupVersion], c.codec, namespace,
		func() *Rollout { return &Rollout{} }, func() *RolloutList { return &RolloutList{} })
}

// Workflows reads the Workflows of a namespace, or of all if it is empty.
func (c *Client) Workflows(namespace string) *gentype.ClientWithList[*Workflow, *WorkflowList] {
	return gentype.NewClientWithList(Workflows.Plural, c.rest[ArgoGroupVersion], c.codec, namespace,
		func() *Workflow { return &Workflow{} }, func() *WorkflowList { return &WorkflowList{} })
}

// Kustomizations reads the Kustomizations of a namespace, or of all if it is empty.
func (c *Client) Kustomizations(namespace string) *gentype.ClientWithList[*Kustomization, *KustomizationList] {
	return gentype.NewClientWithList(Kustomizations.Plural, c.rest[KustomizeGroupVersion], c.codec, namespace,
		func() *Kustomization { return &Kustomization{} }, func() *KustomizationList { return &KustomizationList{} })
}

// HelmReleases reads the HelmReleases of a namespace, or of all if it is empty.
func (c *Client) HelmReleases(namespace string) *gentype.ClientWithList[*HelmRelease, *HelmReleaseList] {
	return gentype.NewClientWithList(HelmReleases.Plural, c.rest[HelmGroupVersion], c.codec, namespace,
		func() *HelmRelease { return &HelmRelease{} }, func() *HelmReleaseList { return &HelmReleaseList{} })
}

// Sources reads the sources of one kind, which is one of Sources, of a namespace,
// or of all if it is empty.
func (c *Client) Sources(kind Kind, namespace string) *gentype.ClientWithList[*FluxSource, *FluxSourceList] {
	return gentype.NewClientWithList(kind.Plural, c.rest[SourceGroupVersion], c.codec, namespace,
		func() *FluxSource { return &FluxSource{} }, func() *FluxSourceList { return &FluxSourceList{} })
}

// lister is what a list and watch needs of a client.
type lister[L runtime.Object] interface {
	List(ctx context.Context, opts metav1.ListOptions) (L, error)
	Watch(ctx context.Context, opts metav1.ListOptions) (watch.Interface, error)
}

// ListWatch reads with a client what a label selector selects.
func ListWatch[L runtime.Object](client lister[L], labels string) cache.ListerWatcher {
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) {
			opts.LabelSelector = labels
			return client.List(ctx, opts)
		},
		WatchFuncWithContext: func(ctx context.Context, opts metav1.ListOptions) (watch.Interface, error) {
			opts.LabelSelector = labels
			return client.Watch(ctx, opts)
		},
	}
}
