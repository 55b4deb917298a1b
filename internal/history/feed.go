package history

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// positions are how far the feeder has read. They are on disk: append only.
type positions struct {
	// Journal is the next page, and JournalAt when the one before was stored: a journal
	// that has another one there is another journal.
	Journal   uint64    `json:"journal"`
	JournalAt time.Time `json:"journalAt"`
	// Decisions, Attempts and Letters are the next ones.
	Decisions uint64 `json:"decisions"`
	Attempts  uint64 `json:"attempts"`
	Letters   uint64 `json:"letters"`
	// Missed are the pages that left before they were read.
	Missed uint64 `json:"missed,omitempty"`
}

// positionsName is the state's name of them.
const positionsName = "positions"

// errRebuild ends a session so that the next one begins anew.
var errRebuild = errors.New("the history is made anew")

// feeder reads what others keep and writes it into the newest segment. It is one
// goroutine's.
type feeder struct {
	h     *History
	store store
	pace  *pacer

	seg *segment
	w   *writer
	pos positions
	// kinds are those of seg, by what they are.
	kinds map[kind]int64
	batch batch
	// pages are those that the journal has for us.
	pages chan *gateway.Page
	// back is memory of endings, boundAt when bounds were last looked at.
	back    []ended
	boundAt time.Time
	polled  time.Time
}

// Sizes of a batch, which is one transaction, and how long it waits for more.
const (
	batchEvents = 4096
	batchBytes  = 16 << 20
	batchWait   = 250 * time.Millisecond
	// boundEvery is how often it looks for what is to leave; decisions, attempts and dead
	// letters it looks for with every second batch.
	boundEvery = 30 * time.Second
	// pollPages bounds how many pages of each are read into one batch.
	pollPages = 32
	// writeWithin bounds one statement in a database on the network.
	writeWithin = time.Minute
	// lastWithin bounds the last one there, when the history ends: who stops the gateway
	// has the journal to close after it.
	lastWithin = 3 * time.Second
)

// run feeds until something fails, ctx ends, or all shall be made anew.
func (f *feeder) run(ctx context.Context) (err error) {
	defer func() {
		if f.w != nil {
			err = errors.Join(err, f.w.close())
		}
		f.h.endings.giveBack(f.batch.ended)
	}()
	if err := f.begin(ctx); err != nil {
		return err
	}
	tailing, stop := context.WithCancel(ctx)
	f.pages = make(chan *gateway.Page, 4)
	ended := make(chan error, 1)
	defer func() {
		stop()
		for range ended { // until the reader has ended
			continue
		}
	}()
	go func(from uint64) {
		err := f.h.cfg.Journal.Tail(tailing, from, func(p *gateway.Page) {
			select {
			case f.pages <- p:
			case <-tailing.Done():
			}
		})
		ended <- err
		close(ended)
		stop()
	}(f.pos.Journal)
	f.h.feeds(f.pos)
	flush := time.NewTicker(f.h.cfg.wait)
	defer flush.Stop()
	for {
		var waits chan struct{}
		select {
		case <-ctx.Done():
			return f.last(ctx)
		case waits = <-f.h.hurry:
			f.pace.begin()
			f.takeWaiting()
			f.polled = time.Time{}
		case <-f.h.rebuild:
			return f.startAnew(ctx)
		case <-tailing.Done():
			if err := <-ended; ctx.Err() == nil {
				return fmt.Errorf("reading the journal: %w", err)
			}
			return f.last(ctx)
		case p := <-f.pages:
			f.pace.begin()
			f.takePage(p)
			if len(f.batch.events) < batchEvents && f.batch.bytes < batchBytes {
				f.pace.rest()
				continue
			}
		case <-flush.C:
			f.pace.begin()
		}
		if err := f.round(ctx); err != nil {
			return err
		}
		if waits != nil {
			close(waits)
		}
	}
}

// takeWaiting reads the pages that the journal has at hand.
func (f *feeder) takeWaiting() {
	for len(f.batch.events) < batchEvents {
		select {
		case p := <-f.pages:
			f.takePage(p)
		default:
			return
		}
	}
}

// last writes what was read, and how the last deliveries ended, before the feeder ends.
func (f *feeder) last(ctx context.Context) error {
	f.takeEnded()
	if err := f.flush(ctx); err != nil {
		f.h.cfg.Log.WarnContext(ctx, "the last events are not in the history; they are read again at the next start", "err", err)
	}
	return ctx.Err()
}

// takeEnded takes how deliveries ended since it last did.
func (f *feeder) takeEnded() {
	if len(f.batch.ended) > 0 {
		return
	}
	var lost uint64
	f.batch.ended, lost = f.h.endings.take(f.back)
	f.back = nil
	f.h.counters.lostEndings.Add(lost)
}

// round writes what there is, and does what is due besides.
func (f *feeder) round(ctx context.Context) error {
	now := f.h.cfg.Now()
	if now.Sub(f.polled) >= 2*f.h.cfg.wait {
		f.polled = now
		f.poll(ctx)
	}
	f.takeEnded()
	if err := f.heal(ctx); err != nil {
		return err
	}
	if err := f.room(ctx); err != nil {
		return err
	}
	if err := f.flush(ctx); err != nil {
		return err
	}
	if err := f.turn(ctx); err != nil {
		return err
	}
	if now.Sub(f.boundAt) >= boundEvery {
		f.boundAt = now
		if err := f.bound(ctx); err != nil {
			return err
		}
	}
	f.noteLag(ctx)
	return nil
}

