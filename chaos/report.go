package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// report is what happened, and what came of it.
type report struct {
	settings settings
	// trouble is how long there was some, settled how long everything took to arrive
	// after it.
	trouble, settled  time.Duration
	accepted, refused int
	backends          []tallied
	did               map[string]int
	letters, asked    int
	lines             []string
}

// tallied is what came to a backend.
type tallied struct {
	name                       string
	requests                   int64
	distinct, repeats, refused int
}

func (r *report) write(w io.Writer) {
	fmt.Fprintf(w, "\n%d messages answered 200 in %v, %d not; all arrived %v after the last\n",
		r.accepted, r.trouble.Round(time.Second), r.refused, r.settled.Round(100*time.Millisecond))
	fmt.Fprintf(w, "ledgers asked for %d times; %d dead letters looked at\n\n", r.asked, r.letters)
	fmt.Fprintf(w, "%-10s %10s %10s %10s %10s\n", "BACKEND", "REQUESTS", "MESSAGES", "AGAIN", "REFUSED")
	for _, b := range r.backends {
		fmt.Fprintf(w, "%-10s %10d %10d %10d %10d\n", b.name, b.requests, b.distinct, b.repeats, b.refused)
	}
	total := 0
	fmt.Fprintln(w)
	for _, what := range slices.Sorted(maps.Keys(r.did)) {
		fmt.Fprintf(w, "%6d  %s\n", r.did[what], what)
		total += r.did[what]
	}
	fmt.Fprintf(w, "%6d  troubles in all\n", total)
}
