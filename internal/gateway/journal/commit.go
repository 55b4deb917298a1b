package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// committer forms pages. Everything that arrives while one page is being
// committed is the next page.
type committer struct {
	mu      sync.Mutex
	forming *group
	closed  bool
	// kick tells the commit loop that there is something.
	kick chan struct{}
	room *sync.Cond // signalled when a full group was taken away
}

// group is a page being formed, and those who wait for it.
type group struct {
	buf    []byte // a page: head, then records
	count  int
	events []*event.Event // those of the records, in order
	keys   []event.Key
	guards []gateway.Guard
	seq    uint64    // its number, once it is committed
	at     time.Time // when it was
	done   chan struct{}
	err    error // valid when done is closed
}

// pageBuffers are used again: a page is copied into the engine before it is
// acknowledged.
var pageBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 64<<10); return &b }}

func newGroup() *group {
	buf := pageBuffers.Get().(*[]byte)
	return &group{buf: newPage((*buf)[:0]), done: make(chan struct{})}
}

// recycle gives the page's buffer back. Only after the engine acknowledged it:
// one that did not answer may still hold it.
func (g *group) recycle() {
	buf := g.buf
	g.buf = nil
	if cap(buf) <= 2*fullPage {
		pageBuffers.Put(&buf)
	}
}

func (c *committer) init() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forming = newGroup()
	c.kick = make(chan struct{}, 1)
	c.room = sync.NewCond(&c.mu)
}

func (c *committer) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.kick == nil {
		c.closed = true
		return
	}
	c.closed = true
	close(c.kick)
	c.room.Broadcast()
}

var encodeBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

// Append keeps an arrival and returns when all of it is durable, duplicates
// included. On an error nothing of it may be answered as kept; when ctx ended it
// may be stored all the same. Errors wrap gateway.ErrFull, ErrUnavailable,
// ErrReplayed or ErrTooLarge.
func (j *Journal) Append(ctx context.Context, a gateway.Arrival) (gateway.Kept, error) {
	if j.nodes == nil {
		if err := j.takes(); err != nil {
			return gateway.Kept{}, j.refuse(err, len(a.Events))
		}
	}
	if len(a.Events) == 0 {
		return gateway.Kept{}, nil
	}
	// Encoding is done here, in the caller's goroutine and outside the lock; the
	// lock is held for looking keys up and copying bytes.
	bufp := encodeBuffers.Get().(*[]byte)
	buf := (*bufp)[:0]
	defer func() {
		if cap(buf) <= 256<<10 {
			*bufp = buf
			encodeBuffers.Put(bufp)
		}
	}()
	var few [8]int
	ends := few[:0]
	keys := make([]event.Key, len(a.Events))
	if len(a.Events) > gateway.MaxPageEvents-1 {
		return gateway.Kept{}, fmt.Errorf("%w: %d events, at most %d", gateway.ErrTooLarge, len(a.Events), gateway.MaxPageEvents-1)
	}
	// The mark comes first and is a record of its own: it must be kept whichever
	// of the events is new.
	if !a.Guard.IsZero() {
		buf = appendMark(buf, a.Guard)
	}
	for i, ev := range a.Events {
		if int64(len(ev.Raw.Body)) > j.cfg.MaxBody {
			return gateway.Kept{}, fmt.Errorf("%w: %d bytes, at most %d", gateway.ErrTooLarge, len(ev.Raw.Body), j.cfg.MaxBody)
		}
		switch {
		case ev.Dedupe != "":
			keys[i] = event.Hash(ev.App, ev.Source, ev.Command, ev.Dedupe)
		case j.nodes != nil:
			// It may be sent to a second writer when the first one does not answer.
			keys[i] = event.Hash(onceKey, ev.ID)
		}
		buf = appendRecord(buf, record{ev: ev, key: keys[i]})
		if limit := int(j.limit.Load()) - pageHead; len(buf) > limit {
			return gateway.Kept{}, fmt.Errorf("%w: more than %d bytes with its envelopes%s", gateway.ErrTooLarge, limit, j.payloadHint())
		}
		ends = append(ends, len(buf))
	}
	var kept gateway.Kept
	var err error
	if j.nodes == nil {
		kept, err = j.keep(ctx, a, keys, buf, ends)
	} else {
		kept, err = j.keepAnywhere(ctx, a, keys, buf, ends)
	}
	if err != nil {
		return gateway.Kept{}, j.refuse(err, len(a.Events))
	}
	j.counts.stored.Add(uint64(kept.Stored))
	j.counts.duplicates.Add(uint64(kept.Duplicates))
	return kept, nil
}

