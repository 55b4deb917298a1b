package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/imhook/imhook/internal/gateway"
)

// get reads the first page at or after seq; gateway.ErrNoPage when there is none.
func (j *Journal) get(ctx context.Context, e *engine, seq uint64) (*jetstream.RawStreamMsg, error) {
	read := func() (*jetstream.RawStreamMsg, error) {
		m, err := e.pages.GetMsg(ctx, max(seq, 1), jetstream.WithGetMsgSubject(e.at.pageSubject))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil, gateway.ErrNoPage
		}
		if err != nil {
			return nil, fmt.Errorf("reading page %d: %w", seq, restarting(err))
		}
		return m, nil
	}
	last, _ := j.done.get()
	m, err := read()
	if !errors.Is(err, gateway.ErrNoPage) || e.embedded != nil || seq > last {
		return m, err
	}
	// It was committed, and should be there unless it was purged. A server that was
	// cut off from its cluster says the same, and who took it at its word would pass
	// over events.
	st, err := e.state(ctx)
	if err != nil {
		return nil, err
	}
	if st.LastSeq < last {
		return nil, fmt.Errorf("%w: the server that answers has pages up to %d of %d", gateway.ErrUnavailable, st.LastSeq, last)
	}
	return read()
}

// fence makes sure that nothing is stored any more that was sent before.
func (j *Journal) fence(ctx context.Context, e *engine) error {
	for range 5 {
		last, events := j.done.get()
		seq, err := e.fence(ctx, last, events)
		if err == nil {
			j.done.set(seq, events)
			return nil
		}
		if !errors.Is(err, errOvertaken) {
			return err
		}
		// A page that was under way has come in between.
		if _, _, err := j.reconcile(ctx, e); err != nil {
			return err
		}
	}
	return errors.New("fencing the journal: somebody else writes to its stream all the time")
}

// Held says why nothing may be taken or delivered; nil when it may. With an
// external engine that is so from when its lease could not be renewed until it
// could again; with an embedded one never. It is cheap.
func (j *Journal) Held() error {
	if err := j.lease.held(); err != nil {
		return fmt.Errorf("%w: %w", gateway.ErrUnavailable, err)
	}
	return nil
}

// LeaseLeft is for how long Held will say nothing if the lease is not renewed; zero
// when it is not held. With an embedded engine, which has none, it is zero.
func (j *Journal) LeaseLeft() time.Duration {
	if j.lease == nil || j.lease.held() != nil {
		return 0
	}
	until := j.lease.until.Load()
	return max(0, min(time.Until(*until), until.Round(0).Sub(time.Now().Round(0))))
}

// Lost is closed when another gateway took the journal over and this one does not
// join it. Nothing is taken or
// delivered from then on, whatever the other one does: what this one knows is out
// of date. Nil, which is never closed, with an embedded engine.
func (j *Journal) Lost() <-chan struct{} {
	if j.lease == nil {
		return nil
	}
	return j.lease.gone
}

// Taken says which gateway took the journal over; nil before Lost is closed.
func (j *Journal) Taken() error {
	if j.lease == nil || j.lease.by.Load() == nil {
		return nil
	}
	return fmt.Errorf("%w (%s)", ErrTaken, j.lease.by.Load())
}

// payloadHint says what to do about an event that is too large.
func (j *Journal) payloadHint() string {
	if j.cfg.external() {
		return ", as max_payload of the NATS server has it"
	}
	return ""
}

// timeHeader of a page says when it was stored first, when it was copied.
const timeHeader = "Imhook-Time"

// storedAt is when a page was stored first.
func storedAt(h nats.Header, at time.Time) time.Time {
	if len(h) > 0 {
		if t, err := time.Parse(time.RFC3339Nano, h.Get(timeHeader)); err == nil {
			return t
		}
	}
	return at
}
