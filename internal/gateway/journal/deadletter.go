package journal

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// deadLetter is what is written before the event's record.
type deadLetter struct {
	Endpoint string            `json:"endpoint"`
	Pos      uint64            `json:"pos"`
	Reason   gateway.Reason    `json:"reason"`
	Detail   string            `json:"detail,omitzero"`
	Attempts int               `json:"attempts"`
	FirstAt  time.Time         `json:"firstAt,omitzero"`
	At       time.Time         `json:"at"`
	Exchange *gateway.Exchange `json:"exchange,omitzero"`
	Repeat   event.Repeat      `json:"repeat,omitzero"`
}

// Park keeps a dead letter, durably. The oldest are dropped after 30 days or past
// 2 GiB.
func (j *Journal) Park(ctx context.Context, d gateway.DeadLetter) error {
	meta, err := json.Marshal(deadLetter{
		Endpoint: d.Endpoint, Pos: uint64(d.Pos), Reason: d.Reason, Detail: d.Detail,
		Attempts: d.Attempts, FirstAt: d.FirstAt.UTC(), At: d.At.UTC(), Exchange: d.Exchange, Repeat: d.Repeat,
	})
	if err != nil {
		return fmt.Errorf("writing a dead letter: %w", err)
	}
	b := binary.AppendUvarint(nil, uint64(len(meta)))
	b = append(b, meta...)
	b = append(b, 1, 0, 0, 0, 1) // a page of version 1: nothing came before it
	b = appendRecord(b, record{ev: d.Event})
	m := nats.NewMsg(j.at.deadPrefix + token(d.Endpoint) + "." + token(string(d.Reason)))
	m.Data = b
	seq, err := j.put(ctx, m)
	if err != nil {
		return fmt.Errorf("keeping a dead letter: %w", err)
	}
	j.parked.Store(seq)
	return nil
}

func (j *Journal) parseDeadLetter(b []byte) (gateway.DeadLetter, error) {
	n, k := binary.Uvarint(b)
	if k <= 0 || n > uint64(len(b)-k) {
		return gateway.DeadLetter{}, fmt.Errorf("%w: head of a dead letter", ErrPage)
	}
	var meta deadLetter
	if err := json.Unmarshal(b[k:k+int(n)], &meta); err != nil {
		return gateway.DeadLetter{}, fmt.Errorf("%w: %w", ErrPage, err)
	}
	records, err := parsePage(b[k+int(n):], &j.names)
	if err != nil {
		return gateway.DeadLetter{}, err
	}
	if len(records) != 1 || records[0].ev == nil {
		return gateway.DeadLetter{}, fmt.Errorf("%w: %d events in a dead letter", ErrPage, len(records))
	}
	return gateway.DeadLetter{
		Endpoint: meta.Endpoint, Pos: gateway.Pos(meta.Pos), Event: records[0].ev, Reason: meta.Reason, Detail: meta.Detail,
		Attempts: meta.Attempts, FirstAt: meta.FirstAt, At: meta.At, Exchange: meta.Exchange, Repeat: meta.Repeat,
	}, nil
}
