package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// How much is taken from the engine ahead. Pages differ a thousandfold in size, so
// bytes are bounded as well; the largest page fits.
const (
	readAheadPages = 256
	readAheadBytes = maxPage + 1<<20
)

// recallWindow reads the keys and guards of the window again.
func (j *Journal) recallWindow(ctx context.Context) error {
	from, err := j.SeqAt(ctx, j.cfg.Now().Add(-j.cfg.Window))
	if errors.Is(err, gateway.ErrNoPage) {
		return nil
	}
	if err != nil {
		return err
	}
	return j.recall(ctx, j.engine.Load(), from)
}

// recall reads the keys and guards of the pages from seq on.
func (j *Journal) recall(ctx context.Context, e *engine, from uint64) error {
	info, err := e.pages.Info(ctx)
	if err != nil {
		return fmt.Errorf("reading the journal's state: %w", err)
	}
	last := info.State.LastSeq
	if info.State.Msgs == 0 || from > last {
		return nil
	}
	// The last sequence need not be there any more: without this the wait for a
	// page from there on would have no end.
	_, err = e.pages.GetMsg(ctx, from, jetstream.WithGetMsgSubject(pageSubject))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading page %d: %w", from, err)
	}
	cons, err := e.js.OrderedConsumer(ctx, pageStream, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: max(from, info.State.FirstSeq),
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
	for {
		m, err := it.Next()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		if err := j.recallPage(m.Data()); err != nil {
			return err
		}
		if meta.Sequence.Stream >= last || meta.NumPending == 0 {
			return nil
		}
	}
}

func (j *Journal) recallPage(data []byte) error {
	j.commits.mu.Lock()
	defer j.commits.mu.Unlock()
	err := skimPage(data,
		func(k event.Key) { j.window.addKey(k, nil) },
		func(g gateway.Guard) { j.window.addGuard(g, nil) })
	if errors.Is(err, ErrNewer) {
		return err
	}
	// Any other error is for the readers to count and to log.
	j.window.turn(j.window.since) // by number only: time has not passed
	return nil
}
