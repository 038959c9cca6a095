package timeline

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func read(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(text))
	require.NoError(t, err)
	o := &unstructured.Unstructured{}
	require.NoError(t, o.UnmarshalJSON(raw))
	return o
}

func encoded(t *testing.T, o *unstructured.Unstructured) string {
	t.Helper()
	raw, err := json.Marshal(o.Object)
	require.NoError(t, err)
	return string(raw)
}

// Each %s is a secret; all else has to stay as it is.
const private = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  resourceVersion: "5"
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '%[1]s'
    deployment.kubernetes.io/revision: "3"
    org.opencontainers.image.source: https://user:%[1]s@git.example.com/shop
    example.com/link: https://example.com/?sig=%[1]s&page=1
    example.com/api-token: '%[1]s'
spec:
  template:
    metadata:
      annotations: {kubectl.kubernetes.io/restartedAt: "2026-11-22T10:00:00Z", checksum/config: abc, vault/password: '%[1]s'}
    spec:
      initContainers:
        - {name: init, image: i:1, env: [{name: PLAIN, value: '%[1]s'}]}
      containers:
        - name: main
          image: web:2
          command: [sh, -c, 'curl -H "Authorization: Basic %[1]s" http://x']
          args:
            - --port=8080
            - --password=%[1]s
            - --token
            - '%[1]s'
            - --verbose
            - postgres://shop:%[1]s@db/shop
            - --db-url=postgres://shop:%[1]s@db/shop
            - http://api/?access_token=%[1]s&page=1
            - S3_SECRET=%[1]s
          env:
            - {name: PASSWORD, value: '%[1]s'}
            - {name: EMPTY, value: ""}
            - {name: REF, valueFrom: {secretKeyRef: {name: web, key: password}}}
          readinessProbe:
            httpGet: {path: /ready, httpHeaders: [{name: X-Key, value: '%[1]s'}]}
            exec: {command: [check, --token=%[1]s]}
`

func TestNothingSecretIsLeft(t *testing.T) {
	r := NewRedactor([]byte("salt"))
	for name, text := range map[string]string{
		"a Deployment": private,
		"an Application": `
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: argocd}
spec:
  source:
    repoURL: https://%[1]s@git.example.com/shop
    helm: {values: "password: %[1]s", valuesObject: {a: '%[1]s'}, parameters: [{name: a, value: '%[1]s'}]}
    kustomize: {patches: [{patch: "value: %[1]s"}]}
    plugin: {env: [{name: A, value: '%[1]s'}], parameters: [{name: a, string: '%[1]s'}, {name: b, array: ['%[1]s']}, {name: c, map: {a: '%[1]s'}}]}
`,
		"a HelmRelease": `
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: shop}
spec: {values: {password: '%[1]s', list: ['%[1]s']}, postRenderers: [{kustomize: {patches: [{patch: '%[1]s'}]}}]}
`,
		"a Kustomization": `
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: shop}
spec: {postBuild: {substitute: {a: '%[1]s'}}}
`,
		"a ControllerRevision": `
apiVersion: apps/v1
kind: ControllerRevision
metadata: {name: db-1}
data: {spec: {template: {$patch: replace, spec: {containers: [{name: main, env: [{name: A, value: '%[1]s'}]}]}}}}
revision: 1
`,
		"a Pod": `
apiVersion: v1
kind: Pod
metadata: {name: web-1, labels: {a: '%[1]s'}, annotations: {b: '%[1]s'}}
spec: {containers: [{name: main, image: '%[1]s'}]}
`,
	} {
		t.Run(name, func(t *testing.T) {
			one, other := read(t, fmt.Sprintf(text, "hunter2")), read(t, fmt.Sprintf(text, "hunter3"))
			before := encoded(t, one)
			a, b := encoded(t, r.Redact(one)), encoded(t, r.Redact(other))
			assert.NotContains(t, a, "hunter2")
			assert.Equal(t, before, encoded(t, one), "the object itself was changed")
			if name != "a Pod" {
				assert.NotEqual(t, a, b, "what differs must differ")
				assert.NotEqual(t, a, encoded(t, NewRedactor([]byte("pepper")).Redact(one)), "the salt must matter")
			}
		})
	}
}

func TestWhatIsNotSecretStays(t *testing.T) {
	got := encoded(t, NewRedactor(nil).Redact(read(t, fmt.Sprintf(private, "hunter2"))))
	for _, want := range []string{
		`"deployment.kubernetes.io/revision":"3"`, `@git.example.com/shop`, `"checksum/config":"abc"`, `"--port=8080"`, `"--password=redacted-`,
		`"--token"`, `"--verbose"`, `"postgres://redacted-`, `@db/shop"`, `page=1"`, `{"name":"EMPTY","value":""}`, `{"name":"PASSWORD","value":"redacted-`,
		`"S3_SECRET=redacted-`, `"secretKeyRef":{"key":"password","name":"web"}`, `"kubectl.kubernetes.io/restartedAt":"2026-11-22T10:00:00Z"`,
		`"image":"web:2"`, `"path":"/ready"`,
	} {
		assert.Contains(t, got, want)
	}
	for _, word := range []string{"last-applied", "resourceVersion"} {
		assert.NotContains(t, got, word)
	}
}

