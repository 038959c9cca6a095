package emit

import (
	"fmt"
	"net/http"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/gentype"
	"k8s.io/client-go/rest"

	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// Client reads and writes records.
type Client struct {
	rest  rest.Interface
	codec runtime.ParameterCodec
}

// Records is the client for one namespace, or for all.
type Records = gentype.ClientWithList[*v1alpha1.Release, *v1alpha1.ReleaseList]

// NewClient makes a client; httpClient may be shared with other clients.
func NewClient(cfg *rest.Config, httpClient *http.Client) (*Client, error) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("register types: %w", err)
	}
	c := rest.CopyConfig(cfg)
	gv := v1alpha1.GroupVersion
	c.GroupVersion, c.APIPath = &gv, "/apis"
	c.ContentType, c.AcceptContentTypes = runtime.ContentTypeJSON, runtime.ContentTypeJSON
	c.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	client, err := rest.RESTClientForConfigAndClient(c, httpClient)
	if err != nil {
		return nil, fmt.Errorf("make client of %s: %w", gv, err)
	}
	return &Client{rest: client, codec: runtime.NewParameterCodec(scheme)}, nil
}

// In returns the records of a namespace; the empty namespace means all.
func (c *Client) In(namespace string) *Records {
	return gentype.NewClientWithList[*v1alpha1.Release, *v1alpha1.ReleaseList](v1alpha1.Plural, c.rest, c.codec, namespace,
		func() *v1alpha1.Release { return &v1alpha1.Release{} }, func() *v1alpha1.ReleaseList { return &v1alpha1.ReleaseList{} })
}