// takes says why nothing can be appended here now; nil when it can.
func (j *Journal) takes() error {
	if why := j.full.Load(); why != nil {
		return fmt.Errorf("%w: %s", gateway.ErrFull, *why)
	}
	if err := j.Held(); err != nil {
		return err
	}
	if j.counts.broken.Load() {
		// The engine answers nothing until it is mended: waiting for it would only
		// hold the callers.
		return fmt.Errorf("%w: %w", gateway.ErrUnavailable, errMending)
	}
	return nil
}

// refuse counts what came while the journal was full.
func (j *Journal) refuse(err error, events int) error {
	if errors.Is(err, gateway.ErrFull) {
		j.counts.refused.Add(uint64(events))
	}
	return err
}

// keep appends what was encoded, and returns when all of it is durable.
func (j *Journal) keep(ctx context.Context, a gateway.Arrival, keys []event.Key, buf []byte, ends []int) (gateway.Kept, error) {
	kept, waits, err := j.join(a, keys, buf, ends)
	if err == nil {
		err = await(ctx, waits)
	}
	if err != nil {
		return gateway.Kept{}, err
	}
	return kept, nil
}

// await waits until the groups are committed.
func await(ctx context.Context, groups []*group) error {
	for _, g := range groups {
		select {
		case <-g.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if g.err != nil {
			return g.err
		}
	}
	return nil
}

// join puts the new events into the forming group and returns the groups to wait
// for: the forming one, and those in which duplicates are being committed.
func (j *Journal) join(a gateway.Arrival, keys []event.Key, buf []byte, ends []int) (kept gateway.Kept, waits []*group, err error) {
	c := &j.commits
	full := min(fullPage, int(j.limit.Load()))
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if c.closed || c.forming == nil {
			return kept, nil, fmt.Errorf("%w: %w", gateway.ErrUnavailable, errClosed)
		}
		g := c.forming
		if g.count == 0 || len(g.buf)+len(buf) <= full && g.count+len(ends)+1 <= gateway.MaxPageEvents {
			break
		}
		c.room.Wait()
	}
	if j.counts.broken.Load() || j.standing() {
		// A page that failed a moment ago may be stored all the same, and its keys are
		// known only once the engine is mended.
		return kept, nil, fmt.Errorf("%w: %w", gateway.ErrUnavailable, errMending)
	}
	j.window.turn(j.cfg.Now())
	g := c.forming
	begin, retried := 0, false
	if !a.Guard.IsZero() {
		begin = markSize
		sum, pending, seen := j.window.guard(a.Guard.Key)
		switch {
		case seen && sum != a.Guard.Sum:
			return kept, nil, gateway.ErrReplayed
		case seen:
			retried = true
			if pending != nil {
				waits = append(waits, pending)
			}
		default:
			j.window.addGuard(a.Guard, g)
			g.guards = append(g.guards, a.Guard)
			g.buf = append(g.buf, buf[:markSize]...)
			g.count++
			waits = append(waits, g)
		}
	}
	for i, end := range ends {
		if a.Events[i].Dedupe == "" && retried {
			// The same body under the same signature. What has no key lies in one
			// page with the mark; what has one need not, when it was a duplicate
			// then, of a page that failed: its key says whether it was kept.
			kept.Duplicates++
			repeated(a, i)
			begin = end
			continue
		}
		if keys[i] != (event.Key{}) {
			if pending, known := j.window.key(keys[i]); known {
				kept.Duplicates++
				repeated(a, i)
				if pending != nil {
					waits = appendGroup(waits, pending)
				}
				begin = end
				continue
			}
			j.window.addKey(keys[i], g)
			g.keys = append(g.keys, keys[i])
		}
		g.buf = append(g.buf, buf[begin:end]...)
		g.count++
		g.events = append(g.events, a.Events[i])
		kept.Stored++
		waits = appendGroup(waits, g)
		begin = end
	}
	if g.count > 0 {
		c.wake()
	}
	return kept, waits, nil
}

// repeated tells the caller who wants to know that the i-th event was kept before.
func repeated(a gateway.Arrival, i int) {
	if i < len(a.Repeated) {
		a.Repeated[i] = true
	}
}

func appendGroup(gs []*group, g *group) []*group {
	if slices.Contains(gs, g) {
		return gs
	}
	return append(gs, g)
}

