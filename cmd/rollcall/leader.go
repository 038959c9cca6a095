package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// errDeposed ends a process that lost the lead: what it holds may be old.
var errDeposed = errors.New("the lead was lost to another replica")

// election is how replicas agree on who judges and delivers.
type election struct {
	enabled                   bool
	namespace, name, identity string
	leaseDuration             time.Duration
	kube                      kubernetes.Interface
	changed                   func(leading bool)
}

// run carries out work while this replica leads, until ctx ends. On the way out
// the work is finished before the lease is given up, so that two never overlap
// in an orderly hand-over. Of a disorderly one, the record takes care.
func (e election) run(ctx context.Context, work func(context.Context)) error {
	if !e.enabled {
		e.changed(true)
		work(ctx)
		return nil
	}
	leasing, release := context.WithCancel(context.WithoutCancel(ctx))
	defer release()
	done := make(chan struct{})
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Namespace: e.namespace, Name: e.name},
			Client:     e.kube.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: e.identity},
		},
		LeaseDuration: e.leaseDuration, RenewDeadline: e.leaseDuration * 2 / 3, RetryPeriod: e.leaseDuration * 2 / 15,
		ReleaseOnCancel: true, Name: e.name,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(lead context.Context) {
				defer close(done)
				lead, stop := context.WithCancel(lead)
				defer context.AfterFunc(ctx, stop)()
				defer stop()
				e.changed(true)
				work(lead)
			},
			OnStoppedLeading: func() { e.changed(false) },
		},
	})
	if err != nil {
		return fmt.Errorf("set up leader election: %w", err)
	}
	defer context.AfterFunc(ctx, func() {
		if elector.IsLeader() {
			<-done
		}
		release()
	})()
	elector.Run(leasing)
	if ctx.Err() == nil {
		return errDeposed
	}
	return nil
}

// lease reads the lease as the last leader left it; nil if there never was one.
func (e election) lease(ctx context.Context) (*coordinationv1.Lease, error) {
	l, err := e.kube.CoordinationV1().Leases(e.namespace).Get(ctx, e.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read lease: %w", err)
	}
	return l, nil
}
