package journal

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// forwarder hands arrivals to the gateway that writes. What comes while requests
// are under way travels together in the next one.
type forwarder struct {
	mu      sync.Mutex
	waiting []*parcel
	// open is how many requests are under way.
	open int
}

// parcel is one arrival on its way.
type parcel struct {
	page []byte
	done chan struct{}
	// The following are valid when done is closed.
	err      error
	repeated []bool
}

const (
	// forwardVersion is the first byte of a request.
	forwardVersion = 1
	// maxForwards is how many requests of one gateway are under way: as many as give
	// the writer something to do while it commits.
	maxForwards = 4
	// maxForward is how many bytes travel together, unless one arrival is larger.
	maxForward = 512 << 10
	// forwardTimeout is how long the writer may take for a request; sent again, it
	// is kept once.
	forwardTimeout = 3 * time.Second
	// anywhereWithin is how long an arrival waits for a gateway that can keep it.
	anywhereWithin = 8 * time.Second
	// anywhereAgain is how long it waits before it is tried again.
	anywhereAgain = 50 * time.Millisecond
)

// What became of a parcel. Values are on the wire: append only.
const (
	fateKept = iota
	fateFull
	fateReplayed
	fateTooLarge
	fateUnavailable
)

var fates = map[byte]error{
	fateFull: gateway.ErrFull, fateReplayed: gateway.ErrReplayed, fateTooLarge: gateway.ErrTooLarge, fateUnavailable: gateway.ErrUnavailable,
}

// keepAnywhere keeps an arrival here, or with the gateway that writes, whoever that
// comes to be in the meantime. What is sent again is known by its keys.
func (j *Journal) keepAnywhere(ctx context.Context, a gateway.Arrival, keys []event.Key, buf []byte, ends []int) (gateway.Kept, error) {
	if len(a.Repeated) != len(a.Events) {
		a.Repeated = make([]bool, len(a.Events))
	}
	until := time.Now().Add(anywhereWithin)
	for again := false; ; again = true {
		clear(a.Repeated)
		kept, err := j.keepSomewhere(ctx, a, keys, buf, ends)
		switch {
		case err == nil && again:
			return ownKept(a, kept), nil
		case !errors.Is(err, gateway.ErrUnavailable) || errors.Is(err, errClosed) || time.Now().After(until):
			return kept, err
		}
		if err := pause(ctx, anywhereAgain); err != nil {
			return gateway.Kept{}, err
		}
	}
}

// ownKept corrects what is said of an arrival that was tried before: what has no
// key of its own cannot have come with another one.
func ownKept(a gateway.Arrival, kept gateway.Kept) gateway.Kept {
	for i, ev := range a.Events {
		if ev.Dedupe == "" && a.Repeated[i] {
			a.Repeated[i] = false
			kept.Duplicates--
			kept.Stored++
		}
	}
	return kept
}

func (j *Journal) keepSomewhere(ctx context.Context, a gateway.Arrival, keys []event.Key, buf []byte, ends []int) (gateway.Kept, error) {
	if j.standing() {
		return j.forward(ctx, a, buf, len(ends))
	}
	if err := j.takes(); err != nil {
		return gateway.Kept{}, err
	}
	return j.keep(ctx, a, keys, buf, ends)
}

// forward sends an arrival to the gateway that writes and returns what became of
// it there.
func (j *Journal) forward(ctx context.Context, a gateway.Arrival, buf []byte, records int) (gateway.Kept, error) {
	if !a.Guard.IsZero() {
		records++
	}
	// A copy: the caller's buffer is used again when it leaves.
	p := &parcel{page: append(sealPage(newPage(make([]byte, 0, pageHead+len(buf))), records, 0), buf...), done: make(chan struct{})}
	j.nodes.out.post(j, p)
	select {
	case <-p.done:
	case <-ctx.Done():
		return gateway.Kept{}, ctx.Err()
	}
	if p.err != nil {
		return gateway.Kept{}, p.err
	}
	if len(p.repeated) != len(a.Events) {
		return gateway.Kept{}, fmt.Errorf("%w: the gateway that writes answered for %d of %d events", gateway.ErrUnavailable, len(p.repeated), len(a.Events))
	}
	var kept gateway.Kept
	for i, again := range p.repeated {
		if again {
			kept.Duplicates++
			repeated(a, i)
		} else {
			kept.Stored++
		}
	}
	return kept, nil
}

// post sends a parcel at once, or with others when enough requests are under way.
func (f *forwarder) post(j *Journal, p *parcel) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting = append(f.waiting, p)
	if f.open < maxForwards {
		f.open++
		go f.run(j, f.take())
	}
}

// take returns what travels together. Call with mu.
func (f *forwarder) take() []*parcel {
	size, n := 0, 0
	for n < len(f.waiting) && (n == 0 || size+len(f.waiting[n].page) <= maxForward) {
		size += len(f.waiting[n].page)
		n++
	}
	batch := f.waiting[:n:n]
	f.waiting = f.waiting[n:]
	return batch
}

