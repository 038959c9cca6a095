package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// tone is how a line is to stand out.
type tone int

const (
	plain tone = iota
	strong
	good
	bad
)

// The colours, as terminals know them.
const (
	off     = "\x1b[0m"
	bold    = "\x1b[1m"
	dim     = "\x1b[2m"
	red     = "\x1b[1;31m"
	green   = "\x1b[1;32m"
	yellow  = "\x1b[33m"
	blue    = "\x1b[34m"
	magenta = "\x1b[35m"
	cyan    = "\x1b[36m"
)

// width is how wide the output is made when nobody says how wide it may be.
const width = 110

// screen is where everything is told.
type screen struct {
	out    io.Writer
	colour bool
	width  int
}

// newScreen finds out what the output can show.
func newScreen(out io.Writer, getenv func(string) string) *screen {
	s := &screen{out: out, width: width}
	file, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return s
	}
	s.colour = getenv("NO_COLOR") == ""
	if columns, _, err := term.GetSize(int(file.Fd())); err == nil && columns > 0 {
		s.width = columns
	}
	return s
}

// title begins a part of the demo.
func (s *screen) title(text string) {
	rule := strings.Repeat("─", max(80-len(text)-4, 0))
	fmt.Fprintf(s.out, "\n%s\n\n", s.paint(bold, "── "+text+" "+rule))
}

// text writes text as it is.
func (s *screen) text(text string) { fmt.Fprintln(s.out, strings.TrimRight(text, "\n")) }

// done writes that something is done.
func (s *screen) done(what string) { fmt.Fprintln(s.out, s.paint(green, "✓"), what) }

// line writes a line of the story, with the time since it began.
func (s *screen) line(begun time.Time, l line) {
	fmt.Fprintf(s.out, "%s  %s  %s\n", s.paint(dim, fmt.Sprintf("%+6.1fs", l.at.Sub(begun).Seconds())),
		s.paint(colourOf(l.who), fmt.Sprintf("%-14s", l.who)), s.paint(l.tone.colour(), l.what))
}

// paint colours a text where colours are shown.
func (s *screen) paint(colour, text string) string {
	if !s.colour || colour == "" {
		return text
	}
	return colour + text + off
}

func (t tone) colour() string { return [...]string{plain: "", strong: bold, good: green, bad: red}[t] }

// colourOf is the colour of one who acts.
func colourOf(who string) string {
	switch who {
	case argoCD:
		return blue
	case kubernetes:
		return cyan
	case rollcall:
		return magenta
	case workflows:
		return yellow
	}
	return ""
}
