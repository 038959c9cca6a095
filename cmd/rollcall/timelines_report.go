package main

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
)

// report ends what people were told, or writes it all for scripts.
func (s *rehearsal) report(out io.Writer, trees []tree, passed, failed int) error {
	switch s.output {
	case "json":
		all := []played{}
		for _, t := range trees {
			all = append(all, t.all...)
		}
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(all)
	case "junit":
		return junit(out, trees, passed, failed)
	}
	_, err := fmt.Fprintf(out, "%d passed, %d failed\n", passed, failed)
	return err
}

// tell prints what came of one file.
func (p played) tell(out io.Writer) error {
	verdict := "ok  "
	if !p.OK {
		verdict = "FAIL"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s  %s\n", verdict, p.File, p.Name)
	p.write(&b, "     ")
	_, err := io.WriteString(out, b.String())
	return err
}

// write writes the mistakes, and what differs with the reasons below it.
func (p played) write(b *strings.Builder, margin string) {
	for _, m := range p.Mistakes {
		fmt.Fprintf(b, "%s%s\n", margin, m)
	}
	for _, d := range p.Explained {
		fmt.Fprintf(b, "%s%s\n", margin, d.Text)
		for line := range strings.Lines(d.Why) {
			fmt.Fprintf(b, "%s    %s\n", margin, strings.TrimRight(line, "\n"))
		}
	}
}

// suites is a report as JUnit writes it, and as most CI servers read it.
type suites struct {
	XMLName  xml.Name `xml:"testsuites"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Errors   int      `xml:"errors,attr"`
	Time     string   `xml:"time,attr"`
	Suites   []suite  `xml:"testsuite"`
}

// suite are the files of one path.
type suite struct {
	Name     string     `xml:"name,attr"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Errors   int        `xml:"errors,attr"`
	Time     string     `xml:"time,attr"`
	Cases    []testcase `xml:"testcase"`

	took time.Duration
}

// testcase is one file: it failed if it did not end as it expects, and is in error if
// it could not be read.
type testcase struct {
	Name    string   `xml:"name,attr"`
	Class   string   `xml:"classname,attr"`
	File    string   `xml:"file,attr"`
	Time    string   `xml:"time,attr"`
	Failure *failure `xml:"failure,omitempty"`
	Error   *failure `xml:"error,omitempty"`
}

type failure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

func junit(out io.Writer, trees []tree, passed, failed int) error {
	all := suites{Tests: passed + failed}
	var took time.Duration
	for _, t := range trees {
		one := t.suite()
		all.Failures, all.Errors, took = all.Failures+one.Failures, all.Errors+one.Errors, took+one.took
		all.Suites = append(all.Suites, one)
	}
	all.Time = inSeconds(took)
	if _, err := io.WriteString(out, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(out)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(out, "\n")
	return err
}

func (t tree) suite() suite {
	out := suite{Name: t.path, Tests: len(t.all)}
	for _, p := range t.all {
		c := testcase{Name: p.Name, Class: p.File, File: p.File, Time: inSeconds(p.took)}
		if c.Name == "" {
			c.Name = p.File
		}
		switch f := p.failure(); {
		case len(p.Mistakes) > 0:
			c.Error = f
			out.Errors++
		case !p.OK:
			c.Failure = f
			out.Failures++
		}
		out.took += p.took
		out.Cases = append(out.Cases, c)
	}
	out.Time = inSeconds(out.took)
	return out
}

// failure is what is wrong with a file: the first thing in short, and all of it.
func (p played) failure() *failure {
	var b strings.Builder
	p.write(&b, "")
	first, _, _ := strings.Cut(b.String(), "\n")
	return &failure{Message: first, Text: b.String()}
}

func inSeconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
