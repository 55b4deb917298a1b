package deliver

import (
	"context"
	"errors"
	"fmt"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// maxCountPages bounds what one count reads.
const maxCountPages = 20_000

// Count returns how many events from page from to the end of the journal match
// picks. It reads a bounded number of pages: when complete is false there are at
// least n. Events have their envelope and Raw only. It does not disturb
// deliveries.
func (d *Deliverer) Count(ctx context.Context, match func(*event.Event) bool, from uint64) (n int, complete bool, err error) {
	return d.count(ctx, func(ev *event.Event, _ gateway.Pos) bool { return match(ev) }, gateway.NewPos(from, 0))
}

func (d *Deliverer) count(ctx context.Context, match func(*event.Event, gateway.Pos) bool, from gateway.Pos) (n int, complete bool, err error) {
	_, last, _, err := d.cfg.Journal.Bounds(ctx)
	if err != nil {
		return 0, false, fmt.Errorf("reading the journal's bounds: %w", err)
	}
	seq := from.Seq()
	for range maxCountPages {
		if seq > last {
			return n, true, nil
		}
		page, err := d.cfg.Journal.Page(ctx, seq)
		switch {
		case errors.Is(err, gateway.ErrNoPage):
			return n, true, nil
		case err != nil:
			return n, false, fmt.Errorf("reading page %d: %w", seq, err)
		case page.Seq > last:
			return n, true, nil
		}
		for i, ev := range page.Events {
			if pos := gateway.NewPos(page.Seq, i); pos >= from && match(ev, pos) {
				n++
			}
		}
		seq = page.Seq + 1
	}
	return n, seq > last, nil
}

// Unfinished returns how many events an endpoint (app/name) has not finished: those
// that are open, and those that it has not read and its rule picks. Of a removed
// endpoint, whose rule is not there any more, only the open ones are counted; then,
// as with [Deliverer.Count], complete is false when there may be more. It is an
// error when there is no endpoint of that name.
func (d *Deliverer) Unfinished(ctx context.Context, id string) (n int, complete bool, err error) {
	tail, runners, removed := d.serving()
	for _, r := range runners {
		if r.id != id {
			continue
		}
		r.mu.Lock()
		open, match, from, ahead := r.unfinished(), r.Match, r.readUpTo(tail)+1, r.ahead.taken.walk()
		r.mu.Unlock()
		n, complete, err = d.count(ctx, func(ev *event.Event, pos gateway.Pos) bool { return !ahead.has(pos) && match(ev) }, from)
		return open + n, complete, err
	}
	for _, g := range removed {
		if g.id == id {
			s, _ := d.statusOf(g)
			return s.Open, !s.Unread, nil
		}
	}
	return 0, false, fmt.Errorf("there is no endpoint %s", id)
}
