package watch

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/rollcall-dev/rollcall/release"
)

// restartedAt is what kubectl rollout restart writes into the pod template.
const restartedAt = "kubectl.kubernetes.io/restartedAt"

// describe sums up the template that a ReplicaSet carries.
func describe(rs *appsv1.ReplicaSet) (release.Template, error) {
	t := sansHash(rs.Spec.Template)
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
	return release.Template{
		Hash:              rs.Labels[appsv1.DefaultDeploymentUniqueLabelKey],
		Digest:            whole,
		DigestSansRestart: sans,
		Images:            images(t.Spec),
	}, nil
}

func digest(t *corev1.PodTemplateSpec) (string, error) {
	raw, err := json.Marshal(t)
	if err != nil {
		return "", fmt.Errorf("encode pod template: %w", err)
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
