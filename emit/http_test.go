package emit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/release"
)

// posted is what a receiver was sent.
type posted struct {
	header http.Header
	body   []byte
	event  *cloudevents.Event
}

// receive sends one event to a receiver that keeps it.
func receive(t *testing.T, e release.Event) posted {
	t.Helper()
	var got posted
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got.header = r.Header.Clone()
		got.body, _ = io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(got.body))
		ce, err := cloudevents.NewEventFromHTTPRequest(r)
		if err != nil {
			t.Error(err)
		}
		got.event = ce
		w.WriteHeader(http.StatusAccepted)
	}))
	defer srv.Close()
	receipt, err := HTTP{Config: HTTPConfig{URL: srv.URL + "/hook"}, Client: srv.Client()}.Send(t.Context(), e)
	require.NoError(t, err)
	require.Equal(t, release.Receipt{Status: "202 Accepted"}, receipt)
	return got
}

func TestTheCloudEventPosted(t *testing.T) {
	for name, e := range map[string]release.Event{
		"owned": event(),
		"late-of-nobody-without-trace": event(func(e *release.Event) {
			e.App, e.Traceparent, e.Late, e.Release.Previous = release.App{Ready: true}, "", true, ""
			e.Release.Kind, e.Release.Template.Images = release.Initial, nil
		}),
		"stalled": event(func(e *release.Event) {
			e.Occasion, e.App, e.Parameters = release.DidStall, owner(e.App), nil
		}),
		"superseded-of-another-kind": event(func(e *release.Event) {
			e.Occasion, e.App = release.WasSuperseded, release.App{Ready: true}
			e.Release.Subject.Kind, e.Release.APIVersion = "Certificate.cert-manager.io", "cert-manager.io/v1"
		}),
		"flags-of-flux": event(func(e *release.Event) {
			e.OutOfBand, e.GateTimeout, e.Superseded = true, true, []string{"5", "6"}
			e.App = release.App{
				Engine: "flux", Kind: "Kustomization", Namespace: "flux-system", Name: "shop", RepoURL: "oci://ghcr.example/acme/shop",
				Revision: "0c4f", Source: "3f9c2d1e", Partial: true, SyncFinishedAt: noon,
			}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			got := receive(t, e)
			var b strings.Builder
			for _, k := range slices.Sorted(maps.Keys(got.header)) {
				if k != "User-Agent" && k != "Accept-Encoding" {
					fmt.Fprintf(&b, "%s: %s\n", k, strings.Join(got.header[k], " | "))
				}
			}
			var body bytes.Buffer
			require.NoError(t, json.Indent(&body, got.body, "", "  "))
			golden(t, "http/"+name+".txt", b.String()+"\n"+body.String()+"\n")
			require.NoError(t, got.event.Validate())
			require.Equal(t, e.ID, got.event.ID())
			require.Equal(t, e.Occasion.EventType(), got.event.Type())
			require.Equal(t, "/clusters/prod/namespaces/shop", got.event.Source())
			require.Equal(t, e.Release.Subject.Path(), got.event.Subject())
			require.True(t, e.At.Equal(got.event.Time()))
			var p Payload
			require.NoError(t, got.event.DataAs(&p))
			require.Equal(t, payload(e), p)
		})
	}
}

func TestTheTraceOfAnEventIsThatOfItsHop(t *testing.T) {
	got := receive(t, event())
	require.Equal(t, traceparent, got.header.Get("Traceparent"))
	require.Equal(t, traceparent, got.header.Get("Ce-Traceparent"))
	require.Equal(t, traceID(traceparent), got.header.Get("Ce-Correlationid"))
	require.Empty(t, got.header.Get("Tracestate"))
}

func TestEveryAttemptSaysTheSame(t *testing.T) {
	first, second := receive(t, event()), receive(t, event())
	require.Equal(t, first.header, second.header)
	require.Equal(t, string(first.body), string(second.body))
}

func TestAnAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		after  string
		ok     bool
		wait   time.Duration // asked for; 0 if not
	}{
		"200 is a success":                    {status: 200, ok: true},
		"202 is a success":                    {status: 202, ok: true},
		"204 is a success":                    {status: 204, ok: true},
		"304 is an error":                     {status: 304},
		"400 is an error":                     {status: 400},
		"404 is an error":                     {status: 404},
		"410 is an error":                     {status: 410},
		"429 is an error":                     {status: 429},
		"429 with seconds is waited for":      {status: 429, after: "90", wait: 90 * time.Second},
		"503 with seconds is waited for":      {status: 503, after: "7", wait: 7 * time.Second},
		"429 with a date is waited for":       {status: 429, after: time.Now().Add(10 * time.Minute).UTC().Format(http.TimeFormat), wait: 10 * time.Minute},
		"503 with nonsense is an error":       {status: 503, after: "soon"},
		"503 with no seconds is an error":     {status: 503, after: "0"},
		"503 with less than none is an error": {status: 503, after: "-5"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if c.after != "" {
					w.Header().Set("Retry-After", c.after)
				}
				w.WriteHeader(c.status)
			}))
			defer srv.Close()
			_, err := HTTP{Config: HTTPConfig{URL: srv.URL + "/" + secret}, Client: srv.Client()}.Send(t.Context(), event())
			if c.ok {
				require.NoError(t, err)
				return
			}
			harmless(t, err)
			require.ErrorContains(t, err, fmt.Sprint(c.status))
			var later *RetryAfter
			require.Equal(t, c.wait > 0, errors.As(err, &later))
			if later != nil {
				require.InDelta(t, c.wait.Seconds(), later.After.Seconds(), 5)
			}
		})
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			var followed atomic.Int32
			elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
			defer elsewhere.Close()
			srv := httptest.NewServer(http.RedirectHandler(elsewhere.URL+"/login?next="+secret, status))
			defer srv.Close()
			client := srv.Client()
			_, err := HTTP{Config: HTTPConfig{URL: srv.URL}, Client: client}.Send(t.Context(), event())
			harmless(t, err)
			require.ErrorContains(t, err, fmt.Sprint(status))
			require.Zero(t, followed.Load(), "it would get no event, or one that was not meant for it")
			require.Nil(t, client.CheckRedirect, "the shared client must not be changed")
		})
	}
}

func TestASlowReceiverIsGivenUpWithTheContext(t *testing.T) {
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-release // the head is there, the body never ends
	}))
	defer srv.Close()
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	receipt, err := HTTP{Config: HTTPConfig{URL: srv.URL}, Client: srv.Client()}.Send(ctx, event())
	require.NoError(t, err, "the head is what counts")
	require.Equal(t, "200 OK", receipt.Status)
}

func TestALongAnswerIsNotReadToItsEnd(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		chunk := bytes.Repeat([]byte("x"), 1<<16)
		for r.Context().Err() == nil {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}))
	defer srv.Close()
	_, err := HTTP{Config: HTTPConfig{URL: srv.URL}, Client: srv.Client()}.Send(t.Context(), event())
	require.NoError(t, err)
}

func TestAReceiverThatCannotBeReached(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	refused := lis.Addr().String()
	require.NoError(t, lis.Close())
	for name, url := range map[string]string{
		"because nobody listens":            "http://user:" + secret + "@" + refused + "/" + secret,
		"because the URL has a bad port":    "http://host:" + secret + "/",
		"because the URL has a bad escape":  "http://host/%zz" + secret,
		"because the URL has a control":     "http://host/" + secret + "\x7f",
		"because the scheme is not known":   "gopher://host/" + secret,
		"because the URL has no host":       "http:///" + secret,
		"because a part of a URL is broken": "http://[::1" + secret,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := HTTP{Config: HTTPConfig{URL: url}, Client: &http.Client{}}.Send(t.Context(), event())
			harmless(t, err)
		})
	}
}

func TestAnEventThatIsNoneIsRefused(t *testing.T) {
	for name, change := range map[string]func(*release.Event){
		"without an id":        func(e *release.Event) { e.ID = "" },
		"of a strange cluster": func(e *release.Event) { e.Release.Subject.Cluster = "%zz" },
	} {
		t.Run(name, func(t *testing.T) {
			_, err := HTTP{Config: HTTPConfig{URL: "http://127.0.0.1:1"}, Client: &http.Client{}}.Send(t.Context(), event(change))
			require.ErrorContains(t, err, "check event")
		})
	}
}

func TestTheSequenceSortsAsText(t *testing.T) {
	var last string
	for _, n := range []int64{1, 2, 10, 99, 100, 1 << 62} {
		ce, err := CloudEvent(event(func(e *release.Event) { e.Release.Sequence = n }))
		require.NoError(t, err)
		got := ce.Extensions()["sequence"].(string)
		require.Greater(t, got, last)
		last = got
	}
}
