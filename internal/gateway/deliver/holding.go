package deliver

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Holding says in words which endpoints keep how much of the journal from being
// trimmed, the largest first; empty when none keeps any.
func (d *Deliverer) Holding() string {
	type holder struct {
		id    string
		bytes uint64
		since time.Time
		why   string
	}
	tail, runners, removed := d.serving()
	var all []holder
	for _, r := range runners {
		r.mu.Lock()
		oldest := r.oldest(tail)
		h := holder{id: r.id, since: r.failingAt, why: r.lastError}
		if r.paused != "" {
			h.why = r.paused
		}
		r.mu.Unlock()
		if oldest > tail {
			continue
		}
		if h.bytes = d.cfg.Journal.BytesFrom(oldest.Seq()); h.bytes > 0 {
			all = append(all, h)
		}
	}
	for _, g := range removed {
		d.mu.Lock()
		oldest := g.floor(tail)
		h := holder{id: g.id, why: "it is not configured any more"}
		d.mu.Unlock()
		if oldest > tail {
			continue
		}
		if h.bytes = d.cfg.Journal.BytesFrom(oldest.Seq()); h.bytes > 0 {
			all = append(all, h)
		}
	}
	slices.SortStableFunc(all, func(a, b holder) int { return cmp.Compare(b.bytes, a.bytes) })
	const most = 3
	var b strings.Builder
	for n, h := range all {
		if n == most {
			fmt.Fprintf(&b, ", and %d more", len(all)-most)
			break
		}
		if n > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "endpoint %s has not finished the last %.1f MiB", h.id, float64(h.bytes)/(1<<20))
		if !h.since.IsZero() {
			fmt.Fprintf(&b, ", is failing since %s", h.since.UTC().Format(time.RFC3339))
		}
		if h.why != "" {
			fmt.Fprintf(&b, ": %s", h.why)
		}
	}
	return b.String()
}
