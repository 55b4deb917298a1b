package journal

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/imhook/imhook/internal/gateway"
)

// DeadLetter returns dead letter seq, or [gateway.ErrNoLetter].
func (j *Journal) DeadLetter(ctx context.Context, seq uint64) (gateway.DeadLetter, error) {
	e, err := j.use()
	if err != nil {
		return gateway.DeadLetter{}, err
	}
	m, err := e.dead.GetMsg(ctx, seq)
	if err != nil {
		return gateway.DeadLetter{}, letterError(seq, err)
	}
	d, err := j.parseDeadLetter(m.Data)
	d.Seq = seq
	return d, err
}

// NextDeadLetter returns the first dead letter at or after seq, of one endpoint
// (app/name) or of all when that is empty; [gateway.ErrNoLetter] when there is none.
// One that cannot be read is told in the log and passed over.
func (j *Journal) NextDeadLetter(ctx context.Context, seq uint64, endpoint string) (gateway.DeadLetter, error) {
	subject := j.at.deadPrefix + ">"
	if endpoint != "" {
		subject = j.at.deadPrefix + token(endpoint) + ".*"
	}
	for {
		e, err := j.use()
		if err != nil {
			return gateway.DeadLetter{}, err
		}
		m, err := e.dead.GetMsg(ctx, max(seq, 1), jetstream.WithGetMsgSubject(subject))
		if err != nil {
			return gateway.DeadLetter{}, letterError(seq, err)
		}
		d, err := j.parseDeadLetter(m.Data)
		if err != nil {
			j.cfg.Log.Error("dead letter cannot be read", "seq", m.Sequence, "err", err)
			seq = m.Sequence + 1
			continue
		}
		d.Seq = m.Sequence
		return d, nil
	}
}

func letterError(seq uint64, err error) error {
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return gateway.ErrNoLetter
	}
	return fmt.Errorf("reading dead letter %d: %w", seq, restarting(err))
}

// DeadLetterBounds returns the first and last number among the dead letters, and
// how many there are; last is first-1 when there is none.
func (j *Journal) DeadLetterBounds(ctx context.Context) (first, last, n uint64, err error) {
	e, err := j.use()
	if err != nil {
		return 0, 0, 0, err
	}
	info, err := e.dead.Info(ctx)
	if err != nil {
		return 0, 0, 0, fmt.Errorf("reading dead letters: %w", restarting(err))
	}
	if info.State.Msgs == 0 {
		return info.State.LastSeq + 1, info.State.LastSeq, 0, nil
	}
	return info.State.FirstSeq, info.State.LastSeq, info.State.Msgs, nil
}

// RemoveDeadLetter takes dead letter seq away; false when it was not there. A crash
// right after may bring it back.
func (j *Journal) RemoveDeadLetter(ctx context.Context, seq uint64) (bool, error) {
	if err := j.mayKeep(); err != nil {
		return false, err
	}
	e, err := j.use()
	if err != nil {
		return false, err
	}
	done, err := j.takeLetter()
	if err != nil {
		return false, err
	}
	err = e.dead.DeleteMsg(ctx, seq)
	done()
	if err == nil {
		return true, nil
	}
	// The engine has no word of its own for a message that is not there.
	if _, gone := e.dead.GetMsg(ctx, seq); errors.Is(gone, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	return false, fmt.Errorf("removing dead letter %d: %w", seq, restarting(err))
}

// DeadLetterCounts returns how many dead letters each endpoint (app/name) has that has
// any.
func (j *Journal) DeadLetterCounts(ctx context.Context) (map[string]uint64, error) {
	counts := map[string]uint64{}
	_, _, n, err := j.DeadLetterBounds(ctx)
	if err != nil || n == 0 {
		return counts, err
	}
	e, err := j.use()
	if err != nil {
		return nil, err
	}
	info, err := e.dead.Info(ctx, jetstream.WithSubjectFilter(j.at.deadPrefix+">"))
	if err != nil {
		return nil, fmt.Errorf("counting dead letters: %w", restarting(err))
	}
	for subject, n := range info.State.Subjects {
		of, _, _ := strings.Cut(strings.TrimPrefix(subject, j.at.deadPrefix), ".")
		if endpoint, err := untoken(of); err == nil {
			counts[endpoint] += n
		}
	}
	return counts, nil
}
