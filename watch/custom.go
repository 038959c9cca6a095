package watch

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/cache"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/watch/workload"
)

// custom is any other kind, judged by its kstatus. Its template is whatever it
// says beside its metadata and its status; that is its token, and comes again when
// somebody writes the same again.
type custom struct {
	w        *Watcher
	name     string // of its subjects
	kind     schema.GroupVersionKind
	resource schema.GroupVersionResource
}

var _ kind = custom{}

func (k custom) observe(o runtime.Object) observed {
	u, ok := o.(*unstructured.Unstructured)
	if !ok {
		return observed{}
	}
	out := k.w.observation(u, k.name, k.kind.GroupVersion().String())
	out.State, out.token, out.returns = workload.Any(u), fingerprint(u), true
	return out
}

func (k custom) read(ctx context.Context, s release.Subject) (*reading, error) {
	u, err := k.w.Dynamic.Resource(k.resource).Namespace(s.Namespace).Get(ctx, s.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // gone is neither a reading nor a fault
	}
	if err != nil {
		return nil, err
	}
	out := &reading{observed: k.observe(u)}
	out.current = &version{
		uid: out.uid, hash: out.token, number: strconv.FormatInt(out.generation, 10), soft: true, created: out.created,
		template: func() (release.Template, error) {
			return release.Template{Hash: out.token, Digest: out.token, DigestSansRestart: out.token}, nil
		},
	}
	return out, nil
}

// fingerprint stands for what an object says beside its metadata and its status.
func fingerprint(u *unstructured.Unstructured) string {
	said := map[string]any{}
	for key, v := range u.Object {
		switch key {
		case "metadata", "status", "apiVersion", "kind":
		default:
			said[key] = v
		}
	}
	sum, err := digest(said)
	if err != nil {
		return "" // it came as JSON, and so can be encoded
	}
	return sum[:10]
}

// followCustom begins to watch a kind, if the API server knows it.
func (w *Watcher) followCustom(ref release.KindRef) error {
	gv, err := schema.ParseGroupVersion(ref.APIVersion)
	if err != nil {
		return fmt.Errorf("follow %s: %w", ref.Kind, err)
	}
	gvk := gv.WithKind(ref.Kind)
	if w.Mapper == nil {
		return fmt.Errorf("follow %s: nothing maps kinds to resources", ref.Kind)
	}
	mapping, err := w.mapping(gvk)
	if err != nil {
		return fmt.Errorf("follow %s: %w", ref.Kind, err)
	}
	k := custom{w: w, name: ref.Subject(), kind: gvk, resource: mapping.Resource}
	f := w.workloadFeed(k, builtin(w.Dynamic.Resource(k.resource), w.Dynamic), &unstructured.Unstructured{}, slimCustom)
	f.further = true
	if err := f.open(); err != nil {
		return fmt.Errorf("follow %s: %w", ref.Kind, err)
	}
	w.follow(k.name, k, f)
	return nil
}

var _ cache.TransformFunc = slimCustom

func slimCustom(o any) (any, error) {
	if u, ok := o.(*unstructured.Unstructured); ok {
		u.SetManagedFields(nil)
	}
	return o, nil
}

// splitAPIVersion reads the group and the version out of an apiVersion.
func splitAPIVersion(v string) (group, version string) {
	if g, rest, ok := strings.Cut(v, "/"); ok {
		return g, rest
	}
	return "", v
}
