package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/rollcall-dev/rollcall/config"
	"github.com/rollcall-dev/rollcall/release"
)

// force says what of a ConfigMap is in force.
type force struct {
	// Missing says that there is no ConfigMap: the built-in rule holds.
	Missing bool `json:"missing,omitempty"`
	// Unreadable says that nothing of it is in force: what was there before goes on.
	Unreadable bool  `json:"unreadable,omitempty"`
	InForce    names `json:"inForce"`
	// NotInForce are those with mistakes: at their last good version, if rollcall has
	// seen one since it was started.
	NotInForce names `json:"notInForce"`
}

// names are those of rules and sinks.
type names struct {
	Rules []string `json:"rules"`
	Sinks []string `json:"sinks"`
}

// live is a cluster whose rules are checked.
type live struct {
	kube     kubernetes.Interface
	mapper   meta.RESTMapper
	operator types.NamespacedName
}

// check reads the operator's ConfigMap, and those of tenants.
func (l live) check(ctx context.Context, tenants bool) ([]checked, error) {
	own, err := l.kube.CoreV1().ConfigMaps(l.operator.Namespace).Get(ctx, l.operator.Name, metav1.GetOptions{})
	var reports []checked
	switch {
	case apierrors.IsNotFound(err):
		reports = append(reports, builtIn(l.operator))
	case err != nil:
		return nil, fmt.Errorf("read rules: %w", err)
	default:
		reports = append(reports, l.configMap(own, ""))
	}
	if tenants {
		all, err := l.kube.CoreV1().ConfigMaps(metav1.NamespaceAll).List(ctx, metav1.ListOptions{LabelSelector: config.TenantLabel + "=true"})
		if err != nil {
			return nil, fmt.Errorf("read rules of tenants: %w", err)
		}
		for i := range all.Items {
			if cm := &all.Items[i]; cm.Namespace != l.operator.Namespace {
				reports = append(reports, l.configMap(cm, cm.Namespace))
			}
		}
	}
	return reports, nil
}

// builtIn is what holds without a ConfigMap.
func builtIn(at types.NamespacedName) checked {
	r := newChecked(at.String(), config.Default(), nil)
	r.force = &force{Missing: true, InForce: inForce(config.Default()), NotInForce: names{[]string{}, []string{}}}
	return r
}

func (l live) configMap(cm *corev1.ConfigMap, tenant string) checked {
	file := cm.Namespace + "/" + cm.Name
	text, ok := cm.Data[config.Key]
	if !ok {
		r := newChecked(file, config.Config{}, []config.Mistake{config.NoKey(file)})
		r.force = &force{Unreadable: true, InForce: inForce(config.Config{}), NotInForce: names{[]string{}, []string{}}}
		r.Tenant = tenant
		return r
	}
	read, mistakes := config.LoadTenant(tenant, file, []byte(text))
	// What has never been right is nowhere: so it is merged into nothing.
	left, mistakes := config.Merge(config.Config{}, read, mistakes)
	r := newChecked(file, read, mistakes)
	r.Tenant, r.Rules, r.Sinks = tenant, len(left.Rules), len(left.Sinks)
	r.Warnings = append(r.Warnings, l.unknown(read.Uses)...)
	r.force = &force{InForce: inForce(left), NotInForce: blamed(mistakes)}
	r.Unreadable = slices.ContainsFunc(mistakes, func(m config.Mistake) bool { return m.Rule == "" && m.Sink == "" })
	return r
}

func inForce(c config.Config) names {
	out := names{Rules: []string{}, Sinks: append([]string{}, slices.Sorted(maps.Keys(c.Sinks))...)}
	for _, r := range c.Rules {
		out.Rules = append(out.Rules, r.Name)
	}
	return out
}

// blamed are the rules and sinks that have mistakes.
func blamed(mistakes []config.Mistake) names {
	out := names{[]string{}, []string{}}
	for _, m := range mistakes {
		if m.Rule != "" && !slices.Contains(out.Rules, m.Rule) {
			out.Rules = append(out.Rules, m.Rule)
		}
		if m.Sink != "" && !slices.Contains(out.Sinks, m.Sink) {
			out.Sinks = append(out.Sinks, m.Sink)
		}
	}
	return out
}

// unknown warns of kinds that the cluster does not know. One that cannot be asked
// for, because its group does not answer, is given the benefit of the doubt.
func (l live) unknown(uses []config.Use) []config.Mistake {
	var out []config.Mistake
	for _, u := range uses {
		mapping, err := l.mapping(u.Kind)
		switch {
		case meta.IsNoMatchError(err):
			out = append(out, u.Unknown())
		case err == nil && u.Lookup && mapping.Scope.Name() != meta.RESTScopeNameNamespace:
			out = append(out, u.OfNoNamespace())
		}
	}
	return out
}

// mapping finds a kind, in any version if none is said.
func (l live) mapping(k release.KindRef) (*meta.RESTMapping, error) {
	if k.APIVersion == "" {
		return l.mapper.RESTMapping(schema.GroupKind{Group: release.Group(k.Kind), Kind: k.Kind})
	}
	gv, err := schema.ParseGroupVersion(k.APIVersion)
	if err != nil {
		return nil, err
	}
	return l.mapper.RESTMapping(schema.GroupKind{Group: gv.Group, Kind: k.Kind}, gv.Version)
}

// words say what is in force, for people.
func (f *force) words() string {
	switch {
	case f.Missing:
		return "  there is no such ConfigMap: the built-in rule is in force\n"
	case f.Unreadable:
		return "  nothing of it is in force: what was there before goes on\n"
	}
	out := "  in force: " + f.InForce.words() + "\n"
	if not := f.NotInForce; len(not.Rules)+len(not.Sinks) > 0 {
		out += "  not in force, but at the last good version if there was one: " + not.words() + "\n"
	}
	return out
}

func (n names) words() string {
	var parts []string
	if len(n.Rules) > 0 {
		parts = append(parts, "rules "+strings.Join(n.Rules, ", "))
	}
	if len(n.Sinks) > 0 {
		parts = append(parts, "sinks "+strings.Join(n.Sinks, ", "))
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, "; ")
}
