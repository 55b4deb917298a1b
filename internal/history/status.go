package history

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// State is how the history is doing. The words are output: append only.
type State string

// The states.
const (
	// Current: it has read everything.
	Current State = "current"
	// CatchingUp: it reads, and is behind.
	CatchingUp State = "catching up"
	// Following: another gateway feeds it; it can be searched.
	Following State = "following"
	// Broken: it is not fed now. It goes on by itself when what is wrong is over.
	Broken State = "broken"
)

// Status is how the history is doing, for people.
type Status struct {
	State State
	// Trouble says in words what is wrong; empty when nothing is.
	Trouble string
	// Notes are further lines about what it could not do.
	Notes []string
	// Lag is how old the oldest event is that it has not read; Behind is how many pages of
	// the journal those are.
	Lag    time.Duration
	Behind uint64
	// Database is sqlite or postgres, Place the directory of its files.
	Database, Place string
	// Events and Bytes are kept, in so many segments; From and To is when the first and
	// the last of them were kept.
	Events   int
	Bytes    int64
	Segments int
	From, To time.Time
	// Missed are the pages of the journal that left before they were read, ever. Lost are
	// the endings of deliveries that were not noted since the start.
	Missed, Lost uint64
}

// feeding is how the feeder is doing. Guarded by [History.mu].
type feeding struct {
	// trouble says why nothing is fed; empty when it is.
	trouble  string
	follower bool
	// halted are the feeds that cannot be read, with the reason.
	halted map[string]string
	pos    positions
	last   uint64 // the journal's last page, when that was last looked at
	// currentAt is when it was last known to have read everything.
	currentAt time.Time
	// startedAt is when the process began.
	startedAt time.Time
	bytes     int64
	saidAt    time.Time
}

// fails notes that feeding ended, and tells the operator now and then.
func (h *History) fails(ctx context.Context, err error) {
	h.counters.failures.Add(1)
	words := sayDatabase(err)
	if isFull(err) {
		words = "its disk is full: " + words
	}
	now := h.cfg.Now()
	h.mu.Lock()
	h.feeding.trouble, h.feeding.follower = words, false
	say := now.Sub(h.feeding.saidAt) >= time.Minute || errors.Is(err, errNewer)
	if say {
		h.feeding.saidAt = now
	}
	h.mu.Unlock()
	if say {
		h.cfg.Log.WarnContext(ctx, "the history is not fed; deliveries do not need it", "why", words)
	}
}

// feeds notes that feeding goes on.
func (h *History) feeds(pos positions) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.feeding.trouble, h.feeding.follower, h.feeding.pos, h.feeding.currentAt = "", false, pos, time.Time{}
}

// follows notes that another gateway feeds it.
func (h *History) follows() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.feeding.trouble, h.feeding.follower = "", true
}

// halts notes that something cannot be read now, goesOn that it can.
func (h *History) halts(what string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.feeding.halted == nil {
		h.feeding.halted = map[string]string{}
	}
	h.feeding.halted[what] = err.Error()
}

func (h *History) goesOn(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.feeding.halted, what)
}

// noteLag notes how far the feeder is.
func (f *feeder) noteLag(ctx context.Context) {
	_, last, _, err := f.h.cfg.Journal.Bounds(ctx)
	h := f.h
	h.mu.Lock()
	defer h.mu.Unlock()
	h.feeding.pos = f.pos
	if err != nil {
		return
	}
	h.feeding.last = last
	if f.pos.Journal > last {
		h.feeding.currentAt = h.cfg.Now()
	}
}

// lag is how old the oldest event is that was not read; zero when there is none. What
// was not read was stored after what was read last, and after the last time at which
// everything had been read. Call with mu.
func (fd *feeding) lag(now time.Time) time.Duration {
	if fd.follower || fd.trouble == "" && fd.pos.Journal > fd.last {
		return 0
	}
	at := fd.currentAt
	if fd.pos.JournalAt.After(at) {
		at = fd.pos.JournalAt
	}
	if at.IsZero() {
		at = fd.startedAt
	}
	return since(now, at)
}

// Status says how it is doing. It asks no database.
func (h *History) Status() Status {
	h.mu.RLock()
	defer h.mu.RUnlock()
	fd := &h.feeding
	s := Status{
		Trouble: fd.trouble, Lag: fd.lag(h.cfg.Now()), Bytes: fd.bytes, Segments: len(h.segments), Missed: fd.pos.Missed,
		Lost: h.counters.lostEndings.Load(), Database: "sqlite", Place: h.cfg.Dir, State: Current,
	}
	if h.cfg.URL != "" {
		s.Database, s.Place = "postgres", ""
	}
	if last := fd.last + 1; last > fd.pos.Journal && fd.pos.Journal > 0 {
		s.Behind = last - fd.pos.Journal
	}
	switch {
	case fd.trouble != "":
		s.State = Broken
	case fd.follower:
		s.State, s.Behind = Following, 0
	case s.Behind > 0:
		s.State = CatchingUp
	}
	for _, what := range slices.Sorted(maps.Keys(fd.halted)) {
		s.Notes = append(s.Notes, what+" cannot be read: "+fd.halted[what])
	}
	if s.Missed > 0 {
		s.Notes = append(s.Notes, fmt.Sprintf("%d pages left the journal before they were read", s.Missed))
	}
	var from, to int64
	for _, seg := range h.segments {
		s.Events += seg.count()
		if lo, hi, ok := seg.times(); ok {
			if from == 0 || lo < from {
				from = lo
			}
			to = max(to, hi)
		}
	}
	s.From, s.To = fromMoment(from), fromMoment(to)
	return s
}

// Words is the status in one line.
func (s Status) Words() string {
	var b strings.Builder
	b.WriteString(string(s.State))
	if s.Trouble != "" {
		b.WriteString(": " + s.Trouble)
	}
	if s.Behind > 0 {
		fmt.Fprintf(&b, ", %d pages and %s behind", s.Behind, s.Lag.Round(time.Second/10))
	}
	for _, n := range s.Notes {
		b.WriteString("; " + n)
	}
	return b.String()
}
