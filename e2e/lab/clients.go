package lab

import (
	"context"
	"fmt"
	"path/filepath"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// tokenSeconds is how long a service account's token is good: longer than any lab.
const tokenSeconds = 24 * 60 * 60

// connect makes the administrator's clients and kubeconfig.
func (l *Lab) connect(c credentials) error {
	l.admin = &rest.Config{
		Host:            "https://" + l.at.apiServer,
		BearerToken:     c.adminToken,
		TLSClientConfig: rest.TLSClientConfig{CAData: c.ca},
		QPS:             1000,
		Burst:           2000,
	}
	l.Kubeconfig = filepath.Join(l.Dir, "admin.kubeconfig")
	if err := l.writeKubeconfig(l.Kubeconfig, "default", c.adminToken); err != nil {
		return err
	}
	var err error
	if l.client, err = kubernetes.NewForConfig(l.admin); err != nil {
		return fmt.Errorf("make client: %w", err)
	}
	if l.dynamic, err = dynamic.NewForConfig(l.admin); err != nil {
		return fmt.Errorf("make client: %w", err)
	}
	found, err := discovery.NewDiscoveryClientForConfig(l.admin)
	if err != nil {
		return fmt.Errorf("make client: %w", err)
	}
	l.mapper = restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(found))
	return nil
}

// Admin is the configuration of an administrator's client, hardly limited in
// its rate. The caller may change it.
func (l *Lab) Admin() *rest.Config { return rest.CopyConfig(l.admin) }

// Client is an administrator's client of the built-in kinds.
func (l *Lab) Client() kubernetes.Interface { return l.client }

// Dynamic is an administrator's client of all kinds.
func (l *Lab) Dynamic() dynamic.Interface { return l.dynamic }

// ServiceAccountKubeconfig writes a kubeconfig into dir that acts as the service
// account, by a token that the API server issues for it, and returns its path.
// The service account must exist; its namespace is the context's.
func (l *Lab) ServiceAccountKubeconfig(ctx context.Context, namespace, name, dir string) (string, error) {
	seconds := int64(tokenSeconds)
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
	issued, err := l.client.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, name, request, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("request token of %s/%s: %w", namespace, name, err)
	}
	path := filepath.Join(dir, namespace+"-"+name+".kubeconfig")
	if err := l.writeKubeconfig(path, namespace, issued.Status.Token); err != nil {
		return "", err
	}
	return path, nil
}

// writeKubeconfig writes a kubeconfig for the lab's API server.
func (l *Lab) writeKubeconfig(path, namespace, token string) error {
	config := clientcmdapi.NewConfig()
	config.Clusters["lab"] = &clientcmdapi.Cluster{Server: l.admin.Host, CertificateAuthorityData: l.admin.CAData}
	config.AuthInfos["lab"] = &clientcmdapi.AuthInfo{Token: token}
	config.Contexts["lab"] = &clientcmdapi.Context{Cluster: "lab", AuthInfo: "lab", Namespace: namespace}
	config.CurrentContext = "lab"
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		return fmt.Errorf("write kubeconfig: %w", err)
	}
	return nil
}
