package config

import (
	"fmt"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rollcall-dev/rollcall/conditions"
)

// TenantLabel marks a ConfigMap in a team's own namespace that holds rules, with the
// value "true".
const TenantLabel = "rollcall.dev/rules"

// maxTenantRules and maxTenantSinks are how many a tenant may have in one ConfigMap.
const (
	maxTenantRules = 100
	maxTenantSinks = 100
)

// confine keeps a tenant's rule to its namespace, and to kinds that are followed
// anyway: another kind would be watched in the whole cluster.
func (r *reader) confine(on *conditions.Selector, found map[string]*yaml.Node) {
	if r.tenant == "" {
		return
	}
	if n := found["namespaces"]; n != nil {
		for _, item := range n.Content {
			r.ownNamespace(item)
		}
	}
	if n := found["apiVersion"]; n != nil && on.Kind.Subject() != on.Kind.Kind {
		r.wrong(OutOfReach, start(n), "rules in a namespace of their own can only be on workloads and applications")
	}
	on.Namespaces = []string{r.tenant}
}

// ownNamespace checks that a namespace is the tenant's.
func (r *reader) ownNamespace(node *yaml.Node) {
	if r.tenant != "" && node.Value != r.tenant {
		r.wrong(OutOfReach, start(node), "rules in namespace %s reach no further than it, and not %q", r.tenant, short(node.Value))
	}
}

// few checks that a tenant does not have more of something than is allowed.
func (r *reader) few(node *yaml.Node, what string, n, most int) {
	if r.tenant != "" && n > most {
		r.wrong(OutOfReach, start(node), "there are %d %s, of which a namespace may have %d in one ConfigMap", n, what, most)
	}
}

// Combine puts the configurations of tenants, by their ConfigMaps, beside that of
// the operator. Theirs are called by namespace and ConfigMap as well, so that no name
// of one is another's.
func Combine(own Config, tenants map[types.NamespacedName]Config) Config {
	if len(tenants) == 0 {
		return own
	}
	sinks, rules := maps.Clone(own.Sinks), slices.Clone(own.Rules)
	if sinks == nil {
		sinks = map[string]Sink{}
	}
	byName := func(a, b types.NamespacedName) int { return compareNames(a, b) }
	for _, at := range slices.SortedFunc(maps.Keys(tenants), byName) {
		t := tenants[at]
		for name, s := range t.Sinks {
			s.Name = Qualified(at, name)
			sinks[s.Name] = s
		}
		for _, rule := range t.Rules {
			rules = append(rules, qualify(at, rule))
		}
	}
	return compose(sinks, rules)
}

func compareNames(a, b types.NamespacedName) int {
	if a.String() < b.String() {
		return -1
	}
	return 1
}

func qualify(at types.NamespacedName, rule conditions.Rule) conditions.Rule {
	rule.Name, rule.Owner = Qualified(at, rule.Name), at.Namespace
	rule.Send = slices.Clone(rule.Send)
	for i := range rule.Send {
		rule.Send[i].Sink = Qualified(at, rule.Send[i].Sink)
	}
	return rule
}

// Qualified is what a tenant's rule or sink is called: namespace/configmap/name.
func Qualified(at types.NamespacedName, name string) string {
	return fmt.Sprintf("%s/%s/%s", at.Namespace, at.Name, name)
}
