package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/rollcall-dev/rollcall/journey"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// traceTimeout is how long Jaeger may take to have the whole trace.
const traceTimeout = 20 * time.Second

// answer is what Jaeger's query API says of traces; times are in microseconds.
type answer struct {
	Data []struct {
		Spans []jaegerSpan `json:"spans"`
	} `json:"data"`
}

// jaegerSpan is a span as Jaeger tells it.
type jaegerSpan struct {
	SpanID        string `json:"spanID"`
	OperationName string `json:"operationName"`
	References    []struct {
		RefType string `json:"refType"`
		SpanID  string `json:"spanID"`
	} `json:"references"`
	StartTime int64 `json:"startTime"`
	Duration  int64 `json:"duration"`
	Tags      []struct {
		Key   string `json:"key"`
		Value any    `json:"value"`
	} `json:"tags"`
}

// showTrace shows the trace as Jaeger has it.
func (d *demo) showTrace(ctx context.Context) error {
	if d.record.Status.Trace == nil {
		return fmt.Errorf("read trace: release %s has none", d.record.Name)
	}
	url := d.cluster.JaegerQuery + "/api/traces/" + d.record.Status.Trace.ID
	spans, err := wholeTrace(ctx, url, &d.record)
	if err != nil {
		return err
	}
	d.screen.title("The trace, as Jaeger has it")
	if err := journey.Waterfall(d.screen.out, spans, d.screen.width); err != nil {
		return err
	}
	d.screen.text("\n" + url)
	return nil
}

// wholeTrace reads a trace once Jaeger has every span that the record tells of.
func wholeTrace(ctx context.Context, url string, rec *v1alpha1.Release) ([]journey.Span, error) {
	ctx, cancel := context.WithTimeout(ctx, traceTimeout)
	defer cancel()
	var spans []journey.Span
	var last error
	err := await(ctx, "the trace in Jaeger", func(ctx context.Context) bool {
		got, err := fetch(ctx, url)
		if err == nil {
			err = missing(journey.FromRecord(rec), got)
		}
		if ctx.Err() == nil {
			spans, last = got, err
		}
		return err == nil
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w: %w", url, err, last)
	}
	return spans, nil
}

// fetch reads a trace.
func fetch(ctx context.Context, url string) ([]journey.Span, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, errors.New(response.Status)
	}
	var a answer
	if err := json.NewDecoder(response.Body).Decode(&a); err != nil {
		return nil, fmt.Errorf("decode answer: %w", err)
	}
	var out []journey.Span
	for _, trace := range a.Data {
		for _, s := range trace.Spans {
			out = append(out, s.shown())
		}
	}
	return out, nil
}

// shown gives the span as a waterfall shows it.
func (s jaegerSpan) shown() journey.Span {
	start := time.UnixMicro(s.StartTime).UTC()
	out := journey.Span{
		Name: s.OperationName, ID: s.SpanID,
		Start: start, End: start.Add(time.Duration(s.Duration) * time.Microsecond),
	}
	for _, r := range s.References {
		if r.RefType == "CHILD_OF" {
			out.Parent = r.SpanID
		}
	}
	for _, t := range s.Tags {
		if t.Key == "error" {
			out.Error = t.Value == true
		}
	}
	return out
}

// missing says which spans are not there.
func missing(want, got []journey.Span) error {
	there := map[string]bool{}
	for _, s := range got {
		there[s.ID] = true
	}
	var names []string
	for _, s := range want {
		if !there[s.ID] {
			names = append(names, s.Name)
		}
	}
	if len(names) > 0 {
		return fmt.Errorf("spans are missing: %s", strings.Join(names, ", "))
	}
	return nil
}
