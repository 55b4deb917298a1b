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
// called nothing is. Whether there is room is judged by a floor that is settled: one
// that is not will be higher soon, because some endpoint is still dropping what is past
// the bounds of its backlog. That is waited for [staleFloor] long.
func (j *Journal) SetFloor(seq uint64, settled bool) {
	if settled {
		j.floorAt.Store(time.Now().UnixNano())
	} else {
		j.floorAt.CompareAndSwap(0, 1) // somebody tells
	}
	if j.floor.Swap(seq) != seq && j.full.Load() != nil || j.overAt.Load() != 0 {
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
			if j.counts.broken.Load() && j.cfg.external() {
				// A cluster that elects is back at any moment.
				tick.Reset(time.Second / 4)
				continue
			}
			tick.Reset(time.Second)
		}
		if j.standing() {
			j.forgetPurged(ctx)
			continue // the gateway that writes keeps house
		}
		// Without the lease it purges nothing, and others have said so.
		if err := j.trim(ctx); err != nil && ctx.Err() == nil && j.Held() == nil {
			j.trimNag.say(j.cfg.Log, j.cfg.Now(), "dropping finished history", err)
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
	if cutoff := j.cfg.Aged().Add(-j.cfg.RetainAge); st.Msgs > 0 && st.FirstTime.Before(cutoff.Add(-j.cfg.RetainAge/slackPart)) {
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
	dropped := uint64(0)
	if j.cfg.WhenFull == DropOldest && fits > to && short <= stored {
		if dropped, err = j.eventsIn(ctx, max(floor, first), fits); err != nil {
			return err
		}
		to = fits
	}
	if to > first {
		if err := j.purge(ctx, to); err != nil {
			return err
		}
		if to > floor {
			j.dropped(to-max(floor, first), dropped)
		}
		first = to
	}
	j.checkRoom(first)
	return nil
}

// purge removes the pages below to. Who does not have the journal any more removes
// nothing: another gateway may need it.
func (j *Journal) purge(ctx context.Context, to uint64) error {
	if err := j.Held(); err != nil {
		return err
	}
	e, err := j.use()
	if err != nil {
		return err
	}
	// A note that began before this would say that these pages must be there.
	j.noting.Lock()
	defer j.noting.Unlock()
	if err := j.writeWater(ctx, e, to); err != nil {
		// Room is worth more than what the next start can tell.
		j.nag.say(j.cfg.Log, j.cfg.Now(), notNoted, err)
	}
	if err := e.pages.Purge(ctx, jetstream.WithPurgeSequence(to)); err != nil {
		return fmt.Errorf("purging pages below %d: %w", to, err)
	}
	j.size.purged(to)
	return nil
}

// leastFreed is what is given back at a time when the disk is at its reserve, in
// bytes: the engine frees whole files only.
const leastFreed = 64 << 20

// shortage is how many bytes the disk is below its reserve, or should go when an
// external engine has no room. An engine of ours that failed to write needs some
// room of its own before it is tried again.
func (j *Journal) shortage() uint64 {
	if j.cfg.external() {
		// The engine does not say how much is missing.
		if j.engineFull() == "" {
			return 0
		}
		return j.size.from(0)/8 + 1
	}
	avail, _, err := free(j.cfg.Dir)
	want := j.wanted()
	if err != nil || avail >= want {
		return 0
	}
	return uint64(want - avail)
}

// wanted is how many bytes of the disk must be free for arrivals to be taken.
func (j *Journal) wanted() int64 {
	if j.counts.broken.Load() {
		return max(j.reserve.Load(), engineRoom)
	}
	return j.reserve.Load()
}

// engineRoom is what the engine needs to start and to purge: it begins new files
// and cuts old ones anew.
const engineRoom = 16 << 20

// eventsIn counts the events of the pages from from to below to, which are there.
func (j *Journal) eventsIn(ctx context.Context, from, to uint64) (uint64, error) {
	e, err := j.use()
	if err != nil {
		return 0, err
	}
	had := j.water.get()
	_, end := j.done.get()
	first, err := e.headAfter(ctx, from, to, had.Holes)
	if err != nil {
		return 0, err
	}
	last, _ := j.done.get()
	next, err := e.headAfter(ctx, to, last, had.Holes)
	if err != nil {
		return 0, err
	}
	if next.seq == 0 {
		next.before, next.counted = end, true
	}
	if !first.counted || !next.counted || next.before < first.before {
		return 0, nil // pages of an imhook that did not count
	}
	n := next.before - first.before
	for _, h := range had.Holes {
		if h.First > from && h.Last < to {
			n -= min(n, h.Events)
		}
	}
	return n, nil
}

// dropped counts what was dropped unfinished and tells the operator, at once and
// then now and then.
func (j *Journal) dropped(pages, events uint64) {
	j.counts.dropped.Add(pages)
	j.counts.droppedEvents.Add(events)
	if now := j.cfg.Now(); now.Sub(j.saidDrop) >= time.Minute {
		j.saidDrop = now
		j.cfg.Log.Error("journal is full, the oldest events are dropped although some endpoint is not done with them",
			"pages", pages, "events", events, "sinceStart", j.counts.droppedEvents.Load(), "by", j.holders())
	}
}

// HeldBy sets who says which endpoints hold how much of the journal, in words for
// the operator. It may be called once the journal is full, from any goroutine.
func (j *Journal) HeldBy(who func() string) { j.heldBy.Store(&who) }

func (j *Journal) holders() string {
	if who := j.heldBy.Load(); who != nil {
		return (*who)()
	}
	return ""
}

// checkRoom decides whether arrivals are refused.
func (j *Journal) checkRoom(first uint64) {
	var why string
	unfinished, stored := j.size.from(max(j.floor.Load(), first)), j.size.from(first)
	avail, want, err := int64(0), int64(0), error(nil)
	if !j.cfg.external() {
		avail, _, err = free(j.cfg.Dir)
		want = j.wanted()
	}
	over := j.cfg.WhenFull == Refuse && unfinished >= uint64(j.cfg.RetainBytes)
	switch {
	case j.engineFull() != "":
		why = j.engineFull()
	case err == nil && avail < want:
		why = fmt.Sprintf("the disk of %s has %s left and %s are kept free; the journal has %s, of which endpoints have not finished %s: make room on the disk",
			j.cfg.Dir, size(avail), size(want), size(int64(stored)), size(int64(unfinished)))
	case over && j.floorIsFresh():
		why = fmt.Sprintf("endpoints have not finished %s and retain.bytes is %s: let them take their events, give them a smaller backlog, or raise retain.bytes",
			size(int64(unfinished)), size(j.cfg.RetainBytes))
	}
	if !over {
		j.overAt.Store(0)
	}
	was := j.full.Load()
	if why == "" {
		if was != nil {
			j.full.Store(nil)
			if j.fullAt.IsZero() {
				j.fullAt = time.Now()
			}
			j.cfg.Log.Info("journal has room again", "after", time.Since(j.fullAt).Round(time.Millisecond), "refused", j.counts.refused.Load()-j.refusedBefore)
			j.fullAt = time.Time{}
		}
		return
	}
	if who := j.holders(); who != "" {
		why += "; " + who
	}
	j.full.Store(&why)
	if j.fullAt.IsZero() {
		j.fullAt, j.refusedBefore = time.Now(), j.counts.refused.Load()
	}
	if was == nil {
		j.cfg.Log.Error("journal is full, callbacks are refused until there is room", "why", why)
	}
}

// staleFloor is how long the journal waits to hear how far endpoints are before it
// takes what it last heard for true.
const staleFloor = 5 * time.Second

// floorIsFresh says whether the floor was told since the bound was passed. A load
// that brings the bound in less time than endpoints are asked must not be refused
// when they are done with it.
func (j *Journal) floorIsFresh() bool {
	now := time.Now().UnixNano()
	told := j.floorAt.Load()
	if told == 0 {
		return true // nobody tells
	}
	j.overAt.CompareAndSwap(0, now)
	over := j.overAt.Load()
	return told > over || now-over > int64(staleFloor)
}

// size is a number of bytes for a person.
func size(n int64) string {
	const unit = 1 << 10
	switch {
	case n < unit*unit:
		return fmt.Sprintf("%.1f KiB", float64(n)/unit)
	case n < unit*unit*unit:
		return fmt.Sprintf("%.1f MiB", float64(n)/unit/unit)
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/unit/unit/unit)
}

// mend restarts the embedded engine: after a write error it answers nothing any
// more, also when there is room again, and a restart loses nothing that was
// committed. While the disk is full it is restarted only to give something back:
// an engine that failed to write purges nothing either.
func (j *Journal) mend(ctx context.Context) {
	if j.Taken() != nil {
		if j.nodes == nil {
			return
		}
		j.lease.reset()
	}
	external := j.cfg.external()
	short := uint64(0)
	if !external {
		if short = j.shortage(); short > 0 && !j.canFree(short) {
			return
		}
		if now := j.cfg.Now(); now.Sub(j.saidMend) >= time.Minute {
			j.saidMend = now
			j.cfg.Log.Warn("restarting the journal's engine: it could not write")
		}
	}
	// The loop does not publish meanwhile: it fails at once.
	err := j.reopen(ctx)
	if err == nil {
		err = j.measure(ctx)
	}
	if err == nil && short > 0 {
		err = j.trim(ctx)
	}
	if err != nil {
		if ctx.Err() == nil {
			j.mendNag.say(j.cfg.Log, j.cfg.Now(), "opening its engine anew", err)
		}
		return
	}
	if !external && j.shortage() > 0 {
		return
	}
	j.counts.broken.Store(false)
	j.saidMend = time.Time{}
	if j.standing() {
		j.full.Store(nil) // that is for the gateway that writes to say
	}
	j.cfg.Log.Info("the journal is available again")
}

// canFree says whether purging pages may make up for the shortage.
func (j *Journal) canFree(short uint64) bool {
	first := j.water.get().First
	if j.cfg.WhenFull == DropOldest && j.size.from(first) >= short {
		return true
	}
	return j.floor.Load() > first
}
