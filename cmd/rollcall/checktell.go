package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/rollcall-dev/rollcall/config"
)

// people tells each mistake with its text, and then how each file is.
func (c *checking) people(out io.Writer, reports []checked) error {
	var b strings.Builder
	for i, r := range reports {
		for _, m := range r.found() {
			fmt.Fprintln(&b, m)
		}
		alone := (i == 0 || reports[i-1].File != r.File) && (i == len(reports)-1 || reports[i+1].File != r.File)
		fmt.Fprintln(&b, c.verdict(r, alone))
		if r.force != nil {
			b.WriteString(r.words())
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// verdict is how a text is, in a line. One that is not alone in its file is told by
// its ConfigMap.
func (c *checking) verdict(r checked, alone bool) string {
	title, words := r.File, []string{}
	if !alone && r.ConfigMap != "" {
		title += " (" + r.ConfigMap + ")"
	}
	if n := len(r.Mistakes); n > 0 {
		words = append(words, plural(n, "mistake"))
	} else if !c.strict || len(r.Warnings) == 0 {
		words = append(words, "ok")
	}
	if n := len(r.Warnings); n > 0 {
		words = append(words, plural(n, "warning"))
	}
	return fmt.Sprintf("%s: %s (%s, %s)", title, strings.Join(words, ", "), plural(r.Rules, "rule"), plural(r.Sinks, "sink"))
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

func asJSON(out io.Writer, reports []checked) error {
	return indented(out, reports)
}

func indented(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// github has GitHub show each mistake in its line: these are commands to the runner
// of a workflow, which takes them out of the log.
func (c *checking) github(out io.Writer, reports []checked) error {
	var b strings.Builder
	for _, r := range reports {
		for _, m := range r.found() {
			fmt.Fprintf(&b, "::%s file=%s,line=%d,col=%d,title=%s::%s\n", level(m),
				property(relative(m.File)), m.Line, m.Column, property("rollcall: "+string(m.Code)), data(m.Message))
		}
		fmt.Fprintln(&b, data(c.verdict(r, false)))
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// level is what both GitHub and SARIF call a mistake, or a warning.
func level(m config.Mistake) string {
	if m.Warning {
		return "warning"
	}
	return "error"
}

// data escapes the message of a command to GitHub's runner, and property one of its
// properties.
func data(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func property(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(data(s))
}
