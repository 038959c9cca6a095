package watch

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"

	"github.com/rollcall-dev/rollcall/release"
)

// restartedAt is what kubectl rollout restart writes into the pod template.
const restartedAt = "kubectl.kubernetes.io/restartedAt"

// describe sums up a pod template.
func describe(hash string, template *corev1.PodTemplateSpec) (release.Template, error) {
	t := sansHash(template)
	whole, err := digest(t)
	if err != nil {
		return release.Template{}, err
	}
	delete(t.Annotations, restartedAt)
	if len(t.Annotations) == 0 {
		t.Annotations = nil
	}
	sans, err := digest(t)
	if err != nil {
		return release.Template{}, err
	}
	return release.Template{Hash: hash, Digest: whole, DigestSansRestart: sans, Images: images(t.Spec)}, nil
}

// hashLabels are what controllers add to the templates that they keep.
var hashLabels = []string{appsv1.DefaultDeploymentUniqueLabelKey, "rollouts-pod-template-hash"}

// sameTemplate compares pod templates without the labels that controllers add.
func sameTemplate(a, b *corev1.PodTemplateSpec) bool {
	return apiequality.Semantic.DeepEqual(sansHash(a), sansHash(b))
}

func sansHash(t *corev1.PodTemplateSpec) *corev1.PodTemplateSpec {
	c := t.DeepCopy()
	for _, l := range hashLabels {
		delete(c.Labels, l)
	}
	if len(c.Labels) == 0 {
		c.Labels = nil
	}
	return c
}

func digest(v any) (string, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("encode template: %w", err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16]), nil
}

// images lists the images of all containers and init containers, sorted.
func images(p corev1.PodSpec) []string {
	var all []string
	for _, c := range slices.Concat(p.InitContainers, p.Containers) {
		all = append(all, c.Image)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
