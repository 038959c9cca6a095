//go:build tools

// Package etcd pins the store that the scenarios' API server keeps its objects in.
package etcd

import _ "go.etcd.io/etcd/server/v3"
