package live

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imhook/imhook/internal/tunnel"
)

// What is worth a word, in the words of doctor.
const (
	// behind is how old the oldest undelivered event of an endpoint may be.
	behind = 10 * time.Minute
	// growing is by how many events a backlog grows in a minute that somebody should know.
	growing = 1000
	// quiet is how long a source may be silent at least, quietTimes how many times as
	// long as is usual for it, and usual how many events it takes to know what that is.
	quiet      = 10 * time.Minute
	quietTimes = 20
	usual      = 20
	// lagging is how far the history may be behind.
	lagging = 5 * time.Minute
)

// Words of states that are told: those of deliver's status.
const (
	stateRemoved  = "removed"
	stateMoving   = "moving"
	stateOpen     = "open"
	stateHalfOpen = "half-open"
)

// counted is a number of things in words.
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// endpointProblem is what somebody should look at; empty when there is nothing.
func endpointProblem(e *Endpoint, g *EndpointGlance, c *series) string {
	age := time.Duration(g.OldestAge * float64(time.Second)).Round(time.Second)
	waits := "nothing waits"
	switch {
	case e.Backlog == 0 && e.More:
		// Nobody looked at what it has not read: its rule may pick none of that.
		waits = "events may wait"
	case e.Backlog > 0:
		waits = counted(e.Backlog, "event") + " wait"
		if e.Backlog == 1 {
			waits += "s"
		}
		if e.More {
			waits = fmt.Sprintf("%d or more events wait", e.Backlog)
		}
	}
	if !e.OldestAt.IsZero() && waits != "nothing waits" {
		waits += fmt.Sprintf(", the oldest since %v", age)
	}
	because := func(what, why string) string {
		if why == "" {
			return what + "; " + waits
		}
		return what + " (" + shortened(why) + "); " + waits
	}
	var p string
	switch {
	case e.State == stateRemoved:
		return because("it is not configured any more", "")
	case e.State == stateMoving:
		return "no gateway of the cluster delivers to it at the moment"
	case strings.HasPrefix(e.Paused, tunnel.NobodyListens):
		// As it shall be while somebody's machine is off.
	case e.Paused != "":
		what := "it is paused"
		if !e.PausedUntil.IsZero() {
			what += " until " + e.PausedUntil.UTC().Format(time.RFC3339)
		}
		p = because(what, e.Paused)
	case e.State == stateOpen || e.State == stateHalfOpen:
		p = because("it failed too often and is left alone for now", e.LastError)
	case e.Blocked > 0:
		p = because("blocked: "+counted(e.Blocked, "conversation"), "on_poison is block, and it does not take their first event")
	case e.LastError != "" && e.Backlog > 0:
		p = because("it fails", e.LastError)
	case age > behind:
		p = because("it is behind", "events come faster than it takes them, or it has just come back")
	default:
		p = growth(c)
	}
	if g.DeadLetters > 0 {
		p = strings.TrimPrefix(p+"; "+counted(int(g.DeadLetters), "dead letter"), "; ")
	}
	return p
}

// growth tells of a backlog that becomes more and more.
func growth(c *series) string {
	if c == nil || len(c.backlogs) < 7 {
		return ""
	}
	first, last := c.backlogs[0], c.backlogs[len(c.backlogs)-1]
	if last < first+growing || !slices.IsSorted(c.backlogs) {
		return ""
	}
	return fmt.Sprintf("its backlog grows: %d events a minute ago, %d now; events come faster than it takes them", first, last)
}

// shortened is one line, not too long.
func shortened(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 200 {
		return string(r[:199]) + "…"
	}
	return s
}

func hookProblem(h *Hook) string {
	switch {
	case h.State == stateOpen:
		p := "it failed too often and is not asked for now; its policy answers"
		if h.Failure != "" {
			p += " (its last failure was: " + h.Failure + ")"
		}
		return p
	case h.Trouble != "":
		return shortened(h.Trouble)
	}
	return ""
}

func historyProblem(h History) string {
	switch lag := time.Duration(h.Lag * float64(time.Second)).Round(time.Second); {
	case h.Trouble != "":
		return "history: what came since cannot be searched (" + shortened(h.Trouble) + "); deliveries do not depend on it"
	case lag > lagging:
		return fmt.Sprintf("history: the search is %v behind; deliveries do not depend on it", lag)
	}
	return ""
}

// heard is what is known of a source.
type heard struct {
	n uint64
	// since is when it was first heard, last when it was last.
	since, last time.Time
	// turned is how many requests were turned away until the minute began, why the
	// reason of most of those that were in the last minute.
	turned, turnedLately uint64
	minute               time.Time
	reasons              map[string]uint64
	why                  string
}

// arrived notes who was heard. Call with mu.
func (s *seen) arrived(now time.Time, a *arrivals) {
	for id, n := range a.received {
		h := s.heard(id, now)
		if n > h.n {
			if h.n == 0 {
				h.since = now
			}
			h.n, h.last = n, now
		}
	}
	for name, n := range a.turned {
		// A source's name is its own in all apps.
		h := s.heard("turned "+name, now)
		if now.Sub(h.minute) < time.Minute {
			continue
		}
		h.turnedLately, h.why = n-min(h.turned, n), ""
		most := uint64(0)
		for why, k := range a.why[name] {
			if came := k - min(h.reasons[why], k); came > most {
				most, h.why = came, why
			}
		}
		h.turned, h.reasons, h.minute = n, a.why[name], now
	}
}

func (s *seen) heard(id string, now time.Time) *heard {
	h := s.sources[id]
	if h == nil {
		h = &heard{minute: now.Add(-time.Minute)}
		s.sources[id] = h
	}
	return h
}

// sourceProblem is what somebody should look at. Call with mu.
func (l *Live) sourceProblem(id, name string, now time.Time) string {
	if t := l.seen.sources["turned "+name]; t != nil && t.turnedLately > 0 && now.Sub(t.minute) < time.Minute {
		p := counted(int(t.turnedLately), "request") + " refused within a minute"
		if t.why != "" {
			p += ", most because of " + t.why
		}
		return p + "; the log says why: request refused"
	}
	h := l.seen.sources[id]
	if h == nil || h.n < usual || !h.last.After(h.since) {
		return ""
	}
	gap := h.last.Sub(h.since) / time.Duration(h.n-1)
	if silent := now.Sub(h.last); silent > max(quiet, quietTimes*gap) {
		return fmt.Sprintf("it is silent: nothing came for %v, and before one event every %v; is its server down, or does it call somebody else?",
			silent.Round(time.Second), roundedGap(gap))
	}
	return ""
}

func roundedGap(d time.Duration) time.Duration {
	switch {
	case d > time.Minute:
		return d.Round(time.Second)
	case d > time.Second:
		return d.Round(100 * time.Millisecond)
	}
	return max(d.Round(time.Millisecond), time.Millisecond)
}
