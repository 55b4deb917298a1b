package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/imhook/imhook/internal/gateway"
)

// trailStream is the stream of the trail of decisions. It is made when the trail is
// used first: a gateway that decides nothing has none, and a server that has no
// room for it takes events all the same.
type trailStream struct {
	// mu guards the following.
	mu     sync.Mutex
	stream jetstream.Stream
	// refused is why it could not be made; it is not tried again before until.
	refused error
	until   time.Time
}

const (
	// trailRetry is how long after a failure the stream of the trail is tried again.
	trailRetry = 10 * time.Second
	// trailWithin is how long the engine may take for one page of the trail.
	trailWithin = 2 * time.Second
)

// KeepTrail keeps one page of the trail of decisions behind those that are there;
// the oldest leave past TrailAge and TrailBytes. It says nothing about durability:
// the engine in this process writes the page when it comes to it, and kill -9 or
// loss of power may take the last ones. No event depends on them. While the disk is
// at its reserve nothing is kept.
//
// The error wraps [gateway.ErrUnavailable] when trying again may help.
func (j *Journal) KeepTrail(ctx context.Context, page []byte) error {
	if err := j.Held(); err != nil {
		return err
	}
	e, err := j.use()
	if err != nil {
		return err
	}
	if !j.cfg.external() {
		avail, _, err := free(j.cfg.Dir)
		if want := j.wanted(); err == nil && avail < want {
			return fmt.Errorf("%w: the disk of %s has %s left and %s are kept free", gateway.ErrFull, j.cfg.Dir, size(avail), size(want))
		}
	}
	if _, err := j.trailOf(ctx, e); err != nil {
		return err
	}
	m := nats.NewMsg(j.at.trailSubject)
	m.Data = page
	within, cancel := context.WithTimeout(ctx, trailWithin)
	defer cancel()
	// What fails here says nothing about the journal: a stream may be at a limit of
	// its own.
	if _, err := e.js.PublishMsg(within, m); err != nil {
		return fmt.Errorf("keeping a page of the trail: %w", restarting(err))
	}
	return nil
}

// TrailPage returns page seq of the trail and when it was kept, or
// [gateway.ErrNoPage] when it is not there.
func (j *Journal) TrailPage(ctx context.Context, seq uint64) ([]byte, time.Time, error) {
	e, err := j.use()
	if err != nil {
		return nil, time.Time{}, err
	}
	s, err := j.trailOf(ctx, e)
	if err != nil {
		return nil, time.Time{}, err
	}
	m, err := s.GetMsg(ctx, seq)
	switch {
	case err == nil:
		return m.Data, m.Time, nil
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return nil, time.Time{}, gateway.ErrNoPage
	}
	return nil, time.Time{}, fmt.Errorf("reading page %d of the trail: %w", seq, restarting(err))
}

// TrailBounds returns the first and last page of the trail; last is first-1 when
// there is none.
func (j *Journal) TrailBounds(ctx context.Context) (first, last uint64, err error) {
	e, err := j.use()
	if err != nil {
		return 0, 0, err
	}
	s, err := j.trailOf(ctx, e)
	if err != nil {
		return 0, 0, err
	}
	info, err := s.Info(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("reading the state of the trail: %w", restarting(err))
	}
	if info.State.Msgs == 0 {
		return info.State.LastSeq + 1, info.State.LastSeq, nil
	}
	return info.State.FirstSeq, info.State.LastSeq, nil
}

// trailOf returns the stream, and makes it when it is not there.
func (j *Journal) trailOf(ctx context.Context, e *engine) (jetstream.Stream, error) {
	t := &e.trail
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stream != nil {
		return t.stream, nil
	}
	if t.refused != nil && time.Now().Before(t.until) {
		return nil, t.refused
	}
	// The one who asked may leave; what came of it is for all.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), mendTimeout)
	defer cancel()
	s, err := j.stream(ctx, e, j.trailStreamConfig(), e.account)
	if err != nil {
		t.refused, t.until = fmt.Errorf("opening the trail of decisions: %w", restarting(err)), time.Now().Add(trailRetry)
		if errors.Is(t.refused, gateway.ErrUnavailable) {
			t.until = time.Time{}
		}
		return nil, t.refused
	}
	t.stream, t.refused = s, nil
	return s, nil
}
