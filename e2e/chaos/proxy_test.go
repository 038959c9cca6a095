package chaos

import (
	"context"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// server counts the writes that reach it, and never ends a watch by itself.
type server struct{ writes atomic.Int32 }

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.Method != http.MethodGet {
		s.writes.Add(1)
	}
	_, _ = w.Write([]byte(`{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}`))
	if r.URL.Query().Has("watch") {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
}

// behind makes a client that sees a server through a proxy of these faults, over
// a wire.
func behind(t *testing.T, f Faults) (*server, *Proxy, *Wire, kubernetes.Interface) {
	t.Helper()
	s := &server{}
	far := httptest.NewTLSServer(s)
	t.Cleanup(far.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: far.Certificate().Raw})
	p, err := NewProxy(&rest.Config{Host: far.URL, TLSClientConfig: rest.TLSClientConfig{CAData: ca}}, f, 1)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	p.Calm(false)
	w, err := NewWire(p.URL)
	require.NoError(t, err)
	t.Cleanup(w.Close)
	client, err := kubernetes.NewForConfig(&rest.Config{Host: w.URL, TLSClientConfig: rest.TLSClientConfig{CAData: p.CA}, Timeout: 5 * time.Second})
	require.NoError(t, err)
	return s, p, w, client
}

func write(ctx context.Context, c kubernetes.Interface) error {
	_, err := c.CoreV1().ConfigMaps("shop").Update(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "x"}}, metav1.UpdateOptions{})
	return err
}

func TestTheProxyDoesWhatItSays(t *testing.T) {
	for name, c := range map[string]struct {
		faults Faults
		want   func(error) bool
		writes int32
	}{
		"passed":   {Faults{}, func(err error) bool { return err == nil }, 1},
		"refused":  {Faults{Refused: 1000}, apierrors.IsInternalError, 0},
		"conflict": {Faults{Conflict: 1000}, apierrors.IsConflict, 0},
		"lost":     {Faults{Lost: 1000}, func(err error) bool { return err != nil && apierrors.ReasonForError(err) == metav1.StatusReasonUnknown }, 1},
		"late":     {Faults{Late: 1000}, func(err error) bool { return err == nil }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s, p, _, client := behind(t, c.faults)
			err := write(t.Context(), client)
			require.True(t, c.want(err), "%v", err)
			require.Equal(t, c.writes, s.writes.Load())
			require.Equal(t, map[string]int{name: 1}, p.Counts())
			p.Calm(true)
			require.NoError(t, write(t.Context(), client))
		})
	}
}

func TestTheProxyEndsWatches(t *testing.T) {
	_, _, _, client := behind(t, Faults{Cut: 1000})
	begun := time.Now()
	w, err := client.CoreV1().ConfigMaps("shop").Watch(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	for range w.ResultChan() { // It ends.
	}
	require.Less(t, time.Since(begun), 6*time.Second)

	_, _, _, client = behind(t, Faults{Expired: 1000})
	_, err = client.CoreV1().ConfigMaps("shop").Watch(t.Context(), metav1.ListOptions{})
	require.True(t, apierrors.IsResourceExpired(err), "%v", err)
}

func TestTheWireFailsAndHeals(t *testing.T) {
	s, _, wire, client := behind(t, Faults{})
	require.NoError(t, write(t.Context(), client))
	require.NoError(t, wire.Spoil(Dead))
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	require.Error(t, write(ctx, client))
	require.EqualValues(t, 1, s.writes.Load(), "nothing gets through")
	wire.Heal(t.Context())
	require.NoError(t, wire.Cut())
	require.Eventually(t, func() bool { return write(t.Context(), client) == nil }, 5*time.Second, 50*time.Millisecond)

	require.NoError(t, wire.Spoil(Slow))
	begun := time.Now()
	require.NoError(t, write(t.Context(), client))
	require.Greater(t, time.Since(begun), 100*time.Millisecond)
}

// The same seed does the same to the same calls.
func TestChanceIsTheSeeds(t *testing.T) {
	drawn := func() (out []string) {
		_, p, _, _ := behind(t, Rough())
		for range 200 {
			fault, _ := p.draw(httptest.NewRequest(http.MethodPut, "/", nil))
			out = append(out, fault)
		}
		return out
	}
	first := drawn()
	require.Equal(t, first, drawn())
	require.Contains(t, first, "lost")
}
