package line

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestBaseline(t *testing.T) {
	installed := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	lastSeen := installed.Add(time.Hour)
	lease := func(renewed *time.Time) *coordinationv1.Lease {
		l := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: metav1.NewTime(installed)}}
		if renewed != nil {
			l.Spec.RenewTime = new(metav1.NewMicroTime(*renewed))
		}
		return l
	}
	early := installed.Add(time.Second)
	tests := map[string]struct {
		lease   *coordinationv1.Lease
		created time.Time
		want    bool
	}{
		"never led":                              {nil, lastSeen, true},
		"led by nobody yet":                      {lease(nil), lastSeen, true},
		"older than the install":                 {lease(&lastSeen), installed.Add(-time.Second), true},
		"as old as the install":                  {lease(&lastSeen), installed, true},
		"there was time to record it":            {lease(&lastSeen), lastSeen.Add(-slack - time.Second), true},
		"there may not have been time":           {lease(&lastSeen), lastSeen.Add(-slack), false},
		"came just before the leader was gone":   {lease(&lastSeen), lastSeen.Add(-time.Second), false},
		"came while nobody led":                  {lease(&lastSeen), lastSeen.Add(time.Minute), false},
		"older, though the leader lived a bit":   {lease(&early), installed.Add(-time.Hour), true},
		"after, though the leader lived a bit":   {lease(&early), early, false},
		"between, though the leader lived a bit": {lease(&early), installed.Add(time.Millisecond), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { assert.Equal(t, tt.want, Baseline(tt.lease)(tt.created)) })
	}
}
