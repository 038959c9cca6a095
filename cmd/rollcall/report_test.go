package main

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/events"

	"github.com/rollcall-dev/rollcall/config"
)

// A text may have any number of mistakes. The API server is told of some.
func TestReportTellsOfSomeMistakes(t *testing.T) {
	for n, want := range map[int]int{0: 1, 1: 1, 20: 20, 21: 21, 5000: 21} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			_, mistakes := config.Load("rules.yaml", []byte("rules: ["+strings.Repeat("a, ", n)+"]"))
			require.Len(t, mistakes, n)
			recorder := events.NewFakeRecorder(100)
			r := &reporter{events: recorder, metrics: newMetrics(), log: slog.New(slog.DiscardHandler), books: map[string]*corev1.ConfigMap{}}
			r.Report(&corev1.ConfigMap{}, mistakes)
			close(recorder.Events)
			var told []string
			for e := range recorder.Events {
				told = append(told, e)
			}
			require.Len(t, told, want)
			if n > 20 {
				assert.Equal(t, fmt.Sprintf("Warning RuleInvalid %d more mistakes: rollcall check --live shows all", n-20), told[20])
			}
		})
	}
}