// begin finds the newest segment and how far it is.
func (f *feeder) begin(ctx context.Context) error {
	f.h.mu.RLock()
	all := f.h.segments
	f.h.mu.RUnlock()
	if !f.store.local() {
		// Another gateway may have written since they were read.
		var err error
		if all, err = f.store.open(ctx); err != nil {
			return err
		}
		f.h.mu.Lock()
		f.h.segments = all
		f.h.mu.Unlock()
	}
	var newest *segment
	if n := len(all); n > 0 {
		newest = all[n-1]
	}
	state, err := f.store.state(ctx, all, positionsName)
	if err != nil {
		return err
	}
	f.pos = positions{Journal: 1, Decisions: 1, Attempts: 1, Letters: 1}
	if state != nil {
		if err := json.Unmarshal(state, &f.pos); err != nil {
			return fmt.Errorf("reading how far the history is: %w", err)
		}
	}
	if newest == nil {
		if newest, err = f.add(ctx, 1); err != nil {
			return err
		}
	} else {
		// What was written last may have been cut short, or be another's.
		d, err := newest.load(ctx)
		if err != nil {
			return err
		}
		f.h.mu.Lock()
		newest.directory = d
		f.h.mu.Unlock()
	}
	if err := f.write(ctx, newest); err != nil {
		return err
	}
	return f.sameJournal(ctx)
}

// write makes a segment the one that is written.
func (f *feeder) write(ctx context.Context, s *segment) error {
	if f.w != nil {
		if err := f.w.close(); err != nil {
			return err
		}
		f.w = nil
	}
	all, err := s.allKinds(ctx)
	if err != nil {
		return err
	}
	f.kinds = make(map[kind]int64, len(all))
	for n, k := range all {
		f.kinds[k] = n
	}
	w, err := f.store.writer(ctx, s)
	if err != nil {
		return err
	}
	if f.store.local() {
		w.rest = f.pace.rest // elsewhere it is not this machine that works
	}
	f.seg, f.w = s, w
	return nil
}

// add makes a segment and shows it to who searches.
func (f *feeder) add(ctx context.Context, id int64) (*segment, error) {
	s, err := f.store.create(ctx, id)
	if err != nil {
		return nil, err
	}
	f.h.mu.Lock()
	defer f.h.mu.Unlock()
	f.h.segments = append(slices.Clip(f.h.segments), s)
	return s, nil
}

// sameJournal makes sure that the positions are those of this journal, and notes what
// left it before it was read.
func (f *feeder) sameJournal(ctx context.Context) error {
	first, last, _, err := f.h.cfg.Journal.Bounds(ctx)
	if err != nil {
		return fmt.Errorf("reading the journal's bounds: %w", err)
	}
	another := f.pos.Journal > last+1
	if before := f.pos.Journal - 1; before >= first && before <= last && !f.pos.JournalAt.IsZero() {
		p, err := f.h.cfg.Journal.Page(ctx, before)
		switch {
		case errors.Is(err, gateway.ErrNoPage):
		case err != nil:
			return fmt.Errorf("reading the journal: %w", err)
		case p.Seq == before && !p.Time.Truncate(time.Millisecond).Equal(f.pos.JournalAt.Truncate(time.Millisecond)):
			another = true
		}
	}
	if another {
		f.h.cfg.Log.Warn("the history is of another journal and is made anew", "read", f.pos.Journal-1, "last", last)
		return f.startAnew(ctx)
	}
	if first > f.pos.Journal {
		if f.pos.Journal > 1 {
			f.misses(first - f.pos.Journal)
		}
		f.pos.Journal = first
	}
	return nil
}

// misses notes pages that left before they were read.
func (f *feeder) misses(n uint64) {
	f.pos.Missed += n
	f.h.counters.missed.Add(n)
	f.h.cfg.Log.Warn("pages left the journal before the history read them", "pages", n)
}

// takePage reads the events of a page of the journal.
func (f *feeder) takePage(p *gateway.Page) {
	for i, ev := range p.Events {
		full, err := f.h.cfg.Restore(ev)
		if err != nil {
			full = ev // what can no longer be read is found by its envelope
		}
		at := p.Time
		var picked []string
		outcome := ""
		if f.h.cfg.Picks != nil {
			if picked = pickedOf(f.h.cfg.Picks(full)); len(picked) == 0 {
				outcome = string(Unpicked)
			}
		}
		e := newEvent(full, event.After, gateway.NewPos(p.Seq, i), at)
		e.Picked = picked
		f.batch.add(e, terms(full, picked, outcome))
		f.pace.rest()
	}
	f.batch.bytes += p.Bytes
	f.pos.Journal, f.pos.JournalAt, f.batch.positions = p.Seq+1, p.Time, true
}

// batch is what is written together.
type batch struct {
	events []Event
	terms  [][]term
	steps  []step
	ended  []ended
	bytes  int
	// positions is true when those changed.
	positions bool
}

func (b *batch) add(e Event, t []term) {
	b.events, b.terms = append(b.events, e), append(b.terms, t)
}

func (b *batch) empty() bool {
	return len(b.events) == 0 && len(b.steps) == 0 && len(b.ended) == 0 && !b.positions
}

// clear empties it for the next one.
func (b *batch) clear() {
	clear(b.events)
	clear(b.terms)
	clear(b.steps)
	b.events, b.terms, b.steps, b.ended, b.bytes, b.positions = b.events[:0], b.terms[:0], b.steps[:0], nil, 0, false
}
