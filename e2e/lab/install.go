package lab

import (
	"context"
	"fmt"
	"path/filepath"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/rollcall-dev/rollcall/e2e/parts"
)

// RollcallNamespace is where the manifests install rollcall.
const RollcallNamespace = "rollcall"

// Manifests renders a folder of the repository's manifests with kustomize.
func Manifests(folder string) (resmap.ResMap, error) {
	root, err := parts.Root()
	if err != nil {
		return nil, fmt.Errorf("render manifests: %w", err)
	}
	k := krusty.MakeKustomizer(krusty.MakeDefaultOptions())
	all, err := k.Run(filesys.MakeFsOnDisk(), filepath.Join(root, "manifests", folder))
	if err != nil {
		return nil, fmt.Errorf("render manifests/%s: %w", folder, err)
	}
	return all, nil
}

// GrantRollcall lets rollcall keep its lease and read its rules in a namespace other
// than its own, by the roles that the manifests give it there. So several instances
// can run side by side.
func (l *Lab) GrantRollcall(ctx context.Context, namespace string) error {
	all, err := Manifests("base")
	if err != nil {
		return err
	}
	for _, r := range all.Resources() {
		if r.GetKind() != "Role" && r.GetKind() != "RoleBinding" {
			continue
		}
		if err := r.SetNamespace(namespace); err != nil {
			return fmt.Errorf("move %s: %w", r.CurId(), err)
		}
		raw, err := r.AsYAML()
		if err != nil {
			return fmt.Errorf("encode %s: %w", r.CurId(), err)
		}
		if err := l.Apply(ctx, raw); err != nil {
			return err
		}
	}
	return nil
}

// InstallRollcall applies what manifests/base holds, but for the Deployment: no
// pod really runs here, and the program is started as a process. It returns a
// kubeconfig that may do what the manifests allow rollcall to do, and no more.
func (l *Lab) InstallRollcall(ctx context.Context) (kubeconfig string, err error) {
	all, err := Manifests("base")
	if err != nil {
		return "", err
	}
	for _, r := range all.Resources() {
		if r.GetKind() == "Deployment" {
			continue
		}
		raw, err := r.AsYAML()
		if err != nil {
			return "", fmt.Errorf("encode %s: %w", r.CurId(), err)
		}
		if err := l.Apply(ctx, raw); err != nil {
			return "", err
		}
	}
	return l.ServiceAccountKubeconfig(ctx, RollcallNamespace, "rollcall", l.Dir)
}
