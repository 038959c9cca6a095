package main

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics are what rollcall counts.
type metrics struct {
	registry   *prometheus.Registry
	mistakes   *prometheus.GaugeVec
	broken     *prometheus.CounterVec
	leader     prometheus.Gauge
	deliveries *prometheus.CounterVec
	calls      *prometheus.HistogramVec
}

// newMetrics makes the metrics, all but the count of releases.
func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		mistakes: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "rollcall_config_mistakes",
			Help: "Mistakes in a ConfigMap of rules as it is now; rules with a mistake stay at their last good version.",
		}, []string{"configmap"}),
		broken: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rollcall_rule_errors_total",
			Help: "Evaluations of a rule's condition that failed, and so counted as not holding yet.",
		}, []string{"rule"}),
		leader: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "rollcall_leader", Help: "1 in the replica that judges and delivers, else 0.",
		}),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rollcall_delivery_attempts_total", Help: "Attempts to deliver an event, by sink and the state they left it in.",
		}, []string{"sink", "state"}),
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "rollcall_delivery_duration_seconds", Help: "Duration of one attempt to deliver an event.",
			Buckets: prometheus.ExponentialBuckets(0.002, 3, 9),
		}, []string{"sink"}),
	}
	m.registry.MustRegister(m.mistakes, m.broken, m.leader, m.deliveries, m.calls,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// releases counts the records by phase at each scrape.
type releases struct {
	desc  *prometheus.Desc
	count func() map[string]int
}

func newReleasesCollector(count func() map[string]int) prometheus.Collector {
	return releases{count: count, desc: prometheus.NewDesc("rollcall_releases", "Recorded releases, by phase.", []string{"phase"}, nil)}
}

// Describe is part of prometheus.Collector.
func (r releases) Describe(ch chan<- *prometheus.Desc) { ch <- r.desc }

// Collect is part of prometheus.Collector.
func (r releases) Collect(ch chan<- prometheus.Metric) {
	for phase, n := range r.count() {
		ch <- prometheus.MustNewConstMetric(r.desc, prometheus.GaugeValue, float64(n), phase)
	}
}
