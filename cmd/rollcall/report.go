package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"

	"github.com/rollcall-dev/rollcall/config"
	"github.com/rollcall-dev/rollcall/emit"
	"github.com/rollcall-dev/rollcall/release"
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

	mu sync.Mutex
	// books are the ConfigMaps that rules came from, by namespace/name; said is what
	// was last said of a rule that could not be evaluated, so that it is said once.
	books map[string]*corev1.ConfigMap
	own   string
	said  map[string]string
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
	return &reporter{
		events: b.NewRecorder(scheme, "rollcall.dev/rollcall"), metrics: m, log: log,
		books: map[string]*corev1.ConfigMap{}, said: map[string]string{},
	}, nil
}

// Report tells the author of the rules what is wrong with them.
func (r *reporter) Report(cm *corev1.ConfigMap, mistakes []config.Mistake) {
	name := cm.Namespace + "/" + cm.Name
	r.metrics.mistakes.WithLabelValues(name).Set(float64(len(mistakes)))
	r.mu.Lock()
	r.books[name] = cm
	r.mu.Unlock()
	if len(mistakes) == 0 {
		r.log.Info("rules loaded", "configmap", name)
		r.event(cm, corev1.EventTypeNormal, "RulesLoaded", "Load", "all rules are in force")
		return
	}
	for _, m := range mistakes[:min(len(mistakes), toldAtMost)] {
		r.log.Warn("rules have a mistake; what was good stays in force", "rule", m.Rule, "err", m.String())
		r.event(cm, corev1.EventTypeWarning, "RuleInvalid", "Load", m.String())
	}
	if more := len(mistakes) - toldAtMost; more > 0 {
		r.log.Warn("rules have more mistakes", "configmap", name, "more", more)
		r.events.Eventf(cm, nil, corev1.EventTypeWarning, "RuleInvalid", "Load", "%d more mistakes: rollcall check --live shows all", more)
	}
}

// toldAtMost is how many mistakes of a ConfigMap are told one by one: a text may hold
// hundreds of thousands, and the API server is not there for those.
const toldAtMost = 20

// Broken tells the author of a rule that it could not be evaluated, and so counts as
// not holding yet.
func (r *reporter) Broken(s release.Subject, v release.Verdict) {
	r.metrics.broken.WithLabelValues(v.Rule).Inc()
	r.mu.Lock()
	key := v.Rule + " " + s.String()
	again := r.said[key] == v.Reason
	if len(r.said) > saidAtMost {
		clear(r.said)
	}
	r.said[key] = v.Reason
	book := r.books[r.bookOf(v.Rule)]
	r.mu.Unlock()
	if again {
		return
	}
	r.log.Warn("rule cannot be evaluated, and waits", "rule", v.Rule, "subject", s.String(), "err", v.Reason)
	if book != nil {
		r.event(book, corev1.EventTypeWarning, "RuleFailed", "Judge", fmt.Sprintf("rule %s on %s: %s", v.Rule, s, v.Reason))
	}
}

// saidAtMost is how many failures are remembered as told.
const saidAtMost = 10_000

// bookOf is the ConfigMap that a rule is from: a tenant's rule bears its name.
func (r *reporter) bookOf(rule string) string {
	if at := strings.LastIndex(rule, "/"); at >= 0 {
		return rule[:at]
	}
	return r.own
}

// Delivered tells of an attempt to deliver an event.
func (r *reporter) Delivered(d emit.Delivered) {
	r.metrics.deliveries.WithLabelValues(d.Sink, strings.ToLower(d.State)).Inc()
	r.metrics.calls.WithLabelValues(d.Sink).Observe(d.Took.Seconds())
	switch d.State {
	case "Sent":
		r.event(d.Record, corev1.EventTypeNormal, "Sent", "Send", "sent to sink "+d.Sink)
	case "Dead":
		r.event(d.Record, corev1.EventTypeWarning, "GivenUp", "Send", fmt.Sprintf("sink %s: %v", d.Sink, d.Err))
	default:
		if d.Attempt == 1 {
			r.event(d.Record, corev1.EventTypeWarning, "SendFailed", "Send", fmt.Sprintf("sink %s: %v; it will be tried again", d.Sink, d.Err))
		}
	}
}

// event writes an Event. client-go takes Events that differ in their note only for
// one that came again, and shows the first note: so the action tells them apart.
func (r *reporter) event(about runtime.Object, kind, reason, action, note string) {
	sum := sha256.Sum256([]byte(note))
	r.events.Eventf(about, nil, kind, reason, action+"-"+hex.EncodeToString(sum[:4]), "%s", short(note))
}

// short cuts a note to what an Event may hold.
func short(s string) string {
	if len(s) <= noteLimit {
		return s
	}
	return strings.ToValidUTF8(s[:noteLimit-len("…")], "") + "…"
}
