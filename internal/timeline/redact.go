package timeline

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Redactor takes out of objects what must not leave their cluster, and what nobody
// reads. What is secret becomes a digest, so that it still differs when it did, and
// is equal where it was: a template stays equal to its copy in a ReplicaSet. The
// salt is in no file, so that nobody can try out what a digest is of.
type Redactor struct{ salt []byte }

// NewRedactor makes a redactor; the salt must be random, and new for each recording.
func NewRedactor(salt []byte) *Redactor { return &Redactor{salt} }

// Redact gives a copy of an object as it may be shown.
func (r *Redactor) Redact(o *unstructured.Unstructured) *unstructured.Unstructured {
	if o.GetKind() == "Pod" {
		return slight(o)
	}
	out := o.DeepCopy()
	r.members(out.Object)
	meta := part(out.Object, "metadata")
	for _, key := range []string{"resourceVersion", "selfLink", "managedFields"} {
		delete(meta, key)
	}
	if wrote := writers(o); len(wrote) > 0 && subject(o.GetKind()) {
		meta["managedFields"] = wrote
	}
	return out
}

// slight is what is read of a pod: whose it is, and how old.
func slight(o *unstructured.Unstructured) *unstructured.Unstructured {
	out := &unstructured.Unstructured{Object: object{"apiVersion": "v1", "kind": "Pod"}}
	out.SetName(o.GetName())
	out.SetNamespace(o.GetNamespace())
	out.SetUID(o.GetUID())
	out.SetCreationTimestamp(o.GetCreationTimestamp())
	out.SetOwnerReferences(o.GetOwnerReferences())
	labels := map[string]string{}
	for _, key := range []string{hashKey, "controller-revision-hash", "rollouts-pod-template-hash"} {
		if v := o.GetLabels()[key]; v != "" {
			labels[key] = v
		}
	}
	if len(labels) > 0 {
		out.SetLabels(labels)
	}
	return out
}

// writers are the field managers that own something of a pod template, and no more
// of what they own than that.
func writers(o *unstructured.Unstructured) []any {
	all, _, _ := unstructured.NestedSlice(o.Object, "metadata", "managedFields") // what is no list is absent
	var out []any
	for _, item := range all {
		e, _ := item.(object)
		_, owns, _ := unstructured.NestedFieldNoCopy(e, "fieldsV1", "f:spec", "f:template") // what is no path is absent
		if !owns || e["subresource"] != nil {
			continue
		}
		e["fieldsV1"] = object{"f:spec": object{"f:template": object{}}}
		out = append(out, e)
	}
	return out
}

// value redacts what a key has.
func (r *Redactor) value(key string, v any) any {
	switch v := v.(type) {
	case object:
		if key == "values" || key == "valuesObject" { // of a Helm chart
			return r.hide(v)
		}
		r.members(v)
		if key == "annotations" {
			r.annotations(v)
		}
		if key == "substitute" { // of a Kustomization
			for k := range v {
				v[k] = r.hide(v[k])
			}
		}
		return v
	case []any:
		return r.list(key, v)
	case string:
		if key == "values" || key == "patch" { // texts with manifests in them
			return r.hide(v)
		}
		return r.addresses(v)
	}
	return v
}

// members redacts what a mapping has. What is null is as good as absent, and no
// patch could say it.
func (r *Redactor) members(o object) {
	for k, v := range o {
		if v == nil {
			delete(o, k)
			continue
		}
		o[k] = r.value(k, v)
	}
}

func (r *Redactor) annotations(all object) {
	delete(all, corev1.LastAppliedConfigAnnotation)
	for k, v := range all {
		if secret.MatchString(k) {
			all[k] = r.hide(v)
		}
	}
}

// list redacts a list: of names and values, of the words of a command, or of anything.
func (r *Redactor) list(key string, all []any) []any {
	if key == "command" || key == "args" {
		return r.command(all)
	}
	for i, item := range all {
		all[i] = r.value("", item)
		if o, ok := item.(object); ok && valued(key) {
			for _, k := range []string{"value", "string", "array", "map"} {
				if v := o[k]; v != nil {
					o[k] = r.hide(v)
				}
			}
		}
	}
	return all
}

