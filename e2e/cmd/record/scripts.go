package main

import "slices"

// scripts are all situations that can be played on real controllers. Their names
// are those of the timelines.
func scripts() []script {
	return slices.Concat(deployments(), identities(), others(), applications(), kustomizations())
}
