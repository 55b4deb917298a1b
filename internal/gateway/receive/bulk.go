package receive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// maxStreams is how many are read at once: each holds a line and two groups.
// maxOwnStreams is how many of one source, which leaves some to the others.
const (
	maxStreams    = 64
	maxOwnStreams = 48
)

var (
	errStopping    = errors.New("the gateway is stopping")
	errChanged     = errors.New("the source was changed while the stream came")
	errExpired     = errors.New("the path token that the stream came with has expired")
	errPanicked    = errors.New("a defect of ours")
	errNoLines     = errors.New("there are no lines")
	errNoneTaken   = errors.New("none of the items could be taken")
	errManyStreams = errors.New("too many streams at once")
)

// Drain ends the streams that are being read, and those that come later: what
// came is kept, and the answer says where to go on. Other requests are served as
// before. It does not wait, and may be called more than once.
func (h *Handler) Drain() { h.stop() }

// bulker is the source's dialect where one of its requests may carry many events.
func (c *call) bulker() dialect.Bulker {
	b, _ := c.src.Dialect.(dialect.Bulker)
	return b
}

// streams returns the dialect when the body is to be read line by line.
func (c *call) streams() dialect.Bulker {
	if b := c.bulker(); b != nil && b.Lines(&c.req) {
		return b
	}
	return nil
}

// stream takes a body of lines, of any length: lines are kept in groups while more
// come in, in their order, and what became of each is answered at the end. What
// was kept stays kept, however the stream ends.
func (c *call) stream(b dialect.Bulker) (dialect.Response, *refusal) {
	f := c.newFeed()
	defer f.unwatch()
	res, refused := c.streamFrom(b, f)
	if refused != nil {
		f.drain()
	}
	return res, refused
}

func (c *call) streamFrom(b dialect.Bulker, f *feed) (dialect.Response, *refusal) {
	if !c.h.streams.take(1) {
		return dialect.Response{}, later(ReasonBusy, errManyStreams)
	}
	defer c.h.streams.give(1)
	if !c.src.streams.take(1) {
		return dialect.Response{}, later(ReasonBusy, errManyStreams)
	}
	defer c.src.streams.give(1)
	if refused := f.open(); refused != nil {
		return dialect.Response{}, refused
	}
	var in io.Reader = f
	signed := len(c.src.Credentials.Secrets) > 0
	if signed {
		body, held, refused := c.spool(f)
		defer c.h.spools.give(held)
		if refused != nil {
			return dialect.Response{}, refused
		}
		c.req.Body, in = body, bytes.NewReader(body)
	}
	proof, refused := c.verify()
	if refused != nil {
		return dialect.Response{}, refused
	}
	var t tally
	guard := c.guard(proof)
	unread, lost := c.convey(b, newLineReader(in, int(c.h.cfg.MaxBody)), f,
		newConvoy(signed, func(g *group) error { return c.keepGroup(g, &t, c.guardOf(guard, proof, g.i)) }))
	switch {
	case lost != nil:
		c.logUnkept(lost)
		return c.report(b, &t, unkept(lost), f)
	case unread != nil:
		return c.report(b, &t, badStream(f, unread), f)
	}
	f.release()
	if t.Settled() == 0 {
		return dialect.Response{}, refuse(ReasonDecode, http.StatusBadRequest, errNoLines)
	}
	return c.report(b, &t, nil, f)
}

// convey brings lines from r to road. unread is why the stream was not read to its
// end, lost why not all that was read is kept.
func (c *call) convey(b dialect.Bulker, r *lineReader, f *feed, road *convoy) (unread, lost error) {
	defer func() { lost = road.end() }()
	trace := c.trace()
	for {
		if err := f.ending(); err != nil {
			return err, nil
		}
		l, err := r.next()
		if err == io.EOF { //nolint:errorlint // only the plain one is the end
			return nil, nil
		}
		if err != nil {
			return err, nil
		}
		f.earned = true
		if c.now = c.h.cfg.Now(); c.token != nil && !c.token.Live(c.now) {
			return errExpired, nil
		}
		var ev *event.Event
		fa := fate{n: l.n}
		if l.long {
			fa.problem = fmt.Sprintf("the line is longer than %d bytes", c.h.cfg.MaxBody)
		} else {
			ev = c.item(b, l.text, trace, &fa)
		}
		if !road.add(fa, ev, len(l.text)) {
			return nil, nil
		}
	}
}

