package scenarios

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/e2e/lab"
)

func TestAReleaseDuringAnAbsenceIsAnnouncedLate(t *testing.T) {
	t.Parallel()
	s := newStage(t, "absence", time.Second)
	web := deployment{name: "web", image: "web:1", after: time.Second}
	back := deployment{name: "back", image: "back:1"}
	s.deploy(web, back)
	s.ready("web", "web:1")
	s.ready("back", "back:1")
	s.rules(s.smokeRules())
	s.start()
	s.eventually("baselines are written", func() bool { return len(latest(t, s.ns)) == 2 })
	s.stop()
	time.Sleep(time.Second) // objects tell whole seconds only
	web.image, back.image = "web:2", "back:2"
	s.deploy(web, back)
	s.ready("web", "web:2")
	s.ready("back", "back:2")
	time.Sleep(time.Second)
	s.undo("back", "back:1") // there and back, and nobody saw it
	s.ready("back", "back:1")
	s.deploy(deployment{name: "born", image: "born:1", replicas: 1}) // and one that nobody knew
	s.ready("born", "born:1")
	time.Sleep(2500 * time.Millisecond)
	s.start()
	s.fired("web", 1)
	s.fired("born", 1)
	s.fired("back", 1)
	s.quiet()
	require.Len(t, s.seen.started(), 3)
	require.Equal(t, "rollback", parameter(s.seen.startedFor("back")[0], "kind"))
	require.Equal(t, "initial", parameter(s.seen.startedFor("born")[0], "kind"))
	for _, r := range latest(t, s.ns) {
		require.Equal(t, r.Status.Phase != "Adopted", r.Status.Late, r.Name)
	}
}

func TestCrashesLoseNothingAndDoubleNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t, "crashes", time.Second)
	const n = 40
	all := make([]deployment, n)
	for i := range all {
		all[i] = deployment{name: fmt.Sprintf("app-%d", i), image: "app:1", replicas: 2, after: 500 * time.Millisecond}
	}
	s.deploy(all...)
	for _, d := range all {
		s.ready(d.name, "app:1")
	}
	s.rules(s.smokeRules())
	s.start()
	s.eventually("baselines are written", func() bool { return len(latest(t, s.ns)) == n })
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	released := make(chan struct{})
	go func() {
		defer close(released)
		for i := range all {
			d := all[i]
			d.image = "app:2"
			if err := cluster.Apply(t.Context(), []byte(d.yaml(s.ns))); err != nil {
				t.Errorf("release %s: %v", d.name, err)
			}
			time.Sleep(150 * time.Millisecond)
		}
	}()
	kills := 0
	for begun := time.Now(); time.Since(begun) < 15*time.Second; kills++ {
		time.Sleep(200*time.Millisecond + time.Duration(random.IntN(600))*time.Millisecond)
		s.kill()
		s.launch()
	}
	<-released
	t.Logf("%d Workflows while rollcall was killed %d times", len(s.seen.started()), kills)
	for _, d := range all {
		s.fired(d.name, 1)
	}
	s.quiet()
	require.Len(t, s.seen.started(), n)
}

func TestAnotherReplicaTakesOver(t *testing.T) {
	t.Parallel()
	s := newStage(t, "replicas", time.Second)
	s.rules(s.smokeRules())
	s.start()
	address, err := cluster.FreeAddress()
	require.NoError(t, err)
	other, err := cluster.StartRollcall(lab.RollcallOptions{Binary: binary, Listen: address, Args: s.arguments("rollcall-1"), Name: "replica"})
	require.NoError(t, err)
	t.Cleanup(func() { _ = other.Kill() })
	require.NoError(t, other.WaitReady(t.Context()))

	const n = 10
	all := make([]deployment, n)
	for i := range all {
		all[i] = deployment{name: fmt.Sprintf("app-%d", i), image: "app:1", after: time.Duration(i) * 400 * time.Millisecond}
	}
	s.deploy(all...)
	s.eventually("some have fired", func() bool { return len(s.seen.started()) > 2 })
	s.kill()
	for _, d := range all {
		s.fired(d.name, 1)
	}
	log, err := other.Log()
	require.NoError(t, err)
	require.Contains(t, log, "leading")
	s.quiet()
	require.Len(t, s.seen.started(), n)
}

