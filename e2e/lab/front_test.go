package lab

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConfine(t *testing.T) {
	for path, want := range map[string]string{
		"/apis/apps/v1/deployments":                               "/apis/apps/v1/namespaces/shop/deployments",
		"/apis/rollcall.dev/v1alpha1/releases":                    "/apis/rollcall.dev/v1alpha1/namespaces/shop/releases",
		"/apis/apps/v1/namespaces/other/deployments":              "/apis/apps/v1/namespaces/other/deployments",
		"/apis/argoproj.io/v1alpha1/applications":                 "/apis/argoproj.io/v1alpha1/applications",
		"/apis/apiextensions.k8s.io/v1/customresourcedefinitions": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
		"/apis/apps/v1":                      "/apis/apps/v1",
		"/api/v1/namespaces/shop/configmaps": "/api/v1/namespaces/shop/configmaps",
		"/apis/coordination.k8s.io/v1/namespaces/shop/leases/rollcall": "/apis/coordination.k8s.io/v1/namespaces/shop/leases/rollcall",
	} {
		require.Equal(t, want, confine(path, "shop"))
	}
}