// run sends one request after the other while there is something.
func (f *forwarder) run(j *Journal, batch []*parcel) {
	for len(batch) > 0 {
		j.deliverParcels(batch)
		f.mu.Lock()
		if batch = f.take(); len(batch) == 0 {
			f.open--
		}
		f.mu.Unlock()
	}
}

// deliverParcels sends one request.
func (j *Journal) deliverParcels(batch []*parcel) {
	err := j.sendParcels(batch)
	for _, p := range batch {
		if err != nil {
			p.err = fmt.Errorf("%w: %w", gateway.ErrUnavailable, err)
		}
		close(p.done)
	}
}

func (j *Journal) sendParcels(batch []*parcel) error {
	w := j.nodes.writer.Load()
	if w == nil || w.ID == j.nodes.self {
		return errNoWriter
	}
	data := binary.AppendUvarint([]byte{forwardVersion}, uint64(len(batch)))
	for _, p := range batch {
		data = binary.AppendUvarint(data, uint64(len(p.page)))
		data = append(data, p.page...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), forwardTimeout)
	defer cancel()
	answer, err := j.Request(ctx, w.ID, sayAppend, data)
	if err != nil {
		return err
	}
	c := cutter{b: answer}
	for _, p := range batch {
		fate := c.bytes(1)
		rest := c.field()
		if c.bad {
			return errors.New("the gateway that writes answered for less than it was given")
		}
		if fate[0] != fateKept {
			word, ok := fates[fate[0]]
			if !ok {
				word = gateway.ErrUnavailable
			}
			p.err = fmt.Errorf("%w: %s", word, rest)
			continue
		}
		p.repeated = make([]bool, len(rest))
		for i, b := range rest {
			p.repeated[i] = b != 0
		}
	}
	return nil
}

// serveAppend keeps what another gateway was given, and answers item by item.
func (j *Journal) serveAppend(ctx context.Context, data []byte) ([]byte, error) {
	if j.standing() {
		return nil, errNotWriter
	}
	if len(data) == 0 || data[0] != forwardVersion {
		return nil, fmt.Errorf("%w: the request has a version that imhook %s does not know", ErrNewer, j.cfg.Version)
	}
	c := cutter{b: data[1:]}
	n := c.uvarint()
	if n > uint64(len(data)) {
		return nil, errors.New("the request is cut short")
	}
	type item struct {
		a     gateway.Arrival
		waits []*group
		err   error
	}
	items := make([]item, n)
	for i := range items {
		it := &items[i]
		page := c.field()
		if c.bad {
			return nil, errors.New("the request is cut short")
		}
		a, keys, buf, ends, err := j.unpack(page)
		it.a = a
		switch {
		case err != nil:
			it.err = err
		case len(buf) > int(j.limit.Load())-pageHead:
			it.err = fmt.Errorf("%w: more than %d bytes with its envelopes%s", gateway.ErrTooLarge, j.limit.Load()-pageHead, j.payloadHint())
		default:
			if it.err = j.takes(); it.err == nil {
				_, it.waits, it.err = j.join(a, keys, buf, ends)
			}
		}
	}
	var answer []byte
	for i := range items {
		it := &items[i]
		if it.err == nil {
			it.err = await(ctx, it.waits)
		}
		answer = appendFate(answer, it.a, it.err)
	}
	return answer, nil
}

// appendFate encodes what became of a parcel: one byte, and with its length which
// of the events had been kept before, or the reason in words.
func appendFate(b []byte, a gateway.Arrival, err error) []byte {
	if err == nil {
		b = append(b, fateKept)
		b = binary.AppendUvarint(b, uint64(len(a.Repeated)))
		for _, again := range a.Repeated {
			if again {
				b = append(b, 1)
			} else {
				b = append(b, 0)
			}
		}
		return b
	}
	fate := byte(fateUnavailable)
	why := err.Error()
	for f, word := range fates {
		if errors.Is(err, word) {
			fate, why = f, strings.TrimPrefix(why, word.Error()+": ")
			break
		}
	}
	return appendString(append(b, fate), why)
}

// unpack reads a parcel: what was appended to another gateway, as this one would
// have encoded it.
func (j *Journal) unpack(page []byte) (a gateway.Arrival, keys []event.Key, buf []byte, ends []int, err error) {
	n, c, err := openPage(page)
	if err != nil {
		return a, nil, nil, nil, err
	}
	buf = bytes.Clone(c.b) // bodies outlive the request
	c.b = buf
	for i := range n {
		r := record{ev: &event.Event{}}
		c.record(&r, &j.names)
		switch {
		case c.bad, r.ev == nil && i > 0:
			return a, nil, nil, nil, fmt.Errorf("%w: record %d of %d", ErrPage, i, n)
		case r.ev == nil:
			a.Guard = r.guard
		default:
			a.Events = append(a.Events, r.ev)
			keys = append(keys, r.key)
			ends = append(ends, len(buf)-len(c.b))
		}
	}
	if len(c.b) != 0 {
		return a, nil, nil, nil, fmt.Errorf("%w: %d bytes after the last record", ErrPage, len(c.b))
	}
	a.Repeated = make([]bool, len(a.Events))
	return a, keys, buf, ends, nil
}
