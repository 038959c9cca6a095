package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/rollcall-dev/rollcall/journey"
)

func TestTheCommandLine(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		code int
		out  string
		errs string
	}{
		"help":     {[]string{"--help"}, exitWell, usage, ""},
		"a flag":   {[]string{"--fast"}, exitUsage, "", "error: flag provided but not defined: -fast\n\n" + usage},
		"argument": {[]string{"now"}, exitUsage, "", "error: unexpected argument \"now\"\n\n" + usage},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs strings.Builder
			require.Equal(t, tt.code, run(t.Context(), tt.args, &out, &errs))
			require.Equal(t, tt.out, out.String())
			require.Equal(t, tt.errs, errs.String())
		})
	}
}

func TestTheExitCodeSaysHowItEnded(t *testing.T) {
	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	require.Equal(t, exitWell, code(t.Context(), nil, io.Discard))
	require.Equal(t, exitWell, code(interrupted, nil, io.Discard), "KEEP=1 ends well with Ctrl-C")
	require.Equal(t, exitInterrupted, code(interrupted, errors.New("build"), io.Discard))
	var errs strings.Builder
	require.Equal(t, exitFailed, code(t.Context(), errors.New("no etcd"), &errs))
	require.Equal(t, "\nerror: no etcd\n", errs.String())
}

func TestKeepIsReadLikeASwitch(t *testing.T) {
	for value, want := range map[string]bool{"1": true, "yes": true, "": false, "0": false, "no": false, "false": false} {
		require.Equal(t, want, wanted(value), value)
	}
}

func TestLinesAreAligned(t *testing.T) {
	begun := time.Unix(100, 0)
	lines := []line{
		{at: begun, who: "Git", what: "commit"},
		{at: begun.Add(12340 * time.Millisecond), who: workflows, what: "step", tone: bad},
	}
	for colour, want := range map[bool]string{
		false: "  +0.0s  Git             commit\n +12.3s  Argo Workflows  step\n",
		true: "\x1b[2m  +0.0s\x1b[0m  Git             commit\n" +
			"\x1b[2m +12.3s\x1b[0m  \x1b[33mArgo Workflows\x1b[0m  \x1b[1;31mstep\x1b[0m\n",
	} {
		var out strings.Builder
		s := &screen{out: &out, colour: colour}
		for _, l := range lines {
			s.line(begun, l)
		}
		require.Equal(t, want, out.String())
	}
}

func TestAFileIsNoTerminal(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/out")
	require.NoError(t, err)
	defer file.Close()
	require.Equal(t, &screen{out: file, width: width}, newScreen(file, func(string) string { return "" }))
}

func TestSightsAreOrderedByVersion(t *testing.T) {
	at := func(second int64) time.Time { return time.Unix(second, 0) }
	q := queue{{at: at(1), version: 7}, {at: at(2), version: 5}, {at: at(3), version: 6}, {at: at(3), version: 8}}
	require.Empty(t, q.due(at(0)))
	require.Len(t, q, 4)
	require.Equal(t, []sight{{at: at(2), version: 5}, {at: at(3), version: 6}, {at: at(1), version: 7}}, q.due(at(1)),
		"what came later, but happened before, goes first")
	require.Equal(t, []sight{{at: at(3), version: 8}}, q.due(at(3)))
	require.Empty(t, q)
}

func TestATraceIsReadFromJaeger(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/traces/known" {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, `{"data": [{"spans": [
{"spanID": "1", "operationName": "release web", "startTime": 1000000, "duration": 2000000},
{"spanID": "2", "operationName": "RUN smoke", "startTime": 2000000, "duration": 5,
 "references": [{"refType": "FOLLOWS_FROM", "spanID": "9"}, {"refType": "CHILD_OF", "spanID": "1"}],
 "tags": [{"key": "error", "value": true}]}]}]}`)
	}))
	defer server.Close()
	got, err := fetch(t.Context(), server.URL+"/api/traces/known")
	require.NoError(t, err)
	want := []journey.Span{
		{Name: "release web", ID: "1", Start: time.Unix(1, 0).UTC(), End: time.Unix(3, 0).UTC()},
		{Name: "RUN smoke", ID: "2", Parent: "1", Start: time.Unix(2, 0).UTC(), End: time.Unix(2, 5000).UTC(), Error: true},
	}
	require.Equal(t, want, got)
	require.NoError(t, missing(want, got))
	require.EqualError(t, missing(append(want, journey.Span{ID: "3", Name: "SYNC shop"}), got), "spans are missing: SYNC shop")

	_, err = fetch(t.Context(), server.URL+"/api/traces/other")
	require.EqualError(t, err, "404 Not Found")
}

func TestHowToPlayNamesEverything(t *testing.T) {
	for _, kubectl := range []bool{true, false} {
		var out strings.Builder
		require.NoError(t, toys{
			Kubeconfig: "/lab/admin", Rollcall: "/bin/rollcall", Repo: "/lab/repo", Manifest: manifest,
			Logs: "/lab/logs", Jaeger: "http://jaeger", Kubectl: kubectl,
		}.show(&out))
		for _, want := range []string{
			"export KUBECONFIG=/lab/admin\n", "/bin/rollcall releases -n shop", "/lab/repo/deploy/web.yaml\n",
			"git -C /lab/repo -c", "/lab/logs\n", "http://jaeger/api",
		} {
			require.Contains(t, out.String(), want)
		}
		require.Equal(t, kubectl, strings.Contains(out.String(), "  kubectl annotate application shop -n argocd"))
	}
}

func TestTheManifestsFitTheNamesOnTheStage(t *testing.T) {
	content, err := shop.ReadFile("shop/web.yaml")
	require.NoError(t, err)
	var object struct {
		Metadata struct{ Name, Namespace string }
	}
	require.NoError(t, yaml.Unmarshal(content, &object))
	require.Equal(t, deployment, object.Metadata.Name)
	require.Equal(t, namespace, object.Metadata.Namespace)
	require.Equal(t, 1, strings.Count(string(content), firstImage))
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, await(ctx, "nothing", func(context.Context) bool { return true }))
	require.EqualError(t, await(ctx, "godot", func(context.Context) bool { return false }), "wait for godot: context canceled")
}
