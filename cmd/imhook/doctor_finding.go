package main

import (
	"fmt"
	"io"
	"time"

	"github.com/imhook/imhook/client/admin"
)

// level is how bad a finding is. The words are output: append only.
type level string

const (
	fine  level = "ok"
	note  level = "note"
	wrong level = "wrong"
)

// finding is one thing that doctor found.
type finding struct {
	Level level `json:"level"`
	// Check is what was looked at: gateway, configuration, journal, history, source,
	// endpoint, hook, secret, ledger, cluster. About is which one, empty where there is
	// one only.
	Check string `json:"check"`
	About string `json:"about,omitzero"`
	What  string `json:"what"`
	// Why it is so, and what to do about it; empty where all is well.
	Why string `json:"why,omitzero"`
	Do  string `json:"do,omitzero"`
}

// doctor gathers findings, and prints each when it has it.
type doctor struct {
	doctorFlags
	client *client
	out    io.Writer // nil with --json
	now    time.Time

	findings []finding
	wrong    int
	// haveSources are those that shall be looked at.
	haveSources []admin.Source
	// shared is true where several gateways share the journal: no event is followed
	// there.
	shared bool
	// lookOnly is true where nobody shall be called at all.
	lookOnly bool
	// tried has the endpoints that an event was followed to.
	tried map[string]bool
	// sent is how many events were sent, by app.
	sent map[string]int
}

func (d *doctor) found(f finding) {
	d.findings = append(d.findings, f)
	if f.Level == wrong {
		d.wrong++
	}
	if d.out == nil {
		return
	}
	subject := f.Check
	if f.About != "" {
		subject += " " + f.About
	}
	_, _ = fmt.Fprintf(d.out, "%-5s  %s: %s\n", f.Level, oneLine(subject, 120), oneLine(f.What, 300))
	for _, more := range []struct{ label, text string }{{"why", f.Why}, {"do", f.Do}} {
		if more.text != "" {
			_, _ = fmt.Fprintf(d.out, "       %-4s %s\n", more.label+":", oneLine(more.text, 600))
		}
	}
}

func (d *doctor) fine(check, about, what string, args ...any) {
	d.found(finding{Level: fine, Check: check, About: about, What: fmt.Sprintf(what, args...)})
}

// report is all that was found.
func (d *doctor) report() any {
	return struct {
		OK       bool      `json:"ok"`
		Findings []finding `json:"findings"`
	}{d.wrong == 0, d.findings}
}
