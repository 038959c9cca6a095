package main

import (
	"io"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/internal/line"
)

func TestSettingsCheck(t *testing.T) {
	tests := map[string]struct {
		args []string
		want string
	}{
		"as they are":                    {nil, ""},
		"cluster":                        {[]string{"--cluster=eu-west.1_a"}, ""},
		"no cluster":                     {[]string{"--cluster="}, `--cluster ""`},
		"cluster with a space":           {[]string{"--cluster=my cluster"}, `--cluster "my cluster"`},
		"cluster ends in a dash":         {[]string{"--cluster=a-"}, `--cluster "a-"`},
		"no workers":                     {[]string{"--workers=0"}, "--workers 0: at least one is needed"},
		"no identity":                    {[]string{"--identity="}, "--identity: a replica needs a name to lead"},
		"no identity and no need":        {[]string{"--identity=", "--leader-elect=false"}, ""},
		"short lease":                    {[]string{"--leader-election-lease-duration=2s"}, "--leader-election-lease-duration 2s: at least 3s are needed"},
		"short lease, not needed":        {[]string{"--leader-election-lease-duration=2s", "--leader-elect=false"}, ""},
		"hub without a destination":      {[]string{"--argocd-kubeconfig=hub"}, "--argocd-destination: with a hub, say how"},
		"hub context, no destination":    {[]string{"--argocd-context=hub"}, "--argocd-destination: with a hub, say how"},
		"hub":                            {[]string{"--argocd-kubeconfig=hub", "--argocd-destination=https://a,b"}, ""},
		"destinations without a hub":     {[]string{"--argocd-destination=https://a"}, ""},
		"gate timeout":                   {[]string{"--gate-timeout=30m"}, ""},
		"negative gate timeout":          {[]string{"--gate-timeout=-1s"}, "--gate-timeout -1s: it cannot be negative"},
		"negative time to keep the gone": {[]string{"--keep-gone=-1s"}, "--keep-gone -1s: it cannot be negative"},
		"log level":                      {[]string{"--log-level=loud"}, `--log-level "loud": it is one of debug, info, warn, error`},
		"log format":                     {[]string{"--log-format=xml"}, `--log-format "xml": it is one of text, json`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, cmd := &settings{}, &cobra.Command{}
			s.bind(cmd)
			require.NoError(t, cmd.ParseFlags(append([]string{"--identity=me"}, tt.args...)))
			err := s.check()
			if tt.want == "" {
				assert.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, tt.want)
		})
	}
}

func TestIdentitySurvivesARestart(t *testing.T) {
	t.Setenv("POD_NAME", "rollcall-0")
	assert.Equal(t, "rollcall-0", identity())
	assert.Equal(t, identity(), identity())
}

func TestLoggerWritesWhatIsAskedFor(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		log, err := (&settings{logLevel: "warn", logFormat: format}).logger(io.Discard)
		require.NoError(t, err)
		assert.False(t, log.Enabled(t.Context(), 0))
		assert.False(t, quiet{log.Handler()}.Enabled(t.Context(), 0))
	}
}

func TestFlagsOfTheHub(t *testing.T) {
	for _, tt := range []struct {
		args []string
		hub  bool
	}{
		{nil, false},
		{[]string{"--argocd-destination=https://a"}, false},
		{[]string{"--argocd-kubeconfig=hub", "--argocd-destination=https://a,b"}, true},
		{[]string{"--argocd-context=hub", "--argocd-destination=a"}, true},
	} {
		s, cmd := &settings{}, &cobra.Command{}
		s.bind(cmd)
		require.NoError(t, cmd.ParseFlags(append([]string{"--identity=me"}, tt.args...)))
		require.NoError(t, s.check())
		assert.Equal(t, tt.hub, s.gitops.Hub, tt.args)
	}
}

func TestHubClientsAreThoseOfTheHub(t *testing.T) {
	here := &line.Clients{}
	got, err := (&settings{}).hubClients(here)
	require.NoError(t, err)
	assert.Same(t, here, got, "without a hub, Applications are in this cluster")

	kubeconfig := apiServer(t)
	got, err = (&settings{hub: cluster{kubeconfig: kubeconfig}}).hubClients(here)
	require.NoError(t, err)
	assert.NotSame(t, here, got)

	for name, hub := range map[string]cluster{
		"no file":    {kubeconfig: "nowhere"},
		"no context": {kubeconfig: kubeconfig, context: "other"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := (&settings{hub: hub}).hubClients(here)
			assert.ErrorContains(t, err, "reach Argo CD's hub: ")
		})
	}
}
