package lean

import (
	"context"
	"fmt"
	"net/http"

	"github.com/argoproj/argo-cd/v2/pkg/apis/application"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/gentype"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// ArgoGroupVersion is the API group and version of both Argo projects.
var ArgoGroupVersion = schema.GroupVersion{Group: application.Group, Version: "v1alpha1"}

// The resources that a lean client reads.
const (
	Applications = application.ApplicationPlural
	Workflows    = "workflows"
)

// Argo reads Argo CD's Applications and Argo's Workflows.
//
// +kubebuilder:object:generate=false
type Argo struct {
	rest  rest.Interface
	codec runtime.ParameterCodec
}

// NewArgo makes a client; httpClient may be shared with other clients.
func NewArgo(cfg *rest.Config, httpClient *http.Client) (*Argo, error) {
	scheme := runtime.NewScheme()
	scheme.AddKnownTypes(ArgoGroupVersion, &Application{}, &ApplicationList{}, &Workflow{}, &WorkflowList{})
	metav1.AddToGroupVersion(scheme, ArgoGroupVersion)
	c := rest.CopyConfig(cfg)
	c.GroupVersion, c.APIPath = &ArgoGroupVersion, "/apis"
	c.ContentType, c.AcceptContentTypes = runtime.ContentTypeJSON, runtime.ContentTypeJSON
	c.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	client, err := rest.RESTClientForConfigAndClient(c, httpClient)
	if err != nil {
		return nil, fmt.Errorf("make client of %s: %w", ArgoGroupVersion, err)
	}
	return &Argo{rest: client, codec: runtime.NewParameterCodec(scheme)}, nil
}

// Applications reads the Applications of a namespace, or of all if it is empty.
func (a *Argo) Applications(namespace string) *gentype.ClientWithList[*Application, *ApplicationList] {
	return gentype.NewClientWithList[*Application, *ApplicationList](Applications, a.rest, a.codec, namespace,
		func() *Application { return &Application{} }, func() *ApplicationList { return &ApplicationList{} })
}

// Workflows reads the Workflows of a namespace, or of all if it is empty.
func (a *Argo) Workflows(namespace string) *gentype.ClientWithList[*Workflow, *WorkflowList] {
	return gentype.NewClientWithList[*Workflow, *WorkflowList](Workflows, a.rest, a.codec, namespace,
		func() *Workflow { return &Workflow{} }, func() *WorkflowList { return &WorkflowList{} })
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
