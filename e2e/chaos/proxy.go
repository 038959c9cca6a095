package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httputil"
	"strconv"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/rollcall-dev/rollcall/e2e/lab"
)

// Faults says how many of a thousand calls suffer what.
type Faults struct {
	Late      int // answered up to a second later
	Refused   int // 500, and nothing was done
	Throttled int // 429, and nothing was done
	Conflict  int // 409 on a write, and nothing was done
	Lost      int // done, and never answered
	// RefusedNew and LostNew are the same for calls that create something: they are
	// few, and matter most.
	RefusedNew, LostNew int
	Expired             int // 410 on a watch
	Cut                 int // a watch that breaks off within a few seconds
	Short               int // a watch that ends in good order within a few seconds
}

// Rough is what a round is played with.
func Rough() Faults {
	return Faults{Late: 60, Refused: 40, RefusedNew: 150, Throttled: 15, Conflict: 30, Lost: 40, LostNew: 150, Expired: 100, Cut: 300, Short: 200}
}

// Proxy stands before the API server and answers some of its calls itself.
type Proxy struct {
	*lab.Front

	faults  Faults
	forward *httputil.ReverseProxy

	mu     sync.Mutex
	random *rand.Rand
	calm   bool
	count  map[string]int
}

// NewProxy starts a proxy on loopback before the API server of a client's
// configuration. What it does to whose call follows from the seed and from the
// order of the calls.
func NewProxy(to *rest.Config, faults Faults, seed uint64) (*Proxy, error) {
	forward, err := lab.Forwarder(to)
	if err != nil {
		return nil, fmt.Errorf("start proxy: %w", err)
	}
	forward.ModifyResponse = func(r *http.Response) error {
		if r.Request.Context().Value(lost{}) != nil {
			return errors.New("lost")
		}
		return nil
	}
	p := &Proxy{faults: faults, random: rand.New(rand.NewPCG(seed, 1)), calm: true, count: map[string]int{}, forward: forward}
	if p.Front, err = lab.NewFront(p); err != nil {
		return nil, fmt.Errorf("start proxy: %w", err)
	}
	return p, nil
}

// Calm makes the proxy pass everything on from now on, or not so.
func (p *Proxy) Calm(calm bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calm = calm
}

// Counts tells how often what was done to calls.
func (p *Proxy) Counts() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.count)
}

// lost marks the context of a call that is not to be answered.
type lost struct{}

// ServeHTTP does to a call what chance says.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault, after := p.draw(r)
	switch fault {
	case "late":
		select {
		case <-time.After(after):
		case <-r.Context().Done():
			return
		}
	case "refused":
		answer(w, http.StatusInternalServerError, metav1.StatusReasonInternalError)
		return
	case "throttled":
		w.Header().Set("Retry-After", "1")
		answer(w, http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests)
		return
	case "conflict":
		answer(w, http.StatusConflict, metav1.StatusReasonConflict)
		return
	case "expired":
		answer(w, http.StatusGone, metav1.StatusReasonExpired)
		return
	case "lost":
		r = r.WithContext(context.WithValue(r.Context(), lost{}, true))
	case "cut":
		ctx, cancel := context.WithTimeout(r.Context(), after)
		defer cancel()
		r = r.WithContext(ctx)
	case "short":
		query := r.URL.Query()
		query.Set("timeoutSeconds", strconv.Itoa(1+int(after.Seconds())))
		r.URL.RawQuery = query.Encode()
	}
	p.forward.ServeHTTP(w, r)
}

// draw chooses the fault of a call, and how long it has to do with time.
func (p *Proxy) draw(r *http.Request) (fault string, after time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.calm {
		p.count["passed"]++
		return "", 0
	}
	f, watching, creates := p.faults, r.URL.Query().Has("watch"), r.Method == http.MethodPost
	type lot struct {
		fault string
		of    int
		fits  bool
	}
	n := p.random.IntN(1000)
	after = time.Duration(p.random.IntN(1000)) * time.Millisecond
	fault = "passed"
	for _, l := range []lot{
		{"refused", f.Refused, !creates},
		{"refused", f.RefusedNew, creates},
		{"throttled", f.Throttled, true},
		{"late", f.Late, true},
		{"expired", f.Expired, watching},
		{"cut", f.Cut, watching},
		{"short", f.Short, watching},
		{"lost", f.Lost, !watching && !creates},
		{"lost", f.LostNew, creates},
		{"conflict", f.Conflict, r.Method == http.MethodPut},
	} {
		if !l.fits {
			continue
		}
		if n < l.of {
			fault = l.fault
			break
		}
		n -= l.of
	}
	if watching {
		after *= 5
	}
	p.count[fault]++
	return fault, after
}

// answer answers as the API server does.
func answer(w http.ResponseWriter, code int, reason metav1.StatusReason) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(metav1.Status{ // Who has gone does not care.
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
		Status:   metav1.StatusFailure, Code: int32(code), Reason: reason, Message: "chaos: " + string(reason),
	})
}
