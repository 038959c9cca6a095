package emit

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/rollcall-dev/rollcall/release"
)

// secret is part of what each sink is configured with. It must not come out.
const secret = "s3cr3t"

// receiver is the far end of a sink: it keeps what came in, by what makes two of
// them the same, and refuses or hangs if told to.
type receiver struct {
	*httptest.Server

	mu           sync.Mutex
	mood         int // a status to refuse with; 0 is well, -1 hangs
	effects      map[string]bool
	traceparents []string
	ended        chan struct{}
}

// newReceiver serves one sink; take handles what came in if the mood is good, and
// returns the key of the effect and the traceparent that came with it.
func newReceiver(t *testing.T, take func(r *receiver, w http.ResponseWriter, req *http.Request) (key, traceparent string)) *receiver {
	t.Helper()
	r := &receiver{effects: map[string]bool{}, ended: make(chan struct{})}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		mood := r.mood
		r.mu.Unlock()
		switch {
		case mood < 0:
			<-r.ended
		case mood > 0:
			w.WriteHeader(mood)
		default:
			r.mu.Lock()
			defer r.mu.Unlock()
			if key, traceparent := take(r, w, req); key != "" {
				r.effects[key] = true
				r.traceparents = append(r.traceparents, traceparent)
			}
		}
	}))
	t.Cleanup(func() {
		close(r.ended)
		r.Close()
	})
	return r
}

func (r *receiver) become(mood int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mood = mood
}

func (r *receiver) seen() (effects int, traceparents []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.effects), append([]string(nil), r.traceparents...)
}

// battery is what every sink must pass.
func battery(t *testing.T, build func(t *testing.T) (Sink, *receiver)) {
	t.Helper()
	t.Run("the same event twice has the effect of one", func(t *testing.T) {
		sink, r := build(t)
		first, err := sink.Send(t.Context(), event())
		require.NoError(t, err)
		second, err := sink.Send(t.Context(), event())
		require.NoError(t, err)
		require.Equal(t, first.Object, second.Object)
		effects, _ := r.seen()
		require.Equal(t, 1, effects)
	})
	t.Run("another event has an effect of its own", func(t *testing.T) {
		sink, r := build(t)
		other := event(func(e *release.Event) { e.Rule, e.ID = "other", e.Release.EventID("other") })
		for _, e := range []release.Event{event(), other} {
			_, err := sink.Send(t.Context(), e)
			require.NoError(t, err)
		}
		effects, _ := r.seen()
		require.Equal(t, 2, effects)
	})
	t.Run("the trace goes with it", func(t *testing.T) {
		sink, r := build(t)
		_, err := sink.Send(t.Context(), event())
		require.NoError(t, err)
		_, traceparents := r.seen()
		require.Equal(t, []string{traceparent}, traceparents)
	})
	t.Run("an event without a trace is sent too", func(t *testing.T) {
		sink, r := build(t)
		_, err := sink.Send(t.Context(), event(func(e *release.Event) { e.Traceparent = "" }))
		require.NoError(t, err)
		_, traceparents := r.seen()
		require.Equal(t, []string{""}, traceparents)
	})
	for _, status := range []int{400, 401, 403, 404, 422, 429, 500, 502, 503, 504} {
		t.Run("an answer "+http.StatusText(status)+" is an error that can be tried again", func(t *testing.T) {
			sink, r := build(t)
			r.become(status)
			_, err := sink.Send(t.Context(), event())
			harmless(t, err)
			effects, _ := r.seen()
			require.Zero(t, effects)
			r.become(0)
			_, err = sink.Send(t.Context(), event())
			require.NoError(t, err)
			effects, _ = r.seen()
			require.Equal(t, 1, effects)
		})
	}
	t.Run("nobody there is an error", func(t *testing.T) {
		sink, r := build(t)
		r.Close()
		_, err := sink.Send(t.Context(), event())
		harmless(t, err)
	})
	t.Run("a receiver that hangs is given up with the context", func(t *testing.T) {
		sink, r := build(t)
		r.become(-1)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		began := time.Now()
		_, err := sink.Send(ctx, event())
		harmless(t, err)
		require.Less(t, time.Since(began), 5*time.Second)
	})
	t.Run("a context that has ended is an error", func(t *testing.T) {
		sink, r := build(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := sink.Send(ctx, event())
		require.ErrorIs(t, err, context.Canceled)
		effects, _ := r.seen()
		require.Zero(t, effects)
	})
	t.Run("many at once do not disturb each other", func(t *testing.T) {
		sink, r := build(t)
		var wg sync.WaitGroup
		errs := make([]error, 16)
		for i := range errs {
			wg.Go(func() { _, errs[i] = sink.Send(t.Context(), event()) })
		}
		wg.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
		effects, _ := r.seen()
		require.Equal(t, 1, effects)
	})
}

// harmless requires an error that gives no secret away.
func harmless(t *testing.T, err error) {
	t.Helper()
	require.Error(t, err)
	require.NotContains(t, err.Error(), secret)
}

func TestEverySinkPassesTheBattery(t *testing.T) {
	t.Run("http", func(t *testing.T) {
		battery(t, func(t *testing.T) (Sink, *receiver) {
			r := newReceiver(t, func(_ *receiver, _ http.ResponseWriter, req *http.Request) (string, string) {
				return req.Header.Get("Ce-Source") + req.Header.Get("Ce-Id"), req.Header.Get("Traceparent")
			})
			url := strings.Replace(r.URL, "http://", "http://user:"+secret+"@", 1) + "/" + secret + "?token=" + secret
			return HTTP{Config: HTTPConfig{URL: url}, Client: r.Client()}, r
		})
	})
	t.Run("argoWorkflow", func(t *testing.T) {
		battery(t, func(t *testing.T) (Sink, *receiver) {
			r := newReceiver(t, workflowServer(t))
			c, err := dynamic.NewForConfigAndClient(&rest.Config{Host: r.URL, QPS: -1},
				&http.Client{Transport: bearer{r.Client().Transport}})
			require.NoError(t, err)
			return ArgoWorkflow{Config: ArgoWorkflowConfig{WorkflowTemplate: "smoke"}, Client: c}, r
		})
	})
}

// bearer puts the secret into every request.
type bearer struct{ http.RoundTripper }

func (b bearer) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", "Bearer "+secret)
	return b.RoundTripper.RoundTrip(req)
}

// workflowServer creates and gets Workflows as an API server does.
func workflowServer(t *testing.T) func(*receiver, http.ResponseWriter, *http.Request) (string, string) {
	t.Helper()
	kept := map[string]*unstructured.Unstructured{}
	return func(_ *receiver, w http.ResponseWriter, req *http.Request) (string, string) {
		if req.Method == http.MethodGet {
			answer(w, http.StatusOK, kept[path.Base(req.URL.Path)].Object)
			return "", ""
		}
		got := &unstructured.Unstructured{}
		if err := json.NewDecoder(req.Body).Decode(&got.Object); err != nil {
			t.Error(err)
		}
		if kept[got.GetName()] != nil {
			refuse(w, apierrors.NewAlreadyExists(workflows.GroupResource(), got.GetName()))
			return "", ""
		}
		got.SetUID("uid-of-run")
		got.SetCreationTimestamp(metav1.NewTime(noon))
		kept[got.GetName()] = got
		answer(w, http.StatusCreated, got.Object)
		return got.GetName(), got.GetAnnotations()[traceAnnotation]
	}
}