// wake tells the loop that there is something. Call with mu.
func (c *committer) wake() {
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

// take returns the group to commit, or nil. Call without mu.
func (c *committer) take() *group {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.forming
	if g.count == 0 {
		return nil
	}
	c.forming = newGroup()
	c.room.Broadcast()
	return g
}

// commitLoop commits one page after the other until the journal is closed and
// everything that joined is committed.
func (j *Journal) commitLoop() {
	for range j.commits.kick {
		j.commitAll()
	}
	j.commitAll()
}

func (j *Journal) commitAll() {
	for g := j.commits.take(); g != nil; g = j.commits.take() {
		err := j.commit(g)
		if err != nil {
			j.counts.failures.Add(1)
			j.cfg.Log.Error("committing a page failed", "events", g.count, "err", err)
			g.err = err
			if !errors.Is(err, gateway.ErrFull) {
				g.err = fmt.Errorf("%w: %w", gateway.ErrUnavailable, err)
			}
		}
		j.commits.mu.Lock()
		j.window.settle(g, err == nil)
		if err == nil {
			j.snaps.add(g.seq, g.at, g.keys, g.guards)
		}
		j.commits.mu.Unlock()
		close(g.done)
		if err == nil {
			g.recycle()
		}
	}
}

// commitTimeout is how long the engine may take for one page.
const commitTimeout = 10 * time.Second

var (
	errMending   = errors.New("the engine is being mended")
	errClosed    = errors.New("the journal is closed")
	errSilent    = errors.New("the engine does not answer")
	errUnwritten = errors.New("the engine could not write")
)

// within returns a context for something that e shall store: it ends after d, and
// at once when e fails to write, for then there will be no answer.
func (e *engine) within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, d)
	if e.embedded == nil {
		return ctx, cancel
	}
	stop := e.embedded.onFailure(cancel)
	return ctx, func() { stop(); cancel() }
}

// noAnswer says in words that a context of [engine.within] ended, of which
// nobody else was tired.
func noAnswer(err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return errSilent
	case errors.Is(err, context.Canceled):
		return errUnwritten
	}
	return err
}

func (j *Journal) commit(g *group) error {
	if j.counts.broken.Load() {
		return errMending
	}
	e, err := j.use()
	if err != nil {
		return err
	}
	if j.standing() {
		return errNotWriter
	}
	if err := j.lease.held(); err != nil {
		j.broke()
		return err
	}
	last, before := j.done.get()
	sealPage(g.buf, g.count, before)
	ctx, cancel := e.within(context.Background(), j.commitWithin)
	defer cancel()
	begin := time.Now()
	seq, err := j.store(ctx, e, g.buf, last)
	if err != nil {
		if why := fullReason(err); why != "" && e.embedded == nil {
			return j.noRoom(why)
		}
		if errors.Is(err, nats.ErrMaxPayload) {
			// The server's bound was lowered; it is known from now on.
			j.setLimit(e.nc.MaxPayload())
			return err
		}
		j.broke()
		return noAnswer(err)
	}
	now := j.cfg.Now()
	g.seq, g.at = seq, now
	j.done.set(seq, before+uint64(len(g.events)))
	j.counts.committed(time.Since(begin))
	j.size.add(seq, len(g.buf), now)
	j.recent.add(&gateway.Page{Seq: seq, Time: now, Events: g.events, Bytes: len(g.buf)})
	if j.nodes != nil {
		j.tellCommitted(e)
	}
	if j.unchecked += int64(len(g.buf)); e.embedded != nil && j.unchecked >= min(j.reserve.Load()/16+1<<20, leastFreed) {
		// A second is long when much comes: the disk may be full before it is over.
		j.unchecked = 0
		j.wakeHouse()
	}
	if j.full.Load() == nil && j.size.from(j.floor.Load()) >= uint64(j.cfg.RetainBytes) {
		j.wakeHouse()
	}
	return nil
}

// broke refuses arrivals until the engine is mended. A stream that failed to write
// once is silent for good, and so are those of positions and dead letters.
func (j *Journal) broke() {
	j.counts.broken.Store(true)
	j.wakeHouse()
}

// put publishes what is no page, and notices when the engine is silent.
func (j *Journal) put(ctx context.Context, m *nats.Msg) (seq uint64, err error) {
	if j.counts.broken.Load() {
		// It would be silent until it is mended, and who waits for it does nothing
		// else: deliver's housekeeping, for one.
		return 0, fmt.Errorf("%w: %w", gateway.ErrUnavailable, errMending)
	}
	if err := j.mayKeep(); err != nil {
		return 0, err
	}
	e, err := j.use()
	if err != nil {
		return 0, err
	}
	within, cancel := e.within(ctx, j.commitWithin)
	defer cancel()
	ack, err := e.js.PublishMsg(within, m)
	if err == nil {
		return ack.Sequence, nil
	}
	if ctx.Err() != nil || errors.Is(err, nats.ErrMaxPayload) || wrongSequence(err) {
		return 0, err
	}
	if j.engine.Load() == e {
		j.broke()
	}
	return 0, fmt.Errorf("%w: %w", gateway.ErrUnavailable, noAnswer(err))
}
