package gateway

import (
	"log/slog"
	"sync"
	"time"
)

// Ageing is the clock by which what is kept grows old. It goes with the machine's clock,
// but for jumps forward: somebody who sets the clock wrong, or a machine that wakes up,
// must not make backlogs expire at once. It catches up by an eighth of the time that
// passes. A jump back is followed: then less expires.
//
// It is safe for concurrent use. Make it with [NewAgeing].
type Ageing struct {
	wall    func() time.Time
	elapsed func() time.Duration
	log     *slog.Logger

	mu   sync.Mutex // guards the following
	at   time.Time
	seen time.Time     // the wall clock when it was looked at last
	mono time.Duration // and elapsed then
}

const (
	// catchUpPart is by which part of the time that passes it catches up.
	catchUpPart = 8
	// jump is what is told as one: clocks that are kept in time are moved by less.
	jump = time.Minute
)

// NewAgeing returns a clock that begins at what wall says. elapsed is the time that
// passed since some moment by a clock that nobody can set; nil means this process' own.
// Jumps are told in log; nil means nowhere.
func NewAgeing(wall func() time.Time, elapsed func() time.Duration, log *slog.Logger) *Ageing {
	if elapsed == nil {
		begin := time.Now()
		elapsed = func() time.Duration { return time.Since(begin) }
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	now := wall().Round(0)
	return &Ageing{wall: wall, elapsed: elapsed, log: log, at: now, seen: now, mono: elapsed()}
}

// Now returns the moment by which to tell how old something is. It is never later than
// the wall clock.
func (a *Ageing) Now() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	// Round takes the reading off that would hide a jump.
	wall, mono := a.wall().Round(0), a.elapsed()
	passed := max(0, mono-a.mono)
	moved := wall.Sub(a.seen) - passed
	a.at = a.at.Add(passed + passed/catchUpPart)
	if a.at.After(wall) {
		a.at = wall
	}
	a.seen, a.mono = wall, mono
	switch {
	case moved >= jump:
		a.log.Warn("the clock went forward at once: backlogs and history do not grow older by that at once, but by an eighth of the time that passes; until a restart, which takes the clock as it is",
			"by", moved.Round(time.Second), "now", wall, "aheadOfAges", wall.Sub(a.at).Round(time.Second))
	case moved <= -jump:
		a.log.Warn("the clock went back: what came before that grows older when the clock has passed its time again", "by", (-moved).Round(time.Second), "now", wall)
	}
	return a.at
}
