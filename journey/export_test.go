package journey

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// collector receives spans, by gRPC and by HTTP.
type collector struct {
	collectorpb.UnimplementedTraceServiceServer
	mu       sync.Mutex
	requests []*collectorpb.ExportTraceServiceRequest
	refuse   bool
}

func (c *collector) Export(_ context.Context, r *collectorpb.ExportTraceServiceRequest) (*collectorpb.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = append(c.requests, r)
	if c.refuse {
		return nil, grpcstatus.Error(codes.Unavailable, "not now")
	}
	return &collectorpb.ExportTraceServiceResponse{}, nil
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	req := &collectorpb.ExportTraceServiceRequest{}
	if r.URL.Path != "/v1/traces" || proto.Unmarshal(body, req) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if _, err := c.Export(r.Context(), req); err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

func (c *collector) received() []*collectorpb.ExportTraceServiceRequest {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.requests
}

// serve starts the collector and points the standard variables at it.
func serve(t *testing.T, c *collector, protocol string) {
	t.Helper()
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
	if protocol == "http/protobuf" {
		s := httptest.NewServer(c)
		t.Cleanup(s.Close)
		t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", s.URL)
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := grpc.NewServer()
	collectorpb.RegisterTraceServiceServer(s, c)
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+l.Addr().String())
}

func exporter(t *testing.T) *Exporter {
	t.Helper()
	e, err := NewExporter(t.Context(), os.Getenv)
	require.NoError(t, err)
	require.NotNil(t, e)
	t.Cleanup(func() { assert.NoError(t, e.Close(context.WithoutCancel(t.Context()))) })
	return e
}

func TestDrawIsReceived(t *testing.T) {
	for _, protocol := range []string{"grpc", "http/protobuf"} {
		t.Run(protocol, func(t *testing.T) {
			t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=staging,service.version=1.2,k8s.pod.name=x")
			c := &collector{}
			serve(t, c, protocol)
			j, rec := New(nil, exporter(t)), recorded(nil)
			require.True(t, j.Enabled())
			require.NoError(t, j.DrawReady(t.Context(), rec))
			require.NoError(t, j.DrawReady(t.Context(), stored(t, rec)))
			require.NoError(t, j.DrawRun(t.Context(), rec, 0))

			got := c.received()
			require.Len(t, got, 3)
			assert.True(t, proto.Equal(got[0], got[1]), "drawn twice, received the same")
			assertSpans(t, Ready(rec), got[0])
			assertSpans(t, Run(rec, rec.Status.Deliveries[0]), got[2])
			assert.Equal(t, map[string]string{
				"deployment.environment.name": "staging", "host.name": "prod", "k8s.cluster.name": "prod", "service.name": "rollcall",
			}, resourceOf(got[0]))
		})
	}
}

func assertSpans(t *testing.T, want []*tracepb.Span, got *collectorpb.ExportTraceServiceRequest) {
	t.Helper()
	scoped := got.ResourceSpans[0].ScopeSpans[0]
	assert.Equal(t, "github.com/rollcall-dev/rollcall/journey", scoped.Scope.Name)
	assert.Empty(t, scoped.Scope.Version)
	require.Len(t, scoped.Spans, len(want))
	for i := range want {
		assert.True(t, proto.Equal(want[i], scoped.Spans[i]), want[i].Name)
	}
}

func resourceOf(r *collectorpb.ExportTraceServiceRequest) map[string]string {
	return attributesOf(&tracepb.Span{Attributes: r.ResourceSpans[0].Resource.Attributes})
}

func TestRefusedUploadIsTriedOnceAndReported(t *testing.T) {
	for _, protocol := range []string{"grpc", "http/protobuf"} {
		t.Run(protocol, func(t *testing.T) {
			c := &collector{refuse: true}
			serve(t, c, protocol)
			j, rec := New(nil, exporter(t)), recorded(nil)
			began := time.Now()
			assert.ErrorContains(t, j.DrawReady(t.Context(), rec), "draw release shop/web-0123456789: upload spans: ")
			assert.ErrorContains(t, j.DrawRun(t.Context(), rec, 0), "draw run of release shop/web-0123456789: upload spans: ")
			assert.Len(t, c.received(), 2, "the work queue tries again, not the client")
			assert.Less(t, time.Since(began), 5*time.Second)
		})
	}
}

func TestNothingToDrawSendsNothing(t *testing.T) {
	c := &collector{}
	serve(t, c, "grpc")
	j := New(nil, exporter(t))
	rec := recorded(func(rec *v1alpha1.Release) { rec.Status.Trace = nil })
	require.NoError(t, j.DrawReady(t.Context(), rec))
	require.NoError(t, j.DrawRun(t.Context(), rec, 0))
	assert.Empty(t, c.received())
}

func TestDrawRunOfNoDelivery(t *testing.T) {
	for _, i := range []int{-1, 2} {
		assert.ErrorContains(t, New(nil, nil).DrawRun(t.Context(), recorded(nil), i), "no delivery")
	}
}

func TestNewExporterSwitchedOff(t *testing.T) {
	endpoint := "http://127.0.0.1:4317"
	tests := map[string]map[string]string{
		"no endpoint":            {},
		"blank endpoint":         {"OTEL_EXPORTER_OTLP_ENDPOINT": " "},
		"exporter none":          {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_TRACES_EXPORTER": "none"},
		"SDK disabled":           {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_SDK_DISABLED": "TRUE"},
		"off beats a wrong word": {"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "console"},
	}
	for name, env := range tests {
		t.Run(name, func(t *testing.T) {
			e, err := NewExporter(t.Context(), lookup(env))
			require.NoError(t, err)
			assert.Nil(t, e)
			j := New(nil, e)
			assert.False(t, j.Enabled())
			assert.NoError(t, j.DrawReady(t.Context(), recorded(nil)))
			assert.NoError(t, j.DrawRun(t.Context(), recorded(nil), 0))
			assert.NoError(t, e.Close(t.Context()))
		})
	}
}

func TestNewExporterErrors(t *testing.T) {
	tests := map[string]struct {
		env  map[string]string
		want string
	}{
		"http/json":     {on("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"), `read OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" is neither grpc nor http/protobuf`},
		"traces first":  {on("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "x"), `read OTEL_EXPORTER_OTLP_PROTOCOL: "x" is neither grpc nor http/protobuf`},
		"other backend": {on("OTEL_TRACES_EXPORTER", "zipkin"), `read OTEL_TRACES_EXPORTER: "zipkin" is neither otlp nor none`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = "http://127.0.0.1:4317"
			_, err := NewExporter(t.Context(), lookup(tt.env))
			assert.EqualError(t, err, tt.want)
		})
	}
}

func lookup(env map[string]string) func(string) string {
	return func(key string) string { return env[key] }
}

func TestEnvironment(t *testing.T) {
	tests := map[string]struct {
		env  map[string]string
		want map[string]string
	}{
		"default":         {nil, map[string]string{"service.name": "rollcall"}},
		"name":            {on("OTEL_SERVICE_NAME", "gate"), map[string]string{"service.name": "gate"}},
		"name beats list": {on("OTEL_SERVICE_NAME", "gate", "OTEL_RESOURCE_ATTRIBUTES", "service.name=x"), map[string]string{"service.name": "gate"}},
		"list beats default": {
			on("OTEL_RESOURCE_ATTRIBUTES", "service.name=x"), map[string]string{"service.name": "x"},
		},
		"encoded, with blanks": {
			on("OTEL_RESOURCE_ATTRIBUTES", " team = a%2Cb , broken, =x, bad=%zz"),
			map[string]string{"service.name": "rollcall", "team": "a,b"},
		},
		"what differs between replicas is left out": {
			on("OTEL_RESOURCE_ATTRIBUTES", "service.version=1,service.instance.id=i,k8s.pod.name=p,process.pid=1,host.name=h,k8s.node.name=n,container.id=c"),
			map[string]string{"service.name": "rollcall"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := attributesOf(&tracepb.Span{Attributes: sorted(environment(lookup(tt.env)))})
			assert.Equal(t, tt.want, got)
		})
	}
}
