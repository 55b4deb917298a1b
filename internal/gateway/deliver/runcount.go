package deliver

import (
	"context"
	"errors"
	"fmt"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// CountRun says what a run would do if it were begun now, and delivers nothing. When
// ctx ends before all is counted there are at least as many as it says. The errors
// are those of [Deliverer.Repeat].
func (d *Deliverer) CountRun(ctx context.Context, spec gateway.Run) (gateway.RunCount, error) {
	if err := d.checkRun(spec); err != nil {
		return gateway.RunCount{}, err
	}
	selected, picked, err := d.chosen(spec)
	if err != nil {
		return gateway.RunCount{}, err
	}
	from, end, err := d.span(ctx, spec)
	if err != nil {
		return gateway.RunCount{}, err
	}
	if spec.Kind == event.Requeued {
		return d.countLetters(ctx, spec, end, selected)
	}
	n, err := d.countHistory(ctx, from, end, func(n *gateway.RunCount, ev *event.Event) {
		if !selected(ev) {
			return
		}
		n.Selected++
		takes := picked(ev)
		if takes {
			n.Picked++
		}
		if takes || spec.All {
			n.Sent++
		}
	})
	if err != nil {
		return n, err
	}
	if page, err := d.cfg.Journal.Page(ctx, 0); err == nil {
		n.Begin = page.Time.UTC()
	}
	return n, nil
}

// countHistory looks at every event from page from to page end.
func (d *Deliverer) countHistory(ctx context.Context, from, end uint64, look func(*gateway.RunCount, *event.Event)) (n gateway.RunCount, err error) {
	seq := from
	for seq <= end && ctx.Err() == nil {
		page, err := d.cfg.Journal.Page(ctx, seq)
		switch {
		case errors.Is(err, gateway.ErrNoPage):
			return n, nil
		case err != nil && ctx.Err() != nil:
			n.AtLeast = true
			return n, nil //nolint:nilerr // its time is over: that is no failure
		case err != nil:
			return n, fmt.Errorf("reading page %d: %w", seq, err)
		case page.Seq > end:
			return n, nil
		}
		for _, ev := range page.Events {
			look(&n, ev)
		}
		seq = page.Seq + 1
	}
	n.AtLeast = seq <= end
	return n, nil
}

// countLetters looks at every dead letter of the endpoint.
func (d *Deliverer) countLetters(ctx context.Context, spec gateway.Run, end uint64, selected func(*event.Event) bool) (n gateway.RunCount, err error) {
	for seq := uint64(1); ctx.Err() == nil; {
		l, err := d.cfg.Letters.NextDeadLetter(ctx, seq, spec.Endpoint)
		switch {
		case errors.Is(err, gateway.ErrNoLetter):
			return n, nil
		case err != nil && ctx.Err() != nil:
			n.AtLeast = true
			return n, nil //nolint:nilerr // its time is over: that is no failure
		case err != nil:
			return n, fmt.Errorf("reading dead letters: %w", err)
		case l.Seq > end:
			return n, nil
		}
		if wanted(spec.Selection, &l) && selected(l.Event) {
			n.Selected++
			n.Sent++
		}
		seq = l.Seq + 1
	}
	n.AtLeast = true
	return n, nil
}
