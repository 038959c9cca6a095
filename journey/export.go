package journey

import (
	"context"
	"fmt"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

// Exporter sends spans to an OTLP collector. A nil Exporter is tracing switched
// off: it sends nothing and needs no closing.
type Exporter struct {
	client      otlptrace.Client
	environment []attribute.KeyValue
}

// NewExporter makes the exporter that the standard OTEL_ variables describe. It
// returns nil, and no error, if they name no endpoint or switch tracing off.
// Where to, with which certificates and headers, the OTLP client reads for
// itself. An upload is tried once: who calls it knows when to try again.
func NewExporter(ctx context.Context, getenv func(string) string) (*Exporter, error) {
	if off, err := switchedOff(getenv); off || err != nil {
		return nil, err
	}
	client, err := newClient(getenv)
	if err != nil {
		return nil, err
	}
	if err := client.Start(ctx); err != nil {
		return nil, fmt.Errorf("start OTLP client: %w", err)
	}
	return &Exporter{client: client, environment: environment(getenv)}, nil
}

// Upload sends the spans of one cluster, once.
func (e *Exporter) Upload(ctx context.Context, cluster string, spans []*tracepb.Span) error {
	if e == nil || len(spans) == 0 {
		return nil
	}
	if err := e.client.UploadTraces(ctx, batch(e.environment, cluster, spans)); err != nil {
		return fmt.Errorf("upload spans: %w", err)
	}
	return nil
}

// Close ends the connection.
func (e *Exporter) Close(ctx context.Context) error {
	if e == nil {
		return nil
	}
	if err := e.client.Stop(ctx); err != nil {
		return fmt.Errorf("stop OTLP client: %w", err)
	}
	return nil
}

func switchedOff(getenv func(string) string) (bool, error) {
	if strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") {
		return true, nil
	}
	switch exporter := getenv("OTEL_TRACES_EXPORTER"); exporter {
	case "none":
		return true, nil
	case "", "otlp":
		return first(getenv, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT") == "", nil
	default:
		return true, fmt.Errorf("read OTEL_TRACES_EXPORTER: %q is neither otlp nor none", exporter)
	}
}

func newClient(getenv func(string) string) (otlptrace.Client, error) {
	protocol := first(getenv, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
	switch protocol {
	case "", "grpc":
		return otlptracegrpc.NewClient(otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{})), nil
	case "http/protobuf":
		return otlptracehttp.NewClient(otlptracehttp.WithRetry(otlptracehttp.RetryConfig{})), nil
	default:
		return nil, fmt.Errorf("read OTEL_EXPORTER_OTLP_PROTOCOL: %q is neither grpc nor http/protobuf", protocol)
	}
}

// first is the value of the first variable that has one.
func first(getenv func(string) string, names ...string) string {
	for _, name := range names {
		if v := strings.TrimSpace(getenv(name)); v != "" {
			return v
		}
	}
	return ""
}
