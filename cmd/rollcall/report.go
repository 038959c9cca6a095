package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"

	"github.com/rollcall-dev/rollcall/config"
	"github.com/rollcall-dev/rollcall/emit"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// noteLimit is how long the note of an Event may be: events.k8s.io/v1.
const noteLimit = 1024

// reporter tells people, where they look, what rollcall found and did: Events on
// the ConfigMap and on the Release, metrics, and the log.
type reporter struct {
	events  events.EventRecorder
	metrics *metrics
	log     *slog.Logger
}

// newReporter makes a reporter whose Events are written until ctx ends.
func newReporter(ctx context.Context, kube kubernetes.Interface, m *metrics, log *slog.Logger) (*reporter, error) {
	scheme := runtime.NewScheme()
	if err := clientscheme.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("register types: %w", err)
	}
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("register types: %w", err)
	}
	b := events.NewBroadcaster(&events.EventSinkImpl{Interface: kube.EventsV1()})
	if err := b.StartRecordingToSinkWithContext(ctx); err != nil {
		return nil, fmt.Errorf("start recording events: %w", err)
	}
	return &reporter{events: b.NewRecorder(scheme, "rollcall.dev/rollcall"), metrics: m, log: log}, nil
}

// Report tells the author of the rules what is wrong with them.
func (r *reporter) Report(cm *corev1.ConfigMap, mistakes []config.Mistake) {
	r.metrics.mistakes.Set(float64(len(mistakes)))
	if len(mistakes) == 0 {
		r.log.Info("rules loaded", "configmap", cm.Namespace+"/"+cm.Name)
		r.events.Eventf(cm, nil, corev1.EventTypeNormal, "RulesLoaded", "Load", "all rules are in force")
		return
	}
	for _, m := range mistakes {
		r.log.Warn("rules have a mistake; what was good stays in force", "rule", m.Rule, "err", m.String())
		r.events.Eventf(cm, nil, corev1.EventTypeWarning, "RuleInvalid", "Load", "%s", short(m.String()))
	}
}

// Delivered tells of an attempt to deliver an event.
func (r *reporter) Delivered(d emit.Delivered) {
	r.metrics.deliveries.WithLabelValues(d.Sink, strings.ToLower(d.State)).Inc()
	r.metrics.calls.WithLabelValues(d.Sink).Observe(d.Took.Seconds())
	switch d.State {
	case "Sent":
		r.events.Eventf(d.Record, nil, corev1.EventTypeNormal, "Sent", "Send", "sent to sink %s", d.Sink)
	case "Dead":
		r.events.Eventf(d.Record, nil, corev1.EventTypeWarning, "GivenUp", "Send", "%s", short(fmt.Sprintf("sink %s: %v", d.Sink, d.Err)))
	default:
		if d.Attempt == 1 {
			r.events.Eventf(d.Record, nil, corev1.EventTypeWarning, "SendFailed", "Send", "%s", short(fmt.Sprintf("sink %s: %v; it will be tried again", d.Sink, d.Err)))
		}
	}
}

// short cuts a note to what an Event may hold.
func short(s string) string {
	if len(s) <= noteLimit {
		return s
	}
	return strings.ToValidUTF8(s[:noteLimit-len("…")], "") + "…"
}