// item reads one item of many: what it is, or else why it is refused, goes into f.
func (c *call) item(b dialect.Bulker, text []byte, trace gateway.Trace, f *fate) *event.Event {
	if err := dialect.CheckDepth(text, c.h.cfg.MaxDepth); err != nil {
		f.problem = problemOf(err)
		return nil
	}
	it := b.DecodeItem(text)
	f.id, f.problem = it.ID, problemOf(it.Err)
	if it.Event == nil {
		return nil
	}
	// An item that is kept in an envelope is a little longer than it was.
	if int64(len(it.Event.Raw.Body)) > c.h.cfg.MaxBody {
		f.problem = fmt.Sprintf("the event is larger than %d bytes", c.h.cfg.MaxBody)
		return nil
	}
	c.take(it.Event, trace)
	f.unknown = it.Event.Type == event.VendorUnknown
	return it.Event
}

// keepGroup gives a group to the journal and notes what became of its items.
func (c *call) keepGroup(g *group, t *tally, guard gateway.Guard) error {
	repeated := make([]bool, len(g.evs))
	if len(g.evs) > 0 {
		kept, err := c.append(gateway.Arrival{Events: g.evs, Guard: guard, Repeated: repeated})
		if err != nil {
			c.refusedEvents(len(g.evs))
			c.evs = g.evs
			return err
		}
		c.kept(len(g.evs), kept)
	}
	before := t.Report
	for i := range g.fates {
		t.add(&g.fates[i], g.fates[i].result(repeated))
	}
	c.src.metrics.bulk(&before, &t.Report)
	return nil
}

// guardOf is the guard of a stream's i-th group. They differ: a stream that broke
// off in the middle and comes again must have the rest kept.
func (c *call) guardOf(first gateway.Guard, proof dialect.Proof, i int) gateway.Guard {
	if i == 0 || first.IsZero() {
		return first
	}
	return gateway.Guard{Key: event.Hash(c.src.Name, proof.Once, "group", strconv.Itoa(i)), Sum: first.Sum}
}

// batch takes a body of several events, whole: either every item is settled or
// none.
func (c *call) batch(b dialect.Bulker, items [][]byte, proof dialect.Proof) (dialect.Response, *refusal) {
	if len(items) >= gateway.MaxPageEvents {
		return dialect.Response{}, refuse(ReasonEventTooLarge, http.StatusRequestEntityTooLarge,
			fmt.Errorf("the batch has %d items, at most %d are taken at once", len(items), gateway.MaxPageEvents-1))
	}
	g := &group{fates: make([]fate, len(items)), evs: make([]*event.Event, 0, len(items))}
	trace := c.trace()
	for i, text := range items {
		f := &g.fates[i]
		f.n, f.ev = i, -1
		if ev := c.item(b, text, trace, f); ev != nil {
			f.ev = len(g.evs)
			g.evs = append(g.evs, ev)
		}
	}
	c.evs = g.evs
	var t tally
	if err := c.keepGroup(g, &t, c.guard(proof)); err != nil {
		c.logUnkept(err)
		return dialect.Response{}, unkept(err)
	}
	return c.report(b, &t, nil, nil)
}

// report answers item by item. stopped is why a stream was not taken to its end;
// when nothing of it was settled, that alone is the answer.
func (c *call) report(b dialect.Bulker, t *tally, stopped *refusal, f *feed) (dialect.Response, *refusal) {
	if stopped != nil {
		if t.Settled() == 0 {
			return dialect.Response{}, stopped
		}
		f.drain()
		t.Resume = t.last + 1
	} else if t.Accepted+t.Duplicates == 0 {
		stopped = refuse(ReasonDecode, http.StatusBadRequest, errNoneTaken)
	}
	t.Status = http.StatusOK
	if stopped != nil {
		c.told = true
		c.note(stopped)
		t.Status, t.Err = stopped.status, stopped.err
	}
	res := b.Report(&c.req, &t.Report)
	if stopped != nil && stopped.header != nil {
		h := stopped.header.Clone()
		maps.Copy(h, res.Header)
		res.Header = h
	}
	return res, nil
}

// badStream says why a stream could not be read to its end.
func badStream(f *feed, err error) *refusal {
	if errors.Is(err, errExpired) {
		return refuse(ReasonPathToken, http.StatusUnauthorized, errExpired)
	}
	if why := f.ending(); why != nil {
		return later(ReasonStopping, why)
	}
	return badRead(err)
}
