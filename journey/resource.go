package journey

import (
	"net/url"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

// scope names what made the spans. It has no version: spans must stay the same
// over an upgrade.
const scope = "github.com/rollcall-dev/rollcall/journey"

// environment reads the resource attributes that the user asks for, by the
// standard variables. Those that name a process or a version are left out, as
// two replicas would draw the same span differently.
func environment(getenv func(string) string) []attribute.KeyValue {
	out := []attribute.KeyValue{semconv.ServiceName("rollcall")}
	for pair := range strings.SplitSeq(getenv("OTEL_RESOURCE_ATTRIBUTES"), ",") {
		key, value, ok := strings.Cut(pair, "=")
		key = strings.TrimSpace(key)
		text, err := url.PathUnescape(strings.TrimSpace(value))
		if ok && err == nil && key != "" && !passing(key) {
			out = append(out, attribute.String(key, text))
		}
	}
	if name := getenv("OTEL_SERVICE_NAME"); name != "" {
		out = append(out, semconv.ServiceName(name))
	}
	return out
}

// passing reports whether an attribute differs between replicas or over restarts.
func passing(key string) bool {
	return slices.ContainsFunc([]string{
		"service.version", "service.instance.", "process.", "container.", "k8s.pod.", "k8s.node.", "k8s.container.", "host.",
	}, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
}

// batch puts spans under the resource of a cluster. The cluster is the host, so
// that backends do not correct the clocks of one against the other.
func batch(env []attribute.KeyValue, cluster string, spans []*tracepb.Span) []*tracepb.ResourceSpans {
	attributes := append(slices.Clone(env), semconv.K8SClusterName(cluster), semconv.HostName(cluster))
	return []*tracepb.ResourceSpans{{
		Resource:   &resourcepb.Resource{Attributes: sorted(attributes)},
		ScopeSpans: []*tracepb.ScopeSpans{{Scope: &commonpb.InstrumentationScope{Name: scope}, Spans: spans}},
	}}
}

// sorted writes attributes in the order of their keys, each once; the last
// value given to a key counts.
func sorted(attributes []attribute.KeyValue) []*commonpb.KeyValue {
	set := attribute.NewSet(attributes...)
	out := make([]*commonpb.KeyValue, 0, set.Len())
	for _, kv := range set.ToSlice() {
		out = append(out, &commonpb.KeyValue{Key: string(kv.Key), Value: value(kv.Value)})
	}
	return out
}

// value writes a bool as such, and anything else as text.
func value(v attribute.Value) *commonpb.AnyValue {
	if v.Type() == attribute.BOOL {
		return &commonpb.AnyValue{Value: &commonpb.AnyValue_BoolValue{BoolValue: v.AsBool()}}
	}
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: readable(v.AsString())}}
}
