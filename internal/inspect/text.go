package inspect

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Write writes the report for people.
func (r *Report) Write(w io.Writer) error {
	var b strings.Builder
	r.head(&b)
	for _, rule := range r.Rules {
		rule.write(&b)
	}
	if len(r.Rules) == 0 {
		b.WriteString("\nNo rule is about it.\n")
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "\nNote: %s.\n", n)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) head(b *strings.Builder) {
	state := "is ready"
	if !r.Release.Ready {
		state = "is not ready, and waits: " + r.Release.WaitingFor
	}
	fmt.Fprintf(b, "%s %s/%s %s\n", r.Subject.Kind, r.Subject.Namespace, r.Subject.Name, state)
	line := func(name, format string, args ...any) {
		fmt.Fprintf(b, "  %-9s %s\n", name, fmt.Sprintf(format, args...))
	}
	if r.Release.Kind != "" {
		line("release", "%s, kind %s, revision %s", r.Release.Name, r.Release.Kind, r.Release.Revision)
	}
	line("new", "%s: %s", map[bool]string{true: "yes", false: "no"}[r.Release.New], r.Release.Why)
	if len(r.Release.Images) > 0 {
		line("images", "%s", strings.Join(r.Release.Images, ", "))
	}
	line("owner", "%s", r.owner())
	if rec := r.Record; rec != nil {
		line("record", "%s", strings.TrimSpace(rec.Phase+"  "+rec.Tests))
		if rec.Trace != "" {
			line("trace", "%s", rec.Trace)
		}
	}
}

// owner is what the owner says, in words.
func (r *Report) owner() string {
	if r.App == nil {
		return "none: it is ready when it says so itself"
	}
	words := []string{fmt.Sprintf("%s %s/%s", r.App.Kind, r.App.Namespace, r.App.Name)}
	if !r.App.Synced {
		words = append(words, "not synced")
	}
	if !r.App.Healthy {
		words = append(words, "not healthy")
	}
	if r.App.Revision != "" {
		words = append(words, "revision "+r.App.Revision)
	}
	if r.App.WaitingFor != "" {
		words = append(words, "waits: "+r.App.WaitingFor)
	}
	return strings.Join(words, ", ")
}

func (r Rule) write(b *strings.Builder) {
	fmt.Fprintf(b, "\nrule %s: %s: %s\n", r.Name, r.Verdict, r.Reason)
	if r.Verdict != Skipped {
		for line := range strings.SplitSeq(strings.TrimRight(r.Tree.String(), "\n"), "\n") {
			b.WriteString("  " + line + "\n")
		}
	}
	for _, d := range r.Deliveries {
		b.WriteString("  → " + d.String() + "\n")
	}
	if r.Next != nil {
		fmt.Fprintf(b, "  next: %s\n", r.Next.Format(time.RFC3339))
	}
}

// String gives the delivery in a line.
func (d Delivery) String() string {
	words := []string{d.Sink + ": " + d.Event}
	if d.Repeat > 0 {
		words = append(words, fmt.Sprintf("again %d", d.Repeat))
	}
	words = append(words, d.State)
	for _, more := range []string{d.Object, d.Outcome, d.Message, d.URL, d.LastError} {
		if more != "" {
			words = append(words, more)
		}
	}
	if d.NextAttempt != nil {
		words = append(words, "tried again at "+d.NextAttempt.Format(time.RFC3339))
	}
	return strings.Join(words, ", ")
}
