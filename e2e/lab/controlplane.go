package lab

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/rollcall-dev/rollcall/e2e/parts"
)

// addresses are where the parts listen, all on loopback.
type addresses struct {
	etcd, etcdPeer, apiServer, controllerManager, scheduler, kwok string
	repoServer, repoServerMetrics, appController                  string
	jaegerQuery, jaegerQueryGRPC, jaegerAdmin, otlpGRPC, otlpHTTP string
	jaegerCollectorGRPC, jaegerCollectorHTTP                      string
	fluxStorage, fluxSourceMetrics, fluxSourceHealth              string
	fluxKustomizeMetrics, fluxKustomizeHealth                     string
}

// allot finds an address for every part.
func (l *Lab) allot() error {
	free := ports{}
	a := &l.at
	for _, address := range []*string{
		&a.etcd, &a.etcdPeer, &a.apiServer, &a.controllerManager, &a.scheduler, &a.kwok,
		&a.repoServer, &a.repoServerMetrics, &a.appController,
		&a.jaegerQuery, &a.jaegerQueryGRPC, &a.jaegerAdmin, &a.otlpGRPC, &a.otlpHTTP,
		&a.jaegerCollectorGRPC, &a.jaegerCollectorHTTP,
		&a.fluxStorage, &a.fluxSourceMetrics, &a.fluxSourceHealth, &a.fluxKustomizeMetrics, &a.fluxKustomizeHealth,
	} {
		var err error
		if *address, err = free.next(); err != nil {
			return err
		}
	}
	return nil
}

// startAPIServer starts etcd and the API server on it, and connects to it.
func (l *Lab) startAPIServer(ctx context.Context) error {
	keys, err := newCredentials(l.Dir)
	if err != nil {
		return err
	}
	if err := l.connect(keys); err != nil {
		return err
	}
	if err := l.startEtcd(ctx); err != nil {
		return err
	}
	p, err := l.spawn(command{name: parts.BinaryAPIServer, path: l.binaries.Path(parts.BinaryAPIServer), args: []string{
		"--etcd-servers=http://" + l.at.etcd,
		"--bind-address=127.0.0.1",
		"--secure-port=" + portOf(l.at.apiServer),
		"--tls-cert-file=" + keys.certFile,
		"--tls-private-key-file=" + keys.keyFile,
		"--token-auth-file=" + keys.tokenFile,
		"--authorization-mode=RBAC",
		"--service-account-key-file=" + keys.signFile,
		"--service-account-signing-key-file=" + keys.signFile,
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-cluster-ip-range=10.0.0.0/16",
		"--endpoint-reconciler-type=none", // A loopback address cannot be an endpoint.
		"--disable-admission-plugins=ServiceAccount",
	}})
	if err != nil {
		return err
	}
	err = p.ready(ctx, func(ctx context.Context) error {
		return l.client.CoreV1().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
	if err != nil {
		return err
	}
	l.say("API server ready")
	return nil
}

// startEtcd starts the store. It does not wait for the disk: nobody reads it
// after a crash.
func (l *Lab) startEtcd(ctx context.Context) error {
	client, peer := "http://"+l.at.etcd, "http://"+l.at.etcdPeer
	p, err := l.spawn(command{name: parts.BinaryEtcd, path: l.binaries.Path(parts.BinaryEtcd), args: []string{
		"--name=lab",
		"--data-dir=" + filepath.Join(l.Dir, "etcd"),
		"--listen-client-urls=" + client,
		"--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer,
		"--initial-advertise-peer-urls=" + peer,
		"--initial-cluster=lab=" + peer,
		"--unsafe-no-fsync",
	}})
	if err != nil {
		return err
	}
	return p.ready(ctx, answers(client+"/readyz"))
}

// startControllerManager starts the controllers. The one that hands out
// addresses to nodes stays off: kwok does that for pods.
func (l *Lab) startControllerManager(ctx context.Context) error {
	p, err := l.spawn(command{
		name: parts.BinaryControllerManager, path: l.binaries.Path(parts.BinaryControllerManager), args: []string{
			"--kubeconfig=" + l.Kubeconfig,
			"--controllers=*,-node-ipam-controller",
			"--leader-elect=false",
			"--bind-address=127.0.0.1",
			"--secure-port=" + portOf(l.at.controllerManager),
			"--cert-dir=" + filepath.Join(l.Dir, "controller-manager"),
			"--service-account-private-key-file=" + filepath.Join(l.Dir, "service-account.key"),
			"--kube-api-qps=500",
			"--kube-api-burst=1000",
			// A busy machine must not make the node look dead.
			"--node-monitor-grace-period=2m",
		},
	})
	if err != nil {
		return err
	}
	if err := p.ready(ctx, answers("https://"+l.at.controllerManager+"/healthz")); err != nil {
		return err
	}
	l.say("controller manager ready")
	return nil
}

// startScheduler starts the scheduler.
func (l *Lab) startScheduler(ctx context.Context) error {
	p, err := l.spawn(command{name: parts.BinaryScheduler, path: l.binaries.Path(parts.BinaryScheduler), args: []string{
		"--kubeconfig=" + l.Kubeconfig,
		"--leader-elect=false",
		"--bind-address=127.0.0.1",
		"--secure-port=" + portOf(l.at.scheduler),
		"--cert-dir=" + filepath.Join(l.Dir, "scheduler"),
	}})
	if err != nil {
		return err
	}
	if err := p.ready(ctx, answers("https://"+l.at.scheduler+"/healthz")); err != nil {
		return err
	}
	l.say("scheduler ready")
	return nil
}

// startJaeger starts Jaeger, which keeps traces in memory.
func (l *Lab) startJaeger(ctx context.Context) error {
	l.JaegerQuery, l.OTLP = "http://"+l.at.jaegerQuery, l.at.otlpGRPC
	p, err := l.spawn(command{
		name: parts.BinaryJaeger, path: l.binaries.Path(parts.BinaryJaeger),
		env: []string{"COLLECTOR_OTLP_ENABLED=true", "SPAN_STORAGE_TYPE=memory"},
		args: []string{
			"--query.http-server.host-port=" + l.at.jaegerQuery,
			"--query.grpc-server.host-port=" + l.at.jaegerQueryGRPC,
			"--admin.http.host-port=" + l.at.jaegerAdmin,
			"--collector.otlp.grpc.host-port=" + l.at.otlpGRPC,
			"--collector.otlp.http.host-port=" + l.at.otlpHTTP,
			"--collector.grpc-server.host-port=" + l.at.jaegerCollectorGRPC,
			"--collector.http-server.host-port=" + l.at.jaegerCollectorHTTP,
		},
	})
	if err != nil {
		return err
	}
	if err := p.ready(ctx, answers(fmt.Sprintf("http://%s/", l.at.jaegerAdmin))); err != nil {
		return err
	}
	if err := p.ready(ctx, answers(l.JaegerQuery+"/api/services")); err != nil {
		return err
	}
	l.say("Jaeger ready")
	return nil
}