func TestWordsOfACommand(t *testing.T) {
	for word, hidden := range map[string]bool{
		"--replicas=3": false, "/usr/bin/server": false, "--listen=:8080": false, "serve": false, "https://git.example.com/shop": false,
		"ssh://git@example.com/shop": false, "git@example.com:shop": false, "--image=web:2": false, "--log-level": false,
		"--api-key=x": true, "AKIAIOSFODNN7EXAMPLE1a": true, "-pS3cretS3cretS3cretS3": true, "https://token@git.example.com/shop": true,
		"ssh://git:pw@example.com/shop": true, "--dsn=root:pw@tcp(db)/shop": true, "0123456789abcdef0123456789abcdef": true,
	} {
		got := NewRedactor(nil).command([]any{word})
		assert.Equal(t, hidden, strings.Contains(got[0].(string), "redacted-"), "%s became %s", word, got[0])
	}
}

func TestWritersOfTheTemplateAreLeft(t *testing.T) {
	const entry = `{manager: %s, operation: Apply, apiVersion: apps/v1, time: "2026-11-22T10:00:00Z", fieldsType: FieldsV1, fieldsV1: {f:spec: {%s}}%s}`
	fields := strings.Join([]string{
		fmt.Sprintf(entry, "argocd-controller", "f:replicas: {}, f:template: {f:spec: {f:containers: {}}}", ""),
		fmt.Sprintf(entry, "hpa", "f:replicas: {}", ""),
		fmt.Sprintf(entry, "odd", "f:template: {}", ", subresource: status"),
	}, ", ")
	for kind, want := range map[string]int{"Deployment": 1, "ReplicaSet": 0} {
		got := NewRedactor(nil).Redact(read(t, fmt.Sprintf("{apiVersion: apps/v1, kind: %s, metadata: {name: web, managedFields: [%s]}}", kind, fields))).GetManagedFields()
		require.Len(t, got, want, kind)
		if want > 0 {
			assert.Equal(t, "argocd-controller", got[0].Manager)
			assert.JSONEq(t, `{"f:spec":{"f:template":{}}}`, got[0].FieldsV1.GetRawString())
		}
	}
}

// grown is a template that chance made; seeds that are alike make the same.
func grown(seed uint64) object {
	r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // it has to be the same every time
	words := []string{"--token", "--port=1", "--password=x", "x", "", "https://u:p@h/", "A=b", "sh"}
	value := func() string { return fmt.Sprint(words[r.IntN(len(words))], r.IntN(3)) }
	c := object{"name": "main", "image": value()}
	var env, args []any
	for i := range r.IntN(5) {
		env = append(env, object{"name": fmt.Sprint("E", i), "value": value()})
		args = append(args, value())
	}
	if len(env) > 0 {
		c["env"], c["args"] = env, args
	}
	return object{
		"metadata": object{"labels": object{"app": "web"}, "annotations": object{"a-token": value(), "b": value()}},
		"spec":     object{"containers": []any{c}},
	}
}

// A template and its copies are equal as long as they were, and differ if they did.
func TestTemplatesStayEqual(t *testing.T) {
	r := NewRedactor([]byte("salt"))
	redacted := func(kind string, template object) string {
		o := &unstructured.Unstructured{Object: object{"apiVersion": "apps/v1", "kind": kind, "spec": object{"template": template}}}
		if kind == "ControllerRevision" {
			o.Object = object{"apiVersion": "apps/v1", "kind": kind, "data": object{"spec": object{"template": template}}}
			return encoded(t, &unstructured.Unstructured{Object: part(r.Redact(o).Object, "data", "spec", "template")})
		}
		return encoded(t, &unstructured.Unstructured{Object: part(r.Redact(o).Object, "spec", "template")})
	}
	seen := map[string]string{}
	for seed := range uint64(2000) {
		was := encoded(t, &unstructured.Unstructured{Object: grown(seed)})
		got := redacted("Deployment", grown(seed))
		require.Equal(t, got, redacted("ReplicaSet", grown(seed)))
		require.Equal(t, got, redacted("ControllerRevision", grown(seed)))
		if before, there := seen[got]; there {
			require.Equal(t, before, was, "two templates became one")
		}
		seen[got] = was
	}
}
