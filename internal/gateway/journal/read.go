package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Page returns the first page at or after seq. It is gateway.ErrNoPage when
// there is none yet. A page that cannot be read comes back without events: it is
// counted and logged, and readers go on behind it.
func (j *Journal) Page(ctx context.Context, seq uint64) (*gateway.Page, error) {
	e, err := j.use()
	if err != nil {
		return nil, err
	}
	m, err := j.get(ctx, e, seq)
	if err != nil {
		return nil, err
	}
	if from := max(seq, 1); m.Sequence > from {
		j.suspect(from, m.Sequence-1)
	}
	if j.nodes != nil {
		if err := known(m.Data); err != nil {
			return nil, fmt.Errorf("reading page %d: %w", m.Sequence, err)
		}
	}
	return j.page(m.Sequence, storedAt(m.Header, m.Time), m.Data), nil
}

// restarting tells a reader that met the engine while it was being restarted that
// trying again helps.
func restarting(err error) error {
	if errors.Is(err, nats.ErrConnectionClosed) || again(err) {
		return fmt.Errorf("%w: %w", gateway.ErrUnavailable, err)
	}
	return err
}

func (j *Journal) page(seq uint64, at time.Time, data []byte) *gateway.Page {
	p := &gateway.Page{Seq: seq, Time: at, Bytes: len(data)}
	records, err := parsePage(data, &j.names)
	if err != nil {
		j.counts.unreadable.Add(1)
		j.cfg.Log.Error("page cannot be read, its events are skipped", "page", seq, "bytes", len(data), "err", err)
		return p
	}
	p.Events = make([]*event.Event, 0, len(records))
	for i := range records {
		if ev := records[i].ev; ev != nil {
			p.Events = append(p.Events, ev)
		}
	}
	return p
}

// Tail calls fn for every page from seq on, in order, each once and none left
// out, as they are committed, until ctx ends or reading fails. fn may block; the
// events of a page are shared and must not be changed.
func (j *Journal) Tail(ctx context.Context, from uint64, fn func(*gateway.Page)) error {
	for next := max(from, 1); ; {
		p, end, changed := j.recent.page(next)
		if p == nil && !end {
			var err error
			if p, err = j.Page(ctx, next); err != nil && !errors.Is(err, gateway.ErrNoPage) {
				return fmt.Errorf("following the journal: %w", err)
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if p != nil {
			fn(p)
			next = p.Seq + 1
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// Bounds returns the first and last page and the bytes of all; last is first-1
// when there is none.
func (j *Journal) Bounds(ctx context.Context) (first, last, bytes uint64, err error) {
	st, err := j.state(ctx)
	if err != nil {
		return 0, 0, 0, err
	}
	if st.Msgs == 0 {
		return st.LastSeq + 1, st.LastSeq, 0, nil
	}
	return st.FirstSeq, st.LastSeq, st.Bytes, nil
}

func (j *Journal) state(ctx context.Context) (jetstream.StreamState, error) {
	e, err := j.use()
	if err != nil {
		return jetstream.StreamState{}, err
	}
	return e.state(ctx)
}

func (e *engine) state(ctx context.Context) (jetstream.StreamState, error) {
	info, err := e.pages.Info(ctx)
	if err != nil {
		return jetstream.StreamState{}, fmt.Errorf("reading the journal's state: %w", restarting(err))
	}
	return info.State, nil
}

// SeqAt returns the first page that was stored at or after t, or
// gateway.ErrNoPage when all are older.
func (j *Journal) SeqAt(ctx context.Context, t time.Time) (uint64, error) {
	e, err := j.use()
	if err != nil {
		return 0, err
	}
	st, err := e.state(ctx)
	if err != nil {
		return 0, err
	}
	return e.seqAt(ctx, st, t)
}

func (e *engine) seqAt(ctx context.Context, st jetstream.StreamState, t time.Time) (uint64, error) {
	// Most who ask, and they ask every second, want to hear that nothing is that
	// old; the search below reads pages.
	switch {
	case st.Msgs == 0 || st.LastTime.Before(t):
		return 0, gateway.ErrNoPage
	case !st.FirstTime.Before(t) && !e.copied.Load():
		return st.FirstSeq, nil
	}
	if e.copied.Load() {
		m, err := e.pages.GetMsg(ctx, st.FirstSeq)
		if err == nil {
			e.copied.Store(m.Header.Get(timeHeader) != "") // the copied ones may be gone
			if !storedAt(m.Header, m.Time).Before(t) {
				return st.FirstSeq, nil
			}
		}
	}
	lo, hi := st.FirstSeq, st.LastSeq+1
	for lo < hi {
		mid := lo + (hi-lo)/2
		m, err := e.pages.GetMsg(ctx, mid, jetstream.WithGetMsgSubject(e.at.pageSubject))
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound):
			hi = mid
		case err != nil:
			return 0, fmt.Errorf("reading page %d: %w", mid, restarting(err))
		case storedAt(m.Header, m.Time).Before(t):
			lo = m.Sequence + 1
		default:
			hi = mid
		}
	}
	if lo > st.LastSeq {
		return 0, gateway.ErrNoPage
	}
	return lo, nil
}

// interner keeps one copy of the few strings that every event repeats.
type interner struct {
	mu    sync.RWMutex
	names map[string]string
}

// maxNames bounds what is kept: a source could send a new command each time.
const maxNames = 4096

func (in *interner) get(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	in.mu.RLock()
	s, ok := in.names[string(b)]
	in.mu.RUnlock()
	if ok {
		return s
	}
	s = string(b)
	if len(s) > 128 {
		return s
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.names == nil {
		in.names = map[string]string{}
	}
	if len(in.names) < maxNames {
		in.names[s] = s
	}
	return s
}
