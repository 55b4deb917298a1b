package history

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// flush writes the batch, all of it with the positions behind it or nothing, and then
// shows it to who searches.
func (f *feeder) flush(ctx context.Context) error {
	b := &f.batch
	if b.empty() {
		return nil
	}
	ctx, cancel := f.whole(ctx)
	defer cancel()
	next := f.seg.directory // nobody else changes it
	kinds, added := f.number(b)
	err := f.w.transaction(ctx, func() error { return f.writeBatch(ctx, &next, kinds, added) })
	if err != nil {
		return fmt.Errorf("writing the history: %w", err)
	}
	f.seg.mu.Lock()
	if len(added) > 0 {
		all := maps.Clone(f.seg.kinds)
		for k, n := range added {
			all[n] = k
		}
		f.seg.kinds = all
	}
	f.seg.mu.Unlock()
	f.h.mu.Lock()
	f.seg.directory = next
	f.h.mu.Unlock()
	f.h.counters.events.Add(uint64(len(b.events)))
	if n := len(b.ended); n > 0 {
		f.back = b.ended[:0]
	}
	b.clear()
	return nil
}

// whole is the context of a transaction, which a stop interrupts soon; what bounds it
// otherwise are its statements. Where the database is in this process nothing can
// interrupt one, and a context that may end costs a goroutine for each statement.
func (f *feeder) whole(ctx context.Context) (context.Context, context.CancelFunc) {
	if f.store.local() {
		return context.WithoutCancel(ctx), func() {}
	}
	return ending(ctx, 0)
}

// ending returns a context that ends soon after ctx, and after within where that is not
// zero: what was begun is written when the history ends, and a database that does not
// answer holds up nobody.
func ending(ctx context.Context, within time.Duration) (context.Context, context.CancelFunc) {
	lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	if within > 0 {
		end := time.AfterFunc(within, cancel)
		context.AfterFunc(lasting, func() { end.Stop() })
	}
	stop := context.AfterFunc(ctx, func() {
		t := time.NewTimer(lastWithin)
		defer t.Stop()
		select {
		case <-t.C:
			cancel()
		case <-lasting.Done():
		}
	})
	return lasting, func() {
		stop()
		cancel()
	}
}

// number gives the kinds of the batch's events their numbers.
func (f *feeder) number(b *batch) (of []int64, added map[kind]int64) {
	added = map[kind]int64{}
	of = make([]int64, len(b.events))
	for i := range b.events {
		k := b.events[i].kind()
		n, ok := f.kinds[k]
		if !ok {
			n = int64(len(f.kinds)) + 1
			f.kinds[k], added[k] = n, n
		}
		of[i] = n
	}
	return of, added
}

// writeBatch writes the batch's rows, and notes them in the directory.
func (f *feeder) writeBatch(ctx context.Context, d *directory, kinds []int64, added map[kind]int64) error {
	b := &f.batch
	rows := make([][]any, 0, max(len(b.events), len(b.steps)))
	for k, n := range added {
		rows = append(rows, []any{n, string(k.Type), string(k.Phase), k.App, k.Source, k.Dialect, k.Command})
	}
	if err := f.w.insert(ctx, kindTable, rows); err != nil {
		return err
	}
	rows = rows[:0]
	fresh := make([][]any, 0, len(b.events))
	changed := map[place]bool{}
	for i := range b.events {
		e := &b.events[i]
		p, at := e.place(), moment(e.At)
		if last, ok := d.newest(e.Phase); ok && p <= last {
			continue // it was read already
		}
		rows = append(rows, []any{
			int64(p), at, moment(e.Time), kinds[i], e.ID, e.Actor, string(e.Lane), e.Message, e.Link, string(e.Verdict), joinNames(e.Picked),
		})
		all := append(b.terms[i], kindTerm(kinds[i]))
		fresh = append(fresh, []any{int64(p), appendTerms(nil, all)})
		o := d.of(e.Phase)
		o.add(p, all, at)
		changed[o.last.first] = true
	}
	if err := f.w.insert(ctx, eventTable, rows); err != nil {
		return err
	}
	if err := f.w.insert(ctx, freshTable, fresh); err != nil {
		return err
	}
	if err := f.writeBlocks(ctx, d, changed); err != nil {
		return err
	}
	if err := f.writeSteps(ctx, d); err != nil {
		return err
	}
	return f.writePositions(ctx)
}

// writeBlocks writes the blocks that changed.
func (f *feeder) writeBlocks(ctx context.Context, d *directory, changed map[place]bool) error {
	for _, phase := range []event.Phase{event.Before, event.After} {
		for _, b := range slices.Backward(d.of(phase).blocks()) {
			if !changed[b.first] {
				continue
			}
			if err := f.w.exec(ctx, upsertBlock, int64(b.first), int64(b.last), b.lo, b.hi, int64(b.n)); err != nil {
				return fmt.Errorf("writing a block: %w", err)
			}
		}
	}
	return nil
}

// writeSteps writes steps, what they mark, and endings.
func (f *feeder) writeSteps(ctx context.Context, d *directory) error {
	b := &f.batch
	was := [3]span{d.marks, d.steps, d.endings}
	var rows, marks [][]any
	for _, s := range b.steps {
		rows = append(rows, []any{
			int64(s.place), s.feed, int64(s.ref), moment(s.at), s.endpoint, int64(s.attempt), s.outcome, string(s.reason), int64(s.status),
			s.took.Microseconds(), string(s.again),
		})
		d.steps = d.steps.with(int64(s.place))
		if t, ok := s.mark(); ok {
			marks = append(marks, []any{int64(t), int64(s.place)})
			d.marks = d.marks.with(int64(s.place))
		}
	}
	for _, e := range b.ended {
		if e.Kind == gateway.Expired {
			p := placeOf(event.After, e.pos)
			marks = append(marks, []any{int64(newTerm(byOutcome, string(Expired))), int64(p)})
			d.marks = d.marks.with(int64(p))
		}
	}
	ended, pages := endingRows(b.ended)
	if pages != (span{}) {
		d.endings = d.endings.with(pages.lo).with(pages.hi)
	}
	for t, rows := range map[*table][][]any{&stepTable: rows, &markTable: marks, &endingTable: ended} {
		if err := f.w.insert(ctx, *t, rows); err != nil {
			return err
		}
	}
	for i, name := range []string{spanMarks, spanSteps, spanEndings} {
		if s := *d.span(name); s != was[i] {
			if err := f.w.exec(ctx, upsertSpan, name, s.lo, s.hi); err != nil {
				return fmt.Errorf("writing a span: %w", err)
			}
		}
	}
	return nil
}

func (f *feeder) writePositions(ctx context.Context) error {
	state, err := json.Marshal(f.pos)
	if err != nil {
		return fmt.Errorf("writing how far the history is: %w", err)
	}
	if err := f.w.exec(ctx, upsertState, positionsName, string(state)); err != nil {
		return fmt.Errorf("writing how far the history is: %w", err)
	}
	return nil
}

// errNoRoom says that the disk is too full for the history.
var errNoRoom = errors.New("no room for the history")
