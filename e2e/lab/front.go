package lab

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	certutil "k8s.io/client-go/util/cert"
)

// Front is something that stands before the API server and passes calls on in its
// own way.
type Front struct {
	// URL is where it serves, CA what it proves itself with, in PEM.
	URL string
	CA  []byte

	server *http.Server
}

// NewFront serves on a free port of loopback.
func NewFront(handler http.Handler) (*Front, error) {
	cert, key, err := certutil.GenerateSelfSignedCertKey("localhost", []net.IP{net.IPv4(127, 0, 0, 1)}, nil)
	if err != nil {
		return nil, fmt.Errorf("make certificate: %w", err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("make certificate: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start front: %w", err)
	}
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"}},
	}
	go func() { _ = server.ServeTLS(listener, "", "") }() // It ends with Close.
	return &Front{URL: "https://" + listener.Addr().String(), CA: cert, server: server}, nil
}

// Close ends the front and all calls.
func (f *Front) Close() { _ = f.server.Close() }

// Forwarder passes calls on to the API server of a client's configuration, with the
// credentials that they bring.
func Forwarder(to *rest.Config) (*httputil.ReverseProxy, error) {
	target, err := url.Parse(to.Host)
	if err != nil {
		return nil, fmt.Errorf("read address of the API server: %w", err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(to.CAData)
	return &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}, ForceAttemptHTTP2: true},
		FlushInterval: -1,                         // Watches wait for nothing.
		ErrorLog:      log.New(io.Discard, "", 0), // Calls that are broken off are nothing to tell.
		ErrorHandler:  func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}, nil
}

// Redirect writes a kubeconfig like another one, for a server elsewhere.
func Redirect(kubeconfig, to, server string, ca []byte) error {
	config, err := clientcmd.LoadFromFile(kubeconfig)
	if err != nil {
		return fmt.Errorf("read kubeconfig: %w", err)
	}
	for _, c := range config.Clusters {
		c.Server, c.CertificateAuthorityData = server, ca
	}
	if err := clientcmd.WriteToFile(*config, to); err != nil {
		return fmt.Errorf("write kubeconfig: %w", err)
	}
	return nil
}

// Confine stands a front before the API server that shows one namespace only: who
// lists or watches the objects of all namespaces sees those of this one. So several
// instances of rollcall can run at once, each of which believes to be alone.
// Applications are shown as they are: they are in a namespace of their own. It
// returns a kubeconfig for the account of another one, and what ends the front.
func (l *Lab) Confine(kubeconfig, namespace string) (confined string, end func(), err error) {
	forward, err := Forwarder(l.Admin())
	if err != nil {
		return "", nil, err
	}
	front, err := NewFront(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = confine(r.URL.Path, namespace)
		forward.ServeHTTP(w, r)
	}))
	if err != nil {
		return "", nil, err
	}
	confined = filepath.Join(l.Dir, namespace+"-only.kubeconfig")
	if err := Redirect(kubeconfig, confined, front.URL, front.CA); err != nil {
		front.Close()
		return "", nil, err
	}
	return confined, front.Close, nil
}

// confine makes a path that is about the objects of all namespaces one about those
// of a single namespace.
func confine(path, namespace string) string {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/") // apis, group, version, resource
	if len(parts) != 4 || parts[0] != "apis" || parts[1] == "apiextensions.k8s.io" || parts[3] == "applications" {
		return path
	}
	return "/" + strings.Join(slices.Insert(parts, 3, "namespaces", namespace), "/")
}
