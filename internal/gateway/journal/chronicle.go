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

// Chronicle is one of the streams beside the journal that are kept for people: see
// [Journal.Decisions], [Journal.Attempts] and [Journal.Audit]. It is safe for concurrent use.
type Chronicle struct {
	j *Journal
	// at is its place in [engine.chronicles], what names it in errors, and key its
	// configuration.
	at              int
	what, key       string
	stream, subject string
	age             time.Duration
	bytes           int64
}

// The chronicles, by their places.
const (
	decisions = iota
	attempts
	audits
	chronicles
)

// Decisions is where the trail of decisions is kept.
func (j *Journal) Decisions() *Chronicle {
	return &Chronicle{
		j: j, at: decisions, what: "the trail of decisions", key: "journal.decisions.bytes",
		stream: j.at.trailStream, subject: j.at.trailSubject, age: j.cfg.TrailAge, bytes: j.cfg.TrailBytes,
	}
}

// Attempts is where the log of attempts is kept.
func (j *Journal) Attempts() *Chronicle {
	return &Chronicle{
		j: j, at: attempts, what: "the log of attempts", key: "journal.attempts.bytes",
		stream: j.at.attemptStream, subject: j.at.attemptSubject, age: j.cfg.AttemptsAge, bytes: j.cfg.AttemptsBytes,
	}
}

// How long the audit log is kept, and how many bytes of it.
const (
	auditKept  = 366 * 24 * time.Hour
	auditBytes = 64 << 20
)

// Audit is where the log of who changed what is kept.
func (j *Journal) Audit() *Chronicle {
	return &Chronicle{
		j: j, at: audits, what: "the audit log", stream: j.at.auditStream, subject: j.at.auditSubject, age: auditKept, bytes: auditBytes,
	}
}

// chronicleOf is the chronicle that a stream is of; nil when it is none.
func (j *Journal) chronicleOf(stream string) *Chronicle {
	for _, c := range []*Chronicle{j.Decisions(), j.Attempts(), j.Audit()} {
		if c.stream == stream {
			return c
		}
	}
	return nil
}

// chronicleStream is the stream of a chronicle. It is made when it is used first: a
// gateway that decides nothing has none of decisions, and a server that has no room
// for it takes events all the same.
type chronicleStream struct {
	// mu guards the following.
	mu     sync.Mutex
	stream jetstream.Stream
	// refused is why it could not be made; it is not tried again before until.
	refused error
	until   time.Time
}

const (
	// chronicleRetry is how long after a failure the stream is tried again.
	chronicleRetry = 10 * time.Second
	// chronicleWithin is how long the engine may take for one page.
	chronicleWithin = 2 * time.Second
)

// Keep keeps one page behind those that are there; the oldest leave past the
// configured age and bytes. It says nothing about durability:
// the engine in this process writes the page when it comes to it, and kill -9 or
// loss of power may take the last ones. No event depends on them. While the disk is
// at its reserve nothing is kept.
//
// The error wraps [gateway.ErrUnavailable] when trying again may help.
func (c *Chronicle) Keep(ctx context.Context, page []byte) error {
	j := c.j
	if err := j.mayKeep(); err != nil {
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
	if _, err := c.open(ctx, e); err != nil {
		return err
	}
	m := nats.NewMsg(c.subject)
	m.Data = page
	within, cancel := context.WithTimeout(ctx, chronicleWithin)
	defer cancel()
	// What fails here says nothing about the journal: a stream may be at a limit of
	// its own.
	if _, err := e.js.PublishMsg(within, m); err != nil {
		return fmt.Errorf("keeping a page of %s: %w", c.what, restarting(err))
	}
	return nil
}

// Page returns page seq and when it was kept, or
// [gateway.ErrNoPage] when it is not there.
func (c *Chronicle) Page(ctx context.Context, seq uint64) ([]byte, time.Time, error) {
	e, err := c.j.use()
	if err != nil {
		return nil, time.Time{}, err
	}
	s, err := c.open(ctx, e)
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
	return nil, time.Time{}, fmt.Errorf("reading page %d of %s: %w", seq, c.what, restarting(err))
}

// Bounds returns the first and last page; last is first-1 when
// there is none.
func (c *Chronicle) Bounds(ctx context.Context) (first, last uint64, err error) {
	e, err := c.j.use()
	if err != nil {
		return 0, 0, err
	}
	s, err := c.open(ctx, e)
	if err != nil {
		return 0, 0, err
	}
	info, err := s.Info(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("reading the state of %s: %w", c.what, restarting(err))
	}
	if info.State.Msgs == 0 {
		return info.State.LastSeq + 1, info.State.LastSeq, nil
	}
	return info.State.FirstSeq, info.State.LastSeq, nil
}

// open returns the stream, and makes it when it is not there.
func (c *Chronicle) open(ctx context.Context, e *engine) (jetstream.Stream, error) {
	t := &e.chronicles[c.at]
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
	s, err := c.j.stream(ctx, e, c.config(), e.account)
	if err != nil {
		t.refused, t.until = fmt.Errorf("opening %s: %w", c.what, restarting(err)), time.Now().Add(chronicleRetry)
		if errors.Is(t.refused, gateway.ErrUnavailable) {
			t.until = time.Time{}
		}
		return nil, t.refused
	}
	t.stream, t.refused = s, nil
	return s, nil
}
