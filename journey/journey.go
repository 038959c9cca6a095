package journey

import (
	"context"
	"fmt"

	"github.com/rollcall-dev/rollcall/release"
	"github.com/rollcall-dev/rollcall/release/v1alpha1"
)

// Journey finds traces and exports what is drawn into them.
type Journey struct {
	annotations []string
	exporter    *Exporter
}

// New makes a Journey that looks for traceparents in the given annotations, by
// default [DefaultAnnotations]. Without an exporter it finds traces, so that
// others can draw into them, and draws nothing.
func New(annotations []string, exporter *Exporter) *Journey {
	return &Journey{annotations: annotations, exporter: exporter}
}

// Enabled reports whether spans are exported.
func (j *Journey) Enabled() bool { return j.exporter != nil }

// Trace says which trace a release belongs to; see [Find].
func (j *Journey) Trace(s release.Snapshot) Trace { return Find(s, j.annotations) }

// DrawReady exports the spans up to the announcement; see [Ready]. Each delivery
// that came with it must have had its first attempt: that is what is drawn.
// To export them twice is harmless: they are the same.
func (j *Journey) DrawReady(ctx context.Context, rec *v1alpha1.Release) error {
	if err := j.exporter.Upload(ctx, rec.Spec.Cluster, Ready(rec)); err != nil {
		return fmt.Errorf("draw release %s/%s: %w", rec.Namespace, rec.Name, err)
	}
	return nil
}

// DrawRun exports the spans of the run that delivery i started; see [Run].
func (j *Journey) DrawRun(ctx context.Context, rec *v1alpha1.Release, i int) error {
	if i < 0 || i >= len(rec.Status.Deliveries) {
		return fmt.Errorf("draw run of release %s/%s: no delivery %d", rec.Namespace, rec.Name, i)
	}
	if err := j.exporter.Upload(ctx, rec.Spec.Cluster, Run(rec, rec.Status.Deliveries[i])); err != nil {
		return fmt.Errorf("draw run of release %s/%s: %w", rec.Namespace, rec.Name, err)
	}
	return nil
}
