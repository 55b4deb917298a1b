package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/imhook/imhook/internal/gateway"
)

// sizes knows about how many bytes lie between two pages, from one sample per
// MiB: exact enough for bounds in gigabytes.
type sizes struct {
	mu      sync.Mutex
	samples []sizeSample // ascending
	next    uint64       // the page after the last one
	total   uint64       // bytes of all pages so far, on the scale of samples
}

// sizeSample says that bytes lie before page seq.
type sizeSample struct{ seq, bytes uint64 }

const sampleEvery = 1 << 20

func (s *sizes) start(first, last, bytes uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.samples = []sizeSample{{first, 0}}
	if last >= first && bytes > 0 {
		s.samples = append(s.samples, sizeSample{last + 1, bytes})
	}
	s.next, s.total = last+1, bytes
}

func (s *sizes) add(seq uint64, bytes int, _ time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = max(s.next, seq+1)
	s.total += uint64(bytes)
	if last := s.samples[len(s.samples)-1]; s.total-last.bytes >= sampleEvery && s.next > last.seq {
		s.samples = append(s.samples, sizeSample{s.next, s.total})
	}
}

// before is about how many bytes lie before page seq. Call with mu.
func (s *sizes) before(seq uint64) uint64 {
	if seq >= s.next {
		return s.total
	}
	i, found := slices.BinarySearchFunc(s.samples, seq, func(a sizeSample, seq uint64) int {
		switch {
		case a.seq < seq:
			return -1
		case a.seq > seq:
			return 1
		}
		return 0
	})
	switch {
	case found:
		return s.samples[i].bytes
	case i == 0:
		return s.samples[0].bytes
	}
	a, b := s.samples[i-1], sizeSample{s.next, s.total}
	if i < len(s.samples) {
		b = s.samples[i]
	}
	return a.bytes + uint64(float64(b.bytes-a.bytes)*float64(seq-a.seq)/float64(b.seq-a.seq))
}

func (s *sizes) from(seq uint64) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total - s.before(seq)
}

// purged forgets samples before the first page that is left.
func (s *sizes) purged(first uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.before(first)
	n := 0
	for n < len(s.samples) && s.samples[n].seq <= first {
		n++
	}
	s.samples = slices.Insert(slices.Delete(s.samples, 0, n), 0, sizeSample{first, at})
}

// fits returns the first page from which on no more than limit bytes are stored.
func (s *sizes) fits(first uint64, limit int64) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	lo, hi := first, s.next
	for lo < hi {
		mid := lo + (hi-lo)/2
		if s.total-s.before(mid) > uint64(limit) {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// BytesFrom is about how many bytes are stored from page seq to the end.
func (j *Journal) BytesFrom(seq uint64) uint64 { return j.size.from(seq) }

// SetFloor says that every endpoint is done with the pages below seq. Until it is
// called nothing is.
func (j *Journal) SetFloor(seq uint64) {
	if j.floor.Swap(seq) != seq && j.full.Load() != nil {
		j.wakeHouse()
	}
}

// wakeHouse makes keepHouse look at once.
func (j *Journal) wakeHouse() {
	select {
	case j.nudge <- struct{}{}:
	default:
	}
}

func (j *Journal) measure(ctx context.Context) error {
	first, last, bytes, err := j.Bounds(ctx)
	if err != nil {
		return err
	}
	j.size.start(first, last, bytes)
	j.checkRoom(first)
	return nil
}

// keepHouse drops what may be dropped, says when the journal is full, and brings
// the engine back when it broke.
func (j *Journal) keepHouse(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-j.nudge:
		}
		if j.counts.broken.Load() {
			j.mend(ctx)
		}
		if err := j.trim(ctx); err != nil && ctx.Err() == nil {
			j.cfg.Log.Warn("trimming the journal failed", "err", err)
		}
		if err := j.note(ctx); err != nil && ctx.Err() == nil {
			j.nag.say(j.cfg.Log, j.cfg.Now(), notNoted, err)
		}
	}
}

// slackPart: purging cuts the engine's oldest file anew, so that a 64th of the
// bound goes at once.
const slackPart = 64

