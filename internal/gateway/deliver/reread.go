package deliver

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/imhook/imhook/internal/gateway"
)

// reread reads the events of a load again that were let go to save memory: page
// by page, each once, for those of a batch often lie together. Past the batch's
// bytes it stops, and what is not there is not tried.
func (r *runner) reread(w *worker) {
	let := w.batch.let[:0]
	var bytes int64
	for i := range w.load {
		switch it := &w.load[i].item; {
		case it.letter != nil && it.letter.Event != nil:
		case it.ev == nil:
			let = append(let, i)
		default:
			bytes += int64(len(it.ev.Raw.Body))
		}
	}
	w.batch.let = let
	if len(let) == 0 {
		return
	}
	slices.SortFunc(let, func(a, b int) int { return cmp.Compare(w.load[a].item.pos, w.load[b].item.pos) })
	var page *gateway.Page
	for k, i := range let {
		f := &w.load[i]
		if k > 0 && bytes > w.batch.bytes {
			break
		}
		if page == nil || page.Seq != f.item.pos.Seq() {
			var err error
			seq := f.item.pos.Seq()
			if page, err = r.leaf.get(seq, func() (*gateway.Page, error) { return r.page(seq) }); err != nil {
				for _, i := range let[k:] {
					w.load[i].state, w.load[i].out = tried, r.unread(err)
				}
				break
			}
		}
		ev := eventAt(page, f.item.pos)
		if ev == nil {
			f.state = missing
			continue
		}
		f.item.ev = detach(ev)
		bytes += int64(len(f.item.ev.Raw.Body))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0 // the event's place in its lane
	for i := range w.load {
		f := &w.load[i]
		if n++; i == 0 || w.load[i-1].lane != f.lane {
			n = 0
		}
		if it := &f.lane.queue[n]; it.ev == nil && f.item.ev != nil {
			it.ev = f.item.ev
			r.weigh(it, 1)
		}
	}
}

// page reads a page; one without events when the journal no longer has it.
func (r *runner) page(seq uint64) (*gateway.Page, error) {
	page, err := r.journal.Page(r.ctx, seq)
	switch {
	case errors.Is(err, gateway.ErrNoPage):
		return &gateway.Page{Seq: seq}, nil
	case err != nil:
		return nil, fmt.Errorf("reading page %d: %w", seq, err)
	case page.Seq != seq:
		return &gateway.Page{Seq: seq}, nil
	}
	return page, nil
}

// unread is the outcome of an event that could not be read.
func (r *runner) unread(err error) gateway.Outcome {
	if r.ctx.Err() != nil {
		return gateway.Outcome{Kind: gateway.Retry, Reason: gateway.ReasonCancelled}
	}
	return gateway.Outcome{Kind: gateway.Retry, Reason: gateway.ReasonInternal, Detail: err.Error()}
}
