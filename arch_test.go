package rollcall_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/rollcall-dev/rollcall/"

// rooms says, for each package, which others of ours it may import, and why no more.
var rooms = map[string]struct {
	may []string
	why string
}{
	"release":          {nil, "the nouns are for everybody, so they depend on nobody"},
	"release/v1alpha1": {nil, "the API's types must be usable by other programs"},
	"watch/lean":       {nil, "it holds the types of other people's APIs, and no opinion on them"},
	"watch/workload":   {[]string{"watch/lean"}, "what an object says by itself is judged by that object alone"},
	"watch/gitops":     {[]string{"release", "watch/lean"}, "an engine's word is judged on values alone, so that it can be held to the engine"},
	"watch": {
		[]string{"release", "release/v1alpha1", "watch/lean", "watch/workload", "watch/gitops"},
		"what was seen must not depend on what is done about it",
	},
	"conditions":      {[]string{"release"}, "a rule is judged on values alone, so that it can be judged anywhere"},
	"emit":            {[]string{"release", "release/v1alpha1"}, "a delivery is made from the record alone, so that a restart changes nothing"},
	"journey":         {[]string{"release", "release/v1alpha1"}, "a trace is drawn from the record alone, so that every replica draws the same"},
	"config":          {[]string{"release", "conditions", "emit"}, "it composes the configuration of those that have one, and runs nothing"},
	"internal/memory": {nil, "an API server knows the objects that it is given, and nobody who reads them"},
	"internal/line": {
		[]string{"release", "release/v1alpha1", "watch", "watch/lean", "watch/gitops", "emit", "journey", "config"},
		"it ties the rooms together once, so that what a timeline shows is what the controller does",
	},
	"internal/inspect": {
		[]string{"release", "release/v1alpha1", "watch", "watch/gitops", "conditions", "config", "emit", "internal/line", "internal/memory"},
		"it looks as the controller does, and goes no further than the verdict",
	},
	"internal/timeline": {
		[]string{"release", "release/v1alpha1", "watch/lean", "watch/gitops", "conditions", "emit", "journey", "config", "internal/line", "internal/memory"},
		"it tells what happens to objects and hears what is sent; how rollcall comes to it is not its business",
	},
	"internal/record": {
		[]string{"release", "watch/lean", "watch/workload", "watch/gitops", "internal/timeline"},
		"it finds what matters for a rollout as watch does, and puts it on a tape; nothing is judged for anybody else",
	},
	"cmd/rollcall": {
		[]string{
			"release", "release/v1alpha1", "watch", "watch/lean", "watch/gitops", "conditions", "emit", "journey", "config",
			"internal/line", "internal/inspect", "internal/record", "internal/timeline",
		},
		"it ties everything together, and so nobody else has to",
	},
}

// foreign says of which other modules a package may not import anything.
var foreign = []struct {
	in      []string // packages; none stands for all
	outside bool     // everything but the standard library
	except  []string
	prefix  string
	why     string
}{
	{in: []string{"release"}, outside: true, why: "release is the standard library only: it must stay free of any version of Kubernetes"},
	{in: []string{"release/v1alpha1"}, outside: true, except: []string{"k8s.io/apimachinery/"}, why: "who reads our records must not have to take a client with them"},
	{in: []string{"conditions"}, prefix: "k8s.io/client-go", why: "a rule must not be able to call the API server"},
	{in: []string{"journey"}, prefix: "k8s.io/client-go", why: "spans are made from the record, and nothing is looked up"},
	{prefix: "testing", why: "what is for tests has no place in the program"},
	{prefix: "net/http/httptest", why: "what is for tests has no place in the program"},
	{prefix: "github.com/stretchr/testify", why: "what is for tests has no place in the program"},
	{prefix: "github.com/rogpeppe/go-internal", why: "what is for tests has no place in the program"},
	{prefix: "k8s.io/client-go/kubernetes/fake", why: "what is for tests has no place in the program"},
	{prefix: "k8s.io/client-go/dynamic/fake", why: "what is for tests has no place in the program"},
	{prefix: "k8s.io/utils/clock/testing", why: "what is for tests has no place in the program"},
	{
		prefix: "github.com/argoproj/", except: []string{argoNames},
		why: "Argo's types pull in more than a thousand packages; we decode into our own, and take the names alone",
	},
}

const argoNames = "github.com/argoproj/argo-cd/v2/pkg/apis/application"

// imports lists our packages, by their path in the module, and what they import.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(goList(t, "-json=ImportPath,Imports", "./...")))
	out := map[string][]string{}
	for d.More() {
		var p struct {
			ImportPath string
			Imports    []string
		}
		require.NoError(t, d.Decode(&p))
		if name, ok := strings.CutPrefix(p.ImportPath, module); ok {
			out[name] = p.Imports
		}
	}
	return out
}

func goList(t *testing.T, args ...string) []byte {
	t.Helper()
	var said bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	cmd.Stderr = &said
	out, err := cmd.Output()
	require.NoError(t, err, said.String())
	return out
}

func TestRoomsImportOnlyWhatTheyMay(t *testing.T) {
	all := imports(t)
	for name := range rooms {
		assert.Contains(t, all, name, "the rules are about a package that is not there")
	}
	for name, list := range all {
		room, ok := rooms[name]
		if !assert.True(t, ok, "%s is new: say here what it may import, and why", name) {
			continue
		}
		for _, path := range list {
			if other, ours := strings.CutPrefix(path, module); ours {
				assert.Contains(t, room.may, other, "%s imports %s: %s", name, other, room.why)
			}
		}
	}
}

func TestForeignImports(t *testing.T) {
	for name, list := range imports(t) {
		for _, rule := range foreign {
			if len(rule.in) > 0 && !slices.Contains(rule.in, name) {
				continue
			}
			for _, path := range list {
				hit := rule.outside && strings.Contains(strings.Split(path, "/")[0], ".") ||
					!rule.outside && (path == rule.prefix || strings.HasPrefix(path, strings.TrimSuffix(rule.prefix, "/")+"/"))
				excused := slices.ContainsFunc(rule.except, func(e string) bool { return strings.HasPrefix(path, e) })
				assert.False(t, hit && !excused, "%s imports %s: %s", name, path, rule.why)
			}
		}
	}
}

// Nothing comes in by the back door either.
func TestArgoIsNotLinked(t *testing.T) {
	var got []string
	for path := range strings.FieldsSeq(string(goList(t, "-deps", "./cmd/rollcall"))) {
		if strings.HasPrefix(path, "github.com/argoproj/") {
			got = append(got, path)
		}
	}
	assert.Equal(t, []string{argoNames}, got, "the program links more of Argo than the names of its resources")
}
