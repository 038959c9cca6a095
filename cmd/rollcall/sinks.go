package main

import (
	"net/http"

	"k8s.io/client-go/dynamic"

	"github.com/rollcall-dev/rollcall/config"
	"github.com/rollcall-dev/rollcall/emit"
)

// sinks makes the sinks of the configuration as it is now.
type sinks struct {
	rules   *config.Watch
	dynamic dynamic.Interface
	http    *http.Client
}

var _ emit.Sinks = sinks{}

// Sink finds a sink by name. A new kind of sink is one more line here.
func (s sinks) Sink(name string) (emit.Sink, bool) {
	c, ok := s.rules.Current().Sinks[name]
	switch {
	case !ok:
		return nil, false
	case c.ArgoWorkflow != nil:
		return emit.ArgoWorkflow{Config: *c.ArgoWorkflow, Client: s.dynamic}, true
	case c.HTTP != nil:
		return emit.HTTP{Config: *c.HTTP, Client: s.http}, true
	}
	return nil, false
}
