package inspect

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/rollcall-dev/rollcall/release"
)

// Name names a subject as people do.
type Name struct {
	Kind      release.KindRef
	Namespace string
	Name      string
}

// String gives the short form.
func (n Name) String() string { return n.Kind.Kind + "/" + n.Name }

// short lists kubectl's short names.
func short() map[string]string {
	return map[string]string{
		"deploy": "Deployment", "sts": "StatefulSet", "ds": "DaemonSet", "ro": "Rollout", "app": "Application",
		"ks": "Kustomization", "hr": "HelmRelease",
	}
}

// Called reports whether a kind is what people call so: by its name in any case, its
// plural or short name, with or without its group.
func Called(ref release.KindRef, word string) bool {
	group := schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind).Group
	word, of, grouped := strings.Cut(word, ".")
	if grouped && !strings.EqualFold(of, group) {
		return false
	}
	if full, ok := short()[strings.ToLower(word)]; ok {
		word = full
	}
	return strings.EqualFold(word, ref.Kind) || strings.EqualFold(word, ref.Kind+"s")
}

// KindOf finds the kind that people call so: one of our own, or else one that the
// API server knows, for which its group is needed.
func KindOf(word string, mapper meta.RESTMapper) (release.KindRef, error) {
	for _, kind := range slices.Concat(release.Workloads(), release.Apps()) {
		if ref := (release.KindRef{Kind: kind}); Called(release.KindRef{APIVersion: release.Group(kind) + "/v1", Kind: kind}, word) {
			return ref, nil
		}
	}
	kind, group, grouped := strings.Cut(word, ".")
	if !grouped {
		return release.KindRef{}, fmt.Errorf("unknown kind %q: of a kind other than %s, the group is needed too, as in Certificate.cert-manager.io",
			word, strings.Join(slices.Concat(release.Workloads(), release.Apps()), ", "))
	}
	mapping, err := mapper.RESTMapping(schema.GroupKind{Group: group, Kind: kind})
	if err != nil {
		return release.KindRef{}, fmt.Errorf("find kind %s: %w", word, err)
	}
	gvk := mapping.GroupVersionKind
	return release.KindRef{APIVersion: gvk.GroupVersion().String(), Kind: gvk.Kind}, nil
}
