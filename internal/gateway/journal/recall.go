package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// How much is taken from the engine ahead. Pages differ a thousandfold in size, so
// bytes are bounded as well; the largest page fits.
const (
	readAheadPages = 256
	readAheadBytes = maxPage + 1<<20
	// After recallPause without a message the engine is asked whether there is one,
	// and recallPauses times that is too long.
	recallPause  = time.Second
	recallPauses = 30
)

// recallWindow remembers the keys and guards of the window: from snapshots as far
// as there are, from the pages behind them. After a loss all is read from pages:
// what came in pages that are gone must be taken when it comes again.
func (j *Journal) recallWindow(ctx context.Context, e *engine, lost bool) error {
	last, _ := j.done.get()
	cutoff := j.cfg.Now().Add(-j.cfg.Window)
	j.commits.mu.Lock()
	defer func() {
		j.snaps.next = last + 1
		j.commits.mu.Unlock()
	}()
	if lost {
		j.window.forget(j.cfg.Now())
		if err := j.snaps.drop(); err != nil {
			return err
		}
	}
	st, err := e.state(ctx)
	if err != nil {
		return err
	}
	from, err := e.seqAt(ctx, st, cutoff)
	if errors.Is(err, gateway.ErrNoPage) {
		return nil
	}
	if err != nil {
		return err
	}
	if segs := j.snaps.load(from, last, j.window.limit, j.cfg.Log); segs != nil {
		j.window.refill(segs)
		from = max(from, segs[len(segs)-1].to+1)
	}
	j.snaps.next = from
	return j.recallLocked(ctx, e, from)
}

// recall reads the keys and guards of the pages from seq on.
func (j *Journal) recall(ctx context.Context, e *engine, from uint64) error {
	j.commits.mu.Lock()
	defer j.commits.mu.Unlock()
	return j.recallLocked(ctx, e, from)
}

// recallLocked is recall for who holds committer.mu. Nothing is committed
// meanwhile.
func (j *Journal) recallLocked(ctx context.Context, e *engine, from uint64) error {
	st, err := e.state(ctx)
	if err != nil {
		return err
	}
	return e.each(ctx, e.at.pageStream, e.at.pageSubject, st, from, func(m jetstream.Msg, meta *jetstream.MsgMetadata) error {
		return j.recallPage(meta.Sequence.Stream, meta.Timestamp, m.Data())
	})
}

// each calls fn for every message of a stream in the state st that is at or after
// from and has the subject.
func (e *engine) each(ctx context.Context, stream, subject string, st jetstream.StreamState, from uint64, fn func(jetstream.Msg, *jetstream.MsgMetadata) error) error {
	last := st.LastSeq
	if st.Msgs == 0 || from > last {
		return nil
	}
	from = max(from, st.FirstSeq, 1)
	// The last sequence need not be there any more: without this the wait for a
	// message from there on would have no end.
	s, err := e.js.Stream(ctx, stream)
	if err != nil {
		return err
	}
	_, err = s.GetMsg(ctx, from, jetstream.WithGetMsgSubject(subject))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading message %d of %s: %w", from, stream, err)
	}
	cons, err := e.js.OrderedConsumer(ctx, stream, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: from,
		FilterSubjects: []string{subject},
	})
	if err != nil {
		return err
	}
	it, err := cons.Messages(jetstream.PullMaxMessagesWithBytesLimit(readAheadPages, readAheadBytes),
		jetstream.PullExpiry(5*time.Second), jetstream.PullHeartbeat(time.Second))
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, it.Stop)()
	defer it.Stop()
	next := from
	for idle := 0; ; {
		m, err := it.Next(jetstream.NextMaxWait(recallPause))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, nats.ErrTimeout) {
			// The engine counts a message that it cannot read, and does not deliver it. When
			// that is the last one, nothing would ever come.
			_, err := s.GetMsg(ctx, next, jetstream.WithGetMsgSubject(subject))
			if errors.Is(err, jetstream.ErrMsgNotFound) {
				return nil
			}
			if idle++; err == nil && idle >= recallPauses {
				err = errors.New("it is not delivered")
			}
			if err != nil {
				return fmt.Errorf("reading message %d of %s: %w", next, stream, err)
			}
			continue
		}
		if err != nil {
			return err
		}
		idle = 0
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		if err := fn(m, meta); err != nil {
			return err
		}
		if meta.Sequence.Stream >= last || meta.NumPending == 0 {
			return nil
		}
		next = meta.Sequence.Stream + 1
	}
}

func (j *Journal) recallPage(seq uint64, at time.Time, data []byte) error {
	var keys []event.Key
	var guards []gateway.Guard
	err := skimPage(data,
		func(k event.Key) {
			j.window.addKey(k, nil)
			keys = append(keys, k)
		},
		func(g gateway.Guard) {
			j.window.addGuard(g, nil)
			guards = append(guards, g)
		})
	if errors.Is(err, ErrNewer) {
		return fmt.Errorf("page %d: %w", seq, err)
	}
	// Any other error is for the readers to count and to log.
	j.window.turn(j.window.since) // by number only: time has not passed
	j.snaps.add(seq, at, keys, guards)
	j.recalled++
	return nil
}
