package journal

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/imhook/imhook/internal/gateway"
)

// Settings is the last value of every key that people set while gateways run: a
// key-value store beside the journal, which all gateways of a journal read and write.
// What is put is durable when Put returns. It is safe for concurrent use.
type Settings struct {
	j *Journal
	// mu guards the following.
	mu     sync.Mutex
	engine *engine
	stream jetstream.Stream
}

// ErrSettingChanged says that somebody put something since the revision that a change
// was made for.
var ErrSettingChanged = errors.New("somebody else changed something at the same time")

// MaxSetting bounds a value, in bytes.
const MaxSetting = 256 << 10

// settingsWithin is how long the engine may take for one question.
const settingsWithin = 5 * time.Second

// Settings returns the store.
func (j *Journal) Settings() *Settings { return &Settings{j: j} }

// All returns every value, and the revision of the whole.
func (s *Settings) All(ctx context.Context) (values map[string][]byte, revision uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, settingsWithin)
	defer cancel()
	e, stream, err := s.open(ctx)
	if err != nil || stream == nil {
		return nil, 0, err
	}
	info, err := stream.Info(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("reading the settings: %w", restarting(err))
	}
	values = map[string][]byte{}
	prefix := e.at.settingPrefix
	err = e.each(ctx, e.at.settingStream, prefix+">", info.State, info.State.FirstSeq, func(m jetstream.Msg, _ *jetstream.MsgMetadata) error {
		key, err := untoken(strings.TrimPrefix(m.Subject(), prefix))
		if err != nil {
			return fmt.Errorf("reading the key of a setting: %w", err)
		}
		if delete(values, key); len(m.Data()) > 0 {
			values[key] = m.Data()
		}
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("reading the settings: %w", restarting(err))
	}
	return values, info.State.LastSeq, nil
}

// Revision is the present one: it grows with every change.
func (s *Settings) Revision(ctx context.Context) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, settingsWithin)
	defer cancel()
	_, stream, err := s.open(ctx)
	if err != nil {
		return 0, err
	}
	info, err := stream.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("reading the state of the settings: %w", restarting(err))
	}
	return info.State.LastSeq, nil
}

// Put keeps value as the last one of key, or takes the key away when value is empty,
// and returns the revision that this made. It fails with [ErrSettingChanged] when
// something was put since revision: who read then knows less than there is.
func (s *Settings) Put(ctx context.Context, revision uint64, key string, value []byte) (uint64, error) {
	if len(value) > MaxSetting {
		return 0, fmt.Errorf("%w: the setting %s has %d bytes, of at most %d", gateway.ErrTooLarge, key, len(value), MaxSetting)
	}
	ctx, cancel := context.WithTimeout(ctx, settingsWithin)
	defer cancel()
	e, stream, err := s.open(ctx)
	if err != nil {
		return 0, err
	}
	m := nats.NewMsg(e.at.settingPrefix + token(key))
	m.Data = value
	m.Header.Set(jetstream.ExpectedLastSeqHeader, strconv.FormatUint(revision, 10))
	ack, err := e.js.PublishMsg(ctx, m)
	switch {
	case wrongSequence(err):
		return 0, fmt.Errorf("setting %s: %w", key, ErrSettingChanged)
	case err != nil:
		return 0, fmt.Errorf("setting %s: %w", key, restarting(err))
	}
	if len(value) == 0 {
		// That it is gone must not be kept for ever: sessions come and go. The revision
		// stays; where this fails the message that is left says the same.
		_ = stream.Purge(ctx, jetstream.WithPurgeSubject(m.Subject), jetstream.WithPurgeSequence(ack.Sequence+1))
	}
	return ack.Sequence, nil
}

// open returns the stream of the present engine, and makes it when it is not there.
func (s *Settings) open(ctx context.Context) (*engine, jetstream.Stream, error) {
	e, err := s.j.use()
	if err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.engine == e {
		return e, s.stream, nil
	}
	if s.j.mustExist {
		// What is copied was perhaps written by an imhook that had no settings.
		if _, err := e.js.Stream(ctx, e.at.settingStream); errors.Is(err, jetstream.ErrStreamNotFound) {
			return e, nil, nil
		}
	}
	stream, err := s.j.stream(ctx, e, settingStreamConfig(e.at), e.account)
	if err != nil {
		return nil, nil, fmt.Errorf("opening the settings: %w", restarting(err))
	}
	s.engine, s.stream = e, stream
	return e, stream, nil
}

// settings copies what people set.
func (c *copying) settings(ctx context.Context) error {
	values, _, err := c.src.Settings().All(ctx)
	if err != nil {
		return err
	}
	to := c.dst.Settings()
	had, revision, err := to.All(ctx)
	if err != nil {
		return err
	}
	for key := range had {
		if _, ok := values[key]; !ok {
			if revision, err = to.Put(ctx, revision, key, nil); err != nil {
				return err
			}
		}
	}
	for key, value := range values {
		if revision, err = to.Put(ctx, revision, key, value); err != nil {
			return err
		}
	}
	return nil
}
