package journal

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// token makes any text one token of an engine's subject.
func token(s string) string {
	if s == "" {
		return "-"
	}
	return base64.RawURLEncoding.EncodeToString([]byte(s))
}

func untoken(t string) (string, error) {
	if t == "-" {
		return "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(t)
	return string(b), err
}

// Save keeps value as the last one of key, durably.
func (j *Journal) Save(ctx context.Context, key string, value []byte) error {
	if err := j.put(ctx, positionPrefix+token(key), value); err != nil {
		return fmt.Errorf("saving %s: %w", key, err)
	}
	return nil
}

// Drop forgets key and its value. A crash right after may bring them back.
func (j *Journal) Drop(ctx context.Context, key string) error {
	e, err := j.use()
	if err != nil {
		return err
	}
	if err := e.places.Purge(ctx, jetstream.WithPurgeSubject(positionPrefix+token(key))); err != nil {
		return fmt.Errorf("dropping %s: %w", key, restarting(err))
	}
	return nil
}

// Load returns the last value of every key.
func (j *Journal) Load(ctx context.Context) (map[string][]byte, error) {
	e, err := j.use()
	if err != nil {
		return nil, err
	}
	info, err := e.places.Info(ctx, jetstream.WithSubjectFilter(positionPrefix+">"))
	if err != nil {
		return nil, fmt.Errorf("loading positions: %w", err)
	}
	all := make(map[string][]byte, len(info.State.Subjects))
	for subject := range info.State.Subjects {
		m, err := e.places.GetLastMsgForSubject(ctx, subject)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("loading positions: %w", err)
		}
		key, err := untoken(strings.TrimPrefix(subject, positionPrefix))
		if err != nil {
			return nil, fmt.Errorf("loading positions: subject %q: %w", subject, err)
		}
		all[key] = m.Data
	}
	return all, nil
}
