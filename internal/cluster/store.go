package cluster

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/gateway/deliver"
	"github.com/imhook/imhook/internal/gateway/journal"
)

// Journal is what a gateway of a cluster needs of the journal that it shares.
type Journal interface {
	deliver.Journal
	// Self is this gateway, and Role which one writes.
	Self() journal.Node
	Role() (journal.Role, <-chan struct{})
	// LeaseLeft is for how long this one writes, unless it renews its lease.
	LeaseLeft() time.Duration
	Request(ctx context.Context, node, what string, data []byte) ([]byte, error)
	Serve(what string, h journal.Handler)
	Hint(what string)
	OnHint(what string, fn func())
}

// store is the journal as the Deliverer of one slice sees it: it has the positions
// of the slice alone, and they are saved by the gateway that writes.
type store struct {
	Journal
	n *Node
	s *sliceRun
}

// tailKey is the key of the position of a slice's tail.
func tailKey(slice int) string { return deliver.TailKey + mark(slice) }

// tailIn is the saved position of a slice's tail, or, of one that had none yet, of
// the tail of a gateway that was alone. An older one is always safe: it is read from
// again.
func tailIn(saved map[string][]byte, slice int) []byte {
	if tail, ok := saved[tailKey(slice)]; ok {
		return tail
	}
	return saved[deliver.TailKey]
}

// physical is the key under which a key of the slice is saved.
func (t *store) physical(key string) (string, error) {
	if key == deliver.TailKey {
		return tailKey(t.s.slice), nil
	}
	id, ok := deliver.EndpointOf(key)
	if !ok {
		return key + mark(t.s.slice), nil
	}
	p, ok := t.s.layout.partIn(id, t.s.slice)
	if !ok {
		return "", fmt.Errorf("endpoint %s has no part in slice %d", id, t.s.slice)
	}
	return p.record(), nil
}

// Load returns the positions of the slice. Without an endpoint there is no tail: it
// may be from long ago, and would be read from.
func (t *store) Load(ctx context.Context) (map[string][]byte, error) {
	saved, err := t.Journal.Load(ctx)
	if err != nil {
		return nil, err
	}
	return t.s.of(saved), nil
}

// mark is behind the keys of a slice that are no positions of parts.
func mark(slice int) string { return "#" + strconv.Itoa(slice) }

// cutMark is the inverse of mark; false for a key that has none.
func cutMark(key string) (name string, slice int, ok bool) {
	i := strings.LastIndexByte(key, '#')
	if i < 0 {
		return "", 0, false
	}
	slice, err := strconv.Atoi(key[i+1:])
	return key[:i], slice, err == nil && slice >= 0 && slice < Slices
}

// of picks what belongs to the slice.
func (s *sliceRun) of(saved map[string][]byte) map[string][]byte {
	own := map[string][]byte{}
	for key, value := range saved {
		p, ok := parseRecord(key)
		if !ok || s.layout.spread(p.id) != p.n || p.slice() != s.slice {
			continue // another slice's, or of parts that are no more
		}
		own[deliver.EndpointKey(p.id)] = value
	}
	if len(own) == 0 {
		return own
	}
	for key, value := range saved {
		if name, ok := strings.CutSuffix(key, mark(s.slice)); ok && name != deliver.TailKey {
			if run, ok := deliver.RunOf(name, value); ok {
				if _, here := s.layout.partIn(run.Target(), s.slice); !here {
					continue // its endpoint was cut otherwise, and it went to other slices
				}
			}
			own[name] = value
			continue
		}
		// Of a gateway that was alone.
		id, ok := deliver.AheadOf(key)
		if _, here := own[deliver.EndpointKey(id)]; ok && here && s.layout.spread(id) == 1 && own[key] == nil {
			own[key] = value
		}
	}
	if tail := tailIn(saved, s.slice); tail != nil {
		own[deliver.TailKey] = tail
	}
	return own
}

// Save keeps the last value of a key, durably, while the slice is ours.
func (t *store) Save(ctx context.Context, key string, value []byte) error {
	key, err := t.physical(key)
	if err != nil {
		return err
	}
	return t.n.save(ctx, save{Node: t.n.self.ID, Slice: t.s.slice, Number: t.s.number, Key: key}, value)
}

// Drop forgets a key, while the slice is ours.
func (t *store) Drop(ctx context.Context, key string) error {
	key, err := t.physical(key)
	if err != nil {
		return err
	}
	return t.n.save(ctx, save{Node: t.n.self.ID, Slice: t.s.slice, Number: t.s.number, Key: key, Drop: true}, nil)
}

// SetFloor says that the slice is done with the pages below seq.
func (t *store) SetFloor(seq uint64, _ bool) { t.s.floor.Store(seq) }

// Tail goes on by itself where another gateway takes the journal over.
func (t *store) Tail(ctx context.Context, from uint64, fn func(*gateway.Page)) error {
	const again = 100 * time.Millisecond
	for {
		err := t.Journal.Tail(ctx, from, func(p *gateway.Page) {
			fn(p)
			from = p.Seq + 1
		})
		if ctx.Err() != nil || !errors.Is(err, gateway.ErrUnavailable) {
			return err
		}
		timer := time.NewTimer(again)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
	}
}
