package emit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	"github.com/rollcall-dev/rollcall/release"
)

// HTTP posts each event as a CloudEvent 1.0 in binary mode.
type HTTP struct {
	Config HTTPConfig
	Client *http.Client
}

var _ Sink = HTTP{}

// Send posts the event once. A receiver may get it twice, with the same id: it is
// the receiver that drops the second.
func (s HTTP) Send(ctx context.Context, e release.Event) (release.Receipt, error) {
	ce, err := CloudEvent(e)
	if err != nil {
		return release.Receipt{}, err
	}
	req, err := cehttp.NewHTTPRequestFromEvent(ctx, s.Config.URL, ce)
	if err != nil {
		return release.Receipt{}, fmt.Errorf("make request: %w", redacted(err))
	}
	if e.Traceparent != "" {
		req.Header.Set("traceparent", e.Traceparent) // on a single hop it must equal the event's own
	}
	client := *s.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // a login page says 200 too
	resp, err := client.Do(req)
	if err != nil {
		return release.Receipt{}, fmt.Errorf("post event: %w", redacted(err))
	}
	defer resp.Body.Close()                                      //nolint:errcheck // the answer's head is all that counts
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16)) // so that the connection can be used again
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return release.Receipt{}, refused(resp)
	}
	return release.Receipt{Status: resp.Status}, nil
}

// redacted drops the URL from an error of net/http: it may hold a secret.
func redacted(err error) error {
	var u *url.Error
	switch {
	case !errors.As(err, &u):
		return err
	case u.Op == "parse": // the reason quotes a part of the URL
		return errors.New("the URL is not valid")
	}
	return u.Err
}

// refused is the error for an answer that is not a success.
func refused(resp *http.Response) error {
	err := fmt.Errorf("post event: the receiver answered %s", resp.Status)
	after := resp.Header.Get("Retry-After")
	if n, convErr := strconv.Atoi(after); convErr == nil && n > 0 {
		return &RetryAfter{Err: err, After: seconds(n)}
	}
	if t, parseErr := http.ParseTime(after); parseErr == nil {
		return &RetryAfter{Err: err, After: time.Until(t)}
	}
	return err
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

// CloudEvent makes the CloudEvent of an event. Its id and source are the same for
// every attempt; together they let a receiver drop what it has seen.
func CloudEvent(e release.Event) (cloudevents.Event, error) {
	s := e.Release.Subject
	ce := cloudevents.NewEvent(cloudevents.VersionV1)
	ce.SetID(e.ID)
	ce.SetSource("/clusters/" + s.Cluster + "/namespaces/" + s.Namespace)
	ce.SetType(e.Occasion.EventType())
	ce.SetSubject(s.Path())
	ce.SetTime(e.At)
	ce.SetExtension("recordedtime", e.RecordedAt)
	ce.SetExtension("sequence", fmt.Sprintf("%020d", e.Release.Sequence))
	if e.Traceparent != "" {
		ce.SetExtension("traceparent", e.Traceparent)
		ce.SetExtension("correlationid", traceID(e.Traceparent))
	}
	if err := ce.SetData(cloudevents.ApplicationJSON, payload(e)); err != nil {
		return ce, fmt.Errorf("encode event: %w", err)
	}
	if err := ce.Validate(); err != nil {
		return ce, fmt.Errorf("check event: %w", err)
	}
	return ce, nil
}
