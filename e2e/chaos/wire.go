package chaos

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// Wire is the way of one replica's bytes to the API server.
type Wire struct {
	// URL is where the replica finds the API server.
	URL   string
	proxy *toxiproxy.Proxy
}

// NewWire lays a wire to a server on loopback.
func NewWire(to string) (*Wire, error) {
	target, err := url.Parse(to)
	if err != nil {
		return nil, fmt.Errorf("lay wire: %w", err)
	}
	zerolog.SetGlobalLevel(zerolog.Disabled) // Toxics log past the logger that they are given.
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	w := &Wire{proxy: toxiproxy.NewProxy(server, "wire", "127.0.0.1:0", target.Host)}
	if err := w.proxy.Start(); err != nil {
		return nil, fmt.Errorf("lay wire: %w", err)
	}
	w.URL = "https://" + w.proxy.Listen
	return w, nil
}

// The ways in which a wire can be bad, as Toxiproxy knows them.
const (
	// Slow delays every answer by about a third of a second.
	Slow = `{"name": "slow", "type": "latency", "stream": "downstream", "attributes": {"latency": 300, "jitter": 150}}`
	// Narrow lets few bytes through at a time.
	Narrow = `{"name": "narrow", "type": "bandwidth", "stream": "downstream", "attributes": {"rate": 40}}`
	// Dead swallows everything and keeps the connections open.
	Dead = `{"name": "dead", "type": "timeout", "stream": "upstream", "attributes": {"timeout": 0}}`
	// Broken resets every connection soon after it is used.
	Broken = `{"name": "broken", "type": "reset_peer", "stream": "upstream", "attributes": {"timeout": 200}}`
)

// Spoil makes the wire bad until Heal.
func (w *Wire) Spoil(how string) error {
	if _, err := w.proxy.Toxics.AddToxicJson(strings.NewReader(how)); err != nil {
		return fmt.Errorf("spoil wire: %w", err)
	}
	return nil
}

// Heal makes the wire good again. What was swallowed stays lost: whoever waits for
// an answer waits for his own timeout, unless the wire is cut as well.
func (w *Wire) Heal(ctx context.Context) { w.proxy.Toxics.ResetToxics(ctx) }

// Cut closes all connections. New ones can be made at once.
func (w *Wire) Cut() error {
	w.proxy.Stop()
	if err := w.proxy.Start(); err != nil {
		return fmt.Errorf("cut wire: %w", err)
	}
	return nil
}

// Close takes the wire away.
func (w *Wire) Close() { w.proxy.Stop() }
