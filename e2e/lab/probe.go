package lab

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

const (
	// startTimeout bounds how long one part may take to become ready.
	startTimeout = 2 * time.Minute
	// pollEvery is the time between two looks at something that is awaited.
	pollEvery = 50 * time.Millisecond
)

// answers makes a check that is content when the address answers 200. Parts use
// certificates that they made themselves, which are not verified here.
func answers(url string) func(context.Context) error {
	client := &http.Client{
		Timeout:   2 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true},
	}
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return fmt.Errorf("ask %s: %w", url, err)
		}
		response, err := client.Do(request)
		if err != nil {
			return err // It says the address already.
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			body, _ := io.ReadAll(io.LimitReader(response.Body, 500))
			return fmt.Errorf("ask %s: %s: %s", url, response.Status, body)
		}
		return nil
	}
}

// logged makes a check that is content when the process's log holds the text.
func (p *process) logged(text string) func(context.Context) error {
	return func(context.Context) error {
		content, err := os.ReadFile(p.log)
		if err != nil {
			return fmt.Errorf("read log of %s: %w", p.name, err)
		}
		if !strings.Contains(string(content), text) {
			return fmt.Errorf("log of %s does not say %q yet", p.name, text)
		}
		return nil
	}
}

// ports hands out free ports of the loopback address, no port twice. They are
// taken from below the range that the kernel gives to outgoing connections,
// which could otherwise take a port before the part that it is meant for.
type ports struct {
	given map[int]bool
}

// next returns an address on loopback that nothing listens on.
func (p *ports) next() (string, error) {
	if p.given == nil {
		p.given = map[int]bool{}
	}
	for range 1000 {
		port := 15000 + rand.IntN(17000)
		if p.given[port] {
			continue
		}
		// All addresses, because some parts cannot be told to listen on one.
		listener, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
		if err != nil {
			continue
		}
		listener.Close()
		p.given[port] = true
		return fmt.Sprintf("127.0.0.1:%d", port), nil
	}
	return "", fmt.Errorf("find a free port: none of 1000 tried is")
}

// portOf is the port of an address that ports handed out.
func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}
