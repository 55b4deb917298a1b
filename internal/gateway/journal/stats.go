package journal

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/imhook/imhook/internal/gateway"
)

// counts are what happened since Open.
type counts struct {
	stored, duplicates, refused, failures, unreadable, dropped, droppedEvents atomic.Uint64

	broken atomic.Bool // the engine does not answer and must be mended

	mu    sync.Mutex
	pages uint64
	spent time.Duration
}

func (c *counts) committed(took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pages++
	c.spent += took
}

// Stats are counters since Open and gauges of now.
type Stats struct {
	// Stored and Duplicates count events; Refused those that came while full.
	Stored, Duplicates, Refused uint64
	// Commits counts pages, Failures those that could not be committed, and
	// CommitTime is how long all commits took together.
	Commits, Failures uint64
	CommitTime        time.Duration
	// Unreadable counts pages that were skipped, Dropped pages that were dropped
	// unfinished because of when_full, and DroppedEvents their events.
	Unreadable, Dropped, DroppedEvents uint64
	// Bytes are stored now, Unfinished those that some endpoint is not done with.
	Bytes, Unfinished uint64
	// Keys are remembered for duplicates and replays.
	Keys int
	Full bool
	// LostPages and LostEvents were found missing, ever. See [Journal.Losses].
	LostPages, LostEvents uint64
	// LostLetters are dead letters that were found missing, ever.
	LostLetters uint64
}

// Stats returns how the journal is doing. It is cheap.
func (j *Journal) Stats() Stats {
	j.counts.mu.Lock()
	pages, spent := j.counts.pages, j.counts.spent
	j.counts.mu.Unlock()
	j.commits.mu.Lock()
	keys := j.window.size()
	j.commits.mu.Unlock()
	had := j.water.get()
	return Stats{
		LostPages: had.LostPages, LostEvents: had.LostEvents, LostLetters: had.LostLetters,
		Stored: j.counts.stored.Load(), Duplicates: j.counts.duplicates.Load(), Refused: j.counts.refused.Load(),
		Commits: pages, Failures: j.counts.failures.Load(), CommitTime: spent,
		Unreadable: j.counts.unreadable.Load(), Dropped: j.counts.dropped.Load(), DroppedEvents: j.counts.droppedEvents.Load(),
		Bytes: j.size.from(0), Unfinished: j.size.from(j.floor.Load()), Keys: keys, Full: j.full.Load() != nil,
	}
}

// Healthy says why arrivals cannot be kept now; nil when they can.
func (j *Journal) Healthy() error {
	if why := j.full.Load(); why != nil {
		return fmt.Errorf("%w: %s", gateway.ErrFull, *why)
	}
	if j.standing() {
		return j.nodes.healthy(j.cfg.leaseTTL)
	}
	if err := j.Held(); err != nil {
		return err
	}
	if j.counts.broken.Load() || j.engine.Load() == nil {
		return errors.Join(gateway.ErrUnavailable, errors.New("the last commit failed"))
	}
	return nil
}

// Room is how many bytes are free where the journal is, and how many of them are kept
// free; both are 0 for a journal that is on a server.
func (j *Journal) Room() (avail, reserve int64, err error) {
	if j.cfg.external() {
		return 0, 0, nil
	}
	if avail, _, err = free(j.cfg.Dir); err != nil {
		return 0, 0, fmt.Errorf("asking for the room on the disk of %s: %w", j.cfg.Dir, err)
	}
	return avail, j.reserve.Load(), nil
}
