package history

import (
	"context"
	"fmt"
	"slices"

	"github.com/imhook/imhook/event"
)

// turn seals what is open when there is enough of it, and begins another segment when
// this one is full.
func (f *feeder) turn(ctx context.Context) error {
	d := &f.seg.directory
	if len(d.before.places)+len(d.after.places) >= f.h.cfg.chunkEvents {
		if err := f.seal(ctx); err != nil {
			return err
		}
	} else if f.h.cfg.Now().Sub(f.boundAt) < boundEvery {
		return nil
	}
	full, err := f.full(ctx)
	if err != nil || !full {
		return err
	}
	return f.nextSegment(ctx)
}

// full reports whether the segment has its part of the bytes, or of the age, that may be
// kept.
func (f *feeder) full(ctx context.Context) (bool, error) {
	lo, hi, ok := f.seg.times()
	if !ok {
		return false, nil
	}
	if hi-lo > f.h.cfg.Age.Milliseconds()/segmentParts {
		return true, nil
	}
	n, err := f.store.bytes(ctx, f.seg)
	return n >= f.h.cfg.segmentBytes, err
}

// nextSegment seals the newest segment and begins another one, which takes the positions
// along.
func (f *feeder) nextSegment(ctx context.Context) error {
	if err := f.seal(ctx); err != nil {
		return err
	}
	s, err := f.add(ctx, f.seg.id+1)
	if err != nil {
		return err
	}
	if err := f.write(ctx, s); err != nil {
		return err
	}
	ctx, cancel := f.whole(ctx)
	defer cancel()
	if err := f.w.transaction(ctx, func() error { return f.writePositions(ctx) }); err != nil {
		return fmt.Errorf("writing the history: %w", err)
	}
	f.boundAt = f.boundAt.Add(-boundEvery) // the bounds are looked at once more
	return nil
}

// seal sorts the terms of what is open and writes them, each with its places.
func (f *feeder) seal(ctx context.Context) error {
	ctx, cancel := f.whole(ctx)
	defer cancel()
	next := f.seg.directory
	next.chunks = slices.Clip(next.chunks)
	err := f.w.transaction(ctx, func() error {
		for _, phase := range []event.Phase{event.Before, event.After} {
			o := next.of(phase)
			if len(o.places) == 0 {
				continue
			}
			c := chunk{id: nextChunk(next.chunks), first: o.places[0], last: o.places[len(o.places)-1], n: len(o.places), blocks: o.blocks()}
			if err := f.writeChunk(ctx, c, o); err != nil {
				return err
			}
			next.chunks = append(next.chunks, c)
			*o = open{}
		}
		return f.w.empty(ctx, freshTable)
	})
	if err != nil {
		return fmt.Errorf("writing a chunk of the history: %w", err)
	}
	slices.SortFunc(next.chunks, func(a, b chunk) int {
		if a.first < b.first {
			return -1
		}
		return 1
	})
	f.h.mu.Lock()
	f.seg.directory = next
	f.h.mu.Unlock()
	return nil
}

func nextChunk(all []chunk) int64 {
	n := int64(0)
	for _, c := range all {
		n = max(n, c.id)
	}
	return n + 1
}

// writeChunk writes the terms of a chunk in their order, so that the table only grows at
// its end. They are sorted in parts, between which it may rest.
func (f *feeder) writeChunk(ctx context.Context, c chunk, o *open) error {
	var parts [256][]pair
	for _, p := range o.pairs {
		n := uint8(uint64(p.term)>>56) ^ 0x80 // signed: the negative ones come first
		parts[n] = append(parts[n], p)
	}
	f.pace.rest()
	var rows [][]any
	for _, part := range parts {
		slices.SortFunc(part, func(a, b pair) int {
			switch {
			case a.term != b.term && a.term < b.term:
				return -1
			case a.term != b.term:
				return 1
			}
			return int(a.n) - int(b.n)
		})
		var places []place
		for i, p := range part {
			places = append(places, o.places[p.n])
			if i+1 < len(part) && part[i+1].term == p.term {
				continue
			}
			rows = append(rows, []any{c.id, int64(p.term), appendPlaces(nil, places)})
			places = places[:0]
		}
		if len(rows) >= sealRows {
			if err := f.w.insert(ctx, termTable, rows); err != nil {
				return err
			}
			rows = rows[:0]
		}
	}
	if err := f.w.insert(ctx, termTable, rows); err != nil {
		return err
	}
	return f.w.exec(ctx, insertChunk, c.id, int64(c.first), int64(c.last), int64(c.n))
}

// sealRows is how many terms are written at a time.
const sealRows = 4096