func TestAnAPIServerThatStandsStillLosesNothing(t *testing.T) {
	s := newStage(t, "frozen", time.Second)
	s.rules(s.smokeRules())
	s.start()
	const n = 6
	all := make([]deployment, n)
	for i := range all {
		all[i] = deployment{name: fmt.Sprintf("app-%d", i), image: "app:1", after: time.Duration(i) * time.Second}
	}
	s.deploy(all...)
	s.eventually("the first has fired", func() bool { return len(s.seen.started()) > 0 })
	require.NoError(t, cluster.Pause("kube-apiserver"))
	time.Sleep(7 * time.Second)
	require.NoError(t, cluster.Resume("kube-apiserver"))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	code, err := s.program.Wait(ctx)
	require.NoError(t, err)
	require.Equal(t, 1, code, "who cannot renew the lease ends, and is started again")
	s.start()
	for _, d := range all {
		s.fired(d.name, 1)
	}
	s.quiet()
	require.Len(t, s.seen.started(), n)
}

// receiver is a receiver of CloudEvents that counts what it gets, by event id.
type receiver struct {
	mu     sync.Mutex
	events map[string]int
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	_, _ = io.Copy(io.Discard, req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events[req.Header.Get("ce-id")+" "+req.Header.Get("ce-type")+" "+fmt.Sprint(req.Header.Get("ce-traceparent") == req.Header.Get("traceparent"))]++
	w.WriteHeader(http.StatusAccepted)
}

func (r *receiver) got() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[string]int{}
	maps.Copy(out, r.events)
	return out
}

func TestAReceiverThatWasDownGetsTheEventOnce(t *testing.T) {
	t.Parallel()
	s := newStage(t, "outage", time.Second)
	address, err := cluster.FreeAddress()
	require.NoError(t, err)
	s.rules(strings.NewReplacer("NS", s.ns, "ADDRESS", address).Replace(`
sinks:
  bus: {http: {url: "http://ADDRESS/hook"}}
rules:
  - name: ready
    on: {kind: Deployment, namespaces: [NS]}
    send: [bus]
`))
	s.start()
	s.deploy(deployment{name: "web", image: "web:1", replicas: 1})
	s.newest("Ready")
	time.Sleep(10 * time.Second)
	require.NotEmpty(t, latest(t, s.ns)[0].Status.Deliveries[0].LastError)

	got := &receiver{events: map[string]int{}}
	l, err := net.Listen("tcp", address)
	require.NoError(t, err)
	server := &http.Server{Handler: got, ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	s.eventually("the event arrives", func() bool { return len(got.got()) > 0 })
	s.quiet()
	d := latest(t, s.ns)[0].Status.Deliveries[0]
	require.Equal(t, map[string]int{d.EventID + " dev.rollcall.release.ready.v1 true": 1}, got.got())
	require.Equal(t, "Sent", d.State)
	require.Greater(t, d.Attempts, int32(1))
}

func TestAWrongRuleIsToldWhereItStandsAndHarmsNoOther(t *testing.T) {
	t.Parallel()
	s := newStage(t, "mistake", time.Second)
	s.rules(s.smokeRules())
	s.start()
	s.rules(s.smokeRules() + `  - name: broken
    on: {kind: Deployment}
    when: release.redy
    send: [smoke]
`)
	s.eventually("an Event tells line and column", func() bool {
		list, err := cluster.Client().EventsV1().Events(s.ns).List(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		for _, e := range list.Items {
			if e.Regarding.Name == "rollcall-rules" && e.Type == "Warning" && strings.Contains(e.Note, "rules.yaml:10:19: ") && strings.Contains(e.Note, "redy") {
				return true
			}
		}
		return false
	})
	m, err := s.program.Metrics(t.Context())
	require.NoError(t, err)
	mistakes := fmt.Sprintf("rollcall_config_mistakes{configmap=%q} ", s.ns+"/rollcall-rules")
	require.Contains(t, m, mistakes+"1\n")
	s.deploy(deployment{name: "web", image: "web:1", replicas: 1})
	s.fired("web", 1)
	require.Equal(t, "ready", latest(t, s.ns)[0].Status.Deliveries[0].Rule)
	s.rules(s.smokeRules())
	s.eventually("the mistake is gone", func() bool {
		m, err := s.program.Metrics(t.Context())
		return err == nil && strings.Contains(m, mistakes+"0\n")
	})
}