// valued reports whether a list of that name has names and values: the environment
// of a container or plugin, the headers of a probe, the parameters of a chart.
func valued(key string) bool {
	switch key {
	case "env", "httpHeaders", "parameters", "extVars", "tlas":
		return true
	}
	return false
}

// What looks like a secret. Rather too much is redacted than too little.
var (
	secret = regexp.MustCompile(`(?i)pass|pwd|secret|token|credential|api[-_.]?key|access[-_.]?key|private[-_.]?key|signing[-_.]?key|auth|bearer|cookie|dsn|conn(ection)?[-_.]?str`)
	named  = regexp.MustCompile(`^-{0,2}[\w.-]+$`)
	runs   = regexp.MustCompile(`[A-Za-z0-9+/_-]{20,}`)
	hexes  = regexp.MustCompile(`[0-9a-fA-F]{32,}`)
	mixed  = []*regexp.Regexp{regexp.MustCompile(`[A-Z]`), regexp.MustCompile(`[a-z]`), regexp.MustCompile(`[0-9]`)}

	userinfo = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*)://([^/?#\s"'<>]+)@`)
	query    = regexp.MustCompile(`(?i)([?&][^=&\s]*(?:token|secret|pass|key|sig|auth)[^=&\s]*=)([^&\s"'<>]+)`)
)

// chance reports whether a text holds what looks as if chance had made it.
func chance(s string) bool {
	if hexes.MatchString(s) {
		return true
	}
	for _, run := range runs.FindAllString(s, -1) {
		if mixed[0].MatchString(run) && mixed[1].MatchString(run) && mixed[2].MatchString(run) {
			return true
		}
	}
	return false
}

// command redacts the words of a command line.
func (r *Redactor) command(all []any) []any {
	follows := false // a secret, after the flag that names it
	for i, item := range all {
		s, ok := item.(string)
		switch {
		case !ok:
			all[i] = r.value("", item)
			if o, is := item.(object); is && secret.MatchString(text(o["name"])) {
				o["value"] = r.hide(o["value"])
			}
			follows = false
		case follows && !strings.HasPrefix(s, "-"):
			all[i], follows = r.hide(s), false
		default:
			all[i], follows = r.word(s)
		}
	}
	return all
}

// word redacts one word of a command line; it says whether a secret follows.
func (r *Redactor) word(s string) (out any, follows bool) {
	name, value, assigned := strings.Cut(s, "=")
	switch {
	case assigned && named.MatchString(name):
		if secret.MatchString(name) || secret.MatchString(value) || chance(value) {
			return name + "=" + text(r.hide(value)), false
		}
	case strings.HasPrefix(s, "-") && named.MatchString(s) && !chance(s):
		return s, secret.MatchString(s)
	case secret.MatchString(s), chance(s):
		return r.hide(s), false
	}
	return r.addresses(s), false
}

// addresses redacts who logs in by the URLs of a text, and the keys in them. The
// user alone is no secret to SSH.
func (r *Redactor) addresses(s string) string {
	if !strings.Contains(s, "://") {
		return s
	}
	s = userinfo.ReplaceAllStringFunc(s, func(hit string) string {
		m := userinfo.FindStringSubmatch(hit)
		if strings.HasSuffix(strings.ToLower(m[1]), "ssh") && !strings.Contains(m[2], ":") {
			return hit
		}
		return m[1] + "://" + r.digest(m[2]) + "@"
	})
	return query.ReplaceAllStringFunc(s, func(hit string) string {
		m := query.FindStringSubmatch(hit)
		return m[1] + r.digest(m[2])
	})
}

// hide gives what stands for a secret, in the shape that it had. What is empty
// hides nothing.
func (r *Redactor) hide(v any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		if v == "" {
			return v
		}
		return r.digest(v)
	case object:
		if len(v) == 0 {
			return v
		}
		return object{"redacted": r.digest(v)}
	case []any:
		if len(v) == 0 {
			return v
		}
		return []any{r.digest(v)}
	}
	return r.digest(v)
}

func (r *Redactor) digest(v any) string {
	raw, err := json.Marshal(v) // its keys come out sorted; what was decoded can be encoded
	if err != nil {
		return "redacted"
	}
	sum := hmac.New(sha256.New, r.salt)
	_, _ = sum.Write(raw) // a hash takes everything
	return "redacted-" + hex.EncodeToString(sum.Sum(nil))[:6]
}