// trim purges finished history past its bounds, from the front only.
func (j *Journal) trim(ctx context.Context) error {
	st, err := j.state(ctx)
	if err != nil {
		return err
	}
	first, end := st.FirstSeq, st.LastSeq+1
	if st.Msgs == 0 {
		first = end
	}
	old := first
	if cutoff := j.cfg.Now().Add(-j.cfg.RetainAge); st.Msgs > 0 && st.FirstTime.Before(cutoff.Add(-j.cfg.RetainAge/slackPart)) {
		old, err = j.SeqAt(ctx, cutoff)
		if errors.Is(err, gateway.ErrNoPage) {
			old, err = end, nil
		}
		if err != nil {
			return err
		}
	}
	fits := first
	if j.size.from(first) >= uint64(j.cfg.RetainBytes) {
		fits = j.size.fits(first, j.cfg.RetainBytes-j.cfg.RetainBytes/slackPart)
	}
	stored, short := j.size.from(first), j.shortage()
	if short > 0 {
		free := short
		if !j.cfg.external() {
			free = max(short, leastFreed)
		}
		fits = max(fits, j.size.fits(first, int64(stored-min(stored, free))))
	}
	floor := min(max(j.floor.Load(), first), end)
	to := min(max(old, fits), floor)
	// What some endpoint is not done with is dropped only where that helps: when
	// something else fills the disk, all of it would go for nothing.
	if j.cfg.WhenFull == DropOldest && fits > to && short <= stored {
		if err := j.countDropped(ctx, max(floor, first), fits); err != nil {
			return err
		}
		to = fits
	}
	if to > first {
		e, err := j.use()
		if err != nil {
			return err
		}
		if err := j.writeWater(ctx, e, to); err != nil {
			// Room is worth more than what the next start can tell.
			j.nag.say(j.cfg.Log, j.cfg.Now(), notNoted, err)
		}
		if err := e.pages.Purge(ctx, jetstream.WithPurgeSequence(to)); err != nil {
			return fmt.Errorf("purging pages below %d: %w", to, err)
		}
		j.size.purged(to)
		first = to
	}
	j.checkRoom(first)
	return nil
}

// leastFreed is what is given back at a time when the disk is at its reserve, in
// bytes: the engine frees whole files only.
const leastFreed = 64 << 20

// shortage is how many bytes the disk is below its reserve, or should go when an
// external engine has no room.
func (j *Journal) shortage() uint64 {
	if j.cfg.external() {
		// The engine does not say how much is missing.
		if j.engineFull() == "" {
			return 0
		}
		return j.size.from(0)/8 + 1
	}
	avail, _, err := free(j.cfg.Dir)
	if err != nil || avail >= j.cfg.Reserve {
		return 0
	}
	return uint64(j.cfg.Reserve - avail)
}

// countDropped counts the unfinished pages from from to below to, which are about
// to be purged, and their events.
func (j *Journal) countDropped(ctx context.Context, from, to uint64) error {
	pages, events := uint64(0), uint64(0)
	for seq := from; seq < to; {
		p, err := j.Page(ctx, seq)
		if errors.Is(err, gateway.ErrNoPage) || err == nil && p.Seq >= to {
			break
		}
		if err != nil {
			return err
		}
		pages++
		events += uint64(len(p.Events))
		seq = p.Seq + 1
	}
	j.counts.dropped.Add(pages)
	j.counts.droppedEvents.Add(events)
	j.cfg.Log.Warn("journal is full, dropping the oldest events although some endpoint is not done with them", "pages", pages, "events", events)
	return nil
}

// checkRoom decides whether arrivals are refused.
func (j *Journal) checkRoom(first uint64) {
	var why string
	unfinished := j.size.from(max(j.floor.Load(), first))
	avail, err := int64(0), error(nil)
	if !j.cfg.external() {
		avail, _, err = free(j.cfg.Dir)
	}
	switch {
	case j.engineFull() != "":
		why = j.engineFull()
	case !j.cfg.external() && err == nil && avail < j.cfg.Reserve:
		why = fmt.Sprintf("the disk has %d MiB left, %d MiB are kept free", avail>>20, j.cfg.Reserve>>20)
	case j.cfg.WhenFull == Refuse && unfinished >= uint64(j.cfg.RetainBytes):
		why = fmt.Sprintf("endpoints have not finished %d MiB, retain.bytes is %d MiB", unfinished>>20, j.cfg.RetainBytes>>20)
	}
	was := j.full.Load()
	if why == "" {
		if was != nil {
			j.cfg.Log.Info("journal has room again")
			j.full.Store(nil)
		}
		return
	}
	if was == nil {
		j.cfg.Log.Error("journal is full, callbacks are refused", "why", why)
	}
	j.full.Store(&why)
}

// mend restarts the embedded engine: after a write error it answers nothing any
// more, also when there is room again, and a restart loses nothing that was
// committed.
func (j *Journal) mend(ctx context.Context) {
	if !j.cfg.external() && j.shortage() > 0 || j.Taken() != nil {
		return
	}
	if !j.cfg.external() {
		j.cfg.Log.Warn("restarting the journal's engine")
	}
	// The loop does not publish meanwhile: it fails at once.
	if err := j.reopen(ctx); err != nil {
		j.mendNag.say(j.cfg.Log, j.cfg.Now(), "opening its engine anew", err)
		return
	}
	if err := j.measure(ctx); err != nil {
		j.mendNag.say(j.cfg.Log, j.cfg.Now(), "opening its engine anew", err)
		return
	}
	if j.cfg.external() {
		j.cfg.Log.Info("the journal is available again")
	}
	j.counts.broken.Store(false)
}
